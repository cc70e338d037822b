//! Listens, lets clients in, and ends them. What they share is the store; its
//! streams are in stream.rs, and that is where to start reading.
//!
//! The listener and the shutdown future come from the caller, so that one
//! function serves the program and its tests.

mod client;
mod commands;
mod id;
mod reply;
mod request;
mod store;
mod stream;

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use client::Client;
use store::Store;

// ANCHOR: limits
/// Everything a client can make the server spend has a limit, and nothing
/// is taken because a client merely announced it.
#[derive(Clone)]
pub struct Limits {
    /// Clients at a time; one more is refused and closed.
    pub clients: usize,
    /// Bytes of all the strings of one command.
    pub command: usize,
    /// Strings in one command.
    pub arguments: usize,
    /// Bytes of a line: an inline command, or the length before a string.
    pub line: usize,
    /// Bytes of all entries, names and pending deliveries together. Past it,
    /// nothing more is added and nothing more delivered.
    pub memory: usize,
    /// Bytes of one reply; a longer one is an error.
    pub reply: usize,
    /// How long a client may take to read what it was sent.
    pub reading: Duration,
    /// The server ends this long after its last client; `None`: never.
    pub idle: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 500,
            command: 1024 * 1024,
            arguments: 1024,
            line: 64 * 1024,
            memory: 128 * 1024 * 1024,
            reply: 16 * 1024 * 1024,
            reading: Duration::from_secs(10),
            idle: None,
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
) {
    let store = Arc::new(Mutex::new(Store::new(limits.memory)));
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
                    Client::new(last_id, store.clone(), limits.clone());
                clients.spawn(client.serve(stream));
            }
            () = sleep(idle.unwrap_or_default()), if idle.is_some() => break,
        }
    }
    clients.shutdown().await;
}

/// The next client. Accepting fails while the process is out of file
/// descriptors. The connection stays in the backlog meanwhile, so trying
/// again at once would spin: pause, longer each time.
async fn accept(listener: &TcpListener) -> TcpStream {
    let mut pause = Duration::from_millis(10);
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Tells a client that the server is full. A new socket's send buffer has
/// room for one line; if not, the closed connection says it too.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let reply = b"-ERR max number of clients reached\r\n";
        let _ = io::Write::write(&mut stream, reply);
    }
}

/// Locks, for a moment and never across an `await`. A panic in another
/// client's task is no reason to fail here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
