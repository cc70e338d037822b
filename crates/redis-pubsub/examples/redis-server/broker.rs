//! What a broker does: it keeps a table of who listens to what, and hands
//! each message to everyone in the row. It stores no message: who is not in
//! the table at that moment never hears it (at-most-once).
//!
//! The listener and the shutdown future come from the caller, so that one
//! function serves the program and its tests.

mod client;
mod commands;
mod glob;
mod inline;
mod outbox;
mod reply;
mod request;

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use client::Client;
use outbox::{FRAMES_PER_WRITE, Outbox};
use reply::{EncodeError, Message, Reply};

// ANCHOR: limits
/// Everything a client can make the server spend has a limit, and nothing
/// is taken because a client merely announced it.
pub struct Limits {
    /// Clients at a time; one more is refused and closed.
    pub clients: usize,
    /// Bytes of all the strings of one command.
    pub command: usize,
    /// Strings in one command.
    pub arguments: usize,
    /// Bytes of a line: an inline command, or the length before a string.
    pub line: usize,
    /// Bytes waiting for a client that does not read; past it, it is closed.
    pub waiting: usize,
    /// Channels and patterns of one client together.
    pub subscriptions: usize,
    /// Patterns of one client: each message is compared with every pattern.
    pub patterns: usize,
    /// Bytes of a channel's name or of a pattern.
    pub name: usize,
    /// How long a client that is being closed may take to read why.
    pub farewell: Duration,
    /// The server ends this long after its last client; `None`: never.
    pub idle: Option<Duration>,
    /// Asked of every client before anything else, if set.
    pub password: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 4096,
            command: 1024 * 1024,
            arguments: 16 * 1024,
            line: 64 * 1024,
            waiting: 8 * 1024 * 1024,
            subscriptions: 1024,
            patterns: 32,
            name: 128,
            farewell: Duration::from_secs(1),
            idle: None,
            password: None,
        }
    }
}
// ANCHOR_END: limits

/// Serves every client of `listener` until `shutdown` completes, or until
/// the server has been without clients for `limits.idle`. All clients are
/// closed when it returns.
pub async fn serve(
    listener: TcpListener,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let limits = Arc::new(limits);
    let broker = Arc::new(Mutex::new(Broker::default()));
    let mut shutdown = pin!(shutdown);
    let mut clients = JoinSet::new();
    let mut last_id = 0;

    loop {
        let idle = limits.idle.filter(|_| clients.is_empty());
        tokio::select! {
            // In this order: a place that is given up counts as free for
            // the next client, and a client that has just come is served
            // even when the idle time is over at the same moment.
            biased;
            () = &mut shutdown => break,
            Some(_) = clients.join_next() => {}
            stream = accept(&listener) => {
                if clients.len() >= limits.clients {
                    refuse(stream);
                    continue;
                }
                last_id += 1;
                let client =
                    Client::new(last_id, broker.clone(), limits.clone());
                clients.spawn(client.serve(stream));
            }
            () = sleep(idle.unwrap_or_default()), if idle.is_some() => break,
        }
    }
    clients.shutdown().await;
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

/// Tells a client that the server is full. A new socket's send buffer has
/// room for one line; if not, the closed connection says it too.
fn refuse(stream: TcpStream) {
    tracing::warn!("refused a client: as many as allowed are here");
    if let Ok(mut stream) = stream.into_std() {
        let reply = b"-ERR max number of clients reached\r\n";
        let _ = io::Write::write(&mut stream, reply);
    }
}

// ANCHOR: broker
/// Who listens to what. A client may be in both tables, and then hears a
/// message twice, as in Redis.
#[derive(Default)]
pub struct Broker {
    channels: Subscriptions,
    patterns: Subscriptions,
}

/// A name, and the outboxes of the clients that asked for it.
pub type Subscriptions = BTreeMap<Bytes, BTreeMap<ClientId, Arc<Outbox>>>;
pub type ClientId = i64;

impl Broker {
    /// Hands `payload` to everyone who listens, and returns to how many:
    /// not who received it, only in whose outbox it was laid. Who is to be
    /// woken when the publisher has said all comes into `later`.
    pub fn publish(
        &self,
        channel: &Bytes,
        payload: &Bytes,
        later: &mut Vec<Arc<Outbox>>,
    ) -> Result<usize, EncodeError> {
        let mut receivers = 0;
        if let Some(listeners) = self.channels.get(channel) {
            let reply = Reply::push("message", [channel, payload]);
            receivers += fan_out(listeners, reply, later)?;
        }
        for (pattern, listeners) in &self.patterns {
            if glob::matches(pattern, channel) {
                let parts = [pattern, channel, payload];
                let reply = Reply::push("pmessage", parts);
                receivers += fan_out(listeners, reply, later)?;
            }
        }
        Ok(receivers)
    }
}

/// One message to many. It is encoded once (for each protocol version that
/// somebody speaks) and shared: a thousand listeners hold one copy. Nothing
/// here waits, so one slow listener holds up neither the publisher nor the
/// other listeners.
///
/// A listener is woken when there is enough for a whole write. Woken at each
/// message, a thousand of them would make a system call for each, where one
/// for many does.
fn fan_out(
    listeners: &BTreeMap<ClientId, Arc<Outbox>>,
    reply: Reply,
    later: &mut Vec<Arc<Outbox>>,
) -> Result<usize, EncodeError> {
    let mut message = Message::new(reply);
    for outbox in listeners.values() {
        match outbox.send(&mut message)? {
            1 => later.push(outbox.clone()),
            FRAMES_PER_WRITE => outbox.wake(),
            _ => {}
        }
    }
    Ok(listeners.len())
}
// ANCHOR_END: broker

/// What a name's subscribers are looked up in.
#[derive(Clone, Copy)]
pub enum Kind {
    Channel,
    Pattern,
}

impl Broker {
    pub fn table(&self, kind: Kind) -> &Subscriptions {
        match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
        }
    }

    fn table_mut(&mut self, kind: Kind) -> &mut Subscriptions {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
        }
    }

    pub fn subscribe(
        &mut self,
        kind: Kind,
        name: Bytes,
        id: ClientId,
        outbox: Arc<Outbox>,
    ) {
        let listeners = self.table_mut(kind).entry(name).or_default();
        listeners.insert(id, outbox);
    }

    pub fn unsubscribe(&mut self, kind: Kind, name: &Bytes, id: ClientId) {
        let table = self.table_mut(kind);
        if let Some(listeners) = table.get_mut(name) {
            listeners.remove(&id);
            // An empty row would stay for ever: names are the clients' to
            // invent.
            if listeners.is_empty() {
                table.remove(name);
            }
        }
    }
}

/// Locks, for a moment and never across an `await`. A panic in another
/// client's task is no reason to fail here: the tables stay usable.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
