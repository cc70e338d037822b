//! Tells a server which cat wears which hat, and prints what it replies. Its
//! partner is msgpack-server.
//!
//! cargo run --bin msgpack-client [tcp://HOST:PORT]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use msgpack::sockets::{cause, connect};
use msgpack::words::{finish, printable, say};
use msgpack::{Reply, Request, decode, encode, stop_signal};
use tokio::time::timeout;
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};

/// The server may take so long to be there, and for each reply.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Tells a server which cat wears which hat
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("msgpack-client", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = ask_all(&options.endpoint) => result,
    }
}

async fn ask_all(endpoint: &str) -> anyhow::Result<()> {
    let mut socket = ReqSocket::new();
    connect(&mut socket, endpoint, PATIENCE).await?;
    let wears = |cat: &str, hat: &str| Request::Wears {
        cat: cat.into(),
        hat: hat.into(),
    };
    let requests =
        [Request::Ping, wears("catA", "hatB"), wears("catA", "hatD")];
    for request in requests {
        say(format_args!("Request: {request}"))?;
        let reply = ask(&mut socket, &request).await.with_context(|| {
            format!("no reply to use from {}", printable(endpoint))
        })?;
        if let Reply::Refused { why } = reply {
            bail!("the server refuses: {}", printable(why));
        }
        say(format_args!("Reply: {reply}"))?;
    }
    Ok(())
}

/// Sends one request. After an error the socket is of no use: a REQ that has
/// no answer cannot ask again.
async fn ask(
    socket: &mut ReqSocket,
    request: &Request,
) -> anyhow::Result<Reply> {
    let bytes = encode(request)?;
    let talk = async {
        socket.send(bytes.into()).await?;
        socket.recv().await
    };
    match timeout(PATIENCE, talk).await {
        Ok(Ok(reply)) => Ok(decode(&reply.into_vec().concat())?),
        Ok(Err(error)) => bail!("{}; has the server ended?", cause(&error)),
        Err(_) => bail!("timed out; is it a msgpack-server?"),
    }
}
