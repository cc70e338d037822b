//! Subscribes to cats and shows each hat that is announced for them, until
//! Ctrl-C. Its partner is zmq-pub.
//!
//! cargo run --bin zmq-sub [tcp://HOST:PORT]... [--prefix cat]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Parser;
use futures_util::StreamExt;
use zeromq::{Socket, SocketRecv, SubSocket};
use zmq_pubsub::{Publishers, broke_off, cause, check, connect, each_once};
use zmq_pubsub::{finish, list, say, seconds, show, socket_options};
use zmq_pubsub::{stop_signal, warn};

/// Shows what is published about catA and catC
#[derive(Parser)]
struct Options {
    /// Where publishers are: one, or several
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoints: Vec<String>,
    /// What the messages to hear begin with; several times for several,
    /// and "" for all messages [default: catA and catC]
    #[arg(long = "prefix", conflicts_with = "no_prefix")]
    prefixes: Vec<String>,
    /// Subscribe to nothing, to see what comes then
    #[arg(long)]
    no_prefix: bool,
    /// Seconds to wait for each publisher to be there
    #[arg(long, default_value = "30", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    patience: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-sub", run(Options::parse()).await)
}

async fn run(mut options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    options.endpoints = each_once(options.endpoints);
    if options.prefixes.is_empty() && !options.no_prefix {
        options.prefixes = vec!["catA".into(), "catC".into()];
    }
    tokio::select! {
        () = stop => Ok(()),
        result = listen(&options) => result,
    }
}

async fn listen(options: &Options) -> anyhow::Result<()> {
    for endpoint in &options.endpoints {
        check(endpoint)?;
    }
    let mut subscriber = SubSocket::with_options(socket_options());
    let mut events = subscriber.monitor();
    for endpoint in &options.endpoints {
        say(format_args!("Connecting to {endpoint}"))?;
        connect(&mut subscriber, endpoint, options.patience).await?;
    }
    for prefix in &options.prefixes {
        subscriber.subscribe(prefix).await.map_err(|error| {
            anyhow!("cannot subscribe to {prefix}: {}", cause(&error))
        })?;
    }
    // Nobody confirms a subscription: this only means that it was sent.
    let prefixes = list(&options.prefixes);
    say(format_args!("Subscribed to {prefixes}"))?;
    let mut publishers = Publishers::default();
    loop {
        tokio::select! {
            // Events first: a connection is reported before anything has come
            // by it, and its end after all that came.
            biased;
            Some(event) = events.next() => publishers.note(event, &prefixes)?,
            received = subscriber.recv() => match received {
                Ok(message) => show(&message)?,
                // The end of a connection; the monitor says which.
                Err(error) => if let Some(why) = broke_off(&error) {
                    warn(format_args!("zmq-sub: a publisher: {why}"));
                },
            },
        }
    }
}
