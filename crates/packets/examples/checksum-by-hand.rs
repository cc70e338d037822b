//! Adds up the checksum of an IPv4 header as one does it on paper.
//!
//! cargo run --example checksum-by-hand [FILE]

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use packets::{finish, read_packets, say};

fn main() -> ExitCode {
    finish("checksum-by-hand", run())
}

fn run() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).unwrap_or("ping.pcap".into());
    let file =
        File::open(&name).with_context(|| format!("cannot open {name}"))?;
    read_packets(file, |packet| {
        // Behind Ethernet's 14 bytes; 4 is the version, 5 times 4 its length.
        match packet.bytes.get(14..34) {
            Some(header) if header[0] == 0x45 => by_hand(header),
            _ => say("not Ethernet with a plain IPv4 header"),
        }
    })?
    .map_err(|error| anyhow!("{name} {error}"))?;
    Ok(())
}

fn by_hand(header: &[u8]) -> std::io::Result<()> {
    let mut total = 0_u32;
    for (place, pair) in header.chunks(2).enumerate() {
        let number = u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        // The checksum itself counts as zero.
        if place == 5 {
            say("   ....  (the checksum's own place)")?;
            continue;
        }
        total += number;
        say(format_args!(" + {number:04x}  makes {total:5x}"))?;
    }
    while total > 0xffff {
        let (above, below) = (total >> 16, total & 0xffff);
        total = below + above;
        say(format_args!(
            "{below:04x} and {above:x} from above: {total:04x}"
        ))?;
    }
    say(format_args!(
        "each bit turned round: {:04x}",
        !total & 0xffff
    ))?;
    let (one, two) = (header[10], header[11]);
    say(format_args!("in the header: {one:02x}{two:02x}"))
}
