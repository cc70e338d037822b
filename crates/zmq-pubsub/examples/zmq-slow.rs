//! A subscriber that does not read, and what becomes of the messages: XPUB
//! stands still, PUB keeps all of them in memory. And a publisher that never
//! lets its own tasks run (`--hurry`): then PUB drops. Publisher and
//! subscriber are two sockets of one program, joined by TCP.
//!
//! cargo run --example zmq-slow -- --socket pub
//! cargo run --example zmq-slow -- --socket xpub

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::{Parser, ValueEnum, value_parser};
use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::timeout;
use zeromq::{PubSocket, Socket, SocketEvent, SocketRecv, SocketSend};
use zeromq::{SubSocket, XPubSocket, ZmqMessage};
use zmq_pubsub::{bind, close, connect, finish, say, seconds, socket_options};

/// Publishes to a subscriber that does not read
#[derive(Parser)]
struct Options {
    /// What publishes
    #[arg(long)]
    socket: Kind,
    /// How many messages to publish
    #[arg(long, default_value = "30000")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    count: u32,
    /// Bytes of the last part of each message
    #[arg(long, value_name = "BYTES", default_value = "1000")]
    #[arg(value_parser = value_parser!(u32).range(..1_000_000))]
    size: u32,
    /// Publish without letting the tasks of the socket run in between
    #[arg(long)]
    hurry: bool,
    /// Seconds after which the publisher is said to stand still
    #[arg(long, default_value = "1", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Pub,
    Xpub,
}

/// No wait for the other socket of this program takes longer.
const LONG: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    finish(
        "zmq-slow",
        match options.socket {
            Kind::Pub => with_pub(&options).await,
            Kind::Xpub => with_xpub(&options).await,
        },
    )
}

async fn with_pub(options: &Options) -> anyhow::Result<()> {
    let mut publisher = PubSocket::new();
    let mut subscriber = subscribe_to(&mut publisher).await?;
    // PUB does not tell who has subscribed. What can be done instead: send
    // until something arrives.
    let arrives = async {
        loop {
            publisher.send(message(0, 0)).await?;
            let pause = Duration::from_millis(10);
            if let Ok(received) = timeout(pause, subscriber.recv()).await {
                return received;
            }
        }
    };
    timeout(LONG, arrives).await.context("nothing arrives")??;
    play(publisher, subscriber, options).await
}

async fn with_xpub(options: &Options) -> anyhow::Result<()> {
    let mut publisher = XPubSocket::new();
    let subscriber = subscribe_to(&mut publisher).await?;
    timeout(LONG, publisher.recv())
        .await
        .context("no subscription arrives")??;
    play(publisher, subscriber, options).await
}

async fn subscribe_to(
    publisher: &mut impl Socket,
) -> anyhow::Result<SubSocket> {
    let endpoint = bind(publisher, "tcp://127.0.0.1:0").await?;
    let mut subscriber = SubSocket::with_options(socket_options());
    connect(&mut subscriber, &endpoint.to_string(), LONG).await?;
    subscriber.subscribe("cat").await?;
    Ok(subscriber)
}

/// The cat, the number of the message, and something that fills it up.
fn message(number: u32, size: u32) -> ZmqMessage {
    let mut message = ZmqMessage::from("catA");
    message.push_back(Bytes::copy_from_slice(&number.to_be_bytes()));
    message.push_back(Bytes::from(vec![b'.'; size as usize]));
    message
}

async fn play(
    mut publisher: impl Socket + SocketSend,
    subscriber: SubSocket,
    options: &Options,
) -> anyhow::Result<()> {
    let count = options.count;
    say("The subscriber does not read")?;
    let (go, reads) = oneshot::channel::<()>();
    let mut go = Some(go);
    let publish = async move {
        for number in 1..=count {
            let mut send = pin!(publisher.send(message(number, options.size)));
            if let Ok(sent) = timeout(options.timeout, &mut send).await {
                sent?;
            } else {
                say(format_args!("The publisher stands still at {number}"))?;
                // Dropping `go` tells the subscriber to read.
                go.take();
                send.await?;
            }
            // Sending by PUB never waits, so without this the task that takes
            // messages out of its queue would not run.
            if !options.hurry {
                yield_now().await;
            }
        }
        say(format_args!("The publisher has sent {count}"))?;
        go.take();
        close(publisher, LONG).await;
        anyhow::Ok(())
    };
    let read = async {
        let _ = reads.await;
        say("The subscriber reads")?;
        arrived(subscriber).await
    };
    let ((), last) = tokio::try_join!(publish, read)?;
    let lost = count - last;
    say(format_args!("Arrived: the first {last}; dropped: {lost}"))?;
    Ok(())
}

/// Reads until the publisher is gone, and returns how many messages came.
/// They must be the first ones, in their order.
async fn arrived(mut subscriber: SubSocket) -> anyhow::Result<u32> {
    let mut events = subscriber.monitor();
    let mut last = 0;
    loop {
        tokio::select! {
            biased;
            received = subscriber.recv() => {
                let message = received?;
                let number = message.get(1).context("a part is missing")?;
                let number = u32::from_be_bytes(number[..].try_into()?);
                // Before the first, zeros were sent.
                if number == last + 1 {
                    last = number;
                } else if number != 0 {
                    bail!("after message {last} came {number}");
                }
            }
            Some(SocketEvent::Disconnected(_)) = events.next() => {
                return Ok(last);
            }
        }
    }
}
