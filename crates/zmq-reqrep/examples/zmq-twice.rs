//! Breaks the one rule of REQ: after a request comes its answer, and only
//! then the next request. Shows what the library says. Its partner is
//! zmq-server.
//!
//! cargo run --example zmq-twice [tcp://HOST:PORT]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use tokio::time::timeout;
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};
use zmq_reqrep::sockets::{check, connect, socket_options};
use zmq_reqrep::{finish, one_text, printable, say, seconds};

/// Sends twice before it receives, and receives twice
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
    /// Seconds for all of it
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let result = match timeout(options.timeout, run(&options)).await {
        Ok(result) => result,
        Err(_) => Err(anyhow!("no answer: timed out; is the server busy?")),
    };
    finish("zmq-twice", result)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let endpoint = &options.endpoint;
    check(endpoint)?;
    let mut socket = ReqSocket::with_options(socket_options());
    connect(&mut socket, endpoint, options.timeout)
        .await
        .map_err(|why| anyhow!("cannot connect to {endpoint}: {why}"))?;
    for request in ["message #1", "message #2"] {
        say(format_args!("Sending {request}"))?;
        if let Err(error) = socket.send(request.into()).await {
            say(format_args!("The library says: {error}"))?;
        }
    }
    for _ in 0..2 {
        say("Receiving")?;
        match socket.recv().await {
            Ok(answer) => {
                let text = one_text(&answer, 4096).context("a bad answer")?;
                say(format_args!("Received {}", printable(text)))?;
            }
            Err(error) => say(format_args!("The library says: {error}"))?,
        }
    }
    Ok(())
}
