// ANCHOR: all
//! Subscribes to two cats and shows each hat that is announced for them,
//! until Ctrl-C. Its partner is redis-pub.
//!
//! cargo run --bin redis-sub [redis://HOST:PORT]

use std::io;
use std::pin::pin;
use std::process::ExitCode;

use clap::Parser;
use redis::Msg;
use redis_pubsub::{Patience, Server, Subscription};
use redis_pubsub::{finish, parse, say, shortened, stop_signal, warn};

/// Shows what is published about catA and catC
#[derive(Parser)]
struct Options {
    /// Where the Redis server is
    #[arg(env = "REDIS_URL", hide_env_values = true)]
    #[arg(default_value = "redis://127.0.0.1:6379")]
    url: String,
    /// Bytes to show of a message; of a longer one, the beginning
    #[arg(long, value_name = "BYTES", default_value = "1024")]
    max_shown: usize,
    #[command(flatten)]
    patience: Patience,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("redis-sub", run(parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = pin!(stop_signal()?);
    let server = Server::from_url(&options.url)?;
    let cats = ["catA", "catC"];
    let mut subscription = tokio::select! {
        () = &mut stop => return Ok(()),
        opened = Subscription::open(&server, &cats, options.patience) => {
            opened.map_err(|error| server.cannot("subscribe at", &error))?
        }
    };
    say("Subscribed to catA, catC")?;
    tokio::select! {
        () = stop => {}
        result = listen(&server, &mut subscription, options.max_shown) => {
            return result;
        }
    }
    // What came before Ctrl-C was received: show it.
    while let Some(message) = subscription.received() {
        show(message, options.max_shown)?;
    }
    Ok(())
}

// ANCHOR: listen
/// Shows messages for ever, with one server after another at that address.
async fn listen(
    server: &Server,
    subscription: &mut Subscription<'_>,
    max_shown: usize,
) -> anyhow::Result<()> {
    loop {
        while let Some(message) = subscription.next().await {
            show(message, max_shown)?;
        }
        warn(format_args!(
            "redis-sub: connection to {server} lost; trying again"
        ));
        // What is published from here on is gone: Redis keeps no message for
        // a subscriber that is away (at-most-once).
        let refused = |error: &redis::RedisError| {
            let why = server.explain(error);
            warn(format_args!("redis-sub: {server} refuses: {why}"));
        };
        subscription.renew(refused).await;
        say("Subscribed again to catA, catC")?;
    }
}
// ANCHOR_END: listen

// ANCHOR: show
fn show(message: Msg, max_shown: usize) -> io::Result<()> {
    let cat = message.get_channel_name();
    let hat = shortened(message.get_payload_bytes(), max_shown);
    say(format_args!("Subscribe: {cat} wears a {hat}"))
}
// ANCHOR_END: show
// ANCHOR_END: all
