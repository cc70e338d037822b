//! Sends messages to an echo server and compares what comes back, byte by
//! byte. Its partner is tcp-echo-server.
//!
//! cargo run --bin tcp-echo-client [HOST:PORT] [--count 3]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tcp_echo::{call, cannot_connect, cannot_talk, end, exchange, finish};
use tcp_echo::{printable, say, seconds, stop_signal, within};
use tokio::time::sleep;

/// Sends messages to an echo server and compares what comes back
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// How many messages to send
    #[arg(long, default_value = "3")]
    count: u64,
    /// What each message says
    #[arg(long, default_value = "Hello!")]
    text: String,
    /// Seconds between two messages [default: none]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pause: Option<Duration>,
    /// Seconds to wait for the connection, and for each echo
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("tcp-echo-client", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = converse(&options) => result,
    }
}

async fn converse(options: &Options) -> anyhow::Result<()> {
    let (mut stream, server) = call(&options.address, options.timeout)
        .await
        .map_err(|error| cannot_connect(&options.address, &error))?;
    for number in 1..=options.count {
        if let (Some(pause), true) = (options.pause, number > 1) {
            sleep(pause).await;
        }
        let message = format!("message {number}: {}", options.text);
        say(format_args!("Sending {}", printable(&message)))?;
        let message = message + "\n";
        let echo = exchange(&mut stream, message.as_bytes());
        let echo = within(options.timeout, echo)
            .await
            .map_err(|error| cannot_talk(server, &error))?;
        let echo = echo.strip_suffix(b"\n").unwrap_or(&echo);
        say(format_args!("Back came {}", printable(echo)))?;
    }
    within(options.timeout, end(&mut stream))
        .await
        .map_err(|error| cannot_talk(server, &error))?;
    say(format_args!("All came back: {}", options.count))?;
    Ok(())
}
