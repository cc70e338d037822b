// ANCHOR: all
//! A REP socket that outlives its peers: those that break off, those that
//! never were ZeroMQ, and, if it connects, the broker.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;
use zeromq::util::PeerIdentity;
use zeromq::{RepSocket, ReqSocket, Socket, SocketEvent, SocketRecv};
use zeromq::{SocketSend, ZmqError, ZmqMessage};

use crate::sockets::{bind, cause, check, connect};
use crate::sockets::{is_passing, socket_options};
use crate::{say, warn};

type Monitor = Box<dyn Stream<Item = SocketEvent> + Send + Unpin>;

/// Answers one request at a time.
pub struct Server {
    socket: RepSocket,
    monitor: Monitor,
    endpoint: String,
    limit: Duration,
    connects: bool,
    is_lost: bool,
    news: VecDeque<News>,
    full: Option<Instant>,
}

/// What happens to a [`Server`].
pub enum News {
    /// Somebody waits for the answer to this.
    Request(ZmqMessage),
    /// Something went wrong, and the server goes on.
    Trouble(String),
    /// The broker is there again.
    Again,
}

impl Server {
    /// Takes requests at `endpoint`. A client may take `limit` to take in
    /// its answer.
    pub async fn bind(endpoint: &str, limit: Duration) -> anyhow::Result<Self> {
        let mut server = Self::new(endpoint, limit);
        let bound = bind(&mut server.socket, endpoint).await?;
        server.endpoint = bound.to_string();
        Ok(server)
    }

    /// Takes requests from the broker at `endpoint`, which may come within
    /// `limit`, now and each time it has gone away.
    pub async fn connect(
        endpoint: &str,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        check(endpoint)?;
        let mut server = Self::new(endpoint, limit);
        server.connects = true;
        server.call().await?;
        Ok(server)
    }

    /// The one or the other.
    pub async fn open(
        endpoint: &str,
        connects: bool,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        match connects {
            true => Self::connect(endpoint, limit).await,
            false => Self::bind(endpoint, limit).await,
        }
    }

    fn new(endpoint: &str, limit: Duration) -> Self {
        let mut socket = RepSocket::with_options(socket_options());
        Self {
            monitor: Box::new(socket.monitor()),
            socket,
            endpoint: endpoint.into(),
            limit,
            connects: false,
            is_lost: false,
            news: VecDeque::new(),
            full: None,
        }
    }

    async fn call(&mut self) -> anyhow::Result<()> {
        let endpoint = &self.endpoint;
        connect(&mut self.socket, endpoint, self.limit)
            .await
            .map_err(|why| anyhow!("cannot connect to {endpoint}: {why}"))
    }

    /// Where it is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The next request; says what else happens. An error says that the
    /// broker stays away.
    pub async fn request(&mut self) -> anyhow::Result<ZmqMessage> {
        loop {
            match self.next().await? {
                News::Request(request) => return Ok(request),
                News::Trouble(what) => {
                    warn(format_args!("zmq-server: {what}"));
                }
                News::Again => {
                    let endpoint = &self.endpoint;
                    say(format_args!(
                        "Waiting again for requests at {endpoint}"
                    ))?;
                }
            }
        }
    }

    // ANCHOR: next
    /// What happens next. An error says that the broker stays away.
    pub async fn next(&mut self) -> anyhow::Result<News> {
        if self.is_lost {
            // A REP that has connected stays alone when its peer has gone:
            // the library connects only SUB and XSUB again. In a new socket
            // nothing of the old connection is left.
            self.socket = RepSocket::with_options(socket_options());
            self.monitor = Box::new(self.socket.monitor());
            self.call().await?;
            self.is_lost = false;
            return Ok(News::Again);
        }
        loop {
            if let Some(news) = self.news.pop_front() {
                return Ok(news);
            }
            tokio::select! {
                biased;
                Some(event) = self.monitor.next() => self.note(event),
                request = self.socket.recv() => match request {
                    Ok(request) => return Ok(News::Request(request)),
                    // Nobody can be answered: it does not say to whom.
                    Err(ZmqError::Other(_)) => {
                        self.trouble("skipped a message: no envelope".into());
                    }
                    Err(error) => self.drop_peer(&error).await,
                }
            }
        }
    }

