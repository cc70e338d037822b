//! The ends of a transport, as the jobs see them: a socket that is connected
//! or bound somewhere, or an end of a channel. The same traits for both, so
//! each job is written once.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use zeromq::{PullSocket, PushSocket, RepSocket, ReqSocket, Socket};
use zeromq::{SocketRecv, SocketSend, ZmqError, ZmqMessage};

use crate::sockets::{cause, close};

/// Seconds that the last messages may take to leave.
const FLUSH: Duration = Duration::from_secs(5);

// ANCHOR: traits
pub trait Asks {
    async fn ask(&mut self, question: Bytes) -> Result<Bytes>;
}

pub trait Answers {
    /// Sends the next question back as its answer.
    async fn answer(&mut self) -> Result<()>;
    async fn end(self) -> Result<()>;
}

pub trait Pushes {
    async fn push(&mut self, message: Bytes) -> Result<()>;
    async fn end(self) -> Result<()>;
}

pub trait Pulls {
    async fn pull(&mut self) -> Result<Bytes>;
    async fn end(self) -> Result<()>;
}
// ANCHOR_END: traits

// ANCHOR: sockets
impl Asks for ReqSocket {
    async fn ask(&mut self, question: Bytes) -> Result<Bytes> {
        self.send(question.into()).await.map_err(broken)?;
        only_part(self.recv().await.map_err(broken)?)
    }
}

impl Answers for RepSocket {
    async fn answer(&mut self) -> Result<()> {
        let question = self.recv().await.map_err(broken)?;
        self.send(question).await.map_err(broken)
    }

    async fn end(self) -> Result<()> {
        self.close().await;
        Ok(())
    }
}

impl Pushes for PushSocket {
    async fn push(&mut self, message: Bytes) -> Result<()> {
        self.send(message.into()).await.map_err(broken)
    }

    async fn end(self) -> Result<()> {
        // Sent means queued: the last of them would die with this thread.
        ensure!(close(self, FLUSH).await, "not all messages could leave");
        Ok(())
    }
}

impl Pulls for PullSocket {
    async fn pull(&mut self) -> Result<Bytes> {
        only_part(self.recv().await.map_err(broken)?)
    }

    async fn end(self) -> Result<()> {
        self.close().await;
        Ok(())
    }
}
// ANCHOR_END: sockets

// ANCHOR: channels
/// A question, and where its answer goes: a channel for one value.
pub type Question = (Bytes, oneshot::Sender<Bytes>);

impl Asks for mpsc::Sender<Question> {
    async fn ask(&mut self, question: Bytes) -> Result<Bytes> {
        let (sender, answer) = oneshot::channel();
        self.send((question, sender)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

impl Answers for mpsc::Receiver<Question> {
    async fn answer(&mut self) -> Result<()> {
        let (question, answer) = self.recv().await.ok_or_else(gone)?;
        answer.send(question).map_err(|_| gone())
    }

    async fn end(self) -> Result<()> {
        Ok(())
    }
}

impl Pushes for mpsc::Sender<Bytes> {
    async fn push(&mut self, message: Bytes) -> Result<()> {
        self.send(message).await.map_err(|_| gone())
    }

    async fn end(self) -> Result<()> {
        Ok(())
    }
}

impl Pulls for mpsc::Receiver<Bytes> {
    async fn pull(&mut self) -> Result<Bytes> {
        self.recv().await.ok_or_else(gone)
    }

    async fn end(self) -> Result<()> {
        Ok(())
    }
}
// ANCHOR_END: channels

fn only_part(message: ZmqMessage) -> Result<Bytes> {
    let count = message.len();
    ensure!(count == 1, "a message of {count} parts where one was due");
    message.get(0).cloned().context("a message without parts")
}

fn broken(error: ZmqError) -> anyhow::Error {
    anyhow!("the connection broke: {}", cause(&error))
}

fn gone() -> anyhow::Error {
    anyhow!("the other end of the channel is gone")
}
