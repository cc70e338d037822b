//! What a broker does: it takes messages from those who publish, lays them
//! into queues, hands them out to those who consume, and keeps each until
//! somebody has said that its work is done.
//!
//! The listener and the shutdown future come from the caller, so that one
//! function serves the program and its tests.

mod bindings;
mod channels;
mod connection;
mod dead_letters;
mod frames;
mod outbox;
mod queues;
mod unacked;

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use bindings::Exchange;
use channels::Channel;
use connection::Guest;
use frames::{Failure, refuse};
use outbox::Outbox;
use queues::Queue;

// ANCHOR: limits
/// Everything that a client can make the server spend has a limit, and nothing
/// is taken because a client merely announced it.
pub struct Limits {
    /// Connections at a time; one more is closed at once.
    pub connections: usize,
    /// Of all connections together.
    pub channels: usize,
    pub queues: usize,
    pub exchanges: usize,
    pub bindings: usize,
    pub consumers: usize,
    /// Messages that wait in one queue.
    pub length: usize,
    /// Bytes of one message's body.
    pub message: usize,
    /// Bytes of all messages that are waiting, unacknowledged or on their way.
    pub memory: usize,
    /// Bytes that wait for a client that does not read, before its messages
    /// stay in their queues, and it is not read from.
    pub outbox: usize,
    /// How long a connection may take until it is open.
    pub handshake: Duration,
    /// How long a client may take to read why its connection ends.
    pub farewell: Duration,
    /// The server ends this long after its last client; `None`: never.
    pub idle: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            channels: 4096,
            queues: 1000,
            exchanges: 1000,
            bindings: 10_000,
            consumers: 10_000,
            length: 200_000,
            message: 1024 * 1024,
            memory: 128 * 1024 * 1024,
            outbox: 256 * 1024,
            handshake: Duration::from_secs(10),
            farewell: Duration::from_secs(2),
            idle: None,
        }
    }
}
// ANCHOR_END: limits

/// Serves every client of `listener` until `shutdown` completes, or until
/// the server has been without clients for `limits.idle`. All connections are
/// closed when it returns, and all messages are gone.
pub async fn serve(
    listener: TcpListener,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let limits = Arc::new(limits);
    let broker = Arc::new(Mutex::new(Broker::new(limits.clone())));
    let mut shutdown = pin!(shutdown);
    let mut guests = JoinSet::new();
    let mut last_id = 0;
    loop {
        let idle = limits.idle.filter(|_| guests.is_empty());
        tokio::select! {
            // In this order: a place that is given up counts as free for
            // the next client, and a client that has just come is served
            // even when the idle time is over at the same moment.
            biased;
            () = &mut shutdown => break,
            Some(_) = guests.join_next() => {}
            stream = accept(&listener) => {
                if guests.len() >= limits.connections {
                    tracing::warn!("refused a client: too many are here");
                    continue;
                }
                last_id += 1;
                tracing::info!("client {last_id} came");
                let guest = Guest {
                    id: last_id,
                    broker: broker.clone(),
                    limits: limits.clone(),
                };
                guests.spawn(guest.serve(stream));
            }
            () = sleep(idle.unwrap_or_default()), if idle.is_some() => break,
        }
    }
    guests.shutdown().await;
    Ok(())
}

/// The next client. Accepting fails while the process is out of file
/// descriptors. The connection stays in the backlog meanwhile, so trying
/// again at once would spin: pause, longer each time.
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

/// Locks, for a moment and never across an `await`. A panic in another
/// client's task is no reason to fail here: the tables stay usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// ANCHOR: broker
/// All that there is, and it is in memory.
struct Broker {
    limits: Arc<Limits>,
    connections: BTreeMap<ConnectionId, Connection>,
    exchanges: BTreeMap<Name, Exchange>,
    queues: BTreeMap<Name, Queue>,
    /// Bytes that all messages take together.
    used: Arc<AtomicUsize>,
    last_id: u64,
}

/// A client that is here.
struct Connection {
    outbox: Arc<Outbox>,
    frame_max: usize,
    /// Whether it wants to know that a queue went away under its consumer.
    hears_cancel: bool,
    channels: BTreeMap<u16, Channel>,
}

/// A message, once, in however many queues it waits.
struct Message {
    exchange: Name,
    key: Name,
    /// Size and properties, as they came.
    header: Vec<u8>,
    body: Arc<Body>,
    _share: Share,
}

struct Body {
    bytes: Vec<u8>,
    share: Share,
}
// ANCHOR_END: broker

type ConnectionId = u64;
/// Of a queue, an exchange, a routing key or a consumer; 255 bytes at most,
/// as there is one byte for its length.
type Name = Arc<str>;

/// A channel of a connection.
#[derive(Clone, Copy, PartialEq)]
struct At {
    connection: ConnectionId,
    channel: u16,
}

/// A part of the memory, given back when it is dropped.
struct Share {
    used: Arc<AtomicUsize>,
    bytes: usize,
}

impl Share {
    fn new(used: &Arc<AtomicUsize>, bytes: usize) -> Self {
        let used = used.clone();
        used.fetch_add(bytes, SeqCst);
        Self { used, bytes }
    }

    fn grow(&mut self, bytes: usize) {
        self.used.fetch_add(bytes, SeqCst);
        self.bytes += bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, SeqCst);
    }
}

impl Broker {
    fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            connections: BTreeMap::new(),
            exchanges: Exchange::predeclared(),
            queues: BTreeMap::new(),
            used: Arc::default(),
            last_id: 0,
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Has the client told: a method, by its numbers, and its fields.
    fn send(&self, at: At, class: u16, number: u16, rest: &[u8]) {
        if let Some(connection) = self.connections.get(&at.connection) {
            let method = frames::method(at.channel, class, number, rest);
            connection.outbox.push(&method);
        }
    }

    /// RabbitMQ would stop reading from those who publish until there is room
    /// again. The stand-in closes their connections.
    fn check_memory(&self) -> Result<(), Failure> {
        if self.used.load(SeqCst) > self.limits.memory {
            return refuse(506, "all messages together take too much memory");
        }
        Ok(())
    }

    /// However a client went: what it did not acknowledge goes back, and its
    /// exclusive queues go away with it.
    fn disconnect(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let channels: Vec<u16> = connection.channels.keys().copied().collect();
        for channel in channels {
            let connection = id;
            self.leave_channel(At {
                connection,
                channel,
            });
        }
        self.connections.remove(&id);
        let owned = |queue: &Queue| queue.owner == Some(id);
        for name in self.queues_that(owned) {
            self.remove_queue(&name);
        }
    }

    /// The client has read: on with what it consumes.
    fn refill(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let consumers = connection.channels.values();
        let names: Vec<Name> = consumers
            .flat_map(|channel| channel.consumers.values())
            .map(|consumer| consumer.queue.clone())
            .collect();
        names.iter().for_each(|name| self.deliver(name));
    }
}

/// At most this many of something, of which there are `now`.
fn check_limit(now: usize, most: usize, what: &str) -> Result<(), Failure> {
    if now >= most {
        return refuse(506, format_args!("at most {most} {what}"));
    }
    Ok(())
}
