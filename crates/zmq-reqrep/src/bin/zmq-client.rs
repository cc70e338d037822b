//! Asks a server five times, and asks again when no answer comes. Its
//! partner is zmq-server.
//!
//! cargo run --bin zmq-client [tcp://HOST:PORT]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Parser, value_parser};
use zmq_reqrep::{Client, one_text, printable};
use zmq_reqrep::{finish, say, seconds, stop_signal};

/// Asks a server, and asks again when no answer comes
#[derive(Parser)]
struct Options {
    /// Where the server or the broker is
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
    /// How many requests to send
    #[arg(long, value_name = "COUNT", default_value = "5")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    requests: u64,
    /// Seconds until an attempt is given up: to connect, and to be answered
    #[arg(long, value_name = "SECONDS")]
    #[arg(default_value = "2.5", value_parser = seconds)]
    timeout: Duration,
    /// How often to send a request again
    #[arg(long, value_name = "COUNT", default_value = "3")]
    retries: u32,
    /// Say in each request who asks
    #[arg(long)]
    name: Option<String>,
    /// Bytes that an answer may have
    #[arg(long, value_name = "BYTES", default_value = "4096")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    longest: u32,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-client", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = ask_all(options) => result,
    }
}

async fn ask_all(options: &Options) -> anyhow::Result<()> {
    let mut client = Client::new(&options.endpoint, options.timeout)?;
    for number in 1..=options.requests {
        let request = match &options.name {
            Some(name) => format!("message #{number} of {name}"),
            None => format!("message #{number}"),
        };
        let answer = client.ask_again(&request, options.retries).await?;
        let request = printable(request);
        let answer = one_text(&answer, options.longest).map_err(|why| {
            anyhow!(
                "cannot use the answer to {request}: {why}; does a zmq-server \
                 answer there?"
            )
        })?;
        let answer = printable(answer);
        say(format_args!("Sent {request}, received {answer}"))?;
    }
    Ok(())
}
