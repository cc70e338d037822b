//! Reads a capture file and says what each packet is: in a line, header by
//! header, or as a picture of a TCP connection.
//!
//! cargo run --bin packet-dissect FILE

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Parser;
use packets::{View, dissect, finish, read_packets, say};

/// Says what each packet of a capture file (pcap or pcapng) is
#[derive(Parser)]
struct Options {
    /// What tcpdump, Wireshark or packet-capture wrote
    file: String,
    /// Only this packet, counted from 1
    #[arg(long, value_name = "NUMBER")]
    packet: Option<u64>,
    /// Show each field of each header, bytes beside meaning
    #[arg(long)]
    headers: bool,
    /// Draw the first TCP connection
    #[arg(long, conflicts_with = "headers")]
    draw: bool,
    /// Show when each packet was captured, in seconds since 1970
    #[arg(long)]
    times: bool,
}

fn main() -> ExitCode {
    finish("packet-dissect", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    ctrlc::set_handler(|| std::process::exit(0))
        .context("cannot catch Ctrl-C")?;
    let name = &options.file;
    let file = File::open(name).map_err(|error| {
        // Each system has other words of its own.
        anyhow!("cannot open {name}: {}", error.kind())
    })?;
    let mut view = View::new(options.headers, options.draw);
    view.times = options.times;
    let read = read_packets(file, |packet| {
        if options.packet.is_some_and(|wanted| wanted != packet.number) {
            return Ok(());
        }
        view.lines(packet, &dissect(packet))
            .iter()
            .try_for_each(say)
    })?;
    let count = read.map_err(|error| anyhow!("{name} {error}"))?;
    match options.packet {
        Some(wanted) if wanted == 0 || wanted > count => Err(anyhow!(
            "{name} has no packet {wanted}; its last one is {count}"
        )),
        None if !options.draw => {
            Ok(say(packets::count(count as usize, "packet"))?)
        }
        _ => Ok(()),
    }
}
