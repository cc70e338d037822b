// ANCHOR: all
//! The worker's side of a ventilator.

use std::time::Duration;

use anyhow::bail;
use futures_util::Stream;
use zeromq::{PullSocket, Socket, SocketEvent, SocketRecv};

use crate::{Sink, Task, cause, connect, gone, has_hung_up};
use crate::{socket_options, warn};

/// The tasks of a ventilator.
pub struct Tasks {
    endpoint: String,
    socket: PullSocket,
    events: Box<dyn Stream<Item = SocketEvent> + Send + Unpin>,
}

impl Tasks {
    /// Connects to the ventilator at `endpoint`, as soon as it is there.
    pub async fn connect(
        endpoint: &str,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let mut socket = PullSocket::with_options(socket_options());
        let events = Box::new(socket.monitor());
        connect(&mut socket, endpoint, "zmq-ventilator", patience).await?;
        Ok(Self {
            endpoint: endpoint.into(),
            socket,
            events,
        })
    }

    /// The next task; none when the ventilator has gone and all that it had
    /// sent here was received. An error when the sink has gone.
    pub async fn next(
        &mut self,
        sink: &mut Sink,
    ) -> anyhow::Result<Option<Task>> {
        loop {
            // ANCHOR: receive
            // A PULL socket that has lost its last peer waits for ever. Only
            // the monitor tells, and not before the last task was received.
            let received = tokio::select! {
                biased;
                why = sink.gone() => return Err(why),
                received = self.socket.recv() => received,
                () = gone(&mut self.events) => return Ok(None),
            };
            // ANCHOR_END: receive
            let message = match received {
                Ok(message) => message,
                Err(error) if has_hung_up(&error) => {
                    let cause = cause(&error);
                    warn(format_args!("zmq-worker: tasks broke off: {cause}"));
                    continue;
                }
                // It lives, and has more tasks: this is no end of the work.
                Err(error) => bail!(
                    "cannot take tasks from {}: {}",
                    self.endpoint,
                    cause(&error)
                ),
            };
            match Task::read(&message) {
                Ok(task) => return Ok(Some(task)),
                Err(why) => {
                    warn(format_args!("zmq-worker: message skipped: {why}"));
                }
            }
        }
    }
}
// ANCHOR_END: all
