//! Shows that a stream is not messages: what one read returns is not what
//! one write sent. It reads only when Enter is pressed, so that whatever the
//! client does is done by then. Its partner is stream-client.
//!
//! cargo run --example stream-server [HOST:PORT]

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Parser;
use tcp_framing::{excerpt, explain, find, finish, say, stop_signal};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Shows what each read returns, for one client
#[derive(Parser)]
#[command(name = "stream-server")]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Bytes that one read can take
    #[arg(long, value_name = "BYTES", default_value = "1024")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    buffer: u16,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("stream-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = listen(&options) => result,
    }
}

async fn listen(options: &Options) -> anyhow::Result<()> {
    let address = &options.address;
    let failed =
        |error| anyhow!("cannot listen at {address}: {}", explain(&error));
    let found = find(address).await.map_err(failed)?;
    let listener = TcpListener::bind(&found[..]).await.map_err(failed)?;
    let address = listener.local_addr()?;
    say(format_args!("Waiting for a client at {address}"))?;
    let (mut client, peer) = listener
        .accept()
        .await
        .map_err(|error| anyhow!("cannot accept: {}", explain(&error)))?;
    say(format_args!("{peer} is here; press Enter to read"))?;
    enter_key().await.context("nobody pressed Enter")?;
    let mut buffer = vec![0; usize::from(options.buffer)];
    loop {
        let count = client.read(&mut buffer).await.map_err(|error| {
            anyhow!("cannot read from {peer}: {}", explain(&error))
        })?;
        // No bytes: not an empty message, but the end of the stream.
        if count == 0 {
            return Ok(say("Read 0 bytes: the end")?);
        }
        let text = excerpt(&buffer[..count]);
        say(format_args!("Read {count} bytes: {text}"))?;
    }
}

/// Completes when Enter is pressed, and fails at the end of stdin. A thread
/// of its own does the reading: tokio's stdin would keep the program alive
/// after Ctrl-C, until the next Enter.
fn enter_key() -> oneshot::Receiver<()> {
    let (pressed, key) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if std::io::stdin()
            .read_line(&mut line)
            .is_ok_and(|read| read > 0)
        {
            let _ = pressed.send(());
        }
    });
    key
}
