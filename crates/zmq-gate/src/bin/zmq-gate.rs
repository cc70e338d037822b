//! Stands in front of a ZeroMQ socket that strangers can reach, and lets only
//! whole messages within limits pass. Its partners are the examples: zmq-cat
//! behind it, zmq-ask in front.
//!
//! cargo run --bin zmq-gate [FRONT] [BACK]

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use zmq_gate::{End, Limits, address, cannot_bind, endpoint, serve};
use zmq_gate::{finish, log, say, seconds, stop_signal, warn};

/// Lets whole ZeroMQ messages pass that keep within limits, and nothing else
#[derive(Parser)]
struct Options {
    /// Where peers connect; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    front: String,
    /// Where the socket behind is bound
    #[arg(default_value = "tcp://127.0.0.1:6788")]
    back: String,
    /// Bytes that a message may have, all its parts together
    #[arg(long, default_value = "1048576", value_parser = at_least_one)]
    longest: usize,
    /// Parts that a message may have
    #[arg(long, default_value = "100", value_parser = at_least_one)]
    parts: usize,
    /// Connections at a time; the next ones wait
    #[arg(long, default_value = "1000", value_parser = at_least_one)]
    connections: usize,
    /// Seconds for the handshake
    #[arg(long, default_value = "5", value_parser = seconds)]
    handshake: Duration,
    /// Seconds for the rest of a message, and for a peer to read
    #[arg(long, default_value = "30", value_parser = seconds)]
    stall: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-gate", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    log();
    let mut stop = pin!(stop_signal()?);
    let (front, back) = (&options.front, address(&options.back)?);
    let bound = tokio::select! {
        () = &mut stop => return Ok(()),
        bound = TcpListener::bind(address(front)?) => bound,
    };
    let listener = bound.map_err(|error| cannot_bind(front, &error))?;
    let own = endpoint(listener.local_addr()?);
    say(format_args!("Gate at {own}, before {}", options.back))?;
    let limits = Limits {
        // A peer takes two descriptors; some are for the program itself.
        connections: options.connections.min(descriptors() / 2),
        handshake: options.handshake,
        message: options.longest,
        parts: options.parts,
        stall: options.stall,
    };
    let refused = |peer: &str, why: End| {
        warn(format_args!("zmq-gate: refused {peer}: {why}"));
    };
    say(serve(listener, back, limits, refused, stop).await)?;
    Ok(())
}

/// How many sockets this process may have.
fn descriptors() -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .saturating_sub(20)
}

/// Reads an option that is a count.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("must be a whole number above 0".into()),
    }
}
