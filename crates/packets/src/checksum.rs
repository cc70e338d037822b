//! The Internet checksum (RFC 1071), which IPv4, ICMP, IGMP, UDP and TCP share.

use std::net::IpAddr;

// ANCHOR: sum
/// Adds bytes as numbers of 16 bits; what does not fit is added at the bottom.
/// An odd byte at the end counts as if a zero followed.
pub fn sum(bytes: &[u8]) -> u16 {
    let mut total = 0_u64;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        total += u64::from(u16::from_be_bytes([pair[0], low]));
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u16
}

/// The checksum of bytes in which its own field is zero: the complement of
/// their sum. Whoever adds it to the sum gets 0xffff.
pub fn checksum(bytes: &[u8]) -> u16 {
    !sum(bytes)
}
// ANCHOR_END: sum

/// What UDP, TCP and ICMPv6 add up besides their own bytes: the addresses, the
/// protocol and the length (RFC 768, RFC 9293 section 3.1, RFC 8200 section
/// 8.1). So a datagram that reached the wrong machine is noticed.
pub fn pseudo_header(
    from: IpAddr,
    to: IpAddr,
    protocol: u8,
    length: usize,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    for address in [from, to] {
        match address {
            IpAddr::V4(address) => bytes.extend(address.octets()),
            IpAddr::V6(address) => bytes.extend(address.octets()),
        }
    }
    // Fields of other widths in IPv4; their sum is the same.
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend([0, 0, 0, protocol]);
    bytes
}

/// What a checksum tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// It should have been this.
    Wrong(u16),
    /// Only the pseudo header is in it. The system left the rest to the
    /// network card: usual on loopback, which has no card, and for what the
    /// own machine sends.
    Partial,
    /// UDP over IPv4 may leave it out.
    Absent,
    /// UDP over IPv6 may not (RFC 8200 section 8.1).
    Forbidden,
    /// A part of what it is about is missing.
    Untold,
}

// ANCHOR: judge
/// Judges a checksum over `bytes`, itself included. UDP, TCP and ICMPv6 have a
/// pseudo header besides; for all others it is empty.
pub fn judge(pseudo: &[u8], bytes: &[u8], field: u16) -> Verdict {
    let whole = add(sum(pseudo), sum(bytes));
    if whole == 0xffff {
        Verdict::Right
    } else if !pseudo.is_empty() && field == sum(pseudo) {
        Verdict::Partial
    } else {
        // The same sum without the field, and its complement.
        Verdict::Wrong(!add(whole, !field))
    }
}
// ANCHOR_END: judge

/// The sum of two sums.
fn add(one: u16, other: u16) -> u16 {
    let total = u32::from(one) + u32::from(other);
    ((total & 0xffff) + (total >> 16)) as u16
}

impl Verdict {
    /// The words for a person, behind the checksum itself.
    pub fn words(self) -> String {
        match self {
            Self::Right => "right".into(),
            Self::Wrong(right) => format!("wrong: {right:04x} would be right"),
            Self::Partial => "partial: left to the card".into(),
            Self::Absent => "left out, which UDP over IPv4 may do".into(),
            Self::Forbidden => "zero, which UDP over IPv6 must not send".into(),
            Self::Untold => "cannot be told: a part is missing".into(),
        }
    }

    /// The word for a line about the whole packet, if it needs one.
    pub fn mark(self) -> Option<&'static str> {
        match self {
            Self::Right | Self::Absent | Self::Untold => None,
            Self::Wrong(_) => Some("checksum wrong"),
            Self::Partial => Some("checksum partial"),
            Self::Forbidden => Some("checksum zero"),
        }
    }
}
