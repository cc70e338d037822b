//! ZeroMQ: the greeting and the frames of ZMTP 3.0 and 3.1.
//!
//! A message of several parts is several frames; each is shown as a message
//! of its own.

use anyhow::{Result, bail};

use super::{
    BEGINNING, Decoder, Kind, Link, Look, Message, Part, Raw, count, hex,
    hex_rows, is_text, limit_parts, msgpack, printable,
};

pub static KIND: Kind = Kind {
    name: "zmtp",
    about: "ZeroMQ: the greeting, commands and messages of ZMTP 3; \
            zmtp=msgpack explains what is in the messages, too",
    datagrams: false,
    make,
};

const GREETING: usize = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// Text up to here stands beside its length, on one row.
const SHORT: usize = 12;
/// How long an address is that libzmq invents.
const OF_LIBZMQ: usize = 5;
/// How many addresses are told apart.
const MOST_ADDRESSES: usize = 1000;
/// How a message begins that CURVE has encrypted.
const ENCRYPTED: &[u8] = b"\x07MESSAGE";

pub fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    let holds_msgpack = match parameter {
        None => false,
        Some("msgpack") => true,
        Some(_) => bail!("what is in the messages may be msgpack"),
    };
    Ok(Box::new(Zmtp {
        look,
        holds_msgpack,
        pending: Raw::default(),
        head: Vec::new(),
        length: None,
        mechanism: None,
        subscribes: false,
        link: Link::Free,
        addresses: Vec::new(),
        part: 0,
        lost: false,
    }))
}

struct Zmtp {
    look: Look,
    /// Whether its messages are to be explained as MessagePack.
    holds_msgpack: bool,
    /// The greeting or frame so far.
    pending: Raw,
    /// The greeting so far, or the flags and length of a frame.
    head: Vec<u8>,
    /// How long the frame is with its head, once that is known.
    length: Option<u64>,
    /// None before the greeting.
    mechanism: Option<String>,
    /// Whether it has said that it is a socket that subscribes.
    subscribes: bool,
    /// What each of its messages is to the other direction, by its type.
    link: Link,
    /// What a ROUTER has called its peers, in the order of their coming.
    addresses: Vec<Vec<u8>>,
    /// How many parts of a message there were.
    part: u64,
    lost: bool,
}

impl Zmtp {
    /// How many of the next bytes belong to the greeting or frame, and
    /// whether it ends with them.
    fn next(&mut self, bytes: &[u8]) -> (usize, bool) {
        if let Some(length) = self.length {
            return match usize::try_from(length - self.pending.length) {
                Ok(left) if left <= bytes.len() => (left, true),
                _ => (bytes.len(), false),
            };
        }
        self.head.push(bytes[0]);
        if self.mechanism.is_none() {
            self.lost = !may_greet(&self.head);
            return (1, self.head.len() == GREETING && !self.lost);
        }
        // A command is never a part, and five bits are reserved.
        let flags = self.head[0];
        if flags > COMMAND | LONG || flags & 5 == COMMAND | MORE {
            self.lost = true;
            return (1, false);
        }
        let body = match &self.head[1..] {
            [length] if flags & LONG == 0 => u64::from(*length),
            bytes => match <[u8; 8]>::try_from(bytes) {
                Ok(bytes) if flags & LONG != 0 => u64::from_be_bytes(bytes),
                _ => return (1, false),
            },
        };
        self.lost = body > i64::MAX as u64;
        self.length = Some(body.saturating_add(self.head.len() as u64));
        (1, body == 0 && !self.lost)
    }

