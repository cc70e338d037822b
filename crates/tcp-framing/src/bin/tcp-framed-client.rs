//! Sends messages and shows the answer to each. Its partner is
//! tcp-framed-server.
//!
//! cargo run --bin tcp-framed-client [HOST:PORT] [MESSAGE...]

use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use tcp_framing::{FrameCodec, FrameError, FramingOptions};
use tcp_framing::{advise, connect, explain, find, finish, printable};
use tcp_framing::{say, seconds, stop_signal};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::Framed;

/// Sends messages, one after the other, and shows the answers
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// What to send
    #[arg(value_name = "MESSAGE", default_value = "Hello!")]
    messages: Vec<String>,
    #[command(flatten)]
    framing: FramingOptions,
    /// Seconds to wait for the connection, and for each answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("tcp-framed-client", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = talk(&options) => result,
    }
}

async fn talk(options: &Options) -> anyhow::Result<()> {
    let (address, limit) = (&options.address, options.timeout);
    let stream = call(address, limit).await.map_err(|error| {
        anyhow!("cannot connect to {address}: {}", explain(&error))
    })?;
    let mut server = Framed::new(stream, options.framing.framing().codec());
    for message in &options.messages {
        say(format_args!("Send: {}", printable(message)))?;
        let answer = within(limit, ask(&mut server, message)).await;
        let answer = answer.map_err(|error| {
            anyhow!("cannot talk with {address}: {}", advise(&error))
        })?;
        say(format_args!("{address} says: {}", printable(answer)))?;
    }
    Ok(())
}

async fn call(address: &str, limit: Duration) -> io::Result<TcpStream> {
    let addresses = within(limit, find(address)).await?;
    connect(&addresses, limit).await
}

/// Sends one message and returns what comes back.
async fn ask(
    server: &mut Framed<TcpStream, FrameCodec>,
    message: &str,
) -> Result<Bytes, FrameError> {
    // Also flushes: the whole frame leaves in one write.
    server.send(message.as_bytes()).await?;
    let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
    server.next().await.ok_or_else(gone)?
}

/// What takes longer than `limit` has timed out, as if the system said so.
async fn within<T, E: From<io::Error>>(
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match timeout(limit, work).await {
        Ok(result) => result,
        Err(late) => Err(io::Error::from(late).into()),
    }
}
