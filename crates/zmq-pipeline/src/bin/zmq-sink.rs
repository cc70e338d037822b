// ANCHOR: all
//! Collects results until all are there, and says who did how many and how
//! long it took. Its partners are zmq-worker and zmq-ventilator.
//!
//! `cargo run --bin zmq-sink [RESULTS]`

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::time::{Instant, timeout_at};
use zeromq::{PullSocket, Socket};
use zmq_pipeline::{Note, Tally, bind, log_peers, socket_options};
use zmq_pipeline::{finish, log, printable, say, seconds, stop_signal};

/// Collects results, and says who did how many
#[derive(Parser)]
struct Options {
    /// Where to wait for results; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6792")]
    results: String,
    /// Seconds without a new result after which the rest is given up
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-sink", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let stop = stop_signal()?;
    let mut results = PullSocket::with_options(socket_options());
    let ended = tokio::select! {
        () = stop => Ok(()),
        ended = collect(&options, &mut results) => ended,
    };
    // Else the file of an ipc:// endpoint would stay.
    results.close().await;
    ended
}

async fn collect(
    options: &Options,
    results: &mut PullSocket,
) -> anyhow::Result<()> {
    log_peers(results);
    let bound = bind(results, &options.results).await?;
    say(format_args!("Waiting for results. Endpoint: {bound}"))?;
    let mut tally = Tally::default();
    let first = tally.next(results).await;
    let begin = Instant::now();
    let mut last = begin;
    announce(&first)?;
    // ANCHOR: wait
    while !tally.is_complete() {
        // Only what counts moves the deadline.
        let news = tally.next(results);
        match timeout_at(last + options.timeout, news).await {
            Ok(note) => announce(&note)?,
            Err(_) => break,
        }
        last = Instant::now();
    }
    // ANCHOR_END: wait
    for (worker, count) in tally.by_worker() {
        say(format_args!("{}: {count}", printable(worker)))?;
    }
    let took = (last - begin).as_secs_f64();
    let count = tally.all()?;
    say(format_args!("All {count} done in {took:.2} s"))?;
    Ok(())
}

fn announce(note: &Note) -> std::io::Result<()> {
    match note {
        Note::Tasks(count) => say(format_args!("Tasks to come: {count}")),
        Note::Done { .. } => Ok(()),
    }
}
// ANCHOR_END: all
