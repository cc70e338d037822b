//! A stand-in for a Redis server that knows streams only. With it there is
//! nothing to install, and its source shows what consumer groups are. It keeps
//! everything in its memory and nothing on a disk. Its partners are stream-add,
//! stream-worker and every other Redis client.
//!
//! cargo run --example redis-streams-server [HOST:PORT]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Parser;
use redis_streams::{finish, parse, say, seconds, stop_signal};
use tokio::net::TcpListener;

// By its path, so that the modules inside it are looked for beside it: here
// as in the tests, which take it in by its path too.
#[path = "server.rs"]
mod server;
use server::Limits;

/// Serves streams as Redis does, and nothing else of it
#[derive(Parser)]
#[command(name = "redis-streams-server")]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6380")]
    address: String,
    /// Seconds without a client after which to end [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    exit_when_idle: Option<Duration>,
    /// Bytes of all entries, and of what is known about their readers
    #[arg(long, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().memory)]
    max_memory: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("redis-streams-server", run(parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let address = &options.address;
    // Not quoted: a password may be in it.
    if address.contains('@') || address.contains("://") {
        bail!("cannot listen at a URL; write the address as HOST:PORT");
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.raw_os_error() {
            // No system error: the address could not be read.
            None => "write it as HOST:PORT",
            Some(_) => "end what listens there, or give another address",
        };
        anyhow!("cannot listen at {address}: {}; {advice}", error.kind())
    })?;
    let limits = Limits {
        memory: options.max_memory,
        idle: options.exit_when_idle,
        ..Limits::default()
    };
    say(format_args!(
        "Redis stand-in for streams ready at {}",
        listener.local_addr()?
    ))?;
    server::serve(listener, limits, stop).await;
    Ok(())
}
