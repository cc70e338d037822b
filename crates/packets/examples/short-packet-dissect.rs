//! Says what each packet of a capture file is.
//! cargo run --example short-packet-dissect [FILE]
//! Its partner in Python: python/short_packet_dissect.py

use std::env::args;
use std::fs;

use etherparse::{NetSlice, SlicedPacket};
use pcap_parser::PcapCapture;

fn main() -> anyhow::Result<()> {
    let file = args().nth(1).unwrap_or("ping.pcap".into());
    let bytes = fs::read(&file)?;
    let capture =
        PcapCapture::from_file(&bytes).map_err(|error| error.to_owned_vec())?;

    for block in &capture.blocks {
        // From Ethernet inwards, as far as it is known.
        let packet = SlicedPacket::from_ethernet(block.data)?;
        let Some(NetSlice::Ipv4(ip)) = packet.net else {
            println!("{} bytes, not IPv4", block.data.len());
            continue;
        };
        let (from, to) =
            (ip.header().source_addr(), ip.header().destination_addr());
        let protocol = ip.header().protocol().0;
        let length = ip.payload().payload.len();
        println!("{from} > {to}: protocol {protocol}, {length} bytes");
    }
    Ok(())
}
