// ANCHOR: all
//! The ventilator's side of the workers: who is there, and whose turn it is.

use std::time::Duration;

use anyhow::{anyhow, ensure};
use futures_util::StreamExt;
use futures_util::future::FusedFuture;
use tokio::time::timeout;
use zeromq::{PushSocket, Socket, SocketEvent, SocketSend, ZmqError};

use crate::{Task, bind, cause, close, log_event, say, unless_stopped};

/// Binds `socket` to `endpoint`, and waits until `wanted` workers are there.
pub async fn gather(
    socket: &mut PushSocket,
    endpoint: &str,
    wanted: u32,
    patience: Duration,
) -> anyhow::Result<()> {
    let mut events = socket.monitor();
    let bound = bind(socket, endpoint).await?;
    say(format_args!(
        "Waiting for workers: {wanted}. Endpoint: {bound}"
    ))?;
    // ANCHOR: gather
    let mut count = 0;
    let all = async {
        while count < wanted
            && let Some(event) = events.next().await
        {
            log_event(&event);
            if matches!(event, SocketEvent::Accepted(..)) {
                count += 1;
                say(format_args!("Worker {count} of {wanted} is there"))?;
            }
        }
        anyhow::Ok(())
    };
    timeout(patience, all).await.unwrap_or_else(|_| {
        Err(anyhow!(
            "cannot start with {count} of {wanted} workers: timed out; \
             start more of them, or ask for fewer (see --workers)"
        ))
    })
    // ANCHOR_END: gather
}

/// Hands a task to the worker whose turn it is; waits, but not longer than
/// `limit`, while that one's queue is full.
pub async fn push(
    workers: &mut PushSocket,
    task: Task,
    limit: Duration,
) -> anyhow::Result<()> {
    let why = loop {
        match timeout(limit, workers.send(task.into())).await {
            Ok(Ok(())) => return Ok(()),
            // This worker has gone. The next one's turn has come.
            Ok(Err(ZmqError::BufferFull(_))) => {}
            Ok(Err(ZmqError::ReturnToSender { .. })) => {
                break "no worker is left; start one, and then this again"
                    .into();
            }
            Ok(Err(error)) => break cause(&error),
            Err(_) => {
                break "timed out; a worker takes no more tasks (see --linger)"
                    .into();
            }
        }
    };
    Err(anyhow!("cannot push task {}: {why}", task.number))
}

/// Closes the socket when all tasks are with the system, or after `limit`;
/// says whether they are, or the program was told to end before.
pub async fn hand_over(
    workers: PushSocket,
    limit: Duration,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
) -> anyhow::Result<bool> {
    let closed = unless_stopped(close(workers, limit), stop).await;
    ensure!(
        closed != Some(false),
        "cannot tell whether all tasks were taken: timed out; somebody who \
         is connected does not read, or never greeted (see --linger)"
    );
    Ok(closed.is_some())
}
// ANCHOR_END: all
