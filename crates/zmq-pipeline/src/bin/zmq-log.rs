//! Pushes the lines of its stdin to a collector, under a name. Its partner
//! is zmq-log-collector.
//!
//! `some-program | cargo run --bin zmq-log [ENDPOINT] [--name alice]`

use std::pin::pin;
use std::process::{self, ExitCode};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Parser, value_parser};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::time::timeout;
use zeromq::{PushSocket, Socket, SocketSend, ZmqMessage};
use zmq_pipeline::{
    AFTER_STOP, LogLine, SHORTEST_PIECE, a_name, close, connect, gone,
};
use zmq_pipeline::{finish, printable, say, seconds, socket_options};
use zmq_pipeline::{stdin_lines, stop_signal, unless_stopped, warn};

const PARTNER: &str = "zmq-log-collector";

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
    let mut collector = PushSocket::with_options(socket_options());
    let mut sent = Sent::default();
    let all = tokio::select! {
        () = &mut stop => Ok(()),
        result = pass_on(&options, &mut collector, &mut sent) => result,
    };
    // After Ctrl-C, too: what was sent is not thrown away, unless it takes
    // too long.
    let closed = close(collector, options.linger);
    let taken = unless_stopped(closed, &mut stop).await == Some(true);
    if sent.before > 0 {
        all.with_context(|| sent.doubt())?;
    } else {
        all?;
    }
    let Options { endpoint, .. } = options;
    let count = sent.before + sent.here;
    if !taken {
        bail!(
            "cannot hand all {count} lines to {endpoint}: timed out; look \
             into the collector's file (see --linger)"
        );
    }
    // A PUSH socket does not hear that its peer has gone. Whoever answers
    // now was there, most likely, when the last line came.
    if sent.here > 0 {
        let mut again = PushSocket::with_options(socket_options());
        let patience = match stop.is_terminated() {
            true => options.patience.min(AFTER_STOP / 2),
            false => options.patience,
        };
        let there = connect(&mut again, &endpoint, PARTNER, patience);
        let there = unless_stopped(there, &mut stop).await;
        there
            .unwrap_or_else(|| {
                Err(anyhow!("cannot connect to {endpoint} again: timed out"))
            })
            .with_context(|| sent.doubt())?;
    }
    if sent.before > 0 {
        bail!("{}; look into the collector's file", sent.doubt());
    }
    say(format_args!("Lines sent: {count}"))?;
    Ok(())
}

/// How many lines went to a connection that was lost, and to this one.
#[derive(Default)]
struct Sent {
    before: u64,
    here: u64,
}

impl Sent {
    fn doubt_all(&mut self) {
        self.before += self.here;
        self.here = 0;
    }

    fn doubt(&self) -> String {
        let count = self.before + self.here;
        format!("of the lines sent ({count}) some may be lost")
    }
}

async fn pass_on(
    options: &Options,
    collector: &mut PushSocket,
    sent: &mut Sent,
) -> anyhow::Result<()> {
    let default = || format!("log-{}", process::id());
    let name = options.name.clone().unwrap_or_else(default);
    let Options {
        endpoint, patience, ..
    } = options;
    let mut events = collector.monitor();
    connect(collector, endpoint, PARTNER, *patience).await?;
    say(format_args!("{name}: connected to {endpoint}"))?;
    let mut lines = stdin_lines(options.longest);
    let mut next = None;
    loop {
        let message: ZmqMessage = match next.take() {
            Some(message) => message,
            None => match lines.recv().await {
                Some(line) => {
                    let text = line.map_err(|error| {
                        let kind = error.kind();
                        anyhow!("cannot read stdin: {kind}; send lines to it")
                    })?;
                    if options.show {
                        say(format_args!("{name}: {}", printable(&text)))?;
                    }
                    let name = name.clone();
                    LogLine { name, text }.into()
                }
                None => break,
            },
        };
        // Sending says that the line is in a queue, not that it arrived.
        let sending = timeout(*patience, collector.send(message.clone()));
        match sending.await {
            Ok(Ok(())) => sent.here += 1,
            Ok(Err(_)) => {
                warn(format_args!(
                    "zmq-log: connection to {endpoint} lost; trying again"
                ));
                sent.doubt_all();
                next = Some(message);
                events = collector.monitor();
                let number = sent.before + 1;
                let again =
                    connect(collector, endpoint, PARTNER, *patience).await;
                again.with_context(|| {
                    format!("cannot send line {number} and what follows it")
                })?;
            }
            Err(_) => {
                let number = sent.before + sent.here + 1;
                return Err(anyhow!(
                    "cannot send line {number} and what follows it: timed \
                     out; the collector at {endpoint} does not read"
                ));
            }
        }
    }
    if gone(&mut events).now_or_never().is_some() {
        sent.doubt_all();
    }
    Ok(())
}
