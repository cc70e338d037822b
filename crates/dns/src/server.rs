// ANCHOR: all
//! The server around the lookup: UDP and TCP at one address.

use std::future::pending;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::anyhow;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::answer::{Transport, reply};
use crate::zone::Zone;

/// Bytes of the longest question by UDP; what is longer cannot be read.
const LARGEST_QUESTION: usize = 1232;
/// How long a TCP client may be silent, and how long an answer may take to be
/// sent (RFC 7766 section 6.2.3).
const IDLE: Duration = Duration::from_secs(10);
/// TCP clients at a time. Those beyond wait until one has gone.
const CLIENTS: usize = 128;
/// How often a free port is tried that must be free for UDP and TCP.
const TRIES: u32 = 20;

/// Zones, and the sockets at which they are served.
pub struct Server {
    zones: Arc<[Zone]>,
    udp: UdpSocket,
    options: UdpSocketState,
    tcp: TcpListener,
    /// How many questions have come.
    asked: Arc<AtomicU64>,
}

impl Server {
    /// Binds both sockets to one address; port 0 takes any port.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn bind(
        zones: Vec<Zone>,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let failed = |error: io::Error| {
            anyhow!("cannot serve at {address}: {}", explain(&error))
        };
        let (udp, tcp) = both(address).await.map_err(failed)?;
        // From here on each datagram comes with the address it was sent to.
        let options = UdpSocketState::new((&udp).into()).map_err(failed)?;
        let zones = zones.into();
        Ok(Self {
            zones,
            udp,
            options,
            tcp,
            asked: Arc::default(),
        })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    /// Answers until `shutdown` completes, or nobody has asked for `idle`.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()>,
        idle: Option<Duration>,
    ) {
        tokio::select! {
            () = shutdown => {}
            () = until_idle(idle, &self.asked) => {}
            () = self.answer_datagrams() => {}
            () = self.answer_streams() => {}
        }
    }

    async fn answer_datagrams(&self) {
        let (socket, options) = (&self.udp, &self.options);
        // The system may hand over several datagrams of one client in one
        // buffer.
        let room = LARGEST_QUESTION * options.gro_segments();
        let mut memory = vec![0; room * BATCH_SIZE];
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            let received = socket
                .async_io(Interest::READABLE, || {
                    let mut buffers: Vec<IoSliceMut> =
                        memory.chunks_mut(room).map(IoSliceMut::new).collect();
                    options.recv(socket.into(), &mut buffers, &mut metas)
                })
                .await;
            let count = match received {
                Ok(count) => count,
                // Windows tells here that an earlier answer met nobody.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
                Err(error) => {
                    warn!("cannot receive: {error}");
                    // If it stays so, do not spin.
                    sleep(Duration::from_millis(10)).await;
                    0
                }
            };
            for (meta, buffer) in
                metas.iter().zip(memory.chunks(room)).take(count)
            {
                let datagrams = buffer[..meta.len].chunks(meta.stride.max(1));
                for query in datagrams {
                    self.asked.fetch_add(1, Relaxed);
                    self.answer_datagram(meta, query).await;
                }
            }
        }
    }

    // ANCHOR: datagram
    async fn answer_datagram(&self, meta: &RecvMeta, query: &[u8]) {
        let Some(answer) = reply(&self.zones, query, Transport::Udp) else {
            debug!(client = %meta.addr, "not answered");
            return;
        };
        let transmit = Transmit {
            destination: meta.addr,
            // From the address that was asked, even if the socket is bound
            // to all: else the client takes it for a stranger's.
            src_ip: meta.dst_ip,
            contents: &answer,
            segment_size: None,
            ecn: None,
        };
        let send = || self.options.try_send((&self.udp).into(), &transmit);
        // A sender's address can be forged, and a network be unreachable.
        if let Err(error) = self.udp.async_io(Interest::WRITABLE, send).await {
            debug!(client = %meta.addr, "cannot answer: {error}");
        }
    }
    // ANCHOR_END: datagram

    async fn answer_streams(&self) {
        let places = Arc::new(Semaphore::new(CLIENTS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            match self.tcp.accept().await {
                Ok((stream, client)) => {
                    let zones = self.zones.clone();
                    let asked = self.asked.clone();
                    tokio::spawn(async move {
                        let end = answer_stream(stream, &zones, &asked).await;
                        debug!(%client, ?end, "gone");
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!("cannot accept: {error}");
                    sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }
}

async fn until_idle(limit: Option<Duration>, asked: &AtomicU64) {
    let Some(limit) = limit else {
        return pending().await;
    };
    let mut before = 0;
    loop {
        sleep(limit).await;
        let now = asked.load(Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

async fn both(address: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = 0;
    loop {
        let udp = UdpSocket::bind(address).await?;
        tries += 1;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error)
                if address.port() != 0
                    || error.kind() != ErrorKind::AddrInUse
                    || tries == TRIES =>
            {
                return Err(error);
            }
            Err(_) => {}
        }
    }
}

/// Any number of questions, each behind its length (RFC 1035 section 4.2.2).
async fn answer_stream(
    mut stream: TcpStream,
    zones: &[Zone],
    asked: &AtomicU64,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let question = async {
            let length = stream.read_u16().await?;
            let mut query = vec![0; length.into()];
            stream.read_exact(&mut query).await?;
            Ok::<_, io::Error>(query)
        };
        let query = timeout(IDLE, question).await??;
        asked.fetch_add(1, Relaxed);
        let Some(answer) = reply(zones, &query, Transport::Tcp) else {
            return Ok(());
        };
        let length = answer.len() as u16;
        let framed = [&length.to_be_bytes()[..], &answer].concat();
        timeout(IDLE, stream.write_all(&framed)).await??;
    }
}

/// Says why something failed and what to do, for a person.
pub fn explain(error: &io::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "stop who has it, or give another address",
        ErrorKind::AddrNotAvailable => "give an address of this machine",
        ErrorKind::PermissionDenied => {
            "a port below 1024 takes special rights; give another"
        }
        _ => return error.to_string(),
    };
    format!("{}; {advice}", error.kind())
}
// ANCHOR_END: all
