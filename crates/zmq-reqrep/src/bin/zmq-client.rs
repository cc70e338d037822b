// ANCHOR: all
//! Asks a server five times, and asks again when no answer comes. Its
//! partner is zmq-server.
//!
//! cargo run --bin zmq-client [tcp://HOST:PORT]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::{Parser, value_parser};
use zmq_reqrep::{Client, one_text, printable};
use zmq_reqrep::{finish, say, seconds, stop_signal, warn};

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
        let answer = ask(&mut client, &request, options).await?;
        let (request, answer) = (printable(request), printable(answer));
        say(format_args!("Sent {request}, received {answer}"))?;
    }
    Ok(())
}

/// Sends `request` again and again, until it is answered or the patience is
/// at its end. The server may have done it each time: this is only right for
/// requests that do no harm when they are done twice.
async fn ask(
    client: &mut Client,
    request: &str,
    options: &Options,
) -> anyhow::Result<String> {
    let attempts = u64::from(options.retries) + 1;
    let mut attempt = 1;
    loop {
        let again = if attempt > 1 { " again" } else { "" };
        say(format_args!("Sending {}{again}", printable(request)))?;
        let failure = match client.ask(request).await {
            Ok(answer) => {
                return one_text(&answer, options.longest).map_err(|why| {
                    anyhow!(
                        "cannot use the answer to {}: {why}; \
                         does a zmq-server answer there?",
                        printable(request)
                    )
                });
            }
            Err(failure) => failure,
        };
        let what = format!(
            "no answer to {request} from {} (attempt {attempt} of {attempts})",
            options.endpoint
        );
        // ANCHOR: again
        if failure.is_final || attempt == attempts {
            bail!("{}: {failure}", printable(what));
        }
        warn(format_args!(
            "zmq-client: {}: {}; trying again",
            printable(what),
            failure.cause()
        ));
        attempt += 1;
        // ANCHOR_END: again
    }
}
// ANCHOR_END: all
