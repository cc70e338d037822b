//! Publishes which cat wears which hat, once enough subscriptions are there.
//! Its partner is zmq-sub.
//!
//! cargo run --bin zmq-pub [tcp://HOST:PORT] [--seed 7] [--expect 2]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Parser;
use fastrand::Rng;
use tokio::task::yield_now;
use tokio::time::timeout;
use zeromq::{Socket, XPubSocket};
use zmq_pubsub::{Audience, CATS, Expected, HATS, bind, enter_keys};
use zmq_pubsub::{finish, message, say, seconds, send, stop_signal};

/// Publishes which cat wears which hat
#[derive(Parser)]
struct Options {
    /// Where to bind; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
    /// How many messages to publish
    #[arg(long, default_value = "10")]
    count: u64,
    #[command(flatten)]
    expected: Expected,
    /// Seconds for which a subscriber that does not read may hold us up
    #[arg(long, default_value = "5", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Duration,
    /// Where chance starts: the same number gives the same messages
    #[arg(long)]
    seed: Option<u64>,
    /// Wait for Enter before each message
    #[arg(long)]
    step: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-pub", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    // Of the two sockets that publish, XPUB is the one that tells who has
    // subscribed. And what a subscriber does not read, PUB would keep in
    // memory without a bound; XPUB waits: hence the time limit on sending.
    let mut publisher = XPubSocket::new();
    let result = tokio::select! {
        () = stop => Ok(()),
        result = publish(&options, &mut publisher) => result,
    };
    // What an XPUB socket has sent is with the system, so closing is enough.
    // (A PUB socket's messages may still be in a queue, which dies with us.)
    // Unclosed, it would leave the file of an ipc endpoint behind.
    publisher.close().await;
    result
}

async fn publish(
    options: &Options,
    publisher: &mut XPubSocket,
) -> anyhow::Result<()> {
    let mut audience = Audience::new(publisher);
    let endpoint = bind(publisher, &options.endpoint).await?;
    let expected = options.expected;
    audience.await_all(publisher, &endpoint, expected).await?;
    let mut random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let mut enter = options.step.then(enter_keys);
    for number in 1..=options.count {
        if !audience.press_enter(publisher, &mut enter, number).await? {
            break;
        }
        let cat = CATS[random.usize(..CATS.len())];
        let hat = HATS[random.usize(..HATS.len())];
        say(format_args!(
            "Publish: message {number} : {cat} wears a {hat}"
        ))?;
        let sent = send(publisher, message(cat, hat), options.timeout).await;
        sent.map_err(|why| {
            let before = number - 1;
            anyhow!(
                "cannot publish message {number} at {endpoint}: {why} \
                 ({before} sent before)"
            )
        })?;
        // What nobody has asked for is sent without any waiting, and only
        // while we wait is Ctrl-C heard.
        yield_now().await;
    }
    // Whoever goes on subscribing for ever does not hold us up for ever.
    let _ = timeout(options.timeout, audience.catch_up(publisher)).await;
    Ok(())
}
