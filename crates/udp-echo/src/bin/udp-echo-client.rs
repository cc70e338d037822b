//! Sends numbered datagrams and counts what comes back. Its partner is
//! udp-echo-server.
//!
//! cargo run --bin udp-echo-client [HOST:PORT] [--count 10] [--window 1]

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use clap::{Parser, value_parser};
use tokio::{net::UdpSocket, time::timeout_at};
use udp_echo::{Due, Plan, Talk, block_on, cannot, explain, finish};
use udp_echo::{look_up, printable, reachable, say, seconds, stop_signal};

/// Tells how many of its datagrams come back, and how fast
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// How many numbers to send
    #[arg(long, default_value = "10")]
    count: u64,
    /// Bytes to fill each datagram up to; several take turns: 100,200
    #[arg(long, value_name = "BYTES", value_delimiter = ',')]
    size: Vec<u16>,
    /// Datagrams that may be on their way at a time
    #[arg(long, value_name = "COUNT", default_value = "1")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    window: u64,
    /// How often to send a number again when no answer comes
    #[arg(long, value_name = "COUNT", default_value = "2")]
    retries: u32,
    /// Seconds to wait for each answer
    #[arg(long, default_value = "1", value_parser = seconds)]
    timeout: Duration,
}

fn main() -> ExitCode {
    finish("udp-echo-client", block_on(run(Options::parse())))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = pin!(stop_signal()?);
    let mut talk = Talk::new(Plan {
        count: options.count,
        window: options.window,
        retries: options.retries,
        timeout: options.timeout,
        sizes: options.size.into_iter().map(usize::from).collect(),
    });
    let server = tokio::select! {
        () = &mut stop => return Ok(()),
        found = look_up(&options.address) => reachable(found?),
    };
    let result = tokio::select! {
        () = &mut stop => Ok(false),
        result = converse(&mut talk, server) => result.map(|()| true),
    };
    let tally = talk.tally();
    if result.is_ok() || tally.received > 0 {
        say(tally)?;
    }
    if result? && tally.sent > 0 && tally.received == 0 {
        bail!("no answer from {server}: timed out; is a server running there?");
    }
    Ok(())
}

async fn converse(talk: &mut Talk, server: SocketAddr) -> anyhow::Result<()> {
    // Connected, the socket takes datagrams from this server only.
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any)
        .await
        .map_err(cannot("create a socket"))?;
    socket
        .connect(server)
        .await
        .map_err(|error| anyhow!("cannot use {server}: {}", explain(&error)))?;
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
                        failed(server, &error)
                    })?;
                }
            }
        }
        let Some(until) = talk.until(Instant::now()) else {
            break;
        };
        let Ok(came) = timeout_at(until.into(), socket.recv(&mut buffer)).await
        else {
            continue;
        };
        let length = came.map_err(|error| failed(server, &error))?;
        let bytes = &buffer[..length];
        match talk.answer(bytes, Instant::now()) {
            Some(answer) => say(format_args!("Answer: {answer}"))?,
            None => say(format_args!("Stray: {}", printable(bytes)))?,
        }
    }
    Ok(())
}

/// Also a send may bring the news that an earlier datagram met nobody.
fn failed(server: SocketAddr, error: &io::Error) -> anyhow::Error {
    let what = match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
            "no answer from"
        }
        _ => "cannot send to",
    };
    anyhow!("{what} {server}: {}", explain(error))
}
