//! Builds a ping by hand, shows its bytes, and keeps it.
//! cargo run --example short-packet-craft [FILE]
//! Its partner in Python: python/short_packet_craft.py

use std::env::args;
use std::fs;

use etherparse::PacketBuilder;

fn main() -> anyhow::Result<()> {
    let file = args().nth(1).unwrap_or("ping.pcap".into());

    // One layer after the other, from the cable upwards.
    let (a, b) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    let layers = PacketBuilder::ethernet2(a, b)
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .icmpv4_echo_request(7, 1);
    // This fills in the lengths and the checksums.
    let mut packet = Vec::new();
    layers.write(&mut packet, b"Hello!")?;

    println!("{} bytes:", packet.len());
    for row in packet.chunks(16) {
        let row = row.iter().map(|byte| format!("{byte:02x}"));
        println!("{}", row.collect::<Vec<_>>().join(" "));
    }

    // pcap: a header for the file, one for each packet.
    let version = 2 | 4 << 16;
    // Longest packet 65535; link type 1, Ethernet.
    let header = [0xa1b2_c3d4, version, 0, 0, 65535, 1];
    // No time; so many bytes are here, of so many.
    let length = u32::try_from(packet.len())?;
    let numbers = header.into_iter().chain([0, 0, length, length]);
    let bytes = numbers.flat_map(u32::to_le_bytes);
    fs::write(&file, bytes.chain(packet).collect::<Vec<_>>())?;
    println!("Written to {file}");
    Ok(())
}
