//! Asks a name server for the IPv4 addresses of a name.
//! Run: cargo run --example short-dns-query [NAME SERVER]
//! The same in Python: python/short_dns_query.py

use std::io::{self, Read};
use std::{env, net::UdpSocket};

fn main() -> io::Result<()> {
    let arg = |number| env::args().nth(number);
    let name = arg(1).unwrap_or("www.net.example".into());
    let server = arg(2).unwrap_or("127.0.0.1:5300".into());
    // Header: an id (42), flags, one question. Name: labels
    // behind their lengths, a 0. Type A, class internet.
    let mut query = b"42\0\0\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.extend(b"\0\0\x01\0\x01");

    println!("Asking {server} for {name}");
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.send_to(&query, server)?;
    let mut datagram = [0; 512];
    let (length, _) = socket.recv_from(&mut datagram)?;
    let mut answer = &datagram[..length];
    // Header and question come back. A record has 12 bytes,
    // the last of which tells how long its data is.
    answer.read_exact(&mut query)?;
    for _ in 0..query[7] {
        let mut head = [0; 12];
        answer.read_exact(&mut head)?;
        let mut data = vec![0; head[11].into()];
        answer.read_exact(&mut data)?;
        if let (1, [a, b, c, d]) = (head[3], &data[..]) {
            println!("Address: {a}.{b}.{c}.{d}");
        }
    }
    Ok(())
}
