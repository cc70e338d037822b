//! Sends messages to an echo server and compares what comes back, byte by
//! byte. Its partner is tcp-echo-server.
//!
//! cargo run --bin tcp-echo-client [HOST:PORT] [--count 3]

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tcp_echo::{cannot_connect, cannot_talk, connect, finish, look_up};
use tcp_echo::{printable, say, seconds, stop_signal, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
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
    let (mut stream, server) = call(options)
        .await
        .map_err(|error| cannot_connect(&options.address, &error))?;
    for number in 1..=options.count {
        if let (Some(pause), true) = (options.pause, number > 1) {
            sleep(pause).await;
        }
        let message = format!("message {number}: {}", options.text);
        say(format_args!("Sending {}", printable(&message)))?;
        let echo = exchange(&mut stream, message + "\n");
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

async fn call(options: &Options) -> io::Result<(TcpStream, SocketAddr)> {
    let addresses = within(options.timeout, look_up(&options.address)).await?;
    let stream = connect(&addresses, options.timeout).await?;
    stream.set_nodelay(true)?;
    let server = stream.peer_addr()?;
    Ok((stream, server))
}

/// Sends a message and returns its echo. Both at once: if the message is
/// larger than all buffers in between, the server stops reading until
/// somebody reads what it sends.
async fn exchange(
    stream: &mut TcpStream,
    message: String,
) -> io::Result<Vec<u8>> {
    let mut echo = vec![0; message.len()];
    let (mut reader, mut writer) = stream.split();
    tokio::try_join!(
        writer.write_all(message.as_bytes()),
        reader.read_exact(&mut echo)
    )?;
    same(&echo, message.as_bytes())?;
    Ok(echo)
}

/// Ends our direction. The server's ends when it has sent the rest, and of
/// that there is none.
async fn end(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0];
    let length = stream.read(&mut rest).await?;
    same(&rest[..length], b"")
}

fn same(echo: &[u8], message: &[u8]) -> io::Result<()> {
    let text = "it sent back something else";
    let differs = || io::Error::new(ErrorKind::InvalidData, text);
    (echo == message).then_some(()).ok_or_else(differs)
}
