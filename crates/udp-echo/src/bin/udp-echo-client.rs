//! Sends numbered datagrams and counts what comes back. Its partner is
//! udp-echo-server.
//!
//! cargo run --bin udp-echo-client [HOST:PORT] [--count 10] [--window 1]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::bail;
use clap::Parser;
use tokio::time::timeout_at;
use udp_echo::{Due, Plan, Talk, block_on, cannot_talk, connect, finish};
use udp_echo::{look_up, printable, reachable, say, stop_signal};

/// Tells how many of its datagrams come back, and how fast
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    #[command(flatten)]
    plan: Plan,
}

fn main() -> ExitCode {
    finish("udp-echo-client", block_on(run(Options::parse())))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let mut talk = Talk::new(options.plan);
    let result = tokio::select! {
        () = stop => Ok(None),
        result = converse(&mut talk, &options.address) => result.map(Some),
    };
    let tally = talk.tally();
    if result.is_ok() || tally.received > 0 {
        say(tally)?;
    }
    match result? {
        Some(server) if tally.sent > 0 && tally.received == 0 => bail!(
            "no answer from {server}: timed out; is a server running there?"
        ),
        _ => Ok(()),
    }
}

/// Gives the address of the server when all is sent, and answered or given up.
async fn converse(
    talk: &mut Talk,
    address: &str,
) -> anyhow::Result<SocketAddr> {
    let server = reachable(look_up(address).await?);
    let socket = connect(server).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        while let Some(due) = talk.due(Instant::now()) {
            match due {
                Due::Silence { text } => {
                    say(format_args!("No answer: {text}"))?;
                }
                Due::Send { text, bytes } => {
                    let length = bytes.len();
                    say(format_args!("Send: {text}, {length} bytes"))?;
                    socket.send(&bytes).await.map_err(|error| {
                        talk.unsent();
                        cannot_talk(server, &error)
                    })?;
                }
            }
        }
        let Some(until) = talk.until(Instant::now()) else {
            return Ok(server);
        };
        let Ok(came) = timeout_at(until.into(), socket.recv(&mut buffer)).await
        else {
            continue;
        };
        let length = came.map_err(|error| cannot_talk(server, &error))?;
        let bytes = &buffer[..length];
        match talk.answer(bytes, Instant::now()) {
            Some(answer) => say(format_args!("Answer: {answer}"))?,
            None => say(format_args!("Stray: {}", printable(bytes)))?,
        }
    }
}