    /// Sends the answer to the request that came last.
    pub async fn answer(&mut self, answer: &str) -> Result<(), String> {
        // To a client that does not read, sending never ends.
        match timeout(self.limit, self.socket.send(answer.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(ZmqError::ReturnToSender { .. })) => {
                Err("the client has gone".into())
            }
            Ok(Err(error)) => Err(cause(&error)),
            Err(_) => Err("timed out".into()),
        }
    }
    // ANCHOR_END: next

    /// Leaves, and takes the file of an `ipc` endpoint along.
    pub async fn close(self) {
        let _ = timeout(self.limit, self.socket.close()).await;
    }

    fn trouble(&mut self, what: String) {
        self.news.push_back(News::Trouble(what));
    }

    fn note(&mut self, event: SocketEvent) {
        tracing::debug!("{event:?}");
        match event {
            SocketEvent::Disconnected(_) if self.connects => {
                let endpoint = &self.endpoint;
                let lost =
                    format!("connection to {endpoint} lost; trying again");
                self.trouble(lost);
                self.is_lost = true;
            }
            // A client whose attempt took too long comes again: no news.
            SocketEvent::AcceptFailed(error) if is_passing(&error) => {}
            SocketEvent::AcceptFailed(error) => {
                // Without a file descriptor left, the library tries again at
                // once, and fails again: one line a second says it.
                if let ZmqError::Network(_) = error {
                    let now = Instant::now();
                    let second = Duration::from_secs(1);
                    if self.full.is_some_and(|last| now - last < second) {
                        return;
                    }
                    self.full = Some(now);
                    let cause = cause(&error);
                    return self.trouble(format!("cannot accept: {cause}"));
                }
                self.trouble(refused(&error));
            }
            _ => {}
        }
    }

    // ANCHOR: hang-up
    /// Drops the peer whose connection is broken. In 0.7.0 REP keeps it, and
    /// one that ended in the middle of a message gives its error for ever.
    async fn drop_peer(&mut self, error: &ZmqError) {
        let mut broken = None;
        while let Some(Some(event)) = self.monitor.next().now_or_never() {
            match event {
                SocketEvent::Disconnected(peer) => broken = Some(peer),
                event => self.note(event),
            }
        }
        if self.connects {
            return self.note(SocketEvent::Disconnected(Default::default()));
        }
        self.trouble(refused(error));
        if let Some(peer) = broken {
            let done = timeout(self.limit, self.take_place(peer)).await;
            if matches!(done, Ok(Some(()))) {
                return;
            }
        }
        // Better slow than busy with the same error all the time.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    /// Whoever connects with the identity of a peer takes its place: the
    /// socket lets go of the old connection. This one then ends as it should.
    // ANCHOR: take-place
    async fn take_place(&mut self, peer: PeerIdentity) -> Option<()> {
        let mut options = socket_options();
        options.peer_identity(peer.clone());
        let mut heir = ReqSocket::with_options(options);
        let here = self.endpoint.replacen("//0.0.0.0:", "//127.0.0.1:", 1);
        let here = here.replacen("//[::]:", "//[::1]:", 1);
        heir.connect(&here).await.ok()?;
        loop {
            match self.monitor.next().await? {
                SocketEvent::Accepted(_, who) if who == peer => return Some(()),
                event => self.note(event),
            }
        }
    }
    // ANCHOR_END: take-place
    // ANCHOR_END: hang-up
}

fn refused(error: &ZmqError) -> String {
    let cause = cause(error);
    // What to do is for the other side.
    let cause = cause.split("; ").next().unwrap_or_default();
    format!("dropped a peer: {cause}")
}
// ANCHOR_END: all
