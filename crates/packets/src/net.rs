//! ARP, IP and what IP carries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use etherparse::{Ipv4HeaderSlice, Ipv6ExtensionsSlice, LaxSlicedPacket};
use etherparse::{TcpOptionElement as Opt, TcpSlice};

use crate::checksum::{Verdict, judge, pseudo_header};
use crate::dissect::{Dissected, Fields, Segment, count, mac};

/// Whether this is the packet that an ICMP error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inner {
    No,
    Yes,
}

/// What IP carries, and between whom.
pub(crate) struct Carried {
    pub at: Range<usize>,
    pub from: IpAddr,
    pub to: IpAddr,
    /// Whether all of it is here, so that checksums can be told.
    pub whole: bool,
    pub fragment: bool,
    pub inner: Inner,
}

fn v4(number: u128) -> Ipv4Addr {
    Ipv4Addr::from_bits(number as u32)
}

/// RFC 826.
pub(crate) fn arp(
    all: &mut Dissected,
    bytes: &[u8],
    at: usize,
    size: usize,
) -> usize {
    let mut fields = Fields::new("ARP", bytes, at);
    let usual = fields.peek(6) == 0x0001_0800_0604;
    fields.number(2, "kind of hardware:");
    fields.field(2, format!("kind of address: 0x{:04x}", fields.peek(2)));
    fields.number(1, "length of hardware addresses:");
    fields.number(1, "length of addresses:");
    let operation = fields.peek(2);
    fields.field(
        2,
        match operation {
            1 => "request".to_owned(),
            2 => "reply".to_owned(),
            other => format!("operation {other}"),
        },
    );
    if usual {
        let hardware = mac(fields.peek(6));
        fields.field(6, format!("from {hardware}"));
        let from = v4(fields.peek(4));
        fields.field(4, format!("from {from}"));
        fields.field(6, format!("for {}", mac(fields.peek(6))));
        let to = v4(fields.peek(4));
        fields.field(4, format!("for {to}"));
        fields.layer.line = match operation {
            1 => format!("{from} asks who has {to}"),
            2 => format!("{from} is at {hardware}, says it to {to}"),
            other => format!("operation {other}, {from} > {to}"),
        };
    } else {
        fields.field(size.saturating_sub(8), "addresses");
        fields.layer.line = "between addresses of another kind".into();
    }
    all.layers.push(fields.layer);
    at + size
}

/// RFC 791. Says whether the first byte of what it carries is here.
pub(crate) fn ipv4(
    all: &mut Dissected,
    bytes: &[u8],
    at: usize,
    header: &Ipv4HeaderSlice<'_>,
) -> bool {
    let mut fields = Fields::new("IPv4", bytes, at);
    let size = header.slice().len();
    fields.field(1, format!("version 4, {size} bytes of header"));
    fields.field(1, format!("class of service {}", header.dcp().value()));
    let length = fields.peek(2);
    all.length_at = Some(fields.field(2, format!("{length} bytes in all")));
    fields.field(2, format!("id {}", header.identification()));
    let fragment = usize::from(header.fragments_offset().value()) * 8;
    let more = header.more_fragments();
    let text = match (fragment, more) {
        (0, false) if header.dont_fragment() => "must not be cut up".to_owned(),
        (0, false) => "may be cut up".to_owned(),
        (_, true) => format!("fragment at byte {fragment}, more follow"),
        (_, false) => format!("last fragment, at byte {fragment}"),
    };
    fields.field(2, &*text);
    fields.number(1, "hops left:");
    let protocol = header.protocol().0;
    fields.field(1, format!("holds {}", protocol_name(protocol)));
    let field = header.header_checksum();
    let verdict = judge(&[], header.slice(), field);
    let place = fields.field(2, format!("checksum {}", verdict.words()));
    all.checksum_at = Some(place);
    fields.field(4, format!("from {}", header.source_addr()));
    fields.field(4, format!("to {}", header.destination_addr()));
    if size > 20 {
        let kind = header.options().first().copied().unwrap_or(0) & 0x1f;
        let text = match kind {
            7 => "options: record the route",
            20 => "options: router alert",
            _ => "options",
        };
        fields.field(size - 20, text);
    }
    let (from, to) = (header.source_addr(), header.destination_addr());
    fields.layer.line = format!("{from} > {to}");
    if fragment > 0 || more {
        let id = header.identification();
        fields.layer.line += &format!(", id {id}, {text}");
    }
    if let Some(mark) = verdict.mark() {
        all.marks.push(match mark {
            "checksum wrong" => "IPv4 checksum wrong",
            other => other,
        });
    }
    all.layers.push(fields.layer);
    fragment == 0
}

