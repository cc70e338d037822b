//! Builds a ping by hand, shows its bytes, and keeps it.
//! cargo run --example short-packet-craft [FILE]
//! Its partner in Python: python/short_packet_craft.py

use etherparse::PacketBuilder;

fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1);
    let file = file.unwrap_or("ping.pcap".into());

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
        let hex = row.iter().map(|b| format!("{b:02x}"));
        println!("{}", hex.collect::<Vec<_>>().join(" "));
    }

    // The file's header (link type 1 is Ethernet), then the
    // packet's: no time; this many bytes, of this many.
    let size = u32::try_from(packet.len())?;
    let of_file = [0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1];
    let of_packet = [0, 0, size, size];
    let mut bytes = of_file.map(u32::to_le_bytes).concat();
    bytes.extend(of_packet.map(u32::to_le_bytes).concat());
    bytes.extend(packet);
    std::fs::write(&file, bytes)?;
    println!("Written to {file}");
    Ok(())
}
