// ANCHOR: all
//! What stands between clients and servers: [`pass`] hands each request of a
//! ROUTER to one of the servers of a DEALER, and each reply to its client.
//!
//! The library has a function for this, `zeromq::proxy`. It ends with the
//! first error, and it is an error that a client has gone before its reply,
//! or that a request came before the first server.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::time::timeout;
use zeromq::util::PeerIdentity;
use zeromq::{DealerSocket, Endpoint, RouterSocket, ZmqMessage};
use zeromq::{Socket, SocketEvent, SocketRecv, SocketSend, ZmqError};

use crate::printable;

/// A connection that breaks is an error once. One that broke in the middle
/// of a message is an error again and again, without end.
const ERRORS: usize = 1000;

// ANCHOR: pass
/// Passes requests and replies on until `shutdown` completes. Up to `queue`
/// requests wait while no server is there; what comes then is dropped. The
/// sockets are bound already, and still open when this returns. Made for a
/// current-thread runtime: it takes a send that does not complete at once
/// for a queue that is full.
pub async fn pass(
    front: &mut RouterSocket,
    back: &mut DealerSocket,
    queue: usize,
    shutdown: impl Future<Output = ()>,
) -> Passed {
    let mut shutdown = pin!(shutdown);
    let mut clients = front.monitor();
    let mut servers = back.monitor();
    let mut broker = Broker {
        front,
        back,
        queue,
        waiting: VecDeque::new(),
        servers: HashMap::new(),
        errors: 0,
        passed: Passed::default(),
    };
    loop {
        // Who has gone must be known before the next message is looked at.
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(event) = clients.next() => broker.client(event),
            Some(event) = servers.next() => broker.server(event),
            message = receive(broker.front, broker.back) => match message {
                Came::Request(request) => broker.take(request),
                Came::Reply(Ok(reply)) => broker.reply(reply),
                Came::Reply(Err(error)) => broker.trouble(error),
            },
        }
        broker.hand_out();
    }
    broker.passed.waiting = broker.waiting.len();
    broker.passed
}

enum Came {
    Request(ZmqMessage),
    Reply(Result<ZmqMessage, ZmqError>),
}

/// The next message of either side, in turns by chance. Dropping this before
/// it completes loses nothing: the library keeps a message in its connection
/// until the very poll that returns it.
async fn receive(front: &mut RouterSocket, back: &mut DealerSocket) -> Came {
    tokio::select! {
        Ok(request) = front.recv() => Came::Request(request),
        reply = back.recv() => Came::Reply(reply),
    }
}
// ANCHOR_END: pass

struct Broker<'a> {
    front: &'a mut RouterSocket,
    back: &'a mut DealerSocket,
    queue: usize,
    waiting: VecDeque<ZmqMessage>,
    servers: HashMap<PeerIdentity, Endpoint>,
    errors: usize,
    passed: Passed,
}

