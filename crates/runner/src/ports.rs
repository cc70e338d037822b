//! Ports for servers that cannot take port 0, and for those that must come
//! back at the same port.
//!
//! The system hands out ephemeral ports to every client that connects, so a
//! port that was free a moment ago may be taken when a server wants it back.
//! Worse, a client that tries again and again to reach a closed ephemeral port
//! on its own machine sooner or later gets that very port as its own and is
//! connected to itself. These ports lie below the ephemeral ones of all
//! systems (Linux begins at 32768, macOS and Windows at 49152).

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use anyhow::{Context, Result};

const FIRST: u16 = 20_000;
const LAST: u16 = 31_998;

/// A port of 127.0.0.1 that nobody else who reserves gets.
///
/// The port above it is kept bound as long as this value lives: that is what
/// other threads and other runners see. It is free again at once when the
/// process is gone, however it ended.
#[derive(Debug)]
pub struct Reserved {
    pub port: u16,
    _guard: UdpSocket,
}

impl Reserved {
    pub fn new() -> Result<Self> {
        // Everybody begins somewhere else, to find a free pair at once.
        let pairs = (LAST - FIRST) / 2 + 1;
        let first = fastrand::u16(0..pairs);
        (0..pairs)
            .map(|step| FIRST + (first + step) % pairs * 2)
            .find_map(Self::try_port)
            .context("no free port between 20000 and 31999")
    }

    fn try_port(port: u16) -> Option<Self> {
        let guard = UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 1)).ok()?;
        // Bound and let go: nobody has connected, so nothing stays behind.
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        Some(Self {
            port,
            _guard: guard,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Reserved;

    #[test]
    fn reserved_ports_differ_and_can_be_bound() {
        let reserved: Vec<Reserved> =
            (0..50).map(|_| Reserved::new().unwrap()).collect();
        let mut ports: Vec<u16> = reserved.iter().map(|one| one.port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 50);
        for port in ports {
            std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        }
    }
}
