//! Sends back what its clients send, any number of clients at once, until
//! Ctrl-C. Its partner is tcp-echo-client.
//!
//! cargo run --bin tcp-echo-server [HOST:PORT]

use std::future::pending;
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, value_parser};
use tcp_echo::{Limits, cannot_listen, finish, listen, look_up, say, seconds};
use tcp_echo::{log, serve, stop_signal};

/// Clients that may wait until they are accepted.
const BACKLOG: u32 = 1024;

/// Sends back what its clients send, until Ctrl-C
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Connections at a time; fewer if the file-descriptor limit is lower
    #[arg(long, value_name = "COUNT", default_value = "4096")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    connections: u32,
    /// Seconds without a byte after which a connection is closed
    #[arg(long, value_name = "SECONDS")]
    #[arg(default_value = "60", value_parser = seconds)]
    idle: Duration,
    /// Seconds that open connections may go on after Ctrl-C
    #[arg(long, value_name = "SECONDS")]
    #[arg(default_value = "5", value_parser = seconds)]
    grace: Duration,
    /// Bytes to read at once, and the most to keep for a client that does
    /// not read
    #[arg(long, value_name = "BYTES", default_value = "16384")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    buffer: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    finish("tcp-echo-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let mut stop = pin!(stop_signal()?);
    let address = &options.address;
    let addresses = tokio::select! {
        () = &mut stop => return Ok(()),
        found = look_up(address) => found,
    };
    let listener = addresses
        .and_then(|found| listen(found[0], BACKLOG))
        .map_err(|error| cannot_listen(address, &error))?;
    let limits = options.limits()?;
    say(format_args!(
        "Waiting for clients to call. Address: {}",
        listener.local_addr()?
    ))?;
    let served = serve(listener, limits, stop, second_signal()).await;
    say(served)?;
    Ok(())
}

/// A second Ctrl-C: this looks at signals from its first poll on only.
async fn second_signal() {
    match stop_signal() {
        Ok(stop) => stop.await,
        Err(_) => pending().await,
    }
}

impl Options {
    fn limits(&self) -> io::Result<Limits> {
        // Each connection is a file descriptor, and some are our own.
        let own = 32;
        let wanted = u64::from(self.connections);
        let allowed = rlimit::increase_nofile_limit(wanted + own)?;
        let connections = wanted.min(allowed.saturating_sub(own)).max(1);
        tracing::info!("at most {connections} connections");
        Ok(Limits {
            connections: connections.try_into().unwrap_or(usize::MAX),
            idle: self.idle,
            grace: self.grace,
            buffer: self.buffer.try_into().unwrap_or(usize::MAX),
        })
    }
}
