//! A socket that knows which of its addresses a client has asked.

use std::io::{self, IoSliceMut};
use std::slice::from_mut;

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

// ANCHOR: asked
/// Bound to all addresses, a plain socket answers from the one that the
/// system picks. This one asks the system with every datagram where it was
/// sent to (IP_PKTINFO, IPV6_RECVPKTINFO), and answers from there.
pub struct AskedSocket {
    socket: UdpSocket,
    state: UdpSocketState,
}

impl AskedSocket {
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }

    /// What has come into the buffer, and from where. It may be several
    /// datagrams of one client, each `stride` bytes long but the last.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<RecvMeta> {
        let mut meta = RecvMeta::default();
        let receive = || {
            let mut buffers = [IoSliceMut::new(buffer)];
            let metas = from_mut(&mut meta);
            self.state.recv((&self.socket).into(), &mut buffers, metas)
        };
        self.socket.async_io(Interest::READABLE, receive).await?;
        Ok(meta)
    }

    /// Answers what came, from the address that was asked.
    pub async fn answer(&self, to: &RecvMeta, bytes: &[u8]) -> io::Result<()> {
        let transmit = Transmit {
            destination: to.addr,
            src_ip: to.dst_ip,
            contents: bytes,
            segment_size: None,
            ecn: None,
        };
        let send = || self.state.try_send((&self.socket).into(), &transmit);
        self.socket.async_io(Interest::WRITABLE, send).await
    }
}
// ANCHOR_END: asked