    fn take_greeting(&mut self) -> Message {
        let greeting = std::mem::take(&mut self.head);
        self.pending.clear();
        let name = without_zeros(&greeting[12..32]);
        let (version, server) = ([greeting[10], greeting[11]], greeting[32]);
        let mechanism = printable(name);
        let role = match server {
            0 => "as server: no",
            _ => "as server: yes",
        };
        let parts = vec![
            Part::new(
                hex(&greeting[..10]),
                "the signature; what is between ff and 7f is for old versions",
            ),
            Part::new(
                hex(&version),
                format!("the version: {}.{}", version[0], version[1]),
            ),
            Part::new(
                filled(name, 20),
                format!("the mechanism, in 20 bytes: {mechanism}"),
            ),
            Part::new(hex(&[server]), role),
            match without_zeros(&greeting[33..]) {
                [] => Part::new("00 00 … 00", "31 zero bytes that fill it up"),
                filler => Part::new(filled(filler, 31), "31 bytes of filler"),
            },
        ];
        let end = if server == 0 { "" } else { ", as server" };
        let summary = format!(
            "the greeting: ZMTP {}.{}, mechanism {mechanism}{end}",
            version[0], version[1]
        );
        self.mechanism = Some(mechanism);
        message(GREETING as u64, summary, parts)
    }

    fn take_frame(&mut self) -> Message {
        let head = std::mem::take(&mut self.head);
        self.length = None;
        let flags = head[0];
        let part = self.count_part(flags);
        let link = match flags & (COMMAND | MORE) {
            0 => self.link,
            MORE => Link::Part,
            _ => Link::Free,
        };
        if self.pending.is_cut() {
            let what = if flags & COMMAND == 0 {
                "message"
            } else {
                "command"
            };
            let summary = format!("{part}a long {what}, its beginning");
            let message = self.pending.take(&summary);
            return Message { link, ..message };
        }
        let frame = std::mem::take(&mut self.pending);
        let body = &frame.kept[head.len()..];
        let mut parts = vec![
            Part::new(hex(&head[..1]), meaning(flags)),
            Part::new(
                hex(&head[1..]),
                format!("the length: {}", count(body.len() as u64)),
            ),
        ];
        let encrypted = self.is("CURVE") && body.starts_with(ENCRYPTED);
        let summary = if flags & COMMAND != 0 || encrypted {
            self.command(body, &mut parts)
        } else {
            format!("{part}{}", self.body(flags, body, &mut parts))
        };
        limit_parts(&mut parts);
        Message {
            link,
            ..message(frame.length, summary, parts)
        }
    }

    /// Which part of a message it is, if that has several.
    fn count_part(&mut self, flags: u8) -> String {
        if flags & COMMAND != 0 {
            return String::new();
        }
        let part = self.part + 1;
        if flags & MORE != 0 {
            self.part = part;
            return format!("part {part}, more follows: ");
        }
        match std::mem::take(&mut self.part) {
            0 => String::new(),
            _ => format!("part {part} of {part}: "),
        }
    }

    fn is(&self, mechanism: &str) -> bool {
        self.mechanism.as_deref() == Some(mechanism)
    }

    fn body(
        &mut self,
        flags: u8,
        body: &[u8],
        parts: &mut Vec<Part>,
    ) -> String {
        // The frame does not tell a subscription from data: the socket does.
        if let ([kind @ (0 | 1), topic @ ..], true) =
            (body, self.subscribes && flags & MORE == 0)
        {
            let (word, what) = match kind {
                0 => ("unsubscribe", "no longer to be sent"),
                _ => ("subscribe", "to be sent"),
            };
            let remark = format!("ZMTP 3.0: {what} is what begins with:");
            parts.push(Part::new(hex(&body[..1]), remark));
            parts.extend(hex_rows(topic));
            return format!("{word}, as a message: {}", shown(topic));
        }
        if self.part == 1 && may_be_address(body) {
            return self.address(body, parts);
        }
        if self.holds_msgpack
            && let Some((rows, text)) = msgpack::whole(body)
        {
            parts.extend(rows);
            return printable(text.as_bytes());
        }
        parts.extend(hex_rows(body));
        match body {
            [] if flags & MORE != 0 && self.link != Link::Free => {
                "empty, the end of the addresses".to_owned()
            }
            [] => "an empty message".to_owned(),
            text if is_text(text) => printable(text),
            _ => "a message that is no text".to_owned(),
        }
    }

