//! Does the same two jobs over TCP, over a socket file and over channels
//! inside the process, and tells how fast each was. Both sides are in here,
//! each on a thread of its own.
//!
//! cargo run --bin zmq-transports [PLACE...]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, value_parser};
use tokio::time::timeout;
use zmq_transports::{Job, Place, check, finish, messages, round_trips};
use zmq_transports::{say, seconds, stop_signal};

/// Does the same two jobs over several transports and tells how fast each was
#[derive(Parser)]
struct Options {
    /// Where the two sides meet: tcp://HOST:PORT (port 0 takes any free
    /// port), ipc://PATH, or the word channels
    #[arg(value_name = "PLACE")]
    #[arg(default_values = ["tcp://127.0.0.1:0", "ipc://zmq.sock", "channels"])]
    places: Vec<String>,
    /// How many questions to ask, each when the last is answered
    #[arg(long, value_name = "COUNT", default_value = "10000")]
    #[arg(value_parser = value_parser!(u64).range(1..=1_000_000))]
    round_trips: u64,
    /// How many messages to push one way
    #[arg(long, value_name = "COUNT", default_value = "1000000")]
    #[arg(value_parser = value_parser!(u64).range(2..=1_000_000_000))]
    messages: u64,
    /// Bytes of each message; 100,000 of them may be on their way
    #[arg(long, value_name = "BYTES", default_value = "8")]
    #[arg(value_parser = value_parser!(u16).range(8..=4096))]
    size: u16,
    /// Seconds that each job may take
    #[arg(long, default_value = "60", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-transports", run(&Options::parse()).await)
}

async fn run(options: &Options) -> Result<()> {
    let stop = stop_signal()?;
    let names = &options.places;
    let places: Vec<Place> = names
        .iter()
        .map(|name| place(name))
        .collect::<Result<_>>()?;
    let all = async {
        for (place, name) in places.iter().zip(names) {
            measure(options, place, name).await?;
        }
        Ok(())
    };
    tokio::select! {
        () = stop => Ok(()),
        result = all => result,
    }
}

fn place(name: &str) -> Result<Place> {
    if name == "channels" {
        return Ok(Place::Channels);
    }
    check(name)?;
    Ok(Place::Endpoint(name.to_owned()))
}

async fn measure(options: &Options, place: &Place, name: &str) -> Result<()> {
    let late = || {
        format!("{name}: timed out; ask for less, or allow more by --timeout")
    };
    let limit = options.timeout;
    let size = usize::from(options.size);
    let count = options.round_trips;
    say(format_args!("{name}: asking {count} times"))?;
    let job = round_trips(place, Job { count, size });
    let times = timeout(limit, job).await.with_context(late)??;
    say(format_args!(
        "{name}: answered after {:.1} µs (the median), {:.1} µs at worst",
        times.median.as_secs_f64() * 1e6,
        times.slowest.as_secs_f64() * 1e6
    ))?;
    let count = options.messages;
    say(format_args!("{name}: pushing {count} messages"))?;
    let job = messages(place, Job { count, size });
    let rate = timeout(limit, job).await.with_context(late)??;
    say(format_args!("{name}: {rate:.0} messages a second came"))?;
    Ok(())
}