/// RFC 8200. Says whether the first byte of what it carries is here.
pub(crate) fn ipv6(
    all: &mut Dissected,
    bytes: &[u8],
    at: usize,
    last: u8,
    extensions: &Ipv6ExtensionsSlice<'_>,
) -> bool {
    let mut fields = Fields::new("IPv6", bytes, at);
    fields.field(4, "version 6, class and flow");
    let length = fields.peek(2);
    fields.field(2, format!("{length} bytes behind this header"));
    let mut next = fields.peek(1) as u8;
    fields.field(1, format!("holds {}", protocol_name(next)));
    fields.number(1, "hops left:");
    let from = Ipv6Addr::from_bits(fields.peek(16));
    fields.field(16, format!("from {from}"));
    let to = Ipv6Addr::from_bits(fields.peek(16));
    fields.field(16, format!("to {to}"));
    fields.layer.line = format!("{from} > {to}");
    if next == 59 || (extensions.is_empty() && last == 59) {
        fields.layer.line += ", no next header";
    }
    all.layers.push(fields.layer);
    let (mut at, mut first) = (at + 40, true);
    let end = at + extensions.slice().len();
    while at < end && matches!(next, 0 | 43 | 44 | 51 | 60 | 135) {
        let name = match next {
            0 => "Hop-by-hop",
            43 => "Routing",
            44 => "Fragment",
            51 => "Authentication",
            60 => "Destination",
            _ => "Mobility",
        };
        let mut fields = Fields::new(name, bytes, at);
        let this = next;
        next = fields.peek(1) as u8;
        fields.field(1, format!("holds {}", protocol_name(next)));
        let units = fields.peek(1) as usize;
        let size = match this {
            44 => 8,
            51 => (units + 2) * 4,
            _ => (units + 1) * 8,
        };
        if this == 44 {
            fields.field(1, "reserved");
            let number = fields.peek(2);
            let (place, more) = (number & 0xfff8, number & 1 == 1);
            let text = if more {
                format!("fragment at byte {place}, more follow")
            } else {
                format!("last fragment, at byte {place}")
            };
            fields.field(2, &*text);
            let id = fields.number(4, "id");
            fields.layer.line = format!("id {id}, {text}");
            first &= place == 0;
        } else {
            fields.field(1, format!("{size} bytes"));
            fields.field((size - 2).min(end - at - 2), "options");
            fields.layer.line = "options".into();
        }
        all.layers.push(fields.layer);
        at += size;
    }
    first
}

/// The protocol numbers of IP: <https://www.iana.org/assignments/protocol-numbers>
fn protocol_name(number: u8) -> String {
    match number {
        0 => "hop-by-hop options",
        1 => "ICMP",
        2 => "IGMP",
        6 => "TCP",
        17 => "UDP",
        43 => "a route",
        44 => "a fragment",
        58 => "ICMPv6",
        59 => "nothing",
        60 => "options for the destination",
        other => return format!("protocol {other}"),
    }
    .into()
}

