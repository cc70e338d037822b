// ANCHOR: all
//! Each connection is read as [ZMTP 3](https://rfc.zeromq.org/spec/23/), and
//! only whole messages within [`Limits`] pass on to the socket behind.

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::endpoint::cause;
use crate::whole::{Refused, Whole};

// ANCHOR: limits
/// What one peer, and all of them together, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; the next ones wait in the backlog.
    pub connections: usize,
    /// For the greeting and the command READY.
    pub handshake: Duration,
    /// Bytes of a message, all its parts together.
    pub message: usize,
    /// Parts of a message: even an empty one takes memory.
    pub parts: usize,
    /// For the rest of a message that has begun, and for bytes to a peer
    /// that does not read.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            handshake: Duration::from_secs(5),
            message: 1024 * 1024,
            parts: 100,
            stall: Duration::from_secs(30),
        }
    }
}
// ANCHOR_END: limits

/// What became of the peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// All connections.
    pub peers: usize,
    /// Of these, the ones that broke a rule or a limit.
    pub refused: usize,
    /// Messages that passed on to the socket behind.
    pub messages: u64,
}

impl fmt::Display for Passed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Messages passed: {}, peers: {}, refused: {}",
            self.messages, self.peers, self.refused
        )
    }
}

// ANCHOR: serve
/// Passes on what the peers of `listener` send to the socket at `back`, an
/// address for TCP, until `shutdown` completes. Whoever is refused is told
/// to `refused`, with the peer's address and the reason.
pub async fn serve(
    listener: TcpListener,
    back: String,
    limits: Limits,
    refused: impl Fn(&str, End) + Send + Sync + 'static,
    shutdown: impl Future<Output = ()>,
) -> Passed {
    let mut shutdown = pin!(shutdown);
    let refused = Arc::new(refused);
    let mut connections = JoinSet::new();
    let messages = Arc::new(AtomicU64::new(0));
    let mut passed = Passed::default();
    loop {
        // Not accepting is the limit: the system keeps the others waiting.
        let free = connections.len() < limits.connections.max(1);
        tokio::select! {
            () = &mut shutdown => break,
            stream = accept(&listener), if free => {
                let (back, refused) = (back.clone(), refused.clone());
                let messages = messages.clone();
                connections.spawn(async move {
                    let peer = match stream.peer_addr() {
                        Ok(address) => address.to_string(),
                        Err(_) => "a peer".into(),
                    };
                    let end = guard(stream, &back, limits, &messages).await;
                    let is_refusal = end != End::Closed;
                    if is_refusal {
                        refused(&peer, end);
                    }
                    is_refusal
                });
            }
            Some(end) = connections.join_next() => {
                passed.peers += 1;
                passed.refused += usize::from(end.unwrap_or_default());
            }
        }
    }
    passed.peers += connections.len();
    connections.shutdown().await;
    passed.messages = messages.load(Relaxed);
    passed
}
// ANCHOR_END: serve

/// The next peer. Accepting fails while the process has no file descriptor
/// left, and would fail again at once: without a pause this would take a
/// whole core.
async fn accept(listener: &TcpListener) -> TcpStream {
    let mut pause = Duration::from_millis(10);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!("cannot accept: {error}; again in {pause:?}");
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// One of the two sides has closed it.
    Closed,
    /// The peer broke a rule of the protocol, or a limit.
    Refused(Refused),
    /// The peer ended in the middle of a message.
    CutOff,
    /// The peer took too long.
    Stalled(&'static str),
    /// Nobody is behind the gate.
    NobodyBehind,
    /// The socket behind cannot be reached, for this reason.
    Unreachable(String),
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => out.write_str("it has closed"),
            Self::Refused(why) => why.fmt(out),
            Self::CutOff => out.write_str("it ended within a message"),
            Self::Stalled(what) => write!(out, "{what} took too long"),
            Self::NobodyBehind => {
                out.write_str("nobody is behind the gate; start the server")
            }
            Self::Unreachable(why) => write!(
                out,
                "cannot reach the server behind: {why}; check its endpoint"
            ),
        }
    }
}

// ANCHOR: guard
/// Watches over one connection until it ends.
async fn guard(
    peer: TcpStream,
    back: &str,
    limits: Limits,
    messages: &AtomicU64,
) -> End {
    let mut why = None;
    let reached = timeout(limits.handshake, reach(back, &mut why)).await;
    let Ok(socket) = reached else {
        return why.map_or(End::NobodyBehind, End::Unreachable);
    };
    // Each message is written whole: without this it could wait until the
    // one before is confirmed.
    if peer.set_nodelay(true).is_err() || socket.set_nodelay(true).is_err() {
        return End::Closed;
    }
    let (mut from_peer, mut to_peer) = peer.into_split();
    let (mut from_socket, mut to_socket) = socket.into_split();
    let mut ready = Bytes::new();
    // Whichever direction ends first ends both: to ZeroMQ there is no half
    // of a connection.
    let end = tokio::select! {
        end = inwards(
            &mut from_peer, &mut to_socket, &mut ready, limits, messages
        ) => end,
        end = outwards(&mut from_socket, &mut to_peer, limits) => end,
    };
    drop((from_peer, to_peer));
    // A peer that reads nothing ends `inwards` wherever it stands. What was
    // half written goes to its end: the socket shall see no half messages.
    let _ = timeout(limits.stall, to_socket.write_all_buf(&mut ready)).await;
    end
}

