//! Sends bytes that nobody asked for: each argument after the endpoint is a
//! request in hexadecimal, with 91x70 for seventy times 91. Says what comes
//! back, and goes on.
//!
//! cargo run --example msgpack-stranger tcp://127.0.0.1:6789 c1 91x70,c0

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use msgpack::sockets::{cause, connect};
use msgpack::words::{finish, say};
use msgpack::{Reply, decode};
use tokio::time::timeout;
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};

const PATIENCE: Duration = Duration::from_secs(5);

/// Sends bytes that nobody asked for
#[derive(Parser)]
struct Options {
    /// Where the server is
    endpoint: String,
    /// Requests in hexadecimal
    #[arg(required = true)]
    requests: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("msgpack-stranger", send(&Options::parse()).await)
}

async fn send(options: &Options) -> anyhow::Result<()> {
    let mut socket = ReqSocket::new();
    connect(&mut socket, &options.endpoint, PATIENCE).await?;
    for request in &options.requests {
        let bytes = from_hex(request)
            .with_context(|| format!("'{request}' is not hexadecimal"))?;
        say(format_args!("Sent {request}"))?;
        socket.send(bytes.into()).await?;
        match timeout(PATIENCE, socket.recv()).await {
            Ok(Ok(reply)) => {
                let reply: Reply = decode(&reply.into_vec().concat())?;
                say(format_args!("Reply: {reply}"))?;
            }
            Ok(Err(error)) => {
                return say(format_args!("No reply: {}", cause(&error)))
                    .map_err(Into::into);
            }
            Err(_) => anyhow::bail!("no reply to {request}: timed out"),
        }
    }
    Ok(())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for piece in text.split(',') {
        let (digits, times) = piece.split_once('x').unwrap_or((piece, "1"));
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        };
        let pairs = digits.as_bytes().chunks(2);
        let piece: Vec<u8> = pairs.map(byte).collect::<Option<_>>()?;
        bytes.extend(piece.repeat(times.parse().ok()?));
    }
    Some(bytes)
}
