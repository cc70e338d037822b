//! Takes a packet apart, header by header: each field's bytes beside their
//! meaning. Nothing here fails. What is not known is shown as bytes, and what
//! contradicts itself is told.

use std::fmt::{Display, Write};
use std::net::IpAddr;
use std::ops::Range;

use etherparse::{EtherType, LaxIpPayloadSlice, LaxLinkExtSlice, LaxNetSlice};
use etherparse::{LaxSlicedPacket, LenSource, LinkSlice};

use crate::files::{ETHERNET, Packet};
use crate::net::Carried;
use crate::printable;

/// Bytes of data that are shown.
const MOST_DATA: usize = 64;

/// Some bytes of a packet, and what they mean.
#[derive(Clone, Debug)]
pub struct Field {
    pub at: Range<usize>,
    pub text: String,
}

/// A header, or the data behind the last one.
#[derive(Clone, Debug)]
pub struct Layer {
    pub name: &'static str,
    pub fields: Vec<Field>,
    /// The most important of it, for a line about the whole packet.
    pub line: String,
}

/// A TCP segment, as far as the picture of a connection needs it.
#[derive(Clone, Debug)]
pub struct Segment {
    pub from: String,
    pub to: String,
    pub flags: String,
    pub sequence: u32,
    /// Of a segment with the flag ACK.
    pub confirms: Option<u32>,
    /// The bytes that it carries, and where they are.
    pub data: Range<usize>,
}

/// A packet, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Dissected {
    pub layers: Vec<Layer>,
    /// What is odd, in one word or two each.
    pub marks: Vec<&'static str>,
    /// What does not fit together, or is missing; a sentence each.
    pub troubles: Vec<String>,
    /// Where the last checksum and the length of IPv4 stand.
    pub checksum_at: Option<Range<usize>>,
    pub length_at: Option<Range<usize>>,
    /// The ports of UDP or TCP.
    pub ports: Option<(u16, u16)>,
    pub segment: Option<Segment>,
}

/// Fills a layer field by field, in the order of the bytes.
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    pub at: usize,
    pub layer: Layer,
}

impl<'a> Fields<'a> {
    /// A layer that begins at `at`.
    pub fn new(name: &'static str, bytes: &'a [u8], at: usize) -> Self {
        let layer = Layer {
            name,
            fields: Vec::new(),
            line: String::new(),
        };
        Self { bytes, at, layer }
    }

    /// The next bytes as a number, of those that are there.
    pub fn peek(&self, size: usize) -> u128 {
        let here = self.bytes.get(self.at..).unwrap_or_default();
        here.iter()
            .take(size)
            .fold(0, |all, byte| all << 8 | u128::from(*byte))
    }

    /// The next bytes mean this. Returns where they are.
    pub fn field(
        &mut self,
        size: usize,
        text: impl Into<String>,
    ) -> Range<usize> {
        let end = (self.at + size).min(self.bytes.len());
        let at = self.at.min(end)..end;
        self.at = end;
        if !at.is_empty() {
            self.layer.fields.push(Field {
                at: at.clone(),
                text: text.into(),
            });
        }
        at
    }

    /// As `field`, for a number that the text names.
    pub fn number(&mut self, size: usize, what: &str) -> u128 {
        let number = self.peek(size);
        self.field(size, format!("{what} {number}"));
        number
    }
}

/// A packet being taken apart.
pub(crate) struct Dissector<'a> {
    pub bytes: &'a [u8],
    /// Whether a part may be missing, as in what an ICMP error is about.
    pub cut: bool,
    /// Whether it is what an ICMP error is about.
    pub inner: bool,
    pub all: Dissected,
}

/// Takes apart a packet of a capture file.
pub fn dissect(packet: &Packet<'_>) -> Dissected {
    let bytes = packet.bytes;
    let mut all = Dissected::default();
    // ANCHOR: cut
    let cut = bytes.len() < packet.length;
    if cut {
        all.marks.push("cut");
        all.troubles.push(format!(
            "the capture kept {} of {} bytes: nothing is wrong with the packet",
            bytes.len(),
            packet.length
        ));
    }
    // ANCHOR_END: cut
    let inner = false;
    let mut dissector = Dissector {
        bytes,
        cut,
        inner,
        all,
    };
    dissector.link(packet.link);
    dissector.all
}

fn direction(kind: u128) -> &'static str {
    match kind {
        0 => "to this machine",
        1 => "to everybody",
        2 => "to a group",
        3 => "to another machine",
        4 => "sent by this machine",
        _ => "unknown direction",
    }
}