/// What IP carries, from its first byte.
pub(crate) fn transport(
    all: &mut Dissected,
    bytes: &[u8],
    protocol: u8,
    carried: &Carried,
) {
    let here = &bytes[carried.at.clone()];
    let (name, least) = match protocol {
        1 => ("ICMP", 8),
        2 => ("IGMP", 8),
        6 => ("TCP", 20),
        17 => ("UDP", 8),
        58 => ("ICMPv6", 8),
        59 => return all.data(bytes, carried.at.clone(), "Meaningless"),
        other => {
            let mut fields = Fields::new("Protocol", bytes, carried.at.start);
            fields.field(here.len(), format!("protocol {other}"));
            fields.layer.line = other.to_string();
            return all.layers.push(fields.layer);
        }
    };
    if here.len() < least {
        let excused =
            !carried.whole && carried.fragment || carried.inner == Inner::Yes;
        let short = format!("{} bytes are no {name} header", here.len());
        all.damaged(short, excused || all.marks.contains(&"cut"));
        return all.data(bytes, carried.at.clone(), "Data");
    }
    match protocol {
        6 => tcp(all, bytes, carried),
        17 => udp(all, bytes, carried),
        2 => igmp(all, bytes, carried),
        _ => icmp(all, bytes, protocol == 58, carried),
    }
}

/// The verdict about a checksum over `at`, which stands in the field next.
fn verdict(
    bytes: &[u8],
    carried: &Carried,
    at: Range<usize>,
    pseudo: Option<u8>,
    field: u128,
) -> Verdict {
    if !carried.whole {
        return Verdict::Untold;
    }
    let pseudo = pseudo.map(|protocol| {
        pseudo_header(carried.from, carried.to, protocol, at.len())
    });
    judge(&pseudo.unwrap_or_default(), &bytes[at], field as u16)
}

fn check(all: &mut Dissected, fields: &mut Fields<'_>, told: Verdict) {
    let place = fields.field(2, format!("checksum {}", told.words()));
    all.checksum_at = Some(place);
    all.marks.extend(told.mark());
}

/// RFC 768.
fn udp(all: &mut Dissected, bytes: &[u8], carried: &Carried) {
    let mut fields = Fields::new("UDP", bytes, carried.at.start);
    let from = fields.number(2, "from port");
    let to = fields.number(2, "to port");
    let length = fields.peek(2) as usize;
    fields.field(2, format!("{length} bytes, these 8 included"));
    let here = carried.at.len();
    // A length of 0 is one that does not fit into the field (RFC 2675).
    let fits = (8..=here).contains(&length) || length == 0;
    let end = match length {
        8.. if fits => carried.at.start + length,
        _ => carried.at.end,
    };
    let told = match (fields.peek(2), carried.from) {
        (0, IpAddr::V4(_)) => Verdict::Absent,
        (0, IpAddr::V6(_)) => Verdict::Forbidden,
        _ if !fits => Verdict::Untold,
        (field, _) => {
            let at = carried.at.start..end;
            verdict(bytes, carried, at, Some(17), field)
        }
    };
    check(all, &mut fields, told);
    let data = length.max(8) - 8;
    fields.layer.line = format!("{from} > {to}, {}", count(data, "byte"));
    all.layers.push(fields.layer);
    all.ports = Some((from as u16, to as u16));
    if !fits {
        let why = format!("UDP says {length} bytes, IP has {here}");
        let excused = length > here && !carried.whole;
        all.damaged(why, excused);
    }
    all.data(bytes, carried.at.start + 8..end, "Data");
    if carried.inner == Inner::No {
        all.data(bytes, end..carried.at.end, "Behind UDP");
    }
}

const FLAGS: [&str; 8] =
    ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];

