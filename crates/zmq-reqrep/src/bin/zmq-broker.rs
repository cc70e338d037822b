//! Stands between any number of clients and any number of servers, which
//! come and go, until Ctrl-C. Its partners are zmq-client, and zmq-server
//! with --connect.
//!
//! cargo run --bin zmq-broker [FRONT] [BACK]

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Parser, value_parser};
use zeromq::{DealerSocket, RouterSocket, Socket};
use zmq_reqrep::broker::{close, pass};
use zmq_reqrep::sockets::bind;
use zmq_reqrep::{finish, log, say, seconds, stop_signal};

/// Passes requests on to servers, and replies back, until Ctrl-C
#[derive(Parser)]
struct Options {
    /// Where clients connect; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    front: String,
    /// Where servers connect; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6790")]
    back: String,
    /// Requests that may wait while no server is there
    #[arg(long, value_name = "COUNT", default_value = "1000")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    queue: u32,
    /// Seconds to go on sending, after Ctrl-C, what was passed on before
    #[arg(long, value_name = "SECONDS")]
    #[arg(default_value = "1", value_parser = seconds)]
    linger: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-broker", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let mut stop = pin!(stop_signal()?);
    if options.front == options.back && !options.front.ends_with(":0") {
        bail!(
            "clients and servers cannot both connect to {}: \
             a ROUTER is bound for the ones, a DEALER for the others; \
             give two endpoints",
            options.front
        );
    }
    // A ROUTER remembers who asked: it puts the client's identity in front
    // of each request, and takes it off a reply to see whose it is. A DEALER
    // gives each request to the next of its servers, without waiting for the
    // reply to the one before.
    let mut front = RouterSocket::new();
    let mut back = DealerSocket::new();
    let bound = async {
        let clients = bind(&mut front, &options.front).await?;
        let servers = bind(&mut back, &options.back).await?;
        anyhow::Ok((clients, servers))
    };
    let (clients, servers) = tokio::select! {
        () = &mut stop => return Ok(()),
        bound = bound => bound?,
    };
    say(format_args!(
        "Waiting for clients at {clients} and for servers at {servers}"
    ))?;
    let queue = options.queue.try_into().unwrap_or(usize::MAX);
    let passed = pass(&mut front, &mut back, queue, stop).await;
    let linger = options.linger;
    tokio::join!(close(back, linger), close(front, linger));
    say(passed)?;
    Ok(())
}
