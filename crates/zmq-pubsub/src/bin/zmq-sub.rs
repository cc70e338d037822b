// ANCHOR: all
//! Subscribes to cats and shows each hat that is announced for them, until
//! Ctrl-C. Its partner is zmq-pub.
//!
//! cargo run --bin zmq-sub [tcp://HOST:PORT]... [--prefix cat]

use std::collections::{HashMap, HashSet};
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Parser;
use futures_util::StreamExt;
use zeromq::{Socket, SocketEvent, SocketRecv, SubSocket, ZmqMessage};
use zmq_pubsub::{
    broke_off, cat_and_hat, cause, check, connect, finish, list, printable,
};
use zmq_pubsub::{say, seconds, socket_options, stop_signal, warn};

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
    // libzmq ignores a second connection to where there is one.
    let mut seen = HashSet::new();
    options.endpoints.retain(|endpoint| {
        let is_new = seen.insert(endpoint.clone());
        if !is_new {
            warn(format_args!("zmq-sub: {endpoint} is given twice"));
        }
        is_new
    });
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
    // The socket connects again by itself, after 0.1 s, 0.2 s, 0.4 s and so
    // on up to 30 s, and subscribes again. What is published meanwhile passes
    // it by. The monitor tells when.
    let (mut publishers, mut lost) = (HashMap::new(), HashSet::new());
    loop {
        tokio::select! {
            // Events first: a connection is reported before anything has come
            // by it, and its end after all that came.
            biased;
            // ANCHOR: again
            Some(event) = events.next() => match event {
                SocketEvent::Connected(endpoint, peer) => {
                    if lost.remove(&endpoint) {
                        say(format_args!(
                            "Subscribed again to {prefixes} at {endpoint}"
                        ))?;
                    }
                    publishers.insert(peer, endpoint);
                }
                SocketEvent::Disconnected(peer) => {
                    if let Some(endpoint) = publishers.remove(&peer) {
                        warn(format_args!(
                            "zmq-sub: connection to {endpoint} lost; \
                             trying again"
                        ));
                        lost.insert(endpoint);
                    }
                }
                _ => {}
            },
            // ANCHOR_END: again
            received = subscriber.recv() => {
                // An error is the end of a connection; the monitor says which.
                match received {
                    Ok(message) => show(&message)?,
                    Err(error) => if let Some(why) = broke_off(&error) {
                        warn(format_args!("zmq-sub: a publisher: {why}"));
                    },
                }
            }
        }
    }
}

// ANCHOR: show
fn show(message: &ZmqMessage) -> io::Result<()> {
    match cat_and_hat(message) {
        Ok((cat, hat)) => say(format_args!(
            "Subscribe: {} wears a {}",
            printable(cat),
            printable(hat)
        )),
        Err(why) => {
            warn(format_args!("zmq-sub: skipped a message: {why}"));
            Ok(())
        }
    }
}
// ANCHOR_END: show
// ANCHOR_END: all
