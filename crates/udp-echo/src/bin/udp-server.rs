//! Waits for one datagram, answers it and ends. Its partner is udp-client.
//!
//! cargo run --bin udp-server [HOST:PORT]

use std::net::UdpSocket;
use std::process::ExitCode;

use clap::{Parser, value_parser};
use socket2::{Domain, Protocol, Socket, Type};
use udp_echo::{
    LARGEST, cannot, end_on_stop_signal, finish, warn_of_all_addresses,
};
use udp_echo::{now, printable, resolve, say};

/// Answers the first client that says something
#[derive(Parser)]
struct Options {
    /// Where to wait; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:6789")]
    address: String,
    /// Bytes to make room for
    #[arg(long, default_value_t = LARGEST)]
    #[arg(value_parser = value_parser!(u16).range(1..))]
    buffer: u16,
}

fn main() -> ExitCode {
    finish("udp-server", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    end_on_stop_signal()?;
    say(format_args!("Starting the server at {}", now()))?;
    let address = resolve(&options.address)?;

    // Create: a socket of the address's family, for datagrams.
    let family = Domain::for_address(address);
    let socket = Socket::new(family, Type::DGRAM, Some(Protocol::UDP))
        .map_err(cannot("create a socket"))?;

    // Bind: from here on, what is sent to this address waits in the socket.
    let bound = socket.bind(&address.into());
    bound.map_err(cannot(&format!("bind to {address}")))?;
    // The standard library's type receives into ordinary memory.
    let socket = UdpSocket::from(socket);
    let bound = socket.local_addr()?;
    warn_of_all_addresses("udp-server", bound);
    say(format_args!(
        "Waiting for a client to call. Address: {bound}"
    ))?;

    // Receive: one call gives one whole datagram and who sent it.
    let mut buffer = vec![0; options.buffer.into()];
    let came = socket.recv_from(&mut buffer);
    let (length, client) =
        came.map_err(cannot(&format!("receive at {bound}")))?;
    let said = printable(&buffer[..length]);
    say(format_args!("At {} {client} said {said}", now()))?;

    // Send: to that address. Whether it arrives, UDP does not say.
    let answer = "Are you talking to me?";
    say(format_args!("Answering: {answer}"))?;
    let sent = socket.send_to(answer.as_bytes(), client);
    sent.map_err(cannot(&format!("answer {client}")))?;
    Ok(())
}
