//! Waits for one client to call, hears what it says, answers and ends: each
//! system call of a TCP server once, in its order. Its partner is tcp-client.
//!
//! cargo run --bin tcp-server [HOST:PORT]

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use socket2::{Domain, Protocol, Socket, Type};
use tcp_echo::{cannot_listen, cannot_talk, end_on_ctrl_c, finish, hang_up};
use tcp_echo::{lookup, now, printable, read_line, say, seconds};

/// Clients that may wait until they are accepted.
const BACKLOG: i32 = 128;

/// Waits for one client to call, answers it and ends
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Seconds that the talk with the client may take
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
    /// Bytes that the client may say in its line
    #[arg(long, default_value = "1024")]
    longest: usize,
    /// Leave out SO_REUSEADDR, to see what it is good for
    #[arg(long)]
    no_reuse: bool,
}

fn main() -> ExitCode {
    finish("tcp-server", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    end_on_ctrl_c()?;
    say(format_args!("Starting the server at {}", now()))?;
    let address = &options.address;
    let (listener, own) =
        listen(options).map_err(|error| cannot_listen(address, &error))?;
    say(format_args!("Waiting for a client to call. Address: {own}"))?;
    let (stream, client) =
        accept(&listener).map_err(|error| cannot_talk("a client", &error))?;
    let deadline = Instant::now() + options.timeout;
    let heard = read_line(&stream, options.longest, deadline)
        .map_err(|error| cannot_talk(client, &error))?;
    say(format_args!(
        "At {} {client} said {}",
        now(),
        printable(heard)
    ))?;
    say("Answering: Are you talking to me?")?;
    answer(&stream, options.timeout)
        .map_err(|error| cannot_talk(client, &error))?;
    // The talk is over, however the client takes its leave.
    let _ = hang_up(&stream, deadline);
    Ok(())
}

fn listen(options: &Options) -> io::Result<(Socket, SocketAddr)> {
    let address = lookup(&options.address)?[0];
    let listener = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Else nobody could listen at this port again for a while after the
    // server has closed a connection. Windows needs no such permission; there
    // the option would let a second server take the same port.
    listener.set_reuse_address(cfg!(unix) && !options.no_reuse)?;
    listener.bind(&address.into())?;
    listener.listen(BACKLOG)?;
    let own = listener.local_addr()?.as_socket().unwrap_or(address);
    Ok((listener, own))
}

/// Accepting makes a second socket, for this client alone. The first one goes
/// on collecting clients in its backlog.
fn accept(listener: &Socket) -> io::Result<(TcpStream, SocketAddr)> {
    let (socket, client) = listener.accept()?;
    // Asked for later, it would be an error if the client has gone again.
    let client = client.as_socket().ok_or(ErrorKind::AddrNotAvailable)?;
    Ok((socket.into(), client))
}

fn answer(mut stream: &TcpStream, limit: Duration) -> io::Result<()> {
    stream.set_write_timeout(Some(limit))?;
    // All of it: a plain `write` may take a part of the bytes only.
    stream.write_all(b"Are you talking to me?\n")
}
