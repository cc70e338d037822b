// ANCHOR: all
//! Many clients at once: accepts connections within limits, and lets go of
//! them in an orderly way.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

/// What `serve` allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time, at least 1. Whoever comes then waits in the
    /// backlog.
    pub connections: usize,
    /// How long connections may go on after `shutdown`.
    pub grace: Duration,
}

impl Limits {
    /// As many connections as wanted, or as the system allows: each is a
    /// file descriptor, and a few are the program's own.
    pub fn new(connections: u32, grace: Duration) -> io::Result<Self> {
        let own = 32;
        let wanted = u64::from(connections) + own;
        let allowed = rlimit::increase_nofile_limit(wanted)?.min(wanted);
        let connections = allowed.saturating_sub(own);
        Ok(Self {
            connections: usize::try_from(connections).unwrap_or(usize::MAX),
            grace,
        })
    }
}

/// Accepts connections and runs `talk` for each, until `shutdown` completes.
///
/// # Errors
/// The first error that a `talk` returns: it is for what concerns the whole
/// program. What is wrong with one client is for `talk` to deal with.
pub async fn serve<Talk>(
    listener: TcpListener,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
    talk: impl Fn(TcpStream, SocketAddr) -> Talk,
) -> io::Result<()>
where
    Talk: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut shutdown = pin!(shutdown);
    // ANCHOR: accept
    let mut talks = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = talks.join_next() => outcome(ended)?,
            (stream, peer) = accept(&listener),
                if talks.len() < limits.connections.max(1) =>
            {
                tracing::debug!("{peer} connected");
                talks.spawn(talk(stream, peer));
            }
        }
    }
    // ANCHOR_END: accept
    drop(listener);
    // Dropping the set ends those that are still there after the grace time.
    let rest = async {
        while let Some(ended) = talks.join_next().await {
            outcome(ended)?;
        }
        Ok(())
    };
    timeout(limits.grace, rest).await.unwrap_or(Ok(()))
}

/// A connection whose task panicked is lost; the others are not.
fn outcome(ended: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    ended.unwrap_or_else(|error| {
        tracing::error!("a connection's task failed: {error}");
        Ok(())
    })
}

/// The next client. Accepting fails while the process is out of file
/// descriptors, and trying again at once would spin: pause, longer each time.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut pause = Duration::from_millis(10);
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!("cannot accept: {error}; again in {pause:?}");
            }
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}
// ANCHOR_END: all