impl Broker<'_> {
    // ANCHOR: requests
    /// Puts a request into the queue.
    fn take(&mut self, request: ZmqMessage) {
        if !is_request(&request) {
            tracing::warn!("not a request: no empty part before its text");
            self.passed.malformed += 1;
        } else if self.waiting.len() >= self.queue {
            tracing::warn!("no server, and the queue is full: dropped");
            self.passed.refused += 1;
        } else {
            self.waiting.push_back(request);
        }
    }

    // ANCHOR: hand-out
    /// Gives the servers what waits for them, each request to the next
    /// server, busy or not: more than that a DEALER does not know.
    fn hand_out(&mut self) {
        while let Some(request) = self.waiting.front() {
            // A send that has to wait would stop the traffic of all others.
            match self.back.send(request.clone()).now_or_never() {
                Some(Ok(())) => {
                    self.waiting.pop_front();
                    self.passed.requests += 1;
                }
                // Nobody is there; whoever comes is an event.
                Some(Err(ZmqError::ReturnToSender { .. })) => return,
                // This server has just gone: the next one.
                Some(Err(_)) => {}
                // 100,000 requests wait for it. It is out of its turn now,
                // and only a new connection brings it back.
                None => return self.send_away("a server does not read"),
            }
        }
    }
    // ANCHOR_END: hand-out
    // ANCHOR_END: requests

    // ANCHOR: replies
    /// Sends a reply to the client named by its first part, if that client
    /// is still there and reads.
    fn reply(&mut self, reply: ZmqMessage) {
        let client = reply.get(0).cloned().unwrap_or_default();
        match self.front.send(reply).now_or_never() {
            Some(Ok(())) => self.passed.replies += 1,
            Some(Err(error)) => {
                tracing::debug!("a reply nobody waits for: {error}");
                self.passed.unheard += 1;
            }
            // 100,000 replies wait for it. To a single peer of a socket, a
            // send that is given up has been queued all the same: dropping
            // replies would not end that.
            None => {
                tracing::warn!("a client does not read: hung up on");
                self.passed.unheard += 1;
                if let Ok(client) = client.try_into() {
                    self.front.backend().peer_disconnected(&client);
                }
            }
        }
    }
    // ANCHOR_END: replies

    fn client(&mut self, event: SocketEvent) {
        match event {
            SocketEvent::Accepted(from, _) => {
                tracing::debug!("client {from} has come");
            }
            // Who gave up waiting needs no answer.
            SocketEvent::Disconnected(client) => {
                let before = self.waiting.len();
                self.waiting.retain(|request| {
                    request.get(0).is_none_or(|id| *id != client[..])
                });
                self.passed.given_up += before - self.waiting.len();
                tracing::debug!("a client has gone");
            }
            other => unusual("client", &other),
        }
    }

    fn server(&mut self, event: SocketEvent) {
        match event {
            SocketEvent::Accepted(from, server) => {
                self.servers.insert(server, from.clone());
                let count = self.servers.len();
                tracing::info!("server {from} has come; servers: {count}");
            }
            SocketEvent::Disconnected(server) => {
                self.errors = 0;
                if let Some(from) = self.servers.remove(&server) {
                    let count = self.servers.len();
                    tracing::info!("server {from} has gone; servers: {count}");
                }
            }
            other => unusual("server", &other),
        }
    }

    // ANCHOR: trouble
    /// A server's connection broke. The library forgets it, unless that was
    /// in the middle of a message: then the error comes back with each
    /// `recv`, for ever, and does not say whose it is.
    fn trouble(&mut self, error: ZmqError) {
        if self.errors == 0 {
            tracing::debug!("a server's connection broke: {error}");
        }
        self.errors += 1;
        if self.errors >= ERRORS {
            self.send_away("a server broke off in the middle of a message");
        }
    }

    /// Closes the connections of all servers: nobody says which one it was.
    /// Those that are well connect again.
    fn send_away(&mut self, why: &str) {
        tracing::warn!("{why}: all servers sent away");
        self.errors = 0;
        let backend = self.back.backend();
        for (server, _) in self.servers.drain() {
            backend.peer_disconnected(&server);
        }
    }
    // ANCHOR_END: trouble
}

/// Whether what came is a request: the client's identity, perhaps those of
/// other brokers, an empty part, and something to answer.
fn is_request(message: &ZmqMessage) -> bool {
    let empty = message.iter().skip(1).position(|part| part.is_empty());
    empty.is_some_and(|index| index + 2 < message.len())
}

// ANCHOR: close
/// Closes `socket` when all that was sent is with the system, or after
/// `limit`. A send only fills a queue, which would die with the process. The
/// tasks that empty the queues hold what the monitor reports to: when they
/// are done, the monitor ends.
pub async fn close(mut socket: impl Socket, limit: Duration) {
    let mut monitor = socket.monitor();
    let all = async {
        socket.close().await;
        while monitor.next().await.is_some() {}
    };
    if timeout(limit, all).await.is_err() {
        tracing::warn!("somebody did not read in {limit:?}");
    }
}
// ANCHOR_END: close

fn unusual(who: &str, event: &SocketEvent) {
    if let SocketEvent::AcceptFailed(error) = event {
        let why = printable(error.to_string());
        tracing::warn!("not let in as a {who}: {why}");
    }
}

/// What a broker has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Requests that a server was given.
    pub requests: u64,
    /// Replies that a client was given.
    pub replies: u64,
    /// Requests dropped: no server, and the queue was full.
    pub refused: u64,
    /// Requests dropped: their client went before a server came.
    pub given_up: usize,
    /// Requests dropped: they were none.
    pub malformed: u64,
    /// Requests that still waited for a server at the end.
    pub waiting: usize,
    /// Replies dropped: their client had gone, or did not read.
    pub unheard: u64,
}

impl fmt::Display for Passed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests, replies, ..
        } = self;
        write!(out, "Passed on: requests {requests}, replies {replies}")?;
        for (what, count) in [
            ("dropped, the queue was full", self.refused),
            ("dropped, the client gave up", self.given_up as u64),
            ("dropped, not a request", self.malformed),
            ("no server came for", self.waiting as u64),
            ("replies too late", self.unheard),
        ] {
            if count > 0 {
                write!(out, "; {what}: {count}")?;
            }
        }
        Ok(())
    }
}
// ANCHOR_END: all
