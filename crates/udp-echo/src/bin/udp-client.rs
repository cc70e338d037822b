// ANCHOR: all
//! Sends one datagram and waits for the answer. Its partner is udp-server.
//!
//! cargo run --bin udp-client [HOST:PORT] [--connect]

use std::io::{self, ErrorKind::*};
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Parser;
use socket2::{Domain, Protocol, Socket, Type};
use udp_echo::{LARGEST, cannot, end_on_stop_signal, explain, finish};
use udp_echo::{now, printable, reachable, resolve, say, seconds};

/// Says hello to a server and shows what it answers
#[derive(Parser)]
struct Options {
    /// Where the server is
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Connect the socket first: the system then tells if nobody is there
    #[arg(long)]
    connect: bool,
    /// Seconds to wait for the answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

fn main() -> ExitCode {
    finish("udp-client", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    end_on_stop_signal()?;
    say(format_args!("Starting the client at {}", now()))?;
    let server = reachable(resolve(&options.address)?);

    // Create. No bind: the system picks a port with the first datagram.
    let family = Domain::for_address(server);
    let socket = Socket::new(family, Type::DGRAM, Some(Protocol::UDP))
        .map_err(cannot("create a socket"))?;
    let socket = UdpSocket::from(socket);

    // Send. To connect is to note the address: nothing goes over the wire.
    say(format_args!("Sending Hello! to {server}"))?;
    if options.connect {
        socket.connect(server).and_then(|()| socket.send(b"Hello!"))
    } else {
        socket.send_to(b"Hello!", server)
    }
    .map_err(cannot(&format!("send to {server}")))?;

    // Receive.
    let mut buffer = vec![0; LARGEST.into()];
    let length = receive(&socket, server, options, &mut buffer);
    let failed = |error: io::Error| {
        anyhow!("no answer from {server}: {}", explain(&error))
    };
    let said = printable(&buffer[..length.map_err(failed)?]);
    say(format_args!("At {} {server} said {said}", now()))?;
    Ok(())
}

/// Waits for a datagram of the server's and gives its length.
fn receive(
    socket: &UdpSocket,
    server: SocketAddr,
    options: &Options,
    buffer: &mut [u8],
) -> io::Result<usize> {
    // ANCHOR: receive
    let end = Instant::now() + options.timeout;
    loop {
        // What is left of the time: else each stranger would prolong it.
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv_from(buffer) {
            Ok((length, from)) if from == server => return Ok(length),
            // Anybody can send to a socket that is not connected.
            Ok(_) => {}
            Err(error) => match error.kind() {
                // Time is up, as Unix calls it and as Windows does; or, on
                // Linux, the program was stopped (Ctrl-Z) and goes on.
                WouldBlock | TimedOut | Interrupted => {}
                // Windows says so even if the socket is not connected.
                ConnectionReset if !options.connect => {}
                _ => return Err(error),
            },
        }
    }
    // ANCHOR_END: receive
}
// ANCHOR_END: all
