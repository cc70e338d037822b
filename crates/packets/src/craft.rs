//! Packets built layer by layer, as `Ether() / IP() / TCP()` does it in Scapy.

use std::time::Duration;

use etherparse::{ArpOperation, ArpPacket, EtherType};
use etherparse::{PacketBuilder, TcpHeader, TcpOptionElement};

use crate::dissect::dissect;
use crate::files::{ETHERNET, Packet};

/// Addresses that nobody has (RFC 5737), and hardware addresses that no
/// maker gives away.
const FROM: [u8; 4] = [192, 0, 2, 1];
const TO: [u8; 4] = [192, 0, 2, 2];
const FROM_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const TO_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const EVERYBODY: [u8; 6] = [0xff; 6];
/// How many routers a packet may pass.
const HOPS: u8 = 64;
const PORTS: (u16, u16) = (50_001, 6789);

// ANCHOR: tcp_syn
/// Asks for a TCP connection.
///
/// # Errors
/// When the layers do not fit into each other.
pub fn tcp_syn() -> anyhow::Result<Vec<u8>> {
    let mut tcp = TcpHeader::new(PORTS.0, PORTS.1, 1000, 64_240);
    tcp.syn = true;
    tcp.set_options(&[
        TcpOptionElement::MaximumSegmentSize(1460),
        TcpOptionElement::SelectiveAcknowledgementPermitted,
        TcpOptionElement::Noop,
        TcpOptionElement::WindowScale(7),
    ])?;
    let layers = PacketBuilder::ethernet2(FROM_MAC, TO_MAC)
        .ipv4(FROM, TO, HOPS)
        .tcp_header(tcp);
    let mut packet = Vec::new();
    layers.write(&mut packet, &[])?;
    Ok(packet)
}
// ANCHOR_END: tcp_syn

/// A datagram with these bytes.
///
/// # Errors
/// When they are too many.
pub fn udp_datagram(data: &[u8]) -> anyhow::Result<Vec<u8>> {
    let layers = PacketBuilder::ethernet2(FROM_MAC, TO_MAC)
        .ipv4(FROM, TO, HOPS)
        .udp(PORTS.0, PORTS.1);
    let mut packet = Vec::new();
    layers.write(&mut packet, data)?;
    Ok(packet)
}

/// A ping with these bytes.
///
/// # Errors
/// When they are too many.
pub fn icmp_echo(data: &[u8]) -> anyhow::Result<Vec<u8>> {
    let layers = PacketBuilder::ethernet2(FROM_MAC, TO_MAC)
        .ipv4(FROM, TO, HOPS)
        .icmpv4_echo_request(7, 1);
    let mut packet = Vec::new();
    layers.write(&mut packet, data)?;
    Ok(packet)
}

/// Asks everybody on the cable who has an address.
///
/// # Errors
/// When the layers do not fit into each other.
pub fn arp_request() -> anyhow::Result<Vec<u8>> {
    let arp = ArpPacket::new(
        etherparse::ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &FROM_MAC,
        &FROM,
        &[0; 6],
        &TO,
    )?;
    let mut packet = Vec::new();
    PacketBuilder::ethernet2(FROM_MAC, EVERYBODY)
        .arp(arp)
        .write(&mut packet)?;
    Ok(packet)
}

/// A packet that was built here, as it would stand in a file.
pub fn as_captured(bytes: &[u8]) -> Packet<'_> {
    Packet {
        number: 1,
        time: Duration::ZERO,
        link: ETHERNET,
        bytes,
        length: bytes.len(),
    }
}

// ANCHOR: on_purpose
/// Puts a checksum into the innermost header, right or wrong. Says whether
/// there is a place for it.
pub fn set_checksum(packet: &mut [u8], checksum: u16) -> bool {
    let Some(place) = dissect(&as_captured(packet)).checksum_at else {
        return false;
    };
    packet[place].copy_from_slice(&checksum.to_be_bytes());
    true
}

/// Lets an IPv4 header without options say this length, right or wrong, with
/// its checksum right again. Says whether there is a place for it.
pub fn set_length(packet: &mut [u8], length: u16) -> bool {
    let Some(place) = dissect(&as_captured(packet)).length_at else {
        return false;
    };
    let header = &mut packet[place.start - 2..place.start + 18];
    header[2..4].copy_from_slice(&length.to_be_bytes());
    header[10..12].fill(0);
    let checksum = crate::checksum(header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    true
}
// ANCHOR_END: on_purpose
