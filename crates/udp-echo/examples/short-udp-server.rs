//! Answers every datagram that comes, until Ctrl-C.
//! cargo run --example short-udp-server [IP:PORT]
//! Its partner in Python: python/short_udp_server.py

use std::env::args;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Socket, Type};

fn main() -> anyhow::Result<()> {
    let default = "127.0.0.1:6789".into();
    let address = args().nth(1).unwrap_or(default);
    let address: SocketAddr = address.parse()?;

    // Create a datagram socket, and give it an address.
    let (family, kind) = (Domain::IPV4, Type::DGRAM);
    let socket = Socket::new(family, kind, None)?;
    socket.bind(&address.into())?;
    let socket = UdpSocket::from(socket);
    let at = socket.local_addr()?;
    println!("Waiting for a client to call. Address: {at}");

    let mut buffer = [0; 64];
    loop {
        // One call receives one datagram, and who sent it.
        let (length, from) = socket.recv_from(&mut buffer)?;
        let said = str::from_utf8(&buffer[..length])?;
        println!("{from} said {said}");

        // No connection: every datagram needs an address.
        let answer = "Are you talking to me?";
        println!("Answering: {answer}");
        socket.send_to(answer.as_bytes(), from)?;
    }
}
