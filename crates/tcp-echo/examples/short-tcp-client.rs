//! Calls a server, says Hello! and shows its answer.
//! cargo run --example short-tcp-client [HOST:PORT]
//! Its partner in Python: python/short_tcp_client.py

use std::io::{self, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    // The server is the first argument, or this one.
    let local = "127.0.0.1:6789".to_owned();
    let server = std::env::args().nth(1).unwrap_or(local);
    let mut stream = TcpStream::connect(&server)?;

    println!("Saying to {server}: Hello!");
    stream.write_all(b"Hello!\n")?;

    // Waits until something has come, at most 1024 bytes.
    let mut bytes = [0; 1024];
    let count = stream.read(&mut bytes)?;
    let said = String::from_utf8_lossy(&bytes[..count]);
    println!("{server} said {}", said.trim_end());
    Ok(())
}
