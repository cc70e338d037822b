//! Captures what crosses an interface and explains it. Linux only.
//!
//! cargo run --bin packet-capture [INTERFACE] --write FILE

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use packets::{finish, seconds};

/// Captures packets, explains them, and writes them to a file
#[derive(Parser)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
struct Options {
    /// An interface of this machine
    #[arg(default_value = "lo")]
    interface: String,
    /// The capture file (pcap)
    #[arg(long, value_name = "FILE")]
    write: String,
    /// Only UDP and TCP from or to this port
    #[arg(long)]
    port: Option<u16>,
    /// Only packets that carry data
    #[arg(long)]
    data: bool,
    /// End after so many packets
    #[arg(long, default_value = "10")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// End after so many seconds
    #[arg(long, default_value = "60", value_parser = seconds)]
    time: Duration,
    /// Show each field of each header, bytes beside meaning
    #[arg(long)]
    headers: bool,
    /// Draw the first TCP connection
    #[arg(long, conflicts_with = "headers")]
    draw: bool,
}

fn main() -> ExitCode {
    finish("packet-capture", run(&Options::parse()))
}

#[cfg(not(target_os = "linux"))]
fn run(options: &Options) -> anyhow::Result<()> {
    let interface = &options.interface;
    anyhow::bail!(
        "cannot capture on {interface}: this program knows only Linux's way; \
         capture with tcpdump or Wireshark, and read that with packet-dissect"
    )
}

#[cfg(target_os = "linux")]
fn run(options: &Options) -> anyhow::Result<()> {
    use anyhow::Context;
    use packets::{Capture, ETHERNET, Packet, View, count, dissect};
    use packets::{refused, say, write_header, write_packet};
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    ctrlc::set_handler(|| std::process::exit(0))
        .context("cannot catch Ctrl-C")?;
    let (interface, write) = (&options.interface, &options.write);
    let mut capture =
        Capture::open(interface).map_err(|e| refused(interface, &e))?;
    let failed = || format!("cannot write {write}");
    let mut file = std::fs::File::create(write).with_context(failed)?;
    write_header(&mut file).with_context(failed)?;
    let (most, time) = (options.count, options.time.as_secs_f64());
    let packets = count(most as usize, "packet");
    say(format_args!(
        "Capturing on {interface}: {packets}, or {time} s"
    ))?;
    let until = Instant::now() + options.time;
    let mut view = View::new(options.headers, options.draw);
    let mut number = 0;
    while number < most {
        let next = capture.next(until).map_err(|e| refused(interface, &e))?;
        let Some(bytes) = next else { break };
        let packet = Packet {
            number: number + 1,
            time: SystemTime::now().duration_since(UNIX_EPOCH)?,
            link: ETHERNET,
            bytes,
            length: bytes.len(),
        };
        let dissected = dissect(&packet);
        if !dissected.wanted(options.port, options.data) {
            continue;
        }
        number += 1;
        write_packet(&mut file, packet.time, bytes).with_context(failed)?;
        for line in view.lines(&packet, &dissected) {
            say(line)?;
        }
    }
    let packets = count(number as usize, "packet");
    Ok(say(format_args!("{packets} in {write}"))?)
}
