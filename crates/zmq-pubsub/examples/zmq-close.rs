//! A publisher that ends right after its last message, in four ways, and how
//! many messages arrive each time. An end is a tokio runtime that is dropped,
//! with all its tasks: that is what happens at the end of `main`.
//!
//! cargo run --example zmq-close -- --count 10
//! cargo run --example zmq-close -- --count 50000

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Parser, value_parser};
use futures_util::StreamExt;
use tokio::sync::oneshot::{self, Receiver};
use tokio::time::timeout;
use zeromq::{PubSocket, Socket, SocketEvent, SocketRecv, SocketSend};
use zeromq::{SubSocket, XPubSocket, ZmqMessage};
use zmq_pubsub::{bind, close, connect, finish, say, socket_options};

/// Ends a publisher in several ways
#[derive(Parser)]
struct Options {
    /// How many messages to publish
    #[arg(long, default_value = "10")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    count: u32,
}

/// No wait for the other socket of this program takes longer.
const LONG: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    finish("zmq-close", run(Options::parse().count))
}

fn run(count: u32) -> anyhow::Result<()> {
    type P = PubSocket;
    for (how, arrived) in [
        ("PUB, no close", play::<P>(count, Way::NoClose)?),
        ("PUB, close().await", play::<P>(count, Way::Close)?),
        ("PUB, closed and flushed", play::<P>(count, Way::Flush)?),
        ("XPUB, no close", play::<XPubSocket>(count, Way::NoClose)?),
    ] {
        say(format_args!("{how}: {arrived} of {count} arrived"))?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Way {
    NoClose,
    Close,
    Flush,
}

/// Publishes in one thread and counts in the other.
fn play<P: Publisher>(count: u32, way: Way) -> anyhow::Result<u32> {
    let (tell, told) = oneshot::channel();
    let (hear, heard) = oneshot::channel();
    let publisher = thread::spawn(move || {
        runtime()?.block_on(async {
            let mut publisher = P::new();
            let endpoint = bind(&mut publisher, "tcp://127.0.0.1:0").await?;
            let _ = tell.send(endpoint.to_string());
            timeout(LONG, publisher.meet(heard)).await??;
            for _ in 0..count {
                publisher.send(ZmqMessage::from("catA wears a hat")).await?;
            }
            match way {
                Way::NoClose => drop(publisher),
                Way::Close => drop(publisher.close().await),
                Way::Flush => drop(close(publisher, LONG).await),
            }
            anyhow::Ok(())
        })
    });
    let arrived = runtime()?.block_on(async {
        let endpoint = told.await.context("the publisher failed")?;
        timeout(LONG, listen(&endpoint, hear)).await?
    });
    let published = publisher.join();
    published.map_err(|_| anyhow!("the publisher failed"))??;
    arrived
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build()
}

/// Counts until the publisher is gone.
async fn listen(
    endpoint: &str,
    hear: oneshot::Sender<()>,
) -> anyhow::Result<u32> {
    let mut subscriber = SubSocket::with_options(socket_options());
    let mut events = subscriber.monitor();
    connect(&mut subscriber, endpoint, LONG).await?;
    subscriber.subscribe("").await?;
    let (mut hear, mut count) = (Some(hear), 0);
    loop {
        tokio::select! {
            biased;
            received = subscriber.recv() => match received?.get(0) {
                Some(part) if part == "Hello?" => drop(hear.take()),
                _ => count += 1,
            },
            event = events.next() => {
                if let Some(SocketEvent::Disconnected(_)) = event {
                    return Ok(count);
                }
            }
        }
    }
}

trait Publisher: Socket + SocketSend {
    /// Returns when the subscriber is known to hear what is published.
    async fn meet(&mut self, heard: Receiver<()>) -> anyhow::Result<()>;
}

impl Publisher for XPubSocket {
    async fn meet(&mut self, _: Receiver<()>) -> anyhow::Result<()> {
        self.recv().await?;
        Ok(())
    }
}

/// PUB is told of subscriptions and keeps it to itself. So it has to say
/// something until somebody has heard it.
impl Publisher for PubSocket {
    async fn meet(&mut self, mut heard: Receiver<()>) -> anyhow::Result<()> {
        let pause = Duration::from_millis(1);
        while timeout(pause, &mut heard).await.is_err() {
            self.send(ZmqMessage::from("Hello?")).await?;
        }
        Ok(())
    }
}
