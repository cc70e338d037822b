//! Pushes the lines of its stdin to a collector, under a name. Its partner
//! is zmq-log-collector.
//!
//! `some-program | cargo run --bin zmq-log [ENDPOINT] [--name alice]`

use std::pin::pin;
use std::process::{self, ExitCode};
use std::time::Duration;

use anyhow::anyhow;
use clap::{Parser, value_parser};
use futures_util::FutureExt;
use zmq_pipeline::{Collector, LogLine, SHORTEST_PIECE, a_name, finish};
use zmq_pipeline::{printable, say, seconds, stdin_lines, stop_signal};

/// Pushes the lines of its stdin to a collector
#[derive(Parser)]
struct Options {
    /// Where the collector is
    #[arg(default_value = "tcp://127.0.0.1:6793")]
    endpoint: String,
    /// Who says these lines [default: log- and the process id]
    #[arg(long, value_parser = a_name)]
    name: Option<String>,
    /// Print each line before it is sent
    #[arg(long)]
    show: bool,
    /// Bytes of text in a message; of a longer line, each piece is a line
    #[arg(long, value_name = "BYTES", default_value = "4096")]
    #[arg(value_parser = value_parser!(u32)
        .range(i64::from(SHORTEST_PIECE)..=1 << 20))]
    longest: u32,
    /// Seconds to wait for the collector, and for room in its queue
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    patience: Duration,
    /// Seconds that the collector may need in the end to take the rest;
    /// after Ctrl-C, at most 0.4
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    linger: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-log", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = pin!(stop_signal()?.fuse());
    let mut collector = Collector::new(&options.endpoint, options.patience);
    let all = tokio::select! {
        () = &mut stop => Ok(()),
        all = pass_on(&options, &mut collector) => all,
    };
    let count = collector.end(all, options.linger, &mut stop).await?;
    say(format_args!("Lines sent: {count}"))?;
    Ok(())
}

async fn pass_on(
    options: &Options,
    collector: &mut Collector,
) -> anyhow::Result<()> {
    let default = || format!("log-{}", process::id());
    let name = options.name.clone().unwrap_or_else(default);
    collector.connect().await?;
    say(format_args!("{name}: connected to {}", options.endpoint))?;
    let mut lines = stdin_lines(options.longest);
    while let Some(line) = lines.recv().await {
        let text = line.map_err(|error| {
            let kind = error.kind();
            anyhow!("cannot read stdin: {kind}; send lines to it")
        })?;
        if options.show {
            say(format_args!("{name}: {}", printable(&text)))?;
        }
        let name = name.clone();
        collector.push(LogLine { name, text }).await?;
    }
    Ok(())
}
