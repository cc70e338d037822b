//! Publishes which cat wears which hat, and counts what somebody heard. Its
//! partner is redis-sub.
//!
//! cargo run --bin redis-pub [redis://HOST:PORT] [--seed 7]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Parser;
use fastrand::Rng;
use redis::AsyncTypedCommands;
use redis_pubsub::{CATS, HATS, Server};
use redis_pubsub::{enter_keys, finish, parse, say, seconds, stop_signal};

/// Publishes which cat wears which hat
#[derive(Parser)]
struct Options {
    /// Where the Redis server is
    #[arg(env = "REDIS_URL", hide_env_values = true)]
    #[arg(default_value = "redis://127.0.0.1:6379")]
    url: String,
    /// How many messages to publish
    #[arg(long, default_value = "10")]
    count: u64,
    /// Where chance starts: the same number gives the same messages
    #[arg(long)]
    seed: Option<u64>,
    /// Wait for Enter before each message
    #[arg(long)]
    step: bool,
    /// Seconds to wait for the connection, and for each answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("redis-pub", run(parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = publish(&options) => result,
    }
}

async fn publish(options: &Options) -> anyhow::Result<()> {
    let server = Server::from_url(&options.url)?;
    let connected = server.connect(options.timeout, options.timeout, None);
    let mut connection = connected
        .await
        .map_err(|error| server.cannot("connect to", &error))?;
    let mut random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let mut enter = options.step.then(enter_keys);
    let (mut sent, mut heard) = (0, 0);
    for number in 1..=options.count {
        if let Some(enter) = &mut enter {
            say(format_args!("Press Enter to publish message {number}"))?;
            if enter.recv().await.is_none() {
                break;
            }
        }
        let cat = CATS[random.usize(..CATS.len())];
        let hat = HATS[random.usize(..HATS.len())];
        say(format_args!(
            "Publish: message {number} : {cat} wears a {hat}"
        ))?;
        // The reply is the number of subscribers the server passed it to.
        let published = connection.publish(cat, hat).await;
        let receivers = published.map_err(|error| {
            let what = format!("publish message {number} at");
            let cannot = server.cannot(&what, &error);
            // A refusal is certain. Without an answer nobody knows.
            let doubt = match error.code() {
                Some(_) => "",
                None => "; this one may be published or not",
            };
            anyhow!("{cannot} ({sent} answered before{doubt})")
        })?;
        sent += 1;
        heard += u64::from(receivers > 0);
    }
    let unheard = sent - heard;
    say(format_args!(
        "Messages sent: {sent}; \
         heard by somebody: {heard}, by nobody: {unheard}"
    ))?;
    Ok(())
}
