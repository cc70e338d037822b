//! Builds a packet layer by layer, shows each header, and writes it to a file
//! that Wireshark opens. It sends nothing.
//!
//! cargo run --bin packet-craft KIND

use std::fs::File;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Parser, ValueEnum};
use packets::{arp_request, as_captured, icmp_echo, tcp_syn, udp_datagram};
use packets::{dissect, finish, say, set_checksum, set_length};
use packets::{write_header, write_packet};

/// Builds a packet, shows it, and writes it to a file
#[derive(Parser)]
struct Options {
    kind: Kind,
    /// What the datagram or the ping carries [default: Hello!]
    #[arg(long)]
    text: Option<String>,
    /// Put this checksum into the innermost header, such as beef
    #[arg(long, value_name = "HEX", value_parser = hex)]
    checksum: Option<u16>,
    /// Let IPv4 say that it has so many bytes
    #[arg(long, value_name = "BYTES")]
    length: Option<u16>,
    /// Write it to this capture file (pcap)
    #[arg(long, value_name = "FILE")]
    write: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Asks for a TCP connection
    Syn,
    /// A UDP datagram
    Udp,
    /// A ping
    Echo,
    /// Asks who has an address
    Arp,
}

fn hex(text: &str) -> Result<u16, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u16::from_str_radix(digits, 16)
        .map_err(|_| "must be up to four hexadecimal digits".into())
}

fn main() -> ExitCode {
    finish("packet-craft", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    let text = options.text.as_deref().unwrap_or("Hello!").as_bytes();
    let mut packet = match options.kind {
        Kind::Syn | Kind::Arp if options.text.is_some() => {
            bail!("this packet carries no text; leave out --text")
        }
        Kind::Syn => tcp_syn(),
        Kind::Udp => udp_datagram(text),
        Kind::Echo => icmp_echo(text),
        Kind::Arp => arp_request(),
    }
    .context("cannot build it; a packet has at most 65535 bytes")?;
    if let Some(length) = options.length {
        let done = set_length(&mut packet, length);
        ensure!(done, "this packet has no length; leave out --length");
    }
    if let Some(checksum) = options.checksum {
        let done = set_checksum(&mut packet, checksum);
        ensure!(done, "this packet has no checksum; leave out --checksum");
    }
    let captured = as_captured(&packet);
    let dissected = dissect(&captured);
    say(dissected.line(&captured))?;
    for line in dissected.lines(&captured) {
        say(format_args!("   {line}"))?;
    }
    let Some(name) = &options.write else {
        return Ok(());
    };
    let failed = || format!("cannot write {name}");
    let mut file = File::create(name).with_context(failed)?;
    write_header(&mut file).with_context(failed)?;
    write_packet(&mut file, Duration::ZERO, &packet).with_context(failed)?;
    say(format_args!("Written to {name}"))?;
    Ok(())
}
