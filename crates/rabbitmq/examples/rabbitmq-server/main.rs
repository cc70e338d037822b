//! A stand-in for a RabbitMQ server: the part of AMQP 0-9-1 that work queues,
//! fanout and direct exchanges need. With it there is nothing to install, and
//! its source shows what a broker does. It keeps everything in memory, so what
//! is called durable survives its clients, but not the stand-in itself. Its
//! partners are the section's programs and every other AMQP client.
//!
//! cargo run --example rabbitmq-server [HOST:PORT]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Parser;
use rabbitmq::{finish, parse, say, seconds, stop_signal};
use tokio::net::TcpListener;

// By its path, so that the modules inside it are looked for beside it: here
// as in the tests, which take it in by its path too.
#[path = "broker.rs"]
mod broker;
// Only the stand-in logs, so the section's programs need not build it.
#[path = "../../src/log.rs"]
mod log;
use broker::Limits;
use log::log;

/// Does what RabbitMQ does with queues, fanout and direct exchanges; in
/// memory, so that all messages end with it
#[derive(Parser)]
#[command(name = "rabbitmq-server")]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:5672")]
    address: String,
    /// Seconds without a client after which to end [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    #[arg(allow_negative_numbers = true)]
    exit_when_idle: Option<Duration>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("rabbitmq-server", run(parse()).await)
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
    let limits = Limits {
        idle: options.exit_when_idle,
        ..Limits::default()
    };
    say("Everything is kept in memory, and ends with this server")?;
    say(format_args!(
        "RabbitMQ stand-in ready at {}",
        listener.local_addr()?
    ))?;
    broker::serve(listener, limits, stop).await?;
    Ok(())
}

fn explain(error: &io::Error) -> String {
    let kind = error.kind();
    let cure = match kind {
        io::ErrorKind::AddrInUse => {
            "end what listens there, or give another address"
        }
        io::ErrorKind::AddrNotAvailable => "give an address of this machine",
        io::ErrorKind::PermissionDenied => "give a port above 1023",
        // No system error: the address could not be read or looked up.
        _ if error.raw_os_error().is_none() => {
            return format!("{error}; write it as HOST:PORT");
        }
        _ => "give another address",
    };
    format!("{kind}; {cure}")
}