    /// A ROUTER invents addresses for those who give none. In a recording
    /// they are the same every time.
    fn address(&mut self, body: &[u8], parts: &mut Vec<Part>) -> String {
        let known = self.addresses.iter().position(|one| one == body);
        let number = known.unwrap_or(self.addresses.len());
        if known.is_none() && number < MOST_ADDRESSES {
            self.addresses.push(body.to_vec());
        }
        let mut shown = body.to_vec();
        if self.look.normalise {
            let first = usize::from(body.len() == OF_LIBZMQ);
            for (place, byte) in shown.iter_mut().enumerate().skip(first) {
                *byte = (0x9e + 0x3b * place + 0x51 * number) as u8;
            }
        }
        parts.push(Part::new(hex(&shown), "invented by the ROUTER"));
        format!("the address of client {}", number + 1)
    }

    fn command(&mut self, body: &[u8], parts: &mut Vec<Part>) -> String {
        let name = counted(body).filter(|(name, _)| is_name(name));
        let Some((name, data)) = name else {
            parts.extend(hex_rows(body));
            return "a command without a name".to_owned();
        };
        let named = printable(name);
        parts.push(Part::new(
            hex(&body[..=name.len()]),
            format!("the command {named}"),
        ));
        let open = self.is("NULL") || self.is("PLAIN");
        let explained = match name {
            b"READY" | b"INITIATE" if open => self.properties(data, parts),
            b"ERROR" => reason(data, parts),
            b"SUBSCRIBE" | b"CANCEL" => Some(topic(data, parts)),
            b"PING" => ping(data, parts),
            b"PONG" => Some(context(data, parts)),
            _ => None,
        };
        match explained {
            Some(text) => format!("{named}{text}"),
            None if data.is_empty() => named,
            None => {
                parts.extend(hex_rows(data));
                format!("{named} with {}", count(data.len() as u64))
            }
        }
    }

    fn properties(
        &mut self,
        data: &[u8],
        parts: &mut Vec<Part>,
    ) -> Option<String> {
        let mut found = Vec::new();
        let mut rest = data;
        while !rest.is_empty() {
            let (name, after) = counted(rest).filter(|one| is_name(one.0))?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let size = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (value, after) = after.split_at_checked(size)?;
            found.push((name, length, value));
            rest = after;
        }
        if self.look.normalise {
            // Some libraries keep them in no order.
            found.sort_by_key(|(name, ..)| {
                let name = name.to_ascii_lowercase();
                (name != b"socket-type", name)
            });
        }
        let mut text = String::new();
        for (name, length, value) in found {
            let named = printable(name);
            let bytes = [&[name.len() as u8], name].concat();
            parts.push(Part::new(hex(&bytes), format!("property {named}:")));
            let size = count(value.len() as u64);
            if value.len() <= SHORT && is_text(value) {
                let bytes = [&length[..], value].concat();
                let meaning = format!("{size}: {}", shown(value));
                parts.push(Part::new(hex(&bytes), meaning));
            } else {
                parts.push(Part::new(hex(length), format!("{size}:")));
                parts.extend(hex_rows(value));
            }
            text.push_str(&format!(", {named}: {}", shown(value)));
            if name.eq_ignore_ascii_case(b"Socket-Type") {
                self.subscribes = matches!(value, b"SUB" | b"XSUB");
                self.link = match value {
                    b"REQ" => Link::Asks,
                    b"REP" => Link::Answers,
                    b"DEALER" => Link::MayAsk,
                    b"ROUTER" => Link::MayAnswer,
                    _ => Link::Free,
                };
            }
        }
        Some(text)
    }
}

impl Decoder for Zmtp {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.lost {
                return self.pending.push(rest, self.look.longest);
            }
            let (taken, ends) = self.next(rest);
            self.pending.push(&rest[..taken], self.look.longest);
            rest = &rest[taken..];
            if ends {
                found.push(if self.mechanism.is_none() {
                    self.take_greeting()
                } else {
                    self.take_frame()
                });
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if self.pending.is_empty() {
            return;
        }
        let what = if self.lost {
            "bytes that are no ZMTP 3"
        } else if self.mechanism.is_none() {
            "the beginning of a greeting that does not end"
        } else {
            "the beginning of a frame that does not end"
        };
        found.push(self.pending.take(what));
        self.head.clear();
        self.length = None;
    }

