//! Builds each TCP packet of a capture once more, layer by layer, and compares
//! the bytes.
//!
//! cargo run --example packet-rebuild FILE

use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use etherparse::{IpHeaders, TransportHeader};
use etherparse::{LinkHeader, NetHeaders, PacketBuilder, PacketHeaders};
use packets::{dissect, finish, read_packets, say};

fn main() -> ExitCode {
    finish("packet-rebuild", run())
}

fn run() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).context("say which file")?;
    let file =
        File::open(&name).with_context(|| format!("cannot open {name}"))?;
    read_packets(file, |packet| {
        let number = packet.number;
        let Some(built) = again(packet.bytes) else {
            return say(format_args!("{number}: no whole TCP packet"));
        };
        // The system left it to a network card, so it is another one.
        let Some(place) = dissect(packet).checksum_at else {
            return say(format_args!("{number}: it has no checksum"));
        };
        let [captured, mut others] = [packet.bytes, &built].map(<[u8]>::to_vec);
        let [had, has] = [&captured, &others]
            .map(|bytes| bytes[place.clone()].to_vec())
            .map(|two| format!("{:02x}{:02x}", two[0], two[1]));
        others[place.clone()].copy_from_slice(&captured[place]);
        if others != captured {
            return say(format_args!("{number}: other bytes"));
        }
        let same = captured.len() - 2;
        say(format_args!(
            "{number}: {same} bytes are the same; checksum {had}, built {has}"
        ))
    })?
    .map_err(|error| anyhow!("{name} {error}"))?;
    Ok(())
}

/// The same packet from its fields; `None` if it is not TCP over IPv4 in
/// Ethernet, or not whole.
fn again(captured: &[u8]) -> Option<Vec<u8>> {
    // ANCHOR: again
    let headers = PacketHeaders::from_ethernet_slice(captured).ok()?;
    let Some(LinkHeader::Ethernet2(ethernet)) = headers.link else {
        return None;
    };
    let Some(NetHeaders::Ipv4(ip, extensions)) = headers.net else {
        return None;
    };
    let Some(TransportHeader::Tcp(tcp)) = headers.transport else {
        return None;
    };
    let layers =
        PacketBuilder::ethernet2(ethernet.source, ethernet.destination)
            .ip(IpHeaders::Ipv4(ip, extensions))
            .tcp_header(tcp);
    let mut built = Vec::new();
    layers.write(&mut built, headers.payload.slice()).ok()?;
    // ANCHOR_END: again
    Some(built)
}
