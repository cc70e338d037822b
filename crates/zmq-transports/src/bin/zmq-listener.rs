//! Binds a REP socket to any endpoint and answers whoever says something,
//! until Ctrl-C. Its partner is zmq-caller.
//!
//! cargo run --bin zmq-listener [ENDPOINT]

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::time::timeout;
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend, ZmqMessage};
use zmq_transports::{bind, bind_over, cause, finish, printable, repeats};
use zmq_transports::{say, seconds, socket_options, stop_signal, warn};

/// Answers whoever says something, until Ctrl-C
#[derive(Parser)]
struct Options {
    /// Where to bind: tcp://HOST:PORT (port 0 takes any free port), or
    /// ipc://PATH
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
    /// If a program that was killed left its socket file there, delete it
    #[arg(long)]
    replace: bool,
    /// Seconds that a caller may take to take in its answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-listener", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let mut stop = pin!(stop_signal()?);
    let mut socket = RepSocket::with_options(socket_options());
    let endpoint = if options.replace {
        bind_over(&mut socket, &options.endpoint).await?
    } else {
        bind(&mut socket, &options.endpoint).await?
    };
    say(format_args!("Waiting for callers. Endpoint: {endpoint}"))?;
    loop {
        let heard = tokio::select! {
            () = &mut stop => break,
            heard = socket.recv() => heard,
        };
        match heard {
            Ok(heard) => tokio::select! {
                () = &mut stop => break,
                done = answer(&mut socket, &heard, options.timeout) => done?,
            },
            Err(error) => {
                warn(format_args!(
                    "zmq-listener: cannot read what a caller said: {}",
                    cause(&error)
                ));
                // One that ended in the middle of a message is reported
                // again and again, for ever: only a new socket is rid of it.
                if repeats(&error) {
                    socket.close().await;
                    socket = RepSocket::with_options(socket_options());
                    bind(&mut socket, &endpoint.to_string()).await?;
                }
            }
        }
    }
    // This also removes the file of an ipc endpoint; a program that is
    // killed leaves it.
    socket.close().await;
    Ok(())
}

async fn answer(
    socket: &mut RepSocket,
    heard: &ZmqMessage,
    limit: Duration,
) -> anyhow::Result<()> {
    let parts: Vec<String> = heard.iter().map(printable).collect();
    say(format_args!("A caller said {}", parts.join(" | ")))?;
    say("Answering: Are you talking to me?")?;
    let answer = socket.send("Are you talking to me?".into());
    // To a caller that does not read, sending never ends.
    let why = match timeout(limit, answer).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => cause(&error),
        Err(_) => "timed out; the caller does not read (see --timeout)".into(),
    };
    warn(format_args!("zmq-listener: cannot answer: {why}"));
    Ok(())
}