    fn has_ends(&self) -> bool {
        !self.lost
    }
}

/// Whether a first part looks like what ROUTERs invent: zeromq for Rust takes
/// a UUID of version 4, libzmq a zero byte and four others.
fn may_be_address(body: &[u8]) -> bool {
    match body.len() {
        OF_LIBZMQ => body[0] == 0,
        16 => body[6] >> 4 == 4 && body[8] >> 6 == 2 && !is_text(body),
        _ => false,
    }
}

/// Whether a greeting may begin so.
fn may_greet(head: &[u8]) -> bool {
    let [.., before, last] = *head else {
        return head == [0xff];
    };
    match head.len() {
        10 => last == 0x7f,
        11 => last == 3,
        13 => is_in_name(last),
        14..=32 => last == 0 || is_in_name(last) && before != 0,
        33 => last <= 1,
        _ => true,
    }
}

fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_uppercase()
        || byte.is_ascii_digit()
        || b"-_.+".contains(&byte)
}

fn meaning(flags: u8) -> String {
    let what = match flags & (COMMAND | MORE) {
        0 => "a message, or the last part of one",
        MORE => "part of a message, more follows",
        _ => "a command",
    };
    let length = if flags & LONG == 0 {
        "1 byte"
    } else {
        "8 bytes"
    };
    format!("flags: {what}; its length in {length}")
}

/// Whether it can be the name of a command or a property.
fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
}

/// Something with its length before it in one byte, and what follows.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

fn reason(data: &[u8], parts: &mut Vec<Part>) -> Option<String> {
    let (reason, []) = counted(data)? else {
        return None;
    };
    let length = count(reason.len() as u64);
    parts.push(Part::new(hex(&data[..1]), format!("{length}:")));
    parts.extend(hex_rows(reason));
    Some(format!(": {}", shown(reason)))
}

fn topic(data: &[u8], parts: &mut Vec<Part>) -> String {
    parts.extend(hex_rows(data));
    format!(" {}", shown(data))
}

fn ping(data: &[u8], parts: &mut Vec<Part>) -> Option<String> {
    let (time, rest) = data.split_first_chunk::<2>()?;
    let tenths = u16::from_be_bytes(*time);
    let (text, meaning) = match tenths {
        0 => (String::new(), "no time to live".to_owned()),
        _ => {
            let time = format!("{}.{} s", tenths / 10, tenths % 10);
            let meaning =
                format!("time to live: {time}; after such a silence, hang up");
            (format!(", time to live {time}"), meaning)
        }
    };
    parts.push(Part::new(hex(time), meaning));
    Some(text + &context(rest, parts))
}

fn context(data: &[u8], parts: &mut Vec<Part>) -> String {
    if data.is_empty() {
        return String::new();
    }
    parts.extend(hex_rows(data));
    format!(", context {}", shown(data))
}

/// Text, or the beginning of what is none.
fn shown(bytes: &[u8]) -> String {
    match bytes {
        [] => "\"\"".to_owned(),
        text if is_text(text) => printable(text),
        short if short.len() <= BEGINNING => hex(short),
        long => format!("{} …", hex(&long[..BEGINNING])),
    }
}

/// What is filled up to `size` with zero bytes.
fn filled(bytes: &[u8], size: usize) -> String {
    match size - bytes.len() {
        0 => hex(bytes),
        few @ 1..=4 => format!("{}{}", hex(bytes), " 00".repeat(few)),
        _ => format!("{} 00 … 00", hex(bytes)),
    }
}

fn message(length: u64, summary: String, parts: Vec<Part>) -> Message {
    Message {
        length,
        summary,
        parts,
        // It would be several frames that answer several.
        link: Link::Free,
    }
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0);
    &bytes[..end.map_or(0, |end| end + 1)]
}

#[cfg(test)]
mod tests {
    use super::super::Side::{Client, Server};
    use super::super::tests::{decode, decode_with, summaries};
    use super::*;

    // Greetings, READY and what is said after them, unless a test says that it
    // is made up, was said by libzmq 4.3.5, under pyzmq 27.3.