fn cooked_address(fields: &mut Fields<'_>, size: usize) {
    let length = (fields.number(size, "length of the address") as usize).min(8);
    if length == 6 {
        fields.field(6, format!("from {}", mac(fields.peek(6))));
    } else {
        fields.field(length, "from this address");
    }
    fields.field(8 - length, "unused");
}

pub(crate) fn mac(number: u128) -> String {
    let bytes = number.to_be_bytes();
    let pairs: Vec<String> = bytes[10..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    pairs.join(":")
}

/// What the header holds, by its number in Ethernet.
fn ether_type(fields: &mut Fields<'_>) -> Option<EtherType> {
    let number = fields.peek(2) as u16;
    fields.field(2, format!("holds {}", ether_name(number)));
    Some(EtherType(number))
}

fn ether_name(number: u16) -> String {
    match number {
        0x0800 => "IPv4".into(),
        0x0806 => "ARP".into(),
        0x86dd => "IPv6".into(),
        0x8100 | 0x88a8 | 0x9100 => "a VLAN tag".into(),
        0x88e5 => "MACsec".into(),
        0..0x0600 => format!("{number} bytes of LLC"),
        _ => format!("protocol 0x{number:04x}"),
    }
}

impl Dissected {
    /// Whether UDP or TCP comes from this port or goes to it, and whether there
    /// are bytes behind the last header, as far as that is asked for.
    pub fn wanted(&self, port: Option<u16>, data: bool) -> bool {
        let at = |port| self.ports.is_some_and(|(a, b)| a == port || b == port);
        port.is_none_or(at)
            && (!data || self.layers.iter().any(|layer| layer.name == "Data"))
    }

    /// The packet in one line.
    pub fn line(&self, packet: &Packet<'_>) -> String {
        let told = self.layers.iter().filter(|layer| !layer.line.is_empty());
        let told: Vec<String> = told
            .map(|layer| format!("{} {}", layer.name, layer.line))
            .collect();
        let mut line = if told.is_empty() {
            count(packet.bytes.len(), "byte")
        } else {
            told.join(" / ")
        };
        for mark in &self.marks {
            let _ = write!(line, " [{mark}]");
        }
        line
    }

    /// All fields of all headers, bytes beside meaning, and the troubles.
    pub fn lines(&self, packet: &Packet<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        for layer in &self.layers {
            let begin = layer.fields.first().map_or(0, |field| field.at.start);
            let end = layer.fields.last().map_or(0, |field| field.at.end);
            lines.push(format!(
                "{}, {}",
                layer.name,
                count(end - begin, "byte")
            ));
            for field in &layer.fields {
                let bytes = &packet.bytes[field.at.clone()];
                let mut shown: Vec<String> = bytes
                    .iter()
                    .take(16)
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                if bytes.len() > shown.len() {
                    shown.push("…".into());
                }
                lines.push(format!(
                    "  {:<17}  {}",
                    shown.join(" "),
                    field.text
                ));
            }
        }
        lines
            .extend(self.troubles.iter().map(|trouble| format!("! {trouble}")));
        lines
    }
}

impl<'a> Dissector<'a> {
    fn link(&mut self, link: u32) {
        let bytes = self.bytes;
        match link {
            ETHERNET => match LaxSlicedPacket::from_ethernet(bytes) {
                Ok(sliced) => self.ethernet(&sliced),
                Err(error) => self.damaged(error, self.cut),
            },
            // NULL and LOOP: the family of addresses, in the order of the
            // machine that captured or in that of the network.
            0 | 108 => {
                let mut fields = Fields::new("Loopback", bytes, 0);
                let number = fields.peek(4) as u32;
                let family = if number > 0xffff {
                    number.swap_bytes()
                } else {
                    number
                };
                let known = match family {
                    2 => Some(EtherType::IPV4),
                    // Linux, BSD, FreeBSD, macOS.
                    10 | 24 | 28 | 30 => Some(EtherType::IPV6),
                    _ => None,
                };
                fields.field(4, format!("family {family}"));
                self.below(fields, 4, known);
            }
            // What `tcpdump -i any` writes: LINUX_SLL and, since 2018,
            // LINUX_SLL2.
            113 => {
                let mut fields = Fields::new("Linux cooked", bytes, 0);
                fields.field(2, direction(fields.peek(2)));
                fields.number(2, "kind of interface");
                cooked_address(&mut fields, 2);
                let known = ether_type(&mut fields);
                self.below(fields, 16, known);
            }
            // ANCHOR: link
            276 => {
                let mut fields = Fields::new("Linux cooked v2", bytes, 0);
                let known = ether_type(&mut fields);
                fields.field(2, "reserved");
                let interface = fields.number(4, "interface");
                fields.number(2, "kind of interface");
                let way = direction(fields.peek(1));
                fields.field(1, way);
                cooked_address(&mut fields, 1);
                fields.layer.line = format!("interface {interface}, {way}");
                self.below(fields, 20, known);
            }
            // ANCHOR_END: link
            // RAW, and what the BSDs call it; IPv4 and IPv6 alone.
            12 | 14 | 101 | 228 | 229 => {
                match LaxSlicedPacket::from_ip(bytes) {
                    Ok(sliced) => self.network(&sliced),
                    Err(error) => self.damaged(error, self.cut),
                }
            }
            other => {
                let why = format!("link type {other} is not known here");
                self.all.troubles.push(why);
                self.data(0..bytes.len(), "Unknown");
            }
        }
    }

    /// A header that etherparse does not know, then what it does know.
    fn below(&mut self, fields: Fields, size: usize, known: Option<EtherType>) {
        self.push(fields);
        match (known, self.bytes.get(size..)) {
            (_, None) => {
                self.damaged("its first header is not whole", self.cut)
            }
            (None, Some(_)) => {
                let why = "this family is not known here";
                self.all.troubles.push(why.into());
                self.data(size..self.bytes.len(), "Unknown");
            }
            (Some(kind), Some(rest)) => {
                self.links(&LaxSlicedPacket::from_ether_type(kind, rest));
            }
        }
    }

    fn ethernet(&mut self, sliced: &LaxSlicedPacket<'_>) {
        let mut fields = Fields::new("Ethernet", self.bytes, 0);
        let to = mac(fields.peek(6));
        fields.field(6, format!("to {to}"));
        let from = mac(fields.peek(6));
        fields.field(6, format!("from {from}"));
        let number = fields.peek(2) as u16;
        ether_type(&mut fields);
        if number < 0x0600 {
            // Not a type but a length: 802.3, as spanning tree uses it.
            fields.layer.line = format!("{from} > {to}");
            self.push(fields);
            return self.llc(usize::from(number));
        }
        if sliced.net.is_none() && sliced.link_exts.is_empty() {
            let holds = ether_name(number);
            fields.layer.line = format!("{from} > {to}, {holds}");
        }
        self.push(fields);
        self.links(sliced);
    }

    fn llc(&mut self, length: usize) {
        let mut fields = Fields::new("LLC", self.bytes, 14);
        let to = fields.peek(1);
        fields.field(1, format!("to service 0x{to:02x}"));
        fields.field(1, format!("from service 0x{:02x}", fields.peek(1)));
        fields.field(1, "control");
        fields.layer.line = format!("{length} bytes for service 0x{to:02x}");
        self.push(fields);
        let (end, here) = (14 + length, self.bytes.len());
        if end > here {
            self.damaged("LLC says more bytes than came", self.cut);
        }
        self.data(17..end.min(here), "Data");
        self.data(end.min(here)..here, "Padding");
    }

    fn links(&mut self, sliced: &LaxSlicedPacket<'_>) {
        for tag in &sliced.link_exts {
            match tag {
                LaxLinkExtSlice::Vlan(vlan) => {
                    let mut fields = self.fields("VLAN", vlan.slice());
                    let number = fields.peek(2);
                    let (id, priority) = (number & 0xfff, number >> 13);
                    let text = format!("{id}, priority {priority}");
                    fields.field(2, format!("network {text}"));
                    ether_type(&mut fields);
                    fields.layer.line = text;
                    self.push(fields);
                }
                LaxLinkExtSlice::Macsec(tag) => {
                    let mut fields = self.fields("MACsec", tag.header.slice());
                    fields.field(tag.header.header_len(), "a tag");
                    fields.layer.line = "tag".into();
                    self.push(fields);
                }
            }
        }
        self.network(sliced);
    }

    /// IP or ARP, and what is behind it.
    pub fn network(&mut self, sliced: &LaxSlicedPacket<'_>) {
        match &sliced.net {
            Some(LaxNetSlice::Arp(arp)) => {
                let end = self.arp(arp.slice());
                return self.data(end..self.bytes.len(), "Padding");
            }
            Some(LaxNetSlice::Ipv4(ip)) => {
                let header = ip.header();
                let ends = (header.source_addr(), header.destination_addr());
                let first = self.ipv4(&header);
                let end = usize::from(header.total_len());
                let ends = (IpAddr::V4(ends.0), IpAddr::V4(ends.1));
                self.carry(header.slice(), end, ip.payload(), first, ends);
            }
            Some(LaxNetSlice::Ipv6(ip)) => {
                let header = ip.header();
                let ends = (header.source_addr(), header.destination_addr());
                let first = self.ipv6(header.slice(), ip.extensions());
                let end = 40 + usize::from(header.payload_length());
                let ends = (IpAddr::V6(ends.0), IpAddr::V6(ends.1));
                self.carry(header.slice(), end, ip.payload(), first, ends);
            }
            None => {
                if let Some((error, _)) = &sliced.stop_err {
                    self.damaged(error, self.cut);
                }
                let rest = match (sliced.ether_payload(), &sliced.link) {
                    (Some(rest), _) => rest.payload,
                    (None, Some(LinkSlice::Ethernet2(link))) => {
                        link.payload_slice()
                    }
                    _ => return,
                };
                let at = offset(self.bytes, rest);
                return self.data(at..at + rest.len(), "Data");
            }
        }
        // What IP carries is judged in src/net.rs.
        use etherparse::err::Layer::*;
        if let Some((error, layer)) = &sliced.stop_err
            && !matches!(layer, TcpHeader | UdpHeader | UdpPayload | Icmpv6)
            && !matches!(layer, Icmpv4 | Icmpv4Timestamp | Icmpv4TimestampReply)
            && !matches!(layer, Igmp)
        {
            self.damaged(error, self.cut);
        }
    }

    /// What IP carries, and whether it is as long as IP says.
    fn carry(
        &mut self,
        header: &[u8],
        told: usize,
        payload: &LaxIpPayloadSlice<'_>,
        first: bool,
        (from, to): (IpAddr, IpAddr),
    ) {
        let start = offset(self.bytes, payload.payload);
        let at = start..start + payload.payload.len();
        let fragment = payload.fragmented;
        if first {
            let whole = !(self.cut || payload.incomplete || fragment);
            let carried = Carried {
                at,
                from,
                to,
                whole,
                fragment,
            };
            self.transport(payload.ip_number.0, &carried);
        } else {
            self.data(at, "Data");
        }
        let begin = offset(self.bytes, header);
        let here = self.bytes.len() - begin;
        let too_short = payload.len_source == LenSource::Slice && told < here;
        if too_short || told > here && !self.cut {
            let why = format!("IP says {told} bytes, {here} came");
            self.damaged(why, false);
        } else if told <= here && !self.inner {
            self.data(begin + told..self.bytes.len(), "Padding");
        }
    }

    /// A layer that begins with this part of the packet.
    pub fn fields(&self, name: &'static str, part: &[u8]) -> Fields<'a> {
        Fields::new(name, self.bytes, offset(self.bytes, part))
    }

    pub fn push(&mut self, fields: Fields<'_>) {
        self.all.layers.push(fields.layer);
    }

    /// A header is not whole, or contradicts itself. It is excused if a part
    /// is missing, which was told.
    pub fn damaged(&mut self, why: impl Display, excused: bool) {
        if excused {
            return;
        }
        if !self.all.marks.contains(&"damaged") {
            self.all.marks.push("damaged");
        }
        self.all.troubles.push(format!("damaged: {why}"));
    }

    /// Bytes that are not looked into.
    pub fn data(&mut self, at: Range<usize>, name: &'static str) {
        let data = self.bytes.get(at.clone()).unwrap_or_default();
        let shown = &data[..data.len().min(MOST_DATA)];
        let text = match name {
            "Padding" => "fills the frame up".to_owned(),
            _ if data.len() > MOST_DATA => format!("{}…", printable(shown)),
            _ => printable(shown),
        };
        let mut fields = Fields::new(name, self.bytes, at.start);
        fields.field(data.len(), text);
        if !data.is_empty() {
            self.push(fields);
        }
    }
}

/// A number of things.
pub fn count(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

/// Where a part of the packet begins in it.
pub(crate) fn offset(bytes: &[u8], part: &[u8]) -> usize {
    part.as_ptr()
        .addr()
        .saturating_sub(bytes.as_ptr().addr())
        .min(bytes.len())
}
