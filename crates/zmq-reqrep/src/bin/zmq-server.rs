// ANCHOR: all
//! Answers any number of clients, one request at a time, until Ctrl-C. Its
//! partner is zmq-client.
//!
//! cargo run --bin zmq-server [tcp://HOST:PORT]

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, value_parser};
use tokio::time::sleep;
use zeromq::ZmqMessage;
use zmq_reqrep::{Server, one_text, printable};
use zmq_reqrep::{finish, log, say, seconds, seconds_or_none};
use zmq_reqrep::{stop_signal, warn};

/// Answers clients, one request at a time, until Ctrl-C
#[derive(Parser)]
struct Options {
    /// Where clients find it; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
    /// Connect to the back of a broker there, instead of waiting for clients
    #[arg(long)]
    connect: bool,
    /// Seconds that the work for one request takes
    #[arg(long, value_name = "SECONDS")]
    #[arg(default_value = "0", value_parser = seconds_or_none)]
    work: Duration,
    /// Bytes that a request may have
    #[arg(long, value_name = "BYTES", default_value = "4096")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    longest: u32,
    /// Seconds that a client may take to read its answer, and that a broker
    /// may be away
    #[arg(long, value_name = "SECONDS")]
    #[arg(default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-server", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    log();
    let mut stop = pin!(stop_signal()?);
    let (endpoint, connects) = (&options.endpoint, options.connect);
    let mut server = tokio::select! {
        () = &mut stop => return Ok(()),
        server = Server::open(endpoint, connects, options.timeout) => server?,
    };
    let endpoint = server.endpoint();
    say(format_args!("Waiting for requests at {endpoint}"))?;
    let result = tokio::select! {
        () = stop => Ok(()),
        result = serve(&mut server, options) => result,
    };
    server.close().await;
    result
}

async fn serve(server: &mut Server, options: &Options) -> anyhow::Result<()> {
    loop {
        let request = server.request().await?;
        let answer = work(&request, options).await?;
        say(format_args!("Answering: {}", printable(&answer)))?;
        if let Err(why) = server.answer(&answer).await {
            warn(format_args!("zmq-server: cannot answer: {why}"));
        }
    }
}

/// What is answered to `request`. A bad one is answered, too: a REQ that is
/// not answered can never ask again.
async fn work(
    request: &ZmqMessage,
    options: &Options,
) -> anyhow::Result<String> {
    // ANCHOR: work
    Ok(match one_text(request, options.longest) {
        Ok(text) => {
            say(format_args!("Request says: {}", printable(&text)))?;
            if !options.work.is_zero() {
                sleep(options.work).await;
            }
            format!("Stop saying: {text}")
        }
        Err(why) => {
            warn(format_args!("zmq-server: bad request: {why}"));
            format!("Bad request: {why}")
        }
    })
    // ANCHOR_END: work
}
// ANCHOR_END: all
