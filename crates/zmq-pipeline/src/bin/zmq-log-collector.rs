//! Collects the lines that programs push and appends them to one file, until
//! Ctrl-C. Its partner is zmq-log.
//!
//! `cargo run --bin zmq-log-collector [ENDPOINT] [--to FILE]`

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, value_parser};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};
use zeromq::{PullSocket, Socket, SocketRecv};
use zmq_pipeline::{Collected, bind, log_peers, socket_options};
use zmq_pipeline::{finish, log, say, seconds, stop_signal};

/// Collects lines from many programs in one file, until Ctrl-C
#[derive(Parser)]
struct Options {
    /// Where to wait for lines; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6793")]
    endpoint: String,
    /// The file to append to
    #[arg(long, value_name = "FILE", default_value = "collected.log")]
    to: PathBuf,
    /// Print each line, too
    #[arg(long)]
    show: bool,
    /// The most bytes in a line; a message with more is skipped
    #[arg(long, value_name = "BYTES", default_value = "65536")]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 30))]
    longest: u32,
    /// Seconds to go on after Ctrl-C, for what is on its way
    #[arg(long, value_name = "SECONDS", default_value = "0.2")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    grace: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-log-collector", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let stop = stop_signal()?;
    let mut lines = PullSocket::with_options(socket_options());
    let ended = collect(&options, &mut lines, stop).await;
    // Else the file of an ipc:// endpoint would stay.
    lines.close().await;
    ended
}

async fn collect(
    options: &Options,
    lines: &mut PullSocket,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut stop = pin!(stop);
    let mut file = Collected::open(&options.to, options.longest, options.show)?;
    log_peers(lines);
    let bound = bind(lines, &options.endpoint).await?;
    say(format_args!("Waiting for lines. Endpoint: {bound}"))?;
    loop {
        // While more is waiting, the file is not flushed for each line.
        let received = match lines.recv().now_or_never() {
            Some(received) => received,
            None => {
                file.flush()?;
                tokio::select! {
                    () = &mut stop => break,
                    received = lines.recv() => received,
                }
            }
        };
        file.append(received)?;
    }
    // What has come but was not read: a program that has ended thinks that
    // its lines are safe.
    let end = Instant::now() + options.grace;
    while let Ok(received) = timeout_at(end, lines.recv()).await {
        file.append(received)?;
    }
    file.flush()?;
    let Collected { count, skipped, .. } = file;
    say(format_args!("Lines collected: {count}, skipped: {skipped}"))?;
    Ok(())
}
