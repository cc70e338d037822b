//! Answers each client that calls, one after the other.
//! cargo run --example short-tcp-server [HOST:PORT]
//! Its partner in Python: python/short_tcp_server.py

use std::io::{self, Read, Write};
use std::net::TcpListener;

fn main() -> io::Result<()> {
    // The address is the first argument, or this one.
    let local = "127.0.0.1:6789".to_owned();
    let address = std::env::args().nth(1).unwrap_or(local);
    let listener = TcpListener::bind(address)?;
    let own = listener.local_addr()?;
    println!("Waiting for clients to call. Address: {own}");

    loop {
        // A stream for this client; the listener goes on.
        let (mut stream, client) = listener.accept()?;
        // What has come by now, at most 1024 bytes of it.
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes)?;
        let said = String::from_utf8_lossy(&bytes[..count]);
        println!("{client} said {}", said.trim_end());

        println!("Answering: Are you talking to me?");
        stream.write_all(b"Are you talking to me?\n")?;
        // Here the stream is dropped, and so it is closed.
    }
}
