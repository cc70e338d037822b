//! What stands behind the gate: a REP as simple as can be, which repeats what
//! it hears. A stranger that reaches it directly can end it.
//!
//! cargo run --example zmq-cat [tcp://HOST:PORT]

use std::net::TcpListener;
use std::pin::pin;
use std::process::ExitCode;

use clap::Parser;
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend};
use zmq_gate::{address, cannot_bind, finish, printable, say};
use zmq_gate::{stop_signal, warn};

/// Repeats what it hears, until Ctrl-C
#[derive(Parser)]
struct Options {
    /// Where to wait; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6788")]
    endpoint: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-cat", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let mut stop = pin!(stop_signal()?);
    let endpoint = &options.endpoint;
    let listener = TcpListener::bind(address(endpoint)?)
        .map_err(|error| cannot_bind(endpoint, &error))?;
    let mut socket = RepSocket::new();
    let endpoint = socket.bind_listener(listener).await?;
    say(format_args!("Waiting at {endpoint}"))?;
    loop {
        let message = tokio::select! {
            () = &mut stop => return Ok(()),
            received = socket.recv() => match received {
                Ok(message) => message,
                // Only the gate connects here, so this should not be.
                Err(error) => {
                    warn(format_args!("zmq-cat: {error}; ending"));
                    return Ok(());
                }
            },
        };
        let first = message.get(0).map(printable).unwrap_or_default();
        say(format_args!("Heard: {first}"))?;
        if let Err(error) = socket.send(message).await {
            warn(format_args!("zmq-cat: {error}; going on"));
        }
    }
}
