//! Builds each TCP packet of a capture once more, layer by layer, and compares
//! all its bytes.
//!
//! cargo run --example packet-rebuild FILE

use std::fs::File;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use etherparse::{IpHeaders, TransportHeader};
use etherparse::{LinkHeader, NetHeaders, PacketBuilder, PacketHeaders};
use packets::{count, finish, pseudo_header, read_packets, say};
use packets::{set_checksum, sum};

fn main() -> ExitCode {
    finish("packet-rebuild", run())
}

fn run() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).context("say which file")?;
    let file =
        File::open(&name).with_context(|| format!("cannot open {name}"))?;
    read_packets(file, |packet| {
        let number = packet.number;
        let captured = packet.bytes;
        let Some((mut built, partial)) = again(captured) else {
            return say(format_args!("{number}: no whole TCP packet"));
        };
        let bytes = count(captured.len(), "byte");
        if built == captured {
            return say(format_args!("{number}: all {bytes} are the same"));
        }
        // The system may have left the checksum to a network card.
        set_checksum(&mut built, partial);
        if built == captured {
            return say(format_args!(
                "{number}: with the partial checksum {partial:04x}, all \
                 {bytes} are the same"
            ));
        }
        say(format_args!("{number}: what was built has other bytes"))
    })?
    .map_err(|error| anyhow!("{name} {error}"))?;
    Ok(())
}

/// The same packet from its fields, and its partial checksum; `None` if it is
/// not TCP over IPv4 in Ethernet, or not whole.
fn again(captured: &[u8]) -> Option<(Vec<u8>, u16)> {
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
    let data = headers.payload.slice();
    let [from, to] = [ip.source, ip.destination].map(IpAddr::from);
    let pseudo = pseudo_header(from, to, 6, tcp.header_len() + data.len());
    let mut built = Vec::new();
    PacketBuilder::ethernet2(ethernet.source, ethernet.destination)
        .ip(IpHeaders::Ipv4(ip, extensions))
        .tcp_header(tcp)
        .write(&mut built, data)
        .ok()?;
    // ANCHOR_END: again
    Some((built, sum(&pseudo)))
}
