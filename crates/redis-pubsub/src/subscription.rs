// ANCHOR: all
//! A subscription that outlives its server.
//!
//! redis has a connection manager that connects and subscribes again by
//! itself. Version 1.8.1 was tried for this and left, because it
//! - stays with a server that has fallen silent: a time-out does not count as
//!   a lost connection, so it waits on the old one for as long as TCP does;
//! - ignores the reply when it subscribes again: refused, it stays connected
//!   and deaf, and answers to PING look healthy;
//! - treats the first attempt like all later ones: who wants endless attempts
//!   later gets them at the start, too, and no error.

use std::time::Duration;

use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use redis::{AsyncTypedCommands, Msg, PushInfo, PushKind, RedisError};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::sleep;

use crate::{Server, seconds};

/// How long connecting and logging in may take.
const CONNECTING: Duration = Duration::from_secs(3);

/// How long a subscription waits, for what; options of a program.
#[derive(Clone, Copy, clap::Args)]
pub struct Patience {
    /// Seconds to wait for each answer
    #[arg(long, default_value = "3", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    pub timeout: Duration,
    /// Seconds of silence before asking whether the server is still there
    #[arg(long, default_value = "3", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    pub ping: Duration,
    /// Seconds before the first new attempt; they double with each attempt
    #[arg(long, default_value = "0.1", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    pub first_pause: Duration,
    /// Seconds between two attempts at most
    #[arg(long, default_value = "5", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    pub longest_pause: Duration,
}

/// Some channels of a server, and what is published there.
pub struct Subscription<'a> {
    server: &'a Server,
    channels: &'a [&'a str],
    patience: Patience,
    connection: MultiplexedConnection,
    pushes: UnboundedReceiver<PushInfo>,
}

impl<'a> Subscription<'a> {
    /// Returns once the server has confirmed all channels; tries once.
    pub async fn open(
        server: &'a Server,
        channels: &'a [&'a str],
        patience: Patience,
    ) -> RedisResult<Self> {
        // Without a bound, yet bounded: as long as this program is busy with
        // a message nothing is read from the connection, TCP slows the server
        // down, and a Redis server in the end closes the connection.
        let (sender, pushes) = unbounded_channel();
        let mut connection = server
            .connect(CONNECTING, patience.timeout, Some(sender))
            .await?;
        connection.subscribe(channels).await?;
        Ok(Self {
            server,
            channels,
            patience,
            connection,
            pushes,
        })
    }

    /// The next message, or `None` when the connection is lost: closed, or
    /// silent for `ping` and two times `timeout`. Nothing is lost when the
    /// future is dropped.
    pub async fn next(&mut self) -> Option<Msg> {
        let Self {
            pushes,
            connection,
            patience,
            ..
        } = self;
        tokio::select! {
            biased;
            message = next_message(pushes) => message,
            () = silence(connection, *patience) => None,
        }
    }

    /// A message that has been received already, if there is one.
    pub fn received(&mut self) -> Option<Msg> {
        loop {
            let push = self.pushes.try_recv().ok()?;
            if let Some(message) = Msg::from_push_info(push) {
                return Some(message);
            }
        }
    }

    /// Subscribes again, and tries until it works. The pauses grow, to spare
    /// a server in trouble, and are of random length, so that a thousand
    /// subscribers do not all come back in the same moment. When the server
    /// is there but refuses, only a person can mend that: `refused` is told,
    /// once.
    pub async fn renew(&mut self, refused: impl FnOnce(&RedisError)) {
        let longest = self.patience.longest_pause;
        let mut pause = self.patience.first_pause.min(longest);
        let mut refused = Some(refused);
        loop {
            sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            pause = pause.saturating_mul(2).min(longest);
            match Self::open(self.server, self.channels, self.patience).await {
                Ok(subscription) => {
                    *self = subscription;
                    return;
                }
                Err(error) if error.is_io_error() => {}
                Err(error) => {
                    if let Some(refused) = refused.take() {
                        refused(&error);
                    }
                }
            }
        }
    }
}

async fn next_message(pushes: &mut UnboundedReceiver<PushInfo>) -> Option<Msg> {
    loop {
        let push = pushes.recv().await?;
        if push.kind == PushKind::Disconnection {
            return None;
        }
        // The rest are confirmations of the subscription.
        if let Some(message) = Msg::from_push_info(push) {
            return Some(message);
        }
    }
}

// ANCHOR: silence
/// Returns when the server has stopped answering. A stopped server keeps its
/// connections open: only a question that stays unanswered gives it away.
async fn silence(connection: &mut MultiplexedConnection, patience: Patience) {
    loop {
        sleep(patience.ping).await;
        // Twice, because the first time-out can be our own fault: a program
        // that was suspended (Ctrl-Z) finds its time over when it wakes up,
        // and the answer still unread.
        if !answers(connection).await && !answers(connection).await {
            return;
        }
    }
}

/// Whether the server answers at all. A refusal is an answer, too: a user who
/// may not PING, a replica without its master, a server that loads its data.
async fn answers(connection: &mut MultiplexedConnection) -> bool {
    match connection.ping().await {
        Ok(_) => true,
        Err(error) => error.code().is_some(),
    }
}
// ANCHOR_END: silence
// ANCHOR_END: all
