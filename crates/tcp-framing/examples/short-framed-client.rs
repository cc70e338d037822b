//! Sends whole messages and shows the answer to each.
//! cargo run --example short-framed-client [HOST:PORT]
//! Its partner in Python: python/short_framed_client.py

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;

fn main() -> anyhow::Result<()> {
    let default = "127.0.0.1:6789".into();
    let address = env::args().nth(1).unwrap_or(default);
    let mut server = TcpStream::connect(&address)?;

    for message in ["Hello!", "Hello again!"] {
        println!("Send: {message}");
        // A frame: first the length, then the message.
        let text = message.as_bytes();
        let prefix = (text.len() as u32).to_be_bytes();
        server.write_all(&[&prefix, text].concat())?;

        // The answer comes in the same way.
        let mut prefix = [0; 4];
        server.read_exact(&mut prefix)?;
        let length = u32::from_be_bytes(prefix);
        let mut answer = vec![0; length as usize];
        server.read_exact(&mut answer)?;
        let answer = String::from_utf8(answer)?;
        println!("{address} says: {answer}");
    }
    Ok(())
}