    /// Of a socket with an empty identity; one of three bytes makes the 1 a 4.
    const GREETING: &[u8] = &[
        0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, b'N', b'U', b'L', b'L', 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    const READY_REQ: &[u8] = b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x03REQ\
        \x08Identity\0\0\0\x03ann";
    const READY_REP: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REP";
    const READY_SUB: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB";
    const READY_XPUB: &[u8] = b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB";

    const PLAIN_GREETING: &str = "the greeting: ZMTP 3.1, mechanism NULL";

    fn rows(message: &Message) -> Vec<(&str, &str)> {
        let parts = message.parts.iter();
        parts.map(|one| (&*one.bytes, &*one.meaning)).collect()
    }

    fn greeting(mechanism: &[u8]) -> Vec<u8> {
        let mut greeting = GREETING.to_vec();
        greeting[12..32].fill(0);
        greeting[12..12 + mechanism.len()].copy_from_slice(mechanism);
        greeting
    }

    /// Made up.
    #[test]
    fn addresses_are_the_same_every_time() {
        let of = |addresses: &[&[u8]]| {
            let mut stream = GREETING.to_vec();
            stream.extend(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER");
            for address in addresses {
                stream.extend([1, address.len() as u8]);
                stream.extend(*address);
                stream.extend(b"\x01\0\0\x01x");
            }
            decode("zmtp", Server, &stream)
        };
        let random = *b"\xfe\x02\x03\x04\x05\x06\x47\x08\x89abcdefg";
        let mut other = random;
        other[15] += 1;
        let ours = of(&[&random, &other, &random]);
        assert_eq!(
            summaries(&ours)[2..6],
            [
                "part 1, more follows: the address of client 1",
                "part 2, more follows: empty, the end of the addresses",
                "part 3 of 3: x",
                "part 1, more follows: the address of client 2",
            ]
        );
        assert_eq!(ours, of(&[&other, &random, &other]));
        assert_eq!(ours[8], ours[2]);
        let one = of(&[&[0, 1, 2, 3, 4]]);
        assert_eq!(one, of(&[&[0, 4, 3, 2, 1]]));
        assert!(one[2].summary.ends_with("the address of client 1"));
        assert_eq!(rows(&one[2])[2].0[..3], *"00 ");
        // Somebody's own name is shown as it is.
        assert!(of(&[b"annie"])[2].summary.ends_with("annie"));
    }

    #[test]
    fn request_and_reply() {
        let mut stream = GREETING.to_vec();
        stream[8] = 4;
        stream.extend(READY_REQ);
        stream.extend(b"\x01\0\0\x05hello");
        let found = decode("zmtp", Client, &stream);
        assert_eq!(
            summaries(&found),
            [
                PLAIN_GREETING,
                "READY, Socket-Type: REQ, Identity: ann",
                "part 1, more follows: empty, the end of the addresses",
                "part 2 of 2: hello",
            ]
        );
        assert_eq!(found[2].link, Link::Part);
        assert_eq!(found[3].link, Link::Asks);
        assert_eq!(
            rows(&found[0]),
            [
                (
                    "ff 00 00 00 00 00 00 00 04 7f",
                    "the signature; what is between ff and 7f is for old \
                     versions"
                ),
                ("03 01", "the version: 3.1"),
                ("4e 55 4c 4c 00 … 00", "the mechanism, in 20 bytes: NULL"),
                ("00", "as server: no"),
                ("00 00 … 00", "31 zero bytes that fill it up"),
            ]
        );
        assert_eq!(
            rows(&found[1]),
            [
                ("04", "flags: a command; its length in 1 byte"),
                ("29", "the length: 41 bytes"),
                ("05 52 45 41 44 59", "the command READY"),
                (
                    "0b 53 6f 63 6b 65 74 2d 54 79 70 65",
                    "property Socket-Type:"
                ),
                ("00 00 00 03 52 45 51", "3 bytes: REQ"),
                ("08 49 64 65 6e 74 69 74 79", "property Identity:"),
                ("00 00 00 03 61 6e 6e", "3 bytes: ann"),
            ]
        );

        let mut stream = [GREETING, READY_REP, b"\x01\0\x01\x01w"].concat();
        stream.extend(b"\x02\0\0\0\0\0\0\x01\x2c");
        stream.extend([b'x'; 300]);
        let found = decode("zmtp", Server, &stream);
        assert_eq!(found[3].summary, "part 2, more follows: w");
        assert!(found[4].summary.starts_with("part 3 of 3: xxx"));
        assert_eq!(found[4].length, 309);
        assert_eq!(
            rows(&found[4])[..2],
            [
                (
                    "02",
                    "flags: a message, or the last part of one; its length \
                     in 8 bytes"
                ),
                ("00 00 00 00 00 00 01 2c", "the length: 300 bytes"),
            ]
        );
    }

    #[test]
    fn publish_and_subscribe() {
        let said = b"\x04\x0e\x09SUBSCRIBEcatA\x04\x0b\x06CANCELcatA\
            \x04\x07\x04PING\0\x32";
        let stream = [GREETING, READY_SUB, said].concat();
        let found = decode("zmtp", Client, &stream);
        assert_eq!(
            summaries(&found)[1..],
            [
                "READY, Socket-Type: SUB",
                "SUBSCRIBE catA",
                "CANCEL catA",
                "PING, time to live 5.0 s",
            ]
        );
        let said = b"\0\x10catA wears a hat\x04\x05\x04PONG";
        let stream = [GREETING, READY_XPUB, said].concat();
        let found = decode("zmtp", Server, &stream);
        assert_eq!(
            summaries(&found)[1..],
            ["READY, Socket-Type: XPUB", "catA wears a hat", "PONG"]
        );
    }

    /// As libzmq 4.3.5 does to a publisher that speaks ZMTP 3.0.
    #[test]
    fn subscriptions_as_messages() {
        let said = b"\0\x05\x01catA\0\x02\x01b\0\x02\0b";
        let stream = [GREETING, READY_SUB, said].concat();
        let found = decode("zmtp", Client, &stream);
        assert_eq!(
            summaries(&found)[2..],
            [
                "subscribe, as a message: catA",
                "subscribe, as a message: b",
                "unsubscribe, as a message: b",
            ]
        );
        // Made up: the same bytes from another socket are data.
        let stream = [GREETING, READY_XPUB, said].concat();
        let found = decode("zmtp", Client, &stream);
        assert_eq!(found[2].summary, "a message that is no text");
    }

    /// Made up.
    #[test]
    fn messages_that_hold_messagepack() {
        let said = b"\x01\0\0\x06\x81\xa3cat\x01\0\x02hi";
        let stream = [GREETING, READY_SUB, said].concat();
        let found = decode("zmtp=msgpack", Client, &stream);
        assert_eq!(
            summaries(&found)[2..],
            [
                "part 1, more follows: an empty message",
                r#"part 2 of 2: {"cat": 1}"#,
                // Two values are not one.
                "hi",
            ]
        );
        assert_eq!(rows(&found[3])[3], ("a3 63 61 74", "  key \"cat\""));
    }

    #[test]
    fn errors_and_other_mechanisms() {
        let stream = [GREETING, b"\x04\x0a\x05ERROR\x03400"].concat();
        let found = decode("zmtp", Server, &stream);
        assert_eq!(found[1].summary, "ERROR: 400");

        // To a wrong password this libzmq says ERROR so, misspelt: its E is
        // where the length should be.
        let mut stream = greeting(b"PLAIN");
        stream.extend(b"\x04\x09\x5eRROR\x03400");
        let found = decode("zmtp", Server, &stream);
        let hello = "the greeting: ZMTP 3.1, mechanism PLAIN";
        assert_eq!(summaries(&found), [hello, "a command without a name"]);

        let mut stream = greeting(b"PLAIN");
        stream.extend(b"\x04\x0a\x05HELLO\x01u\x01p");
        let found = decode("zmtp", Client, &stream);
        assert_eq!(found[1].summary, "HELLO with 4 bytes");
        assert_eq!(rows(&found[1])[3], ("01 75 01 70", ".u.p"));

        // With CURVE, READY cannot be read either; it is shortened here.
        let mut stream = greeting(b"CURVE");
        stream.extend(b"\x04\x0e\x05READY\0\0\0\0\0\0\0\x01");
        stream.extend(
            b"\0\x23\x07MESSAGE\0\0\0\0\0\0\0\x03\xbd\x13\xed\x76\
            \x0e\x9b\x3f\x15\x69\xfd\x8c\x27\xa8\x6b\xf3\x12\x6f\x82\x09",
        );
        let found = decode("zmtp", Client, &stream);
        assert_eq!(
            summaries(&found)[1..],
            ["READY with 8 bytes", "MESSAGE with 27 bytes"]
        );
    }

    /// Made up: libzmq begins with Socket-Type.
    #[test]
    fn properties_come_into_one_order() {
        let stream = [
            GREETING,
            b"\x04\x29\x05READY\x08Identity\0\0\0\x03\0\x01\x02\
              \x0bSocket-Type\0\0\0\x03REQ",
        ]
        .concat();
        let found = decode("zmtp", Client, &stream);
        let summary = "READY, Socket-Type: REQ, Identity: 00 01 02";
        assert_eq!(found[1].summary, summary);
    }

    /// Made up.
    #[test]
    fn what_is_no_zmtp_is_shown_in_hex() {
        let nonsense = "bytes that are no ZMTP 3";
        let mut old = GREETING.to_vec();
        old[10] = 1;
        let mut unnamed = greeting(b"");
        unnamed[20] = b'X';
        for bytes in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"\xff\0\0\0\0\0\0\0\x01\x01",
            &old,
            &unnamed,
        ] {
            let found = decode("zmtp", Client, bytes);
            assert_eq!(summaries(&found), [nonsense], "{bytes:?}");
        }
        let unfinished = "the beginning of a frame that does not end";
        for (bytes, what) in [
            (&b"\x05\x01a"[..], nonsense),
            (b"\x08\x01a", nonsense),
            (b"HTTP", nonsense),
            (b"\x02\xff\0\0\0\0\0\0\x01abc", nonsense),
            (b"\x02\x7f\xff\xff\xff\xff\xff\xff\xffabc", unfinished),
            (b"\x02\0\0", unfinished),
            (b"\0\x05abc", unfinished),
            (b"\x04\0", "a command without a name"),
            (b"\x04\x0a\x05READY\x0babc", "READY with 4 bytes"),
            (b"\x04\x06\x04PING\0", "PING with 1 byte"),
        ] {
            let stream = [GREETING, bytes].concat();
            let found = decode("zmtp", Server, &stream);
            let length: u64 = found.iter().map(|one| one.length).sum();
            assert_eq!(length, stream.len() as u64);
            let expected = [PLAIN_GREETING, what];
            assert_eq!(summaries(&found), expected, "{bytes:?}");
        }
        let found = decode("zmtp", Client, &GREETING[..30]);
        let what = "the beginning of a greeting that does not end";
        assert_eq!(summaries(&found), [what]);
    }

    /// Made up.
    #[test]
    fn a_long_frame_is_shown_by_its_beginning() {
        let mut stream = [GREETING, b"\x03\0\0\0\0\0\0\x03\xe8"].concat();
        stream.extend([b'x'; 1000]);
        stream.extend(b"\0\x02ok");
        let found = decode_with("zmtp", Client, &stream, 100);
        assert_eq!(
            summaries(&found)[1..],
            [
                "part 1, more follows: a long message, its beginning",
                "part 2 of 2: ok"
            ]
        );
        assert_eq!(found[1].length, 1009);
        let last = found[1].parts.last().unwrap();
        assert_eq!(last.meaning, "945 bytes more");
    }

    /// Frames of any bytes after a greeting: no panic, and no byte is lost.
    #[test]
    fn noise_after_the_greeting() {
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..40 {
            let mut stream = GREETING.to_vec();
            stream.extend(
                std::iter::repeat_with(|| random.u8(0..9)).take(round * 3),
            );
            let found = decode_with("zmtp", Client, &stream, 16);
            let length: u64 = found.iter().map(|one| one.length).sum();
            assert_eq!(length, stream.len() as u64, "{stream:?}");
        }
    }
}
