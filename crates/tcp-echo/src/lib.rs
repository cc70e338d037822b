//! What a TCP server for many clients is made of: [`serve`] with its
//! [`Limits`]. The modules beside it hold what the programs share: addresses,
//! a line of a blocking stream, and words for a person.

mod address;
mod client;
mod errors;
mod line;
pub mod log;
pub mod stop;
pub mod words;

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::task::coop::consume_budget;
use tokio::time::{sleep, timeout};

pub use address::{connect, listen, look_up, lookup};
pub use client::{call, end, exchange};
pub use errors::{cannot_connect, cannot_listen, cannot_talk};
pub use line::{hang_up, read_last_line, read_line};
pub use log::log;
pub use stop::stop_signal;
pub use words::{finish, printable, say, seconds, warn};

// ANCHOR: limits
/// What the clients of [`serve`] can make it spend.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; whoever calls then waits in the backlog. With
    /// 0 nobody would ever be served: it counts as 1.
    pub connections: usize,
    /// A connection in which no byte moves for so long is closed.
    pub idle: Duration,
    /// How long open connections may go on after the shutdown.
    pub grace: Duration,
    /// Bytes read at once, and so the most that is kept for a client that
    /// does not read. 0 counts as 1.
    pub buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            idle: Duration::from_secs(60),
            grace: Duration::from_secs(5),
            buffer: 16 * 1024,
        }
    }
}
// ANCHOR_END: limits

// ANCHOR: serve
/// Echoes what each client of `listener` sends until `shutdown` completes.
/// The connections that are open then may end by themselves within
/// `limits.grace`, or until `hurry` completes, which is polled only then;
/// none is left when this returns.
pub async fn serve(
    listener: TcpListener,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) -> Served {
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    let mut served = Served::default();
    // ANCHOR: accept_loop
    loop {
        // Not accepting is the limit: the system keeps the others in the
        // backlog, and they are served when a connection ends.
        let free = connections.len() < limits.connections.max(1);
        tokio::select! {
            () = &mut shutdown => break,
            stream = accept(&listener), if free => {
                connections.spawn(converse(stream, limits));
            }
            Some(end) = connections.join_next() => {
                served.count(end.unwrap_or(End::Lost));
            }
        }
    }
    // ANCHOR_END: accept_loop
    // Whoever calls from now on is refused, instead of waiting for nothing.
    drop(listener);
    let the_rest = async {
        while let Some(end) = connections.join_next().await {
            served.count(end.unwrap_or(End::Lost));
        }
    };
    let all_ended = tokio::select! {
        () = the_rest => true,
        () = sleep(limits.grace) => false,
        () = hurry => false,
    };
    if !all_ended {
        served.clients += connections.len();
        served.cut_off = connections.len();
        connections.shutdown().await;
    }
    served
}

/// The next client. Accepting fails while the process has no file descriptor
/// left. The client stays in the backlog then, so that the next attempt fails
/// at once too: without a pause this would take a whole core.
async fn accept(listener: &TcpListener) -> TcpStream {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    let mut pause = Duration::from_millis(10);
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                tracing::debug!("{client} has come");
                return stream;
            }
            // This client has gone again; the next one may be there.
            Err(error)
                if matches!(
                    error.kind(),
                    ConnectionAborted | ConnectionReset
                ) =>
            {
                continue;
            }
            Err(error) => {
                tracing::warn!("cannot accept: {error}; again in {pause:?}");
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}
// ANCHOR_END: serve

// ANCHOR: echo
async fn converse(mut stream: TcpStream, limits: Limits) -> End {
    let client = stream.peer_addr();
    let end = match echo(&mut stream, limits).await {
        Ok(()) => End::Closed,
        Err(end) => end,
    };
    if let Ok(client) = client {
        tracing::debug!("{client}: {end:?}");
    }
    end
}

/// Sends back what comes, until the client closes its direction.
async fn echo(stream: &mut TcpStream, limits: Limits) -> Result<(), End> {
    let idle = limits.idle;
    // Each echo is written whole, so there is nothing to collect: without
    // this it might wait until the client has confirmed the one before.
    stream.set_nodelay(true).map_err(|_| End::Lost)?;
    loop {
        match timeout(idle, stream.readable()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(End::Lost),
            Err(_) => return Err(End::Silent),
        }
        match pass_on(stream, limits.buffer.max(1)) {
            Ok(Some(rest)) => send(stream, &rest, idle).await?,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Err(End::Lost),
        }
        // A client that always has more would else keep this thread.
        consume_budget().await;
    }
}

thread_local! {
    /// What is echoed passes through here, and nothing stays: ten thousand
    /// silent clients take no buffers.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Reads at most `size` bytes of what is there and sends of them what can be
/// sent at once. Returns the rest, or `None` when the client has closed its
/// direction.
fn pass_on(stream: &TcpStream, size: usize) -> io::Result<Option<Vec<u8>>> {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.resize(size, 0);
        let length = stream.try_read(buffer)?;
        if length == 0 {
            return Ok(None);
        }
        let sent = match stream.try_write(&buffer[..length]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            result => result?,
        };
        Ok(Some(buffer[sent..length].to_vec()))
    })
}

/// Sends all of `bytes`. Nothing is read meanwhile: a client that does not
/// read fills its own buffers, then it cannot send, and then it is closed.
async fn send(
    stream: &mut TcpStream,
    mut bytes: &[u8],
    idle: Duration,
) -> Result<(), End> {
    while !bytes.is_empty() {
        match timeout(idle, stream.write(bytes)).await {
            Ok(Ok(length)) if length > 0 => bytes = &bytes[length..],
            Ok(_) => return Err(End::Lost),
            Err(_) => return Err(End::NotReading),
        }
    }
    Ok(())
}
// ANCHOR_END: echo

/// How a connection ended.
#[derive(Debug)]
enum End {
    Closed,
    Silent,
    NotReading,
    Lost,
}

/// What became of the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// All of them.
    pub clients: usize,
    /// Closed because they sent nothing for too long.
    pub silent: usize,
    /// Closed because they read nothing for too long.
    pub not_reading: usize,
    /// Gone without closing the connection.
    pub lost: usize,
    /// Still there when the grace time was over.
    pub cut_off: usize,
}

impl Served {
    fn count(&mut self, end: End) {
        self.clients += 1;
        match end {
            End::Closed => {}
            End::Silent => self.silent += 1,
            End::NotReading => self.not_reading += 1,
            End::Lost => self.lost += 1,
        }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Clients served: {}", self.clients)?;
        for (what, count) in [
            ("closed for silence", self.silent),
            ("closed for not reading", self.not_reading),
            ("lost", self.lost),
            ("cut off at the end", self.cut_off),
        ] {
            if count > 0 {
                write!(out, ", {what}: {count}")?;
            }
        }
        Ok(())
    }
}

/// The time, as RFC 3339 writes it, in UTC.
pub fn now() -> impl fmt::Display {
    humantime::format_rfc3339_seconds(SystemTime::now())
}

/// For a blocking program: from now on Ctrl-C and SIGTERM (on Windows:
/// Ctrl-C and Ctrl-Break) end it with exit 0, wherever it waits.
pub fn end_on_ctrl_c() -> anyhow::Result<()> {
    ctrlc::set_handler(|| std::process::exit(0)).context("cannot catch Ctrl-C")
}

/// The result of `work`, or an error of the kind `TimedOut`.
pub async fn within<T>(
    limit: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
