//! The echo server: one socket, any number of clients.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use quinn_udp::RecvMeta;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use crate::LARGEST;
use crate::asked::AskedSocket;

/// How much a server takes on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a datagram; a longer one is not answered.
    pub largest: usize,
    /// Answers that are held back at a time; those beyond are dropped.
    pub held: usize,
}

/// What goes wrong on purpose, as it does by chance in a large network.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Percent of the datagrams that are not answered.
    pub drop: u8,
    /// Percent of the answers that are held back,
    pub late: u8,
    /// and for how long.
    pub delay: Duration,
    /// With a seed: the same datagrams meet the same fate in every run.
    pub chance: fastrand::Rng,
}

/// What became of the datagrams that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub received: u64,
    pub echoed: u64,
    pub dropped: u64,
    pub too_long: u64,
}

/// An answer that is held back.
struct Held {
    due: Instant,
    to: RecvMeta,
    bytes: Vec<u8>,
}

/// Sends every datagram back to where it came from, until `shutdown`
/// completes; answers that are still held back then are forgotten (RFC 862 is
/// this service). Nothing a client does ends it: UDP has no connection that
/// could break, and an error is about one datagram only.
///
/// # Errors
/// The system cannot tell which address a client has asked.
pub async fn serve(
    socket: UdpSocket,
    limits: Limits,
    mut faults: Faults,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Counts> {
    let mut shutdown = pin!(shutdown);
    let mut counts = Counts::default();
    let own = socket.local_addr().ok();
    let socket = AskedSocket::new(socket)?;
    // Every answer is held back for the same time, so the first in is the
    // first out.
    let mut held: VecDeque<Held> = VecDeque::new();
    let mut buffer = vec![0; LARGEST.into()];
    loop {
        let due = held.front().map(|answer| answer.due);
        let came = tokio::select! {
            () = &mut shutdown => return Ok(counts),
            () = at(due) => {
                if let Some(Held { to, bytes, .. }) = held.pop_front() {
                    send(&socket, &to, &bytes, &mut counts).await;
                }
                continue;
            }
            came = socket.receive(&mut buffer) => came,
        };
        let from = match came {
            Ok(from) => from,
            // Windows tells here that an earlier answer met nobody.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                debug!("an answer was not wanted: {error}");
                continue;
            }
            Err(error) => {
                warn!("cannot receive: {error}");
                // If it stays so, do not spin.
                sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let mut rest = &buffer[..from.len];
        // Once at least: a datagram may be empty.
        loop {
            let (bytes, more) = rest.split_at(from.stride.min(rest.len()));
            counts.received += 1;
            // Drawn for each datagram, needed or not: so what happens to the
            // third does not hang on the first two.
            let drop = faults.chance.u8(..100) < faults.drop;
            let late = faults.chance.u8(..100) < faults.late
                && !faults.delay.is_zero();
            let (client, length) = (from.addr, bytes.len());
            if length > limits.largest {
                debug!(%client, "too long");
                counts.too_long += 1;
            } else if own.is_some_and(|own| is_own(client, own)) {
                debug!(%client, "it claims to be this server");
                counts.dropped += 1;
            } else if drop || late && held.len() >= limits.held {
                debug!(%client, length, "dropped");
                counts.dropped += 1;
            } else if late {
                debug!(%client, length, "held back");
                held.push_back(Held {
                    due: Instant::now() + faults.delay,
                    to: from,
                    bytes: bytes.to_vec(),
                });
            } else {
                send(&socket, &from, bytes, &mut counts).await;
            }
            if more.is_empty() {
                break;
            }
            rest = more;
        }
    }
}

/// Whether a datagram claims to come from this server. The answer to one
/// would come back to be answered, for ever: a sender's address can be
/// forged, and one datagram would be enough.
fn is_own(client: SocketAddr, own: SocketAddr) -> bool {
    client.port() == own.port()
        && (client.ip() == own.ip()
            // Bound to all addresses, it has every one of this machine's.
            || own.ip().is_unspecified()
                && std::net::UdpSocket::bind((client.ip(), 0)).is_ok())
}

async fn send(
    socket: &AskedSocket,
    to: &RecvMeta,
    bytes: &[u8],
    counts: &mut Counts,
) {
    let client = to.addr;
    match socket.answer(to, bytes).await {
        Ok(()) => {
            debug!(%client, length = bytes.len(), "echoed");
            counts.echoed += 1;
        }
        // Port 0, an unreachable network: a sender's address can be forged.
        Err(error) => {
            debug!(%client, "cannot answer: {error}");
            counts.dropped += 1;
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}
