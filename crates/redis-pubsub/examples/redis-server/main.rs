//! A stand-in for a Redis server that knows publish–subscribe only. With it
//! there is nothing to install, and its source shows what a broker does. Its
//! partners are redis-pub, redis-sub and every other Redis client.
//!
//! cargo run --example redis-server [HOST:PORT]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Parser;
use redis_pubsub::{UNKNOWN_HOST, is_unknown_host};
use redis_pubsub::{finish, parse, say, seconds, stop_signal};
use tokio::net::TcpListener;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

// By its path, so that the modules inside it are looked for beside it: here
// as in the tests, which take it in by its path too.
#[path = "broker.rs"]
mod broker;
use broker::Limits;

/// Serves publish–subscribe as Redis does, and nothing else of it
#[derive(Parser)]
#[command(name = "redis-server")]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6379")]
    address: String,
    /// Password to ask every client for [default: none]
    #[arg(long, value_name = "PASSWORD")]
    requirepass: Option<String>,
    /// Seconds without a client after which to end [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    exit_when_idle: Option<Duration>,
    /// Clients at a time; fewer if the file-descriptor limit is lower
    #[arg(long, value_name = "COUNT")]
    #[arg(default_value_t = Limits::default().clients)]
    max_clients: usize,
    /// Bytes of one command, all its strings together
    #[arg(long, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().command)]
    max_command: usize,
    /// Strings in one command
    #[arg(long, value_name = "COUNT")]
    #[arg(default_value_t = Limits::default().arguments)]
    max_arguments: usize,
    /// Bytes of a command that is a line of words
    #[arg(long, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().line)]
    max_line: usize,
    /// Bytes that may wait for a client; one that reads too slowly is closed
    #[arg(long, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().waiting)]
    max_waiting: usize,
    /// Channels and patterns of one client together
    #[arg(long, value_name = "COUNT")]
    #[arg(default_value_t = Limits::default().subscriptions)]
    max_subscriptions: usize,
    /// Patterns of one client
    #[arg(long, value_name = "COUNT")]
    #[arg(default_value_t = Limits::default().patterns)]
    max_patterns: usize,
    /// Bytes of a channel's name or of a pattern
    #[arg(long, value_name = "BYTES")]
    #[arg(default_value_t = Limits::default().name)]
    max_name: usize,
    /// Seconds that a client which is being closed has to read why
    #[arg(long, value_name = "SECONDS")]
    #[arg(default_value = "1", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    farewell: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("redis-server", run(parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let stop = stop_signal()?;
    let address = &options.address;
    // Not quoted: a password may be in it.
    if address.contains('@') || address.contains("://") {
        bail!("cannot listen at a URL; write the address as HOST:PORT");
    }
    let listener = TcpListener::bind(address).await.map_err(|error| {
        anyhow!("cannot listen at {address}: {}", explain(&error))
    })?;
    let limits = options.limits()?;
    say(format_args!(
        "Redis stand-in ready at {}",
        listener.local_addr()?
    ))?;
    broker::serve(listener, limits, stop).await?;
    Ok(())
}

impl Options {
    fn limits(self) -> io::Result<Limits> {
        // Each client is a file descriptor, and a few are the server's own.
        let own = 32;
        let wanted = (self.max_clients as u64).saturating_add(own);
        let allowed = rlimit::increase_nofile_limit(wanted)?;
        let allowed = usize::try_from(allowed.saturating_sub(own));
        Ok(Limits {
            clients: self.max_clients.min(allowed.unwrap_or(usize::MAX)),
            command: self.max_command,
            arguments: self.max_arguments,
            line: self.max_line,
            waiting: self.max_waiting,
            subscriptions: self.max_subscriptions,
            patterns: self.max_patterns,
            name: self.max_name,
            farewell: self.farewell,
            idle: self.exit_when_idle,
            password: self.requirepass,
        })
    }
}

fn explain(error: &io::Error) -> String {
    let kind = error.kind();
    match kind {
        io::ErrorKind::AddrInUse => {
            format!("{kind}; end what listens there, or give another address")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{kind}; give an address of this machine")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{kind}; give a port above 1023")
        }
        _ if is_unknown_host(error) => UNKNOWN_HOST.into(),
        // No system error: the address could not be read.
        _ if error.raw_os_error().is_none() => {
            format!("{error}; write it as HOST:PORT")
        }
        _ => format!("{kind}; give another address"),
    }
}

/// Logs to stderr what RUST_LOG asks for, such as `redis_server=debug`;
/// nothing if it asks for nothing.
fn log() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let Ok(targets) = wanted.parse::<Targets>() else {
        return;
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(layer.with_filter(targets))
        .init();
}
