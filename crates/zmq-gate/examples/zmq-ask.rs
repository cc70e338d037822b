//! Says something through the gate, and shows what comes back.
//!
//! cargo run --example zmq-ask [tcp://HOST:PORT] [TEXT]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Parser, value_parser};
use tokio::time::timeout;
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};
use zmq_gate::{address, finish, printable, say, seconds};

/// Says something and shows what comes back
#[derive(Parser)]
struct Options {
    /// Where the gate is
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
    /// What to say
    #[arg(default_value = "Miaow!")]
    text: String,
    /// Say it over and over, so many times without a pause, in one message
    #[arg(long, default_value = "1")]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    times: u32,
    /// Seconds until all of it must have come back
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-ask", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let endpoint = &options.endpoint;
    let address = address(endpoint)?;
    let text = options.text.repeat(options.times.try_into()?);
    say(format_args!(
        "Asking: {}, {} bytes",
        printable(&options.text),
        text.len()
    ))?;
    let asked = timeout(options.timeout, ask(&address, text)).await;
    let length = asked
        .map_err(|_| {
            anyhow!("timed out; is the gate there, and somebody behind it?")
        })
        .and_then(|result| result)
        .with_context(|| format!("cannot talk with {endpoint}"))?;
    say(format_args!("Came back: {length} bytes"))?;
    Ok(())
}

async fn ask(address: &str, text: String) -> anyhow::Result<usize> {
    let mut socket = ReqSocket::new();
    let connected = socket.connect(&format!("tcp://{address}")).await;
    connected.map_err(|_| hung_up())?;
    socket.send(text.into()).await?;
    let answer = socket.recv().await.map_err(|_| hung_up())?;
    Ok(answer.iter().map(|part| part.len()).sum())
}

/// A gate does not say why; it tells whoever looks after it.
fn hung_up() -> anyhow::Error {
    anyhow!("connection reset; see what the gate says of it")
}
