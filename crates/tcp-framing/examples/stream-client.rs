//! Writes each text with one call, and leaves. Its partner is stream-server.
//!
//! cargo run --example stream-client [HOST:PORT] [TEXT... | --size 5000]

use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use clap::Parser;
use socket2::SockRef;
use tcp_framing::{excerpt, explain, finish, lookup, say, seconds};

/// Writes each text with one call
#[derive(Parser)]
#[command(name = "stream-client")]
struct Options {
    /// Where the server is
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// What to write
    #[arg(value_name = "TEXT")]
    #[arg(default_values = ["Hello!", "Are you talking to me?"])]
    texts: Vec<String>,
    /// Instead of texts: one write of so many letters
    #[arg(long, value_name = "BYTES", conflicts_with = "texts")]
    size: Option<u16>,
    /// Seconds to wait for the connection, and for the other system to
    /// take what was written
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

fn main() -> ExitCode {
    finish("stream-client", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    let address = &options.address;
    let mut server = connect(options).map_err(|error| {
        anyhow!("cannot connect to {address}: {}", explain(&error))
    })?;
    // Each write leaves at once, even if an earlier one is still under way.
    server.set_nodelay(true)?;
    let texts = match options.size {
        Some(size) => vec![letters().take(size.into()).collect()],
        None => options.texts.clone(),
    };
    for text in texts {
        let (count, shown) = (text.len(), excerpt(text.as_bytes()));
        say(format_args!("Write {count} bytes: {shown}"))?;
        server.write_all(text.as_bytes()).map_err(|error| {
            anyhow!("cannot write to {address}: {}", explain(&error))
        })?;
    }
    // Closing now waits until the other system has received everything. That
    // says nothing about the other program: it may not have read a byte.
    SockRef::from(&server).set_linger(Some(options.timeout))?;
    let begin = Instant::now();
    drop(server);
    if begin.elapsed() >= options.timeout {
        bail!("cannot finish with {address}: timed out; is it too much?");
    }
    say(format_args!("The system at {address} has it all"))?;
    Ok(())
}

fn letters() -> impl Iterator<Item = char> {
    ('a'..='z').cycle()
}

fn connect(options: &Options) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in lookup(&options.address)? {
        match TcpStream::connect_timeout(&address, options.timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
