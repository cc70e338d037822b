//! Sends every datagram back to where it came from, until Ctrl-C. It can lose
//! and delay some on purpose. Its partner is udp-echo-client.
//!
//! cargo run --bin udp-echo-server [HOST:PORT] [--drop 30 --seed 7]

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Parser, value_parser};
use fastrand::Rng;
use tokio::net::UdpSocket;
use udp_echo::{
    Faults, LARGEST, Limits, block_on, explain, finish, warn_of_all_addresses,
};
use udp_echo::{log, look_up, say, serve, stop_signal};

/// Echoes datagrams to any number of clients
#[derive(Parser)]
struct Options {
    /// Where to wait; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Bytes of the longest datagram to answer
    #[arg(long, value_name = "BYTES", default_value_t = LARGEST)]
    largest: u16,
    /// Percent of the datagrams to lose
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    #[arg(value_parser = value_parser!(u8).range(..=100))]
    drop: u8,
    /// Milliseconds to hold back the answers that are late
    #[arg(long, value_name = "MILLISECONDS", default_value = "0")]
    delay: u32,
    /// Percent of the answers that are late, if there is a delay
    #[arg(long, value_name = "PERCENT", default_value = "50")]
    #[arg(value_parser = value_parser!(u8).range(..=100))]
    late: u8,
    /// Answers to hold back at a time; those beyond are lost
    #[arg(long, value_name = "COUNT", default_value = "1024")]
    held: usize,
    /// Where chance starts: the same number gives the same losses
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    finish("udp-echo-server", block_on(run(Options::parse())))
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let mut stop = pin!(stop_signal()?);
    let address = tokio::select! {
        () = &mut stop => return Ok(()),
        found = look_up(&options.address) => found?,
    };
    let socket = UdpSocket::bind(address).await.map_err(|error| {
        anyhow!("cannot bind to {address}: {}", explain(&error))
    })?;
    warn_of_all_addresses("udp-echo-server", socket.local_addr()?);
    say(format_args!(
        "Echoing datagrams at {}",
        socket.local_addr()?
    ))?;
    let limits = Limits {
        largest: options.largest.into(),
        held: options.held,
    };
    let faults = Faults {
        drop: options.drop,
        late: options.late,
        delay: Duration::from_millis(options.delay.into()),
        chance: options.seed.map_or_else(Rng::new, Rng::with_seed),
    };
    let counts = serve(socket, limits, faults, stop).await;
    say(format_args!(
        "Received: {}; echoed: {}, dropped: {}, too long: {}",
        counts.received, counts.echoed, counts.dropped, counts.too_long
    ))?;
    Ok(())
}
