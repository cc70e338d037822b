// ANCHOR: all
//! Reads whole messages from a stream and answers each, for many clients at
//! once, until Ctrl-C. Its partner is tcp-framed-client.
//!
//! cargo run --bin tcp-framed-server [HOST:PORT] [--framing delimiter]

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tcp_framing::{Framing, FramingOptions, Limits, serve};
use tcp_framing::{check_answer, finish, listen, log, printable};
use tcp_framing::{say, seconds, stop_signal, warn};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::Framed;

const ANSWER: &str = "Are you talking to me?";

/// Answers every message that comes
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    #[command(flatten)]
    framing: FramingOptions,
    /// Seconds a client has for each message, and to take the answer
    #[arg(long, default_value = "60", value_parser = seconds)]
    idle: Duration,
    /// Clients at a time; fewer if the file-descriptor limit is lower
    #[arg(long, value_name = "COUNT", default_value = "1024")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// Seconds that open connections may go on after Ctrl-C
    #[arg(long, default_value = "1", value_parser = seconds)]
    grace: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("tcp-framed-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let mut stop = pin!(stop_signal()?);
    let (framing, idle) = (options.framing.framing(), options.idle);
    check_answer(framing, ANSWER)?;
    let listener = tokio::select! {
        () = &mut stop => return Ok(()),
        listener = listen(&options.address) => listener?,
    };
    let limits = Limits::new(options.max_connections, options.grace)?;
    let (address, way) = (listener.local_addr()?, &options.framing);
    say(format_args!("Waiting for clients at {address}, {way}"))?;
    let talk = move |stream, peer| talk(stream, peer, framing, idle);
    Ok(serve(listener, limits, stop, talk).await?)
}

/// Talks with one client. The error is that nobody reads what we print.
async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    framing: Framing,
    idle: Duration,
) -> io::Result<()> {
    // ANCHOR: talk
    let mut client = Framed::new(stream, framing.codec());
    let seconds = idle.as_secs_f64();
    let why = loop {
        // The limit is on the whole message, so that one byte now and then
        // does not keep a connection open.
        let message = match timeout(idle, client.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => break error.to_string(),
            Err(_) => break format!("no whole message in {seconds} s"),
        };
        say(format_args!("{peer} says: {}", printable(message)))?;
        say(format_args!("Answer: {ANSWER}"))?;
        match timeout(idle, client.send(ANSWER.as_bytes())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => break error.to_string(),
            Err(_) => break format!("it took no answer in {seconds} s"),
        }
    };
    warn(format_args!("tcp-framed-server: hung up on {peer}: {why}"));
    // ANCHOR_END: talk
    Ok(())
}
// ANCHOR_END: all
