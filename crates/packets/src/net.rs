//! ARP, IP and what IP carries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use etherparse::{Ipv4HeaderSlice, Ipv6ExtensionsSlice, LaxSlicedPacket};
use etherparse::{TcpOptionElement as Opt, TcpSlice};

use crate::checksum::{Verdict, judge, pseudo_header};
use crate::dissect::{Dissector, Fields, Segment, count, mac};

/// What IP carries, and between whom.
#[derive(Clone)]
pub(crate) struct Carried {
    pub at: Range<usize>,
    pub from: IpAddr,
    pub to: IpAddr,
    /// Whether all of it is here, so that checksums can be told.
    pub whole: bool,
    pub fragment: bool,
}

impl Dissector<'_> {
    /// RFC 826. Returns where it ends.
    pub(crate) fn arp(&mut self, here: &[u8]) -> usize {
        let mut fields = self.fields("ARP", here);
        let end = fields.at + here.len();
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
            fields.field(here.len().saturating_sub(8), "addresses");
            fields.layer.line = "between addresses of another kind".into();
        }
        self.push(fields);
        end
    }

    /// RFC 791. Says whether the first byte of what it carries is here.
    pub(crate) fn ipv4(&mut self, header: &Ipv4HeaderSlice<'_>) -> bool {
        let mut fields = self.fields("IPv4", header.slice());
        let size = header.slice().len();
        fields.field(1, format!("version 4, {size} bytes of header"));
        fields.field(1, format!("class of service {}", header.dcp().value()));
        let length = fields.peek(2);
        self.all.length_at =
            Some(fields.field(2, format!("{length} bytes in all")));
        fields.field(2, format!("id {}", header.identification()));
        let fragment = usize::from(header.fragments_offset().value()) * 8;
        let more = header.more_fragments();
        let text = match (fragment, more) {
            (0, false) if header.dont_fragment() => {
                "must not be cut up".to_owned()
            }
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
        self.all.checksum_at = Some(place);
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
            self.all.marks.push(match mark {
                "checksum wrong" => "IPv4 checksum wrong",
                other => other,
            });
        }
        self.push(fields);
        fragment == 0
    }

    /// RFC 8200. Says whether the first byte of what it carries is here.
    pub(crate) fn ipv6(
        &mut self,
        header: &[u8],
        extensions: &Ipv6ExtensionsSlice<'_>,
    ) -> bool {
        let mut fields = self.fields("IPv6", header);
        let mut at = fields.at + 40;
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
        if next == 59 {
            fields.layer.line += ", no next header";
        }
        self.push(fields);
        let mut first = true;
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
            let mut fields = Fields::new(name, self.bytes, at);
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
            self.push(fields);
            at += size;
        }
        first
    }

    /// What IP carries, from its first byte.
    pub(crate) fn transport(&mut self, protocol: u8, carried: &Carried) {
        let here = &self.bytes[carried.at.clone()];
        let (name, least) = match protocol {
            1 => ("ICMP", 8),
            2 => ("IGMP", 8),
            6 => ("TCP", 20),
            17 => ("UDP", 8),
            58 => ("ICMPv6", 8),
            59 => return self.data(carried.at.clone(), "Meaningless"),
            other => {
                let mut fields = self.fields("Protocol", here);
                fields.field(here.len(), format!("protocol {other}"));
                fields.layer.line = other.to_string();
                return self.push(fields);
            }
        };
        if here.len() < least {
            let short = format!("{} bytes are no {name} header", here.len());
            self.damaged(short, carried.fragment || self.cut);
            return self.data(carried.at.clone(), "Data");
        }
        let fields = self.fields(name, here);
        match protocol {
            6 => self.tcp(fields, carried),
            17 => self.udp(fields, carried),
            2 => self.igmp(fields, carried),
            _ => self.icmp(fields, protocol == 58, carried),
        }
    }

    /// A checksum over what IP carries up to `end`, which is the next field.
    fn check(
        &mut self,
        fields: &mut Fields<'_>,
        carried: &Carried,
        end: usize,
        pseudo: Option<u8>,
    ) {
        let field = fields.peek(2) as u16;
        let at = carried.at.start..end;
        let told = match carried.from {
            _ if pseudo == Some(17) && field == 0 && carried.from.is_ipv4() => {
                Verdict::Absent
            }
            _ if pseudo == Some(17) && field == 0 => Verdict::Forbidden,
            _ if !carried.whole => Verdict::Untold,
            from => {
                let pseudo = pseudo.map(|protocol| {
                    pseudo_header(from, carried.to, protocol, at.len())
                });
                judge(&pseudo.unwrap_or_default(), &self.bytes[at], field)
            }
        };
        let place = fields.field(2, format!("checksum {}", told.words()));
        self.all.checksum_at = Some(place);
        self.all.marks.extend(told.mark());
    }

    /// RFC 768.
    fn udp(&mut self, mut fields: Fields<'_>, carried: &Carried) {
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
        // Without the right end there is nothing to check.
        let sum = Carried {
            whole: carried.whole && fits,
            ..carried.clone()
        };
        self.check(&mut fields, &sum, end, Some(17));
        let data = length.max(8) - 8;
        fields.layer.line = format!("{from} > {to}, {}", count(data, "byte"));
        self.push(fields);
        self.all.ports = Some((from as u16, to as u16));
        if !fits {
            let why = format!("UDP says {length} bytes, IP has {here}");
            let excused = length > here && !carried.whole;
            self.damaged(why, excused);
        }
        self.data(carried.at.start + 8..end, "Data");
        if !self.inner {
            self.data(end..carried.at.end, "Behind UDP");
        }
    }

    /// RFC 9293.
    fn tcp(&mut self, mut fields: Fields<'_>, carried: &Carried) {
        let from = fields.number(2, "from port");
        let to = fields.number(2, "to port");
        let sequence = fields.number(4, "sequence number") as u32;
        let confirms = fields.number(4, "confirms up to") as u32;
        let size = (fields.peek(1) >> 4) as usize * 4;
        fields.field(1, format!("{size} bytes of header"));
        let bits = fields.peek(1) as usize;
        let set = FLAGS.iter().filter(|(bit, _)| bits & bit != 0);
        let mut flags =
            set.map(|(_, flag)| *flag).collect::<Vec<_>>().join(", ");
        if flags.is_empty() {
            flags = "no flags".into();
        }
        fields.field(1, &*flags);
        fields.number(2, "window");
        self.check(&mut fields, carried, carried.at.end, Some(6));
        fields.number(2, "urgent pointer");
        let parsed = TcpSlice::from_slice(&self.bytes[carried.at.clone()]);
        if let Ok(tcp) = &parsed {
            let mut place = 20;
            for option in tcp.options_iterator() {
                let Ok(option) = option else {
                    self.damaged("an option of TCP is not whole", false);
                    break;
                };
                let (length, text) = option_text(&option);
                place += length;
                if let Opt::Timestamp(..) = option {
                    fields.field(2, text);
                    fields.number(4, "  my clock");
                    fields.number(4, "  your clock");
                } else {
                    fields.field(length, text);
                }
            }
            fields.field(size.saturating_sub(place), "end of the options");
        }
        let ack = bits & 16 != 0;
        fields.layer.line = format!("{from} > {to} {flags}");
        let data = match &parsed {
            Ok(_) => carried.at.start + size..carried.at.end,
            Err(error) => {
                let excused = !carried.whole && size >= 20;
                self.damaged(error, excused);
                carried.at.end..carried.at.end
            }
        };
        if !data.is_empty() {
            fields.layer.line += &format!(", {}", count(data.len(), "byte"));
        }
        self.push(fields);
        self.all.ports = Some((from as u16, to as u16));
        let end = |address: IpAddr, port| match address {
            IpAddr::V4(address) => format!("{address}:{port}"),
            IpAddr::V6(address) => format!("[{address}]:{port}"),
        };
        if !self.inner {
            self.all.segment = Some(Segment {
                from: end(carried.from, from),
                to: end(carried.to, to),
                flags,
                sequence,
                confirms: ack.then_some(confirms),
                data: data.clone(),
            });
        }
        self.data(data, "Data");
    }

    /// RFC 792 and RFC 4443.
    fn icmp(&mut self, mut fields: Fields<'_>, six: bool, carried: &Carried) {
        let (kind, code) = (fields.peek(1), fields.peek(2) & 0xff);
        let (what, about) = icmp_text(six, kind, code);
        fields.field(1, format!("type {kind}: {what}"));
        fields.field(1, format!("code {code}"));
        let pseudo = six.then_some(58);
        self.check(&mut fields, carried, carried.at.end, pseudo);
        let echo = matches!((six, kind), (false, 0 | 8) | (true, 128 | 129));
        if echo {
            let id = fields.number(2, "id");
            let sequence = fields.number(2, "sequence number");
            fields.layer.line = format!("{what}, id {id}, seq {sequence}");
        } else {
            fields.field(4, "more");
            fields.layer.line = what;
        }
        let about = about && !self.inner;
        if about {
            fields.layer.line += ", about";
        }
        self.push(fields);
        let rest = carried.at.start + 8..carried.at.end;
        if about {
            let all = &mut self.all;
            // What it says of itself is not what this packet is.
            let kept =
                (all.checksum_at.clone(), all.length_at.clone(), all.ports);
            let (bytes, cut) = (self.bytes, self.cut);
            (self.bytes, self.cut, self.inner) =
                (&bytes[..rest.end], true, true);
            let sliced = LaxSlicedPacket::from_ip(&bytes[rest.clone()]);
            let known =
                sliced.as_ref().map(|sliced| self.network(sliced)).is_ok();
            (self.bytes, self.cut, self.inner) = (bytes, cut, false);
            let all = &mut self.all;
            (all.checksum_at, all.length_at, all.ports) = kept;
            if known {
                return;
            }
        }
        self.data(rest, "Data");
    }

    /// RFC 3376 and its forerunners.
    fn igmp(&mut self, mut fields: Fields<'_>, carried: &Carried) {
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
        self.check(&mut fields, carried, carried.at.end, None);
        if kind == 0x22 {
            fields.field(2, "unused");
            let records = fields.number(2, "number of records:") as usize;
            let report = format!("report, {}", count(records, "record"));
            fields.layer.line = report;
            if carried.at.len() >= 16 {
                fields.field(4, "kind of record, its data, sources");
                let group = v4(fields.peek(4));
                fields.field(4, format!("group {group}"));
                fields.layer.line += &format!(", {group}");
                let rest = carried.at.end - fields.at;
                fields.field(rest, "sources, more records");
            } else if records > 0 {
                self.damaged("a record is not whole", !carried.whole);
            }
        } else {
            let group = v4(fields.peek(4));
            fields.field(4, format!("group {group}"));
            fields.layer.line = format!("{what} {group}");
        }
        self.push(fields);
    }
}

fn v4(number: u128) -> Ipv4Addr {
    Ipv4Addr::from_bits(number as u32)
}

/// The protocol numbers of IP:
/// <https://www.iana.org/assignments/protocol-numbers>
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

/// In the order in which people say them: SYN, ACK.
const FLAGS: [(usize, &str); 8] = [
    (128, "CWR"),
    (64, "ECE"),
    (32, "URG"),
    (8, "PSH"),
    (4, "RST"),
    (2, "SYN"),
    (1, "FIN"),
    (16, "ACK"),
];

/// The length of an option in bytes, and what it says (RFC 9293 section 3.1,
/// RFC 7323, RFC 2018).
fn option_text(option: &Opt) -> (usize, String) {
    match option {
        Opt::Noop => (1, "option: none, to fill up".into()),
        Opt::MaximumSegmentSize(size) => {
            (4, format!("option: segments up to {size} bytes"))
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
        Opt::Timestamp(..) => (10, "option: what time it is".into()),
    }
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