/// RFC 9293.
fn tcp(all: &mut Dissected, bytes: &[u8], carried: &Carried) {
    let mut fields = Fields::new("TCP", bytes, carried.at.start);
    let from = fields.number(2, "from port");
    let to = fields.number(2, "to port");
    let sequence = fields.number(4, "sequence number") as u32;
    let confirms = fields.number(4, "confirms up to") as u32;
    let size = (fields.peek(1) >> 4) as usize * 4;
    fields.field(1, format!("{size} bytes of header"));
    let bits = fields.peek(1) as usize;
    let flags: Vec<&str> = (0..8)
        .rev()
        .filter(|bit| bits >> bit & 1 == 1)
        .map(|bit| FLAGS[bit])
        .collect();
    // As people say them: SYN, ACK.
    let mut flags = flags;
    flags.sort_by_key(|flag| *flag == "ACK");
    let flags = match flags.join(", ") {
        none if none.is_empty() => "no flags".to_owned(),
        some => some,
    };
    fields.field(1, &*flags);
    fields.number(2, "window");
    let field = fields.peek(2);
    let told = verdict(bytes, carried, carried.at.clone(), Some(6), field);
    check(all, &mut fields, told);
    fields.number(2, "urgent pointer");
    let parsed = TcpSlice::from_slice(&bytes[carried.at.clone()]);
    if let Ok(tcp) = &parsed {
        let mut place = 20;
        for option in tcp.options_iterator() {
            let Ok(option) = option else {
                all.damaged("an option of TCP is not whole", false);
                break;
            };
            let (length, text) = option_text(&option);
            fields.field(length, text);
            place += length;
        }
        fields.field(size.saturating_sub(place), "end of the options");
    }
    let ack = bits & 16 != 0;
    fields.layer.line = format!("{from} > {to} {flags}");
    let data = match &parsed {
        Ok(_) => carried.at.start + size..carried.at.end,
        Err(error) => {
            let excused = !carried.whole && size >= 20;
            all.damaged(error, excused);
            carried.at.end..carried.at.end
        }
    };
    if !data.is_empty() {
        fields.layer.line += &format!(", {}", count(data.len(), "byte"));
    }
    all.layers.push(fields.layer);
    all.ports = Some((from as u16, to as u16));
    let end = |address: IpAddr, port| match address {
        IpAddr::V4(address) => format!("{address}:{port}"),
        IpAddr::V6(address) => format!("[{address}]:{port}"),
    };
    if carried.inner == Inner::No {
        all.segment = Some(Segment {
            from: end(carried.from, from),
            to: end(carried.to, to),
            flags,
            sequence,
            confirms: ack.then_some(confirms),
            data: data.clone(),
        });
    }
    all.data(bytes, data, "Data");
}

/// The length of an option in bytes, and what it says (RFC 9293 section 3.1,
/// RFC 7323, RFC 2018).
fn option_text(option: &Opt) -> (usize, String) {
    match option {
        Opt::Noop => (1, "option: none, to fill up".into()),
        Opt::MaximumSegmentSize(size) => {
            (4, format!("option: segments of at most {size} bytes"))
        }
        Opt::WindowScale(shift) => {
            let times = 1_u64 << (*shift).min(14);
            (3, format!("option: windows count {times} times"))
        }
        Opt::SelectiveAcknowledgementPermitted => {
            (2, "option: gaps may be told (SACK)".into())
        }
        Opt::SelectiveAcknowledgement(first, more) => {
            let more = more.iter().flatten();
            let parts: Vec<String> = std::iter::once(first)
                .chain(more)
                .map(|(begin, end)| format!("{begin} to {end}"))
                .collect();
            let text = parts.join(", ");
            (2 + 8 * parts.len(), format!("option: came as well: {text}"))
        }
        Opt::Timestamp(own, echo) => {
            (10, format!("option: my clock {own}, yours {echo}"))
        }
    }
}

