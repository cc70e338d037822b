//! A collector, as those see it that push lines to it.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use futures_util::future::FusedFuture;
use futures_util::{FutureExt, Stream};
use tokio::time::timeout;
use zeromq::{PushSocket, Socket, SocketEvent, SocketSend, ZmqMessage};

use crate::{AFTER_STOP, LogLine, close, connect, gone};
use crate::{socket_options, unless_stopped, warn};

const PARTNER: &str = "zmq-log-collector";

/// A connection to a collector, and the next one when that is lost.
pub struct Collector {
    endpoint: String,
    patience: Duration,
    socket: PushSocket,
    events: Box<dyn Stream<Item = SocketEvent> + Send + Unpin>,
    /// How many lines went to connections that were lost, and to this one.
    before: u64,
    here: u64,
}

impl Collector {
    /// The collector at `endpoint`. It may come within `patience`, and may
    /// need as long to take a line.
    pub fn new(endpoint: &str, patience: Duration) -> Self {
        let mut socket = PushSocket::with_options(socket_options());
        Self {
            endpoint: endpoint.into(),
            patience,
            events: Box::new(socket.monitor()),
            socket,
            before: 0,
            here: 0,
        }
    }

    /// Connects to it.
    pub async fn connect(&mut self) -> anyhow::Result<()> {
        let Self {
            endpoint, socket, ..
        } = self;
        self.events = Box::new(socket.monitor());
        connect(socket, endpoint, PARTNER, self.patience).await
    }

    /// Puts a line into its queue, which says nothing of its arrival. When
    /// the connection is lost, it tries again.
    pub async fn push(&mut self, line: LogLine) -> anyhow::Result<()> {
        let message = ZmqMessage::from(line);
        let endpoint = self.endpoint.clone();
        loop {
            let number = self.before + self.here + 1;
            let cannot =
                || format!("cannot send line {number} and what follows it");
            let sending = self.socket.send(message.clone());
            match timeout(self.patience, sending).await {
                Ok(Ok(())) => {
                    self.here += 1;
                    return Ok(());
                }
                Ok(Err(_)) => {
                    warn(format_args!(
                        "zmq-log: connection to {endpoint} lost; trying again"
                    ));
                    self.doubt_all();
                    self.connect().await.with_context(cannot)?;
                }
                Err(_) => bail!(
                    "{}: timed out; the collector at {endpoint} does not read",
                    cannot()
                ),
            }
        }
    }

    /// Closes the connection when all is with the system, or after `linger`,
    /// and says how many lines the collector has; `all` is what came of
    /// pushing them. After Ctrl-C, too, what was sent is not thrown away,
    /// unless it takes too long.
    pub async fn end(
        mut self,
        all: anyhow::Result<()>,
        linger: Duration,
        stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    ) -> anyhow::Result<u64> {
        if all.is_ok() && gone(&mut self.events).now_or_never().is_some() {
            self.doubt_all();
        }
        let (before, here) = (self.before, self.here);
        let Self {
            endpoint, patience, ..
        } = self;
        let count = before + here;
        let doubt = || format!("of the lines sent ({count}) some may be lost");
        let closed = close(self.socket, linger);
        let taken = unless_stopped(closed, stop).await == Some(true);
        if before > 0 {
            all.with_context(doubt)?;
        } else {
            all?;
        }
        if !taken {
            bail!(
                "cannot hand all {count} lines to {endpoint}: timed out; look \
                 into the collector's file (see --linger)"
            );
        }
        // A PUSH socket does not hear that its peer has gone. Whoever answers
        // now was there, most likely, when the last line came.
        if here > 0 {
            let mut again = PushSocket::with_options(socket_options());
            let patience = match stop.is_terminated() {
                true => patience.min(AFTER_STOP / 2),
                false => patience,
            };
            let there = connect(&mut again, &endpoint, PARTNER, patience);
            let there = unless_stopped(there, stop).await;
            there
                .unwrap_or_else(|| {
                    let again = "again: timed out";
                    Err(anyhow!("cannot connect to {endpoint} {again}"))
                })
                .with_context(doubt)?;
        }
        if before > 0 {
            bail!("{}; look into the collector's file", doubt());
        }
        Ok(count)
    }

    fn doubt_all(&mut self) {
        self.before += self.here;
        self.here = 0;
    }
}
