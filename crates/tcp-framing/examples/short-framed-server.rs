//! Reads whole messages and answers each, until Ctrl-C.
//! cargo run --example short-framed-server [HOST:PORT]
//! Its partner in Python: python/short_framed_server.py

use std::env;
use std::io::{Read, Write};
use std::net::TcpListener;

fn main() -> anyhow::Result<()> {
    let default = "127.0.0.1:6789".into();
    let address = env::args().nth(1).unwrap_or(default);
    let listener = TcpListener::bind(address)?;
    let bound = listener.local_addr()?;
    let way = "length prefix";
    println!("Waiting for clients at {bound}, {way}");

    loop {
        let (mut client, peer) = listener.accept()?;
        // Four bytes say how long the message is ...
        let mut prefix = [0; 4];
        while client.read_exact(&mut prefix).is_ok() {
            let length = u32::from_be_bytes(prefix);

            // ... and that many bytes are the message.
            let mut message = vec![0; length as usize];
            client.read_exact(&mut message)?;
            let message = String::from_utf8(message)?;
            println!("{peer} says: {message}");

            let answer = "Are you talking to me?";
            println!("Answer: {answer}");
            let text = answer.as_bytes();
            let prefix = (text.len() as u32).to_be_bytes();
            client.write_all(&[&prefix, text].concat())?;
        }
    }
}
