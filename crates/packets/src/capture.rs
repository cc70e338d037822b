//! A socket that sees each packet of an interface (packet(7)). Linux only.

use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{LinkAddr, bind, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};

use crate::files::LONGEST_PACKET;

/// All protocols, in the order of bytes that the network has.
const ETH_P_ALL: u16 = 3_u16.to_be();
/// What a packet is to this machine when it sent the packet itself.
const PACKET_OUTGOING: u8 = 4;
/// Kinds of interfaces whose packets begin with an Ethernet header.
const ARPHRD_ETHER: u16 = 1;
const ARPHRD_LOOPBACK: u16 = 772;

pub struct Capture {
    socket: Socket,
    loopback: bool,
    buffer: Vec<u8>,
}

impl Capture {
    // ANCHOR: open
    /// Opens an interface, such as `lo`.
    ///
    /// # Errors
    /// `PermissionDenied` without the right to capture; `NotFound` if there is
    /// no such interface, with those that there are; `Unsupported` if its
    /// packets do not begin with an Ethernet header.
    pub fn open(interface: &str) -> io::Result<Self> {
        let protocol = Protocol::from(i32::from(ETH_P_ALL));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol))?;
        let (address, flags) = find(interface)?;
        // Else it would see the packets of all interfaces.
        bind(socket.as_raw_fd(), &address)?;
        Ok(Self {
            socket,
            loopback: flags.contains(InterfaceFlags::IFF_LOOPBACK),
            buffer: vec![0; LONGEST_PACKET],
        })
    }
    // ANCHOR_END: open

    // ANCHOR: next
    /// The next packet; `None` if none came before `until`.
    ///
    /// # Errors
    /// Those of the socket, as when the interface goes down.
    pub fn next(&mut self, until: Instant) -> io::Result<Option<&[u8]>> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // A time of less than a microsecond would mean for ever.
            let left = left.max(Duration::from_micros(1));
            self.socket.set_read_timeout(Some(left))?;
            let came = recvfrom(self.socket.as_raw_fd(), &mut self.buffer);
            let (length, from) = match came {
                Ok((length, from)) => (length, from),
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            // What goes out of loopback comes in again, so it is seen twice.
            let kind = from.map(|from: LinkAddr| from.pkttype());
            if !(self.loopback && kind == Some(PACKET_OUTGOING)) {
                return Ok(Some(&self.buffer[..length]));
            }
        }
    }
    // ANCHOR_END: next
}

fn find(wanted: &str) -> io::Result<(LinkAddr, InterfaceFlags)> {
    let mut known = Vec::new();
    for interface in getifaddrs()? {
        let address = interface.address.as_ref();
        let Some(link) = address.and_then(|address| address.as_link_addr())
        else {
            continue; // It is listed once for each kind of address.
        };
        if interface.interface_name != wanted {
            known.push(interface.interface_name);
        } else if matches!(link.hatype(), ARPHRD_ETHER | ARPHRD_LOOPBACK) {
            return Ok((*link, interface.flags));
        } else {
            let why = "its packets have no Ethernet header; take another one";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
    }
    let text = format!("there are {}", known.join(", "));
    Err(io::Error::new(io::ErrorKind::NotFound, text))
}

/// An error of `Capture` in a line for a person, with what to do.
pub fn refused(interface: &str, error: &io::Error) -> anyhow::Error {
    let what = format!("cannot capture on {interface}");
    match error.kind() {
        io::ErrorKind::PermissionDenied => anyhow!(
            "{what}: this needs root or CAP_NET_RAW; run it by sudo, or on a \
             loopback of your own, by 'unshare --user --map-root-user --net'"
        ),
        io::ErrorKind::NotFound => {
            anyhow!("{what}: no such interface; {error}")
        }
        io::ErrorKind::NetworkDown => {
            anyhow!("{what}: it is down; run 'ip link set {interface} up'")
        }
        _ => anyhow!("{what}: {error}"),
    }
}
