//! Asks for all cats, as text on a TCP connection.
//! cargo run --example short-http-by-hand [HOST:PORT]
//! Its partner in Python: python/short_http_by_hand.py

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let local = "127.0.0.1:8080".to_owned();
    let server = std::env::args().nth(1).unwrap_or(local);
    // What we want, for whom, and that this is all. An
    // empty line ends it.
    let request = [
        "GET /cats HTTP/1.1",
        &format!("Host: {server}"),
        "Connection: close",
        "",
    ];
    let mut stream = TcpStream::connect(&server)?;
    for line in request {
        println!("> {line}");
        write!(stream, "{line}\r\n")?;
    }
    for line in BufReader::new(stream).lines() {
        println!("< {}", line?);
    }
    Ok(())
}
