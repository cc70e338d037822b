//! Says what each packet of a capture file is.
//! cargo run --example short-packet-dissect [FILE]
//! Its partner in Python: python/short_packet_dissect.py

use etherparse::{NetSlice, SlicedPacket};
use pcap_parser::PcapCapture;

fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1);
    let file = file.unwrap_or("ping.pcap".into());
    let bytes = std::fs::read(&file)?;
    let read = PcapCapture::from_file(&bytes);
    let capture = read.map_err(|e| e.to_owned_vec())?;

    for block in &capture.blocks {
        // From Ethernet inwards, as far as it is known.
        let frame = block.data;
        let packet = SlicedPacket::from_ethernet(frame)?;
        let Some(NetSlice::Ipv4(ip)) = packet.net else {
            println!("{} bytes, not IPv4", frame.len());
            continue;
        };
        let header = ip.header();
        let from = header.source_addr();
        let to = header.destination_addr();
        let protocol = header.protocol().0;
        let length = ip.payload().payload.len();
        print!("{from} > {to}: ");
        println!("protocol {protocol}, {length} bytes");
    }
    Ok(())
}
