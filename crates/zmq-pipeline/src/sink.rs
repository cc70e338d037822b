//! A sink, as those see it that push results to it.

use std::time::Duration;

use anyhow::{anyhow, ensure};
use futures_util::Stream;
use tokio::time::timeout;
use zeromq::{PushSocket, Socket, SocketEvent, SocketSend};

use crate::{Note, close, connect, gone, socket_options};

/// A connection to a sink.
pub struct Sink {
    endpoint: String,
    limit: Duration,
    socket: PushSocket,
    events: Box<dyn Stream<Item = SocketEvent> + Send + Unpin>,
}

impl Sink {
    /// The sink at `endpoint`, which may need `limit` to take a note.
    pub fn new(endpoint: &str, limit: Duration) -> Self {
        let mut socket = PushSocket::with_options(socket_options());
        Self {
            endpoint: endpoint.into(),
            limit,
            events: Box::new(socket.monitor()),
            socket,
        }
    }

    /// Connects to it, as soon as it is there.
    pub async fn connect(&mut self, patience: Duration) -> anyhow::Result<()> {
        let Self {
            endpoint, socket, ..
        } = self;
        connect(socket, endpoint, "zmq-sink", patience).await
    }

    /// Puts a note into its queue; waits only when the queue is full.
    pub async fn push(&mut self, note: Note) -> anyhow::Result<()> {
        let endpoint = &self.endpoint;
        match timeout(self.limit, self.socket.send(note.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.lost()),
            Err(_) => Err(anyhow!(
                "cannot push results to {endpoint}: timed out; the sink does \
                 not read (see --linger)"
            )),
        }
    }

    /// Tells it how many tasks there are, and closes the connection.
    pub async fn announce(mut self, tasks: u32) -> anyhow::Result<()> {
        let endpoint = self.endpoint.clone();
        let pushed = self.push(Note::Tasks(tasks)).await;
        ensure!(
            pushed.is_ok() && self.close().await,
            "cannot tell the sink at {endpoint} how many tasks there are: it \
             does not read, or has gone; start it, and then this again"
        );
        Ok(())
    }

    /// Completes when it has gone, with what that means.
    pub async fn gone(&mut self) -> anyhow::Error {
        gone(&mut self.events).await;
        self.lost()
    }

    /// A PUSH socket does not read, so it finds out when writing fails. The
    /// result before that was written, and nobody says that it did not
    /// arrive.
    fn lost(&self) -> anyhow::Error {
        let endpoint = &self.endpoint;
        anyhow!(
            "cannot push results to {endpoint}: connection reset; the sink \
             has gone, and the last results may be lost: begin again"
        )
    }

    /// Whether all that was pushed is with the system, as [`close`] says.
    pub async fn close(self) -> bool {
        close(self.socket, self.limit).await
    }
}
