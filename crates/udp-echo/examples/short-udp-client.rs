//! Sends one datagram and waits for the answer.
//! cargo run --example short-udp-client [IP:PORT] [TEXT]
//! Its partner in Python: python/short_udp_client.py

use std::env::args;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Socket, Type};

fn main() -> anyhow::Result<()> {
    let default = "127.0.0.1:6789".into();
    let address = args().nth(1).unwrap_or(default);
    let server: SocketAddr = address.parse()?;
    let text = args().nth(2).unwrap_or("Hello!".into());

    // Create. The first datagram takes a free port.
    let (family, kind) = (Domain::IPV4, Type::DGRAM);
    let socket = Socket::new(family, kind, None)?;
    let socket = UdpSocket::from(socket);

    // Send. Nothing tells whether it arrives.
    println!("Sending {text} to {server}");
    socket.send_to(text.as_bytes(), server)?;

    // Receive. This waits until a datagram comes.
    let mut buffer = [0; 64];
    let (length, from) = socket.recv_from(&mut buffer)?;
    let said = str::from_utf8(&buffer[..length])?;
    println!("{from} said {said}");
    Ok(())
}