/// Connects to the socket behind. While it is not there its peers wait.
/// `why` tells what is in the way, unless it is just that nobody is there.
async fn reach(back: &str, why: &mut Option<String>) -> TcpStream {
    use std::io::ErrorKind::{ConnectionRefused, TimedOut};
    loop {
        *why = match connect(back).await {
            Ok(stream) => return stream,
            Err(error) => match error.kind() {
                ConnectionRefused | TimedOut => None,
                _ => Some(cause(&error)),
            },
        };
        sleep(Duration::from_millis(50)).await;
    }
}

/// How long one address of the socket behind may take: another one of its
/// name may answer while the first swallows what comes.
const EACH: Duration = Duration::from_secs(3);

async fn connect(back: &str) -> io::Result<TcpStream> {
    let mut why = io::ErrorKind::NotFound.into();
    for address in lookup_host(back).await? {
        match timeout(EACH, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = error,
            Err(late) => why = late.into(),
        }
    }
    Err(why)
}

/// Passes on what is whole; `ready` keeps what is not yet written of it.
async fn inwards(
    peer: &mut (impl AsyncRead + Unpin),
    socket: &mut (impl AsyncWrite + Unpin),
    ready: &mut Bytes,
    limits: Limits,
    messages: &AtomicU64,
) -> End {
    let mut whole = Whole::new(limits.message, limits.parts);
    let mut buffer = BytesMut::with_capacity(4096);
    let handshake = async {
        while !whole.is_greeted() {
            // What comes with the last of it may be the first message.
            *ready = read(peer, &mut whole, &mut buffer).await?;
            write(socket, ready).await?;
        }
        messages.fetch_add(whole.messages(), Relaxed);
        Ok(())
    };
    match timeout(limits.handshake, handshake).await {
        Ok(Ok(())) => {}
        Ok(Err(end)) => return end,
        Err(_) => return End::Stalled("its greeting"),
    }
    let mut deadline = Instant::now() + limits.stall;
    loop {
        let is_within = whole.is_within();
        let before = whole.messages();
        let next = read(peer, &mut whole, &mut buffer);
        // ANCHOR: stall
        let result = if is_within {
            // Each byte for itself may not take so long, nor all of them.
            match timeout_at(deadline, next).await {
                Ok(result) => result,
                Err(_) => return End::Stalled("the rest of its message"),
            }
        } else {
            // Between two messages a peer may be silent for ever.
            next.await
        };
        // ANCHOR_END: stall
        match result {
            Ok(bytes) if is_within && bytes.is_empty() => continue,
            Ok(bytes) => *ready = bytes,
            Err(end) => return end,
        }
        // A socket that is slow to take it costs the peer none of its time.
        if let Err(end) = write(socket, ready).await {
            return end;
        }
        messages.fetch_add(whole.messages() - before, Relaxed);
        deadline = Instant::now() + limits.stall;
    }
}
// ANCHOR_END: guard

/// Reads once, and returns what became whole by it.
async fn read(
    peer: &mut (impl AsyncRead + Unpin),
    whole: &mut Whole,
    buffer: &mut BytesMut,
) -> Result<Bytes, End> {
    match peer.read_buf(buffer).await {
        Ok(0) if whole.is_within() => return Err(End::CutOff),
        Ok(0) | Err(_) => return Err(End::Closed),
        Ok(_) => {}
    }
    whole.take(buffer).map_err(End::Refused)
}

/// Writes all of `ready`. Dropped before that, it leaves there what is not
/// yet written.
async fn write(
    socket: &mut (impl AsyncWrite + Unpin),
    ready: &mut Bytes,
) -> Result<(), End> {
    let written = socket.write_all_buf(ready).await;
    written.map_err(|_| End::Closed)
}

/// What comes from the socket behind is trusted, and only passed on.
async fn outwards(
    socket: &mut (impl AsyncRead + Unpin),
    peer: &mut (impl AsyncWrite + Unpin),
    limits: Limits,
) -> End {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return End::Closed,
            Ok(length) => length,
        };
        match timeout(limits.stall, peer.write_all(&buffer[..length])).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return End::Closed,
            Err(_) => return End::Stalled("reading what it is sent"),
        }
    }
}
// ANCHOR_END: all
