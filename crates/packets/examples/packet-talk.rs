//! Something to capture: the talk of the TCP section, or one datagram, with
//! both sides in one program. So each packet has its turn.
//!
//! cargo run --example packet-talk tcp|udp

use std::env::args;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use anyhow::bail;
use socket2::{Domain, Socket, Type};

/// Where the server is, and from which port the client calls.
const SERVER: ([u8; 4], u16) = ([127, 0, 0, 1], 6789);
const CLIENT: ([u8; 4], u16) = ([127, 0, 0, 1], 50_001);

fn main() -> anyhow::Result<()> {
    match args().nth(1).as_deref() {
        Some("tcp") => tcp()?,
        Some("udp") => udp()?,
        _ => bail!("say which: tcp or udp"),
    }
    Ok(())
}

fn tcp() -> io::Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(SERVER))?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // Else the port would still be taken after an earlier run.
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from(CLIENT).into())?;
    socket.connect(&SocketAddr::from(SERVER).into())?;
    let mut client = TcpStream::from(socket);
    let (mut server, _) = listener.accept()?;

    println!("Saying: Hello!");
    client.write_all(b"Hello!\n")?;
    let mut heard = [0; 7];
    server.read_exact(&mut heard)?;

    println!("Answering: Are you talking to me?");
    server.write_all(b"Are you talking to me?\n")?;
    let mut answer = [0; 23];
    client.read_exact(&mut answer)?;

    // The server closes first, as the one of the TCP section does.
    drop(server);
    let count = client.read_to_end(&mut Vec::new())?;
    println!("Closed after {count} more bytes");
    Ok(())
}

fn udp() -> io::Result<()> {
    let server = UdpSocket::bind(SocketAddr::from(SERVER))?;
    let client = UdpSocket::bind(SocketAddr::from(CLIENT))?;
    println!("Sending: Hello!");
    client.send_to(b"Hello!", SocketAddr::from(SERVER))?;
    let mut bytes = [0; 64];
    let (count, from) = server.recv_from(&mut bytes)?;
    println!("{count} bytes came from {from}");
    Ok(())
}
