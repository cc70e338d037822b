//! A stand-in for a Redis server that knows streams only. With it there is
//! nothing to install, and its source shows what consumer groups are. It keeps
//! everything in its memory and nothing on a disk. Its partners are stream-add,
//! stream-worker and every other Redis client.
//!
//! cargo run --example redis-streams-server [HOST:PORT]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Parser;
use redis_streams::{UNKNOWN_HOST, is_unknown_host};
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
        anyhow!("cannot listen at {address}: {}", explain(&error))
    })?;
    let limits = options.limits()?;
    say(format_args!(
        "Redis stand-in for streams ready at {}",
        listener.local_addr()?
    ))?;
    server::serve(listener, limits, stop).await;
    Ok(())
}

impl Options {
    fn limits(&self) -> io::Result<Limits> {
        let usual = Limits::default();
        // Each client is a file descriptor, and a few are the server's own.
        let own = 32;
        let wanted = u64::try_from(usual.clients + own).unwrap_or(u64::MAX);
        let allowed = rlimit::increase_nofile_limit(wanted)?;
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        Ok(Limits {
            clients: usual.clients.min(allowed.saturating_sub(own)),
            memory: self.max_memory,
            idle: self.exit_when_idle,
            ..usual
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