/// RFC 792 and RFC 4443.
fn icmp(all: &mut Dissected, bytes: &[u8], six: bool, carried: &Carried) {
    let name = if six { "ICMPv6" } else { "ICMP" };
    let mut fields = Fields::new(name, bytes, carried.at.start);
    let (kind, code) = (fields.peek(1), fields.peek(2) & 0xff);
    let (what, about) = icmp_text(six, kind, code);
    fields.field(1, format!("type {kind}: {what}"));
    fields.field(1, format!("code {code}"));
    let field = fields.peek(2);
    let pseudo = six.then_some(58);
    let told = verdict(bytes, carried, carried.at.clone(), pseudo, field);
    check(all, &mut fields, told);
    let echo = matches!((six, kind), (false, 0 | 8) | (true, 128 | 129));
    if echo {
        let id = fields.number(2, "id");
        let sequence = fields.number(2, "sequence number");
        fields.layer.line = format!("{what}, id {id}, seq {sequence}");
    } else {
        fields.field(4, "more");
        fields.layer.line = what;
    }
    let about = about && carried.inner == Inner::No;
    if about {
        fields.layer.line += ", about";
    }
    all.layers.push(fields.layer);
    let rest = carried.at.start + 8..carried.at.end;
    if about {
        let sliced = LaxSlicedPacket::from_ip(&bytes[rest.clone()]);
        if let Ok(sliced) = sliced {
            // What it says of itself is not what this packet is.
            let kept =
                (all.checksum_at.clone(), all.length_at.clone(), all.ports);
            all.network(&bytes[..rest.end], &sliced, true, Inner::Yes);
            (all.checksum_at, all.length_at, all.ports) = kept;
            return;
        }
    }
    all.data(bytes, rest, "Data");
}

fn icmp_text(six: bool, kind: u128, code: u128) -> (String, bool) {
    let text = match (six, kind, code) {
        (false, 0, _) | (true, 129, _) => "echo reply",
        (false, 8, _) | (true, 128, _) => "echo request",
        (false, 3, 0) => "network unreachable",
        (false, 3, 1) => "host unreachable",
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 3, 4) => "too long, and must not be cut up",
        (false, 3, _) | (true, 1, _) => "unreachable",
        (true, 2, _) => "packet too big",
        (false, 5, _) | (true, 137, _) => "there is a better way",
        (false, 11, 0) | (true, 3, 0) => "no hops left",
        (false, 11, _) | (true, 3, _) => "a fragment is missing",
        (false, 12, _) | (true, 4, _) => "a field is wrong",
        (true, 133, _) => "are there routers?",
        (true, 134, _) => "I am a router",
        (true, 135, _) => "who has this address?",
        (true, 136, _) => "I have this address",
        (true, 143, _) => "groups that I am in",
        (_, other, _) => return (format!("type {other}"), false),
    };
    let about = matches!((six, kind), (false, 3 | 5 | 11 | 12) | (true, 1..=4));
    (text.into(), about)
}

/// RFC 3376 and its forerunners.
fn igmp(all: &mut Dissected, bytes: &[u8], carried: &Carried) {
    let mut fields = Fields::new("IGMP", bytes, carried.at.start);
    let kind = fields.peek(1);
    let what = match kind {
        0x11 => "who is in which group?",
        0x12 | 0x16 => "I am in this group",
        0x17 => "I leave this group",
        0x22 => "groups that I am in",
        _ => "unknown type",
    };
    fields.field(1, what);
    fields.field(1, "time to answer, or unused");
    let field = fields.peek(2);
    let told = verdict(bytes, carried, carried.at.clone(), None, field);
    check(all, &mut fields, told);
    if kind == 0x22 {
        fields.field(2, "unused");
        let records = fields.number(2, "number of records:");
        fields.layer.line =
            format!("report, {}", count(records as usize, "record"));
        // Each has as many sources and auxiliary words as it says.
        let mut left = carried.at.len() - 8;
        for _ in 0..records {
            if left < 8 {
                all.damaged("a record is not whole", !carried.whole);
                break;
            }
            let auxiliary = (fields.peek(2) & 0xff) as usize * 4;
            fields.field(2, "kind of record, length of its data");
            let sources = fields.number(2, "sources:") as usize * 4;
            let group = v4(fields.peek(4));
            fields.field(4, format!("group {group}"));
            fields.layer.line += &format!(", {group}");
            let size = (sources + auxiliary).min(left - 8);
            fields.field(size, "sources and data");
            left -= 8 + size;
        }
    } else {
        let group = v4(fields.peek(4));
        fields.field(4, format!("group {group}"));
        fields.layer.line = format!("{what} {group}");
    }
    all.layers.push(fields.layer);
}
