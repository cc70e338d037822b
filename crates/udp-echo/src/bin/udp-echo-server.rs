//! Sends every datagram back to where it came from, until Ctrl-C. It can lose
//! and delay some on purpose. Its partner is udp-echo-client.
//!
//! cargo run --bin udp-echo-server [HOST:PORT] [--drop 30 --seed 7]

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, value_parser};
use fastrand::Rng;
use tokio::net::UdpSocket;
use udp_echo::{Faults, LARGEST, Limits, block_on, cannot, finish};
use udp_echo::{log, look_up, say, serve, stop_signal};

/// Percent of the answers that are late, if there is a delay.
const LATE: u8 = 50;
/// Answers that are held back at a time; those beyond are lost.
const HELD: usize = 1024;

/// Echoes datagrams to any number of clients
#[derive(Parser)]
struct Options {
    /// Where to wait; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Percent of the datagrams to lose
    #[arg(long, value_name = "PERCENT", default_value = "0")]
    #[arg(value_parser = value_parser!(u8).range(..=100))]
    drop: u8,
    /// Milliseconds to hold back every second answer, by chance
    #[arg(long, value_name = "MILLISECONDS", default_value = "0")]
    delay: u32,
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
    let socket = UdpSocket::bind(address).await;
    let socket = socket.map_err(cannot(&format!("bind to {address}")))?;
    let bound = socket.local_addr()?;
    say(format_args!("Echoing datagrams at {bound}"))?;
    let limits = Limits {
        largest: LARGEST.into(),
        held: HELD,
    };
    let faults = Faults {
        drop: options.drop,
        late: LATE,
        delay: Duration::from_millis(options.delay.into()),
        chance: options.seed.map_or_else(Rng::new, Rng::with_seed),
    };
    let counts = serve(socket, limits, faults, stop).await;
    let counts = counts.map_err(cannot("serve"))?;
    say(format_args!(
        "Received: {}; echoed: {}, dropped: {}, too long: {}",
        counts.received, counts.echoed, counts.dropped, counts.too_long
    ))?;
    Ok(())
}
