//! Connects a REQ socket to any endpoint, says Hello! and shows the answer.
//! Its partner is zmq-listener.
//!
//! cargo run --bin zmq-caller [ENDPOINT]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Parser;
use tokio::time::timeout;
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};
use zmq_transports::{cause, check, connect, finish, printable, say};
use zmq_transports::{seconds, socket_options, stop_signal};

/// Says Hello! at an endpoint and shows the answer
#[derive(Parser)]
struct Options {
    /// Where to connect: tcp://HOST:PORT or ipc://PATH
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
    /// Seconds to wait for a listener, and then for its answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-caller", run(&Options::parse()).await)
}

async fn run(options: &Options) -> Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = call(options) => result,
    }
}

async fn call(options: &Options) -> Result<()> {
    let endpoint = &options.endpoint;
    let mut socket = ReqSocket::with_options(socket_options());
    check(endpoint)?;
    say(format_args!("Looking for a listener at {endpoint}"))?;
    connect(&mut socket, endpoint, options.timeout).await?;
    say(format_args!("Saying to {endpoint}: Hello!"))?;
    let talk = async {
        socket.send("Hello!".into()).await?;
        socket.recv().await
    };
    let why = match timeout(options.timeout, talk).await {
        Ok(Ok(answer)) => {
            let parts: Vec<String> = answer.iter().map(printable).collect();
            say(format_args!("{endpoint} said {}", parts.join(" | ")))?;
            return Ok(());
        }
        Ok(Err(error)) => cause(&error),
        Err(_) => "timed out; no answer came (see --timeout)".to_owned(),
    };
    Err(anyhow!("cannot talk with {endpoint}: {why}"))
}
