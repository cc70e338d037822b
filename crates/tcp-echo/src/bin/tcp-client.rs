//! Calls a server, says Hello! and shows what it answers: each system call of
//! a TCP client once, in its order. Its partner is tcp-server.
//!
//! cargo run --bin tcp-client [HOST:PORT]

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use socket2::{Domain, Protocol, Socket, Type};
use tcp_echo::{cannot_connect, cannot_talk, end_on_ctrl_c, finish};
use tcp_echo::{lookup, now, printable, read_last_line, say, seconds};

/// Calls a server, says Hello! and shows the answer
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Seconds to wait for the connection, and then for the answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
    /// Bytes that the server may say in its line
    #[arg(long, default_value = "1024")]
    longest: usize,
}

fn main() -> ExitCode {
    finish("tcp-client", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    end_on_ctrl_c()?;
    say(format_args!("Starting the client at {}", now()))?;
    let address = &options.address;
    let (stream, server) =
        connect(options).map_err(|error| cannot_connect(address, &error))?;
    say(format_args!("Saying to {server}: Hello!"))?;
    let answer =
        talk(&stream, options).map_err(|error| cannot_talk(server, &error))?;
    say(format_args!(
        "At {} {server} said {}",
        now(),
        printable(answer)
    ))?;
    Ok(())
}

/// Tries every address that the name has: localhost is often `[::1]` and
/// `127.0.0.1`, and the server listens at one of them.
fn connect(options: &Options) -> io::Result<(TcpStream, SocketAddr)> {
    let addresses = lookup(&options.address)?;
    // Each has its share of the time: one may swallow what comes.
    let share = options.timeout / addresses.len() as u32;
    let mut why = io::ErrorKind::NotFound.into();
    for address in addresses {
        match call(address, share) {
            Ok(socket) => return Ok((socket.into(), address)),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// Fails also where the system has no sockets of the address's family.
fn call(address: SocketAddr, limit: Duration) -> io::Result<Socket> {
    let family = Domain::for_address(address);
    let socket = Socket::new(family, Type::STREAM, Some(Protocol::TCP))?;
    // No bind: the system chooses a free port for this end.
    socket.connect_timeout(&address.into(), limit)?;
    Ok(socket)
}

fn talk(mut stream: &TcpStream, options: &Options) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + options.timeout;
    stream.set_write_timeout(Some(options.timeout))?;
    // A stream has no messages, only bytes: the newline says where this one
    // ends, in whatever pieces it arrives.
    stream.write_all(b"Hello!\n")?;
    read_last_line(stream, options.longest, deadline)
}
