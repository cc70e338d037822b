//! AMQP 0-9-1, what RabbitMQ speaks: a header of eight bytes, and then frames:
//! type, channel and size, the payload, and the byte 0xCE.

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, Message, Part, Raw, Side, count, escaped, hex,
    hex_rows, is_text, limit_parts, no_parameter, printable,
};

pub static KIND: Kind = Kind {
    name: "amqp",
    about: "RabbitMQ: the frames of AMQP 0-9-1",
    datagrams: false,
    make,
};

/// Enough for a frame's head, whatever is kept of the rest.
const LEAST: usize = 64;
const HEAD: usize = 7;
const END: u8 = 0xce;
const DEEPEST: usize = 8;
/// Characters of an invented name, as many as any library takes.
const LONGEST_NAME: usize = 32;

/// Class, number and name of each method, and its fields: o, h, l and q are
/// numbers of 1, 2, 4 and 8 bytes, s and S are texts with a length of 1 and 4
/// bytes, t is a table, b are the bits of a byte.
const METHODS: &str = "
10 10 connection.start major:o minor:o server:t mechanisms:S locales:S
10 11 connection.start-ok client:t mechanism:s response:S locale:s
10 30 connection.tune channel-max:h frame-max:l heartbeat:h
10 31 connection.tune-ok channel-max:h frame-max:l heartbeat:h
10 40 connection.open vhost:s -:s -:o
10 41 connection.open-ok -:s
10 50 connection.close code:h text:s class:h method:h
10 51 connection.close-ok
10 60 connection.blocked reason:s
10 61 connection.unblocked
20 10 channel.open -:s
20 11 channel.open-ok -:S
20 40 channel.close code:h text:s class:h method:h
20 41 channel.close-ok
40 10 exchange.declare -:h exchange:s type:s \
    passive|durable|auto-delete|internal|nowait:b arguments:t
40 11 exchange.declare-ok
40 20 exchange.delete -:h exchange:s if-unused|nowait:b
40 21 exchange.delete-ok
50 10 queue.declare -:h queue:s \
    passive|durable|exclusive|auto-delete|nowait:b arguments:t
50 11 queue.declare-ok queue:s messages:l consumers:l
50 20 queue.bind -:h queue:s exchange:s routing-key:s nowait:b arguments:t
50 21 queue.bind-ok
50 30 queue.purge -:h queue:s nowait:b
50 31 queue.purge-ok messages:l
50 40 queue.delete -:h queue:s if-unused|if-empty|nowait:b
50 41 queue.delete-ok messages:l
50 50 queue.unbind -:h queue:s exchange:s routing-key:s arguments:t
50 51 queue.unbind-ok
60 10 basic.qos -:l prefetch-count:h global:b
60 11 basic.qos-ok
60 20 basic.consume -:h queue:s consumer-tag:s \
    no-local|no-ack|exclusive|nowait:b arguments:t
60 21 basic.consume-ok consumer-tag:s
60 30 basic.cancel consumer-tag:s nowait:b
60 31 basic.cancel-ok consumer-tag:s
60 40 basic.publish -:h exchange:s routing-key:s mandatory|immediate:b
60 50 basic.return code:h text:s exchange:s routing-key:s
60 60 basic.deliver consumer-tag:s delivery-tag:q redelivered:b exchange:s \
    routing-key:s
60 70 basic.get -:h queue:s no-ack:b
60 71 basic.get-ok delivery-tag:q redelivered:b exchange:s routing-key:s \
    messages:l
60 72 basic.get-empty -:s
60 80 basic.ack delivery-tag:q multiple:b
60 90 basic.reject delivery-tag:q requeue:b
60 120 basic.nack delivery-tag:q multiple|requeue:b
85 10 confirm.select nowait:b
85 11 confirm.select-ok
";

/// The fields of a message's properties, each if its flag is set.
const PROPERTIES: &str = "content-type:s content-encoding:s headers:t \
    delivery-mode:o priority:o correlation-id:s reply-to:s expiration:s \
    message-id:s timestamp:q type:s user-id:s app-id:s cluster-id:s";

fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Amqp {
        look,
        frame: Raw::default(),
        last: 0,
        state: State::Start,
        confirms: false,
        content: Link::Free,
        left: 0,
    }))
}

struct Amqp {
    look: Look,
    frame: Raw,
    /// The last byte that came.
    last: u8,
    state: State,
    /// Whether each published message is confirmed.
    confirms: bool,
    /// The link of the message that comes.
    content: Link,
    /// Bytes of its body that are to come.
    left: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Frames,
    /// Not AMQP 0-9-1, to the end.
    Other,
}

impl Decoder for Amqp {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let needs = match self.state {
                State::Other => None,
                _ => self.needs(),
            };
            let Some(needs) = needs else {
                self.state = State::Other;
                return self.frame.push(rest, self.look.longest);
            };
            let wanted = (needs - self.frame.length).min(rest.len() as u64);
            let (piece, after) = rest.split_at(wanted as usize);
            self.frame.push(piece, self.look.longest.max(LEAST));
            self.last = piece[piece.len() - 1];
            rest = after;
            // The head alone says only how long the whole is.
            if self.frame.length == needs && needs > HEAD as u64 {
                self.state = match self.take() {
                    Some(message) => {
                        found.push(message);
                        State::Frames
                    }
                    None => State::Other,
                };
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if !self.frame.is_empty() {
            found.push(self.frame.take(match self.state {
                State::Other => "bytes that are no AMQP 0-9-1",
                _ => "the beginning of a frame that does not end",
            }));
        }
    }

    fn has_ends(&self) -> bool {
        self.state != State::Other
    }
}

impl Amqp {
    /// How many bytes belong to what has begun, as far as can be said; `None`
    /// if it is no AMQP.
    fn needs(&self) -> Option<u64> {
        let Some((head, _)) = self.frame.kept.split_first_chunk::<HEAD>()
        else {
            return Some(HEAD as u64);
        };
        if self.state == State::Start && head.starts_with(b"AMQP") {
            return Some(8);
        }
        let [kind, _, _, size @ ..] = *head;
        let size = u64::from(u32::from_be_bytes(size));
        matches!(kind, 1..=3 | 8).then_some(HEAD as u64 + size + 1)
    }

    /// The header or the frame that is whole now.
    fn take(&mut self) -> Option<Message> {
        let client = self.look.side == Side::Client;
        if self.frame.kept.starts_with(b"AMQP") {
            let version = &self.frame.kept[4..];
            let summary = format!("the header of AMQP {}", hex(version));
            let link = if client { Link::Asks } else { Link::Answers };
            let message = self.frame.take(&summary);
            return Some(Message { link, ..message });
        }
        if self.last != END {
            return None;
        }
        if self.look.normalise {
            hide_chance(&mut self.frame.kept);
        }
        let kept = &self.frame.kept;
        let size = self.frame.length - HEAD as u64 - 1;
        let whole = !self.frame.is_cut();
        let payload = &kept[HEAD..kept.len() - usize::from(whole)];
        let kind = match kept[0] {
            1 => "a method",
            2 => "a header",
            3 => "a body",
            _ => "a heartbeat",
        };
        let mut fields = Fields::new(payload, self.look.normalise);
        let read = whole.then(|| fields.payload(kept[0])).flatten();
        let (summary, mut parts) = match read {
            Some(name) => {
                fields.said.insert(0, name);
                (fields.said.join(" "), fields.parts)
            }
            None if kept[0] == 3 && is_text(payload) => {
                let text = printable(payload);
                let part = Part::new(escaped(payload), "the body, or a piece");
                (format!("body: {text}"), vec![part])
            }
            None if kept[0] == 3 => {
                (format!("body of {}", count(size)), hex_rows(payload))
            }
            None => (format!("{kind} that cannot be read"), hex_rows(payload)),
        };
        let channel = u16::from_be_bytes([kept[1], kept[2]]);
        let head = format!("{kind}, channel {channel}, {}", count(size));
        let head = match fields.hidden {
            0 => Part::new(hex(&kept[..HEAD]), head),
            _ => Part::new(hex(&kept[..3]) + " …", kind),
        };
        parts.insert(0, head);
        limit_parts(&mut parts);
        parts.push(match whole {
            true => Part::new("ce", "the frame ends"),
            false => {
                let more = self.frame.length - kept.len() as u64;
                Part::new("…", format!("{} more", count(more)))
            }
        });
        let (kind, payload) = (kept[0], payload.to_vec());
        let message = Message {
            length: self.frame.length - fields.hidden,
            link: self.link(&summary, kind, &payload),
            summary,
            parts,
        };
        self.frame.clear();
        Some(message)
    }
}

impl Amqp {
    /// What is certain between the two directions. A message that is
    /// confirmed is a request; so is a method, unless it says that it does
    /// not wait. What no queue got comes before its confirmation.
    fn link(&mut self, said: &str, kind: u8, payload: &[u8]) -> Link {
        let client = self.look.side == Side::Client;
        let asks = if client { Link::Asks } else { Link::Answers };
        let name = said.split(' ').next().unwrap_or_default();
        let message = match kind {
            1 => {
                self.confirms |= name.starts_with("confirm.select");
                self.content = match name {
                    "basic.publish" if self.confirms => Link::Asks,
                    "basic.return" => Link::Part,
                    _ => Link::Free,
                };
                self.left = 0;
                self.content
            }
            2 => {
                self.left = payload.get(4..12).map_or(0, number);
                self.content
            }
            3 => {
                let came = self.frame.length - HEAD as u64 - 1;
                self.left = self.left.saturating_sub(came);
                self.content
            }
            _ => return Link::Free,
        };
        match (name, message) {
            // The last frame is the one that asks.
            (_, Link::Asks) if kind == 1 || self.left > 0 => Link::Part,
            (_, Link::Asks | Link::Part) => message,
            _ if kind != 1 || said.ends_with("nowait") => Link::Free,
            ("basic.ack" | "basic.nack", _) if !client && self.confirms => asks,
            ("connection.start-ok", _) if client => asks,
            ("connection.start" | "connection.tune", _) if !client => asks,
            ("basic.get-empty", _) if !client => asks,
            // It is the answer to what was wrong.
            ("connection.close" | "channel.close", _) => asks,
            (
                "basic.publish" | "basic.deliver" | "basic.ack" | "basic.nack"
                | "basic.reject" | "basic.cancel",
                _,
            ) => {
                // A server that cancels waits for nothing.
                let cancels = client && name == "basic.cancel";
                if cancels { asks } else { Link::Free }
            }
            (name, _) if name.ends_with("-ok") != client => asks,
            _ => Link::Free,
        }
    }
}

/// Replaces what libraries and servers invent: the names of queues and
/// consumers that were given none.
fn hide_chance(bytes: &mut [u8]) {
    for prefix in [&b"amq.gen-"[..], b"amq.ctag-", b"ctag1."] {
        let mut at = 0;
        while let Some(found) = bytes[at..]
            .windows(prefix.len())
            .position(|it| it == prefix)
        {
            at += found + prefix.len();
            for byte in bytes[at..].iter_mut().take(LONGEST_NAME) {
                if !byte.is_ascii_alphanumeric() && !b"-_".contains(byte) {
                    break;
                }
                *byte = b'x';
            }
        }
    }
}

/// Takes fields off a payload, and explains them.
struct Fields<'a> {
    rest: &'a [u8],
    normalise: bool,
    parts: Vec<Part>,
    /// For the summary: what is not nothing.
    said: Vec<String>,
    /// Bytes that another version of a library would have more or fewer of.
    hidden: u64,
}

impl<'a> Fields<'a> {
    /// All of it, and what it is called; `None` if it does not fit.
    fn payload(&mut self, kind: u8) -> Option<String> {
        let name = match kind {
            1 => {
                let head = self.bytes(4)?;
                let [class, number] = [&head[..2], &head[2..]].map(number);
                let wanted = format!("{class} {number} ");
                let mut known = METHODS.lines().map(|line| format!("{line} "));
                let line = known.find(|line| line.starts_with(&wanted))?;
                let (name, layout) = line[wanted.len()..].split_once(' ')?;
                self.parts.push(Part::new(hex(head), name));
                for field in layout.split_whitespace() {
                    self.field(field)?;
                }
                name.to_owned()
            }
            2 => {
                let head = self.bytes(14)?;
                let size = count(number(&head[4..12]));
                let flags = number(&head[12..]);
                let meaning =
                    format!("of class {}, {size}", number(&head[..2]));
                self.parts.push(Part::new(hex(&head[..12]), meaning));
                let flag =
                    Part::new(hex(&head[12..]), "which properties follow");
                self.parts.push(flag);
                for (at, field) in PROPERTIES.split_whitespace().enumerate() {
                    if flags & (0x8000 >> at) != 0 {
                        self.field(field)?;
                    }
                }
                format!("header: a body of {size}")
            }
            8 => "heartbeat".to_owned(),
            _ => return None,
        };
        self.rest.is_empty().then_some(name)
    }

    fn new(rest: &'a [u8], normalise: bool) -> Self {
        Self {
            rest,
            normalise,
            parts: Vec::new(),
            said: Vec::new(),
            hidden: 0,
        }
    }

    fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    /// A text or a table with a length of so many bytes before it.
    fn counted(&mut self, width: usize) -> Option<(&'a [u8], &'a [u8])> {
        let all = self.rest;
        let length = number(self.bytes(width as u64)?);
        let inner = self.bytes(length)?;
        Some((&all[..width + inner.len()], inner))
    }

    fn field(&mut self, field: &str) -> Option<()> {
        let (name, kind) = field.split_once(':')?;
        let said: Option<String>;
        let part = match kind {
            "s" | "S" => {
                let width = if kind == "s" { 1 } else { 4 };
                let (bytes, text) = self.counted(width)?;
                said = (!text.is_empty()).then(|| printable(text));
                let text = said.clone().unwrap_or("\"\"".to_owned());
                Part::new(escaped(bytes), format!("{name}: {text}"))
            }
            "b" => {
                let byte = self.bytes(1)?;
                let names = name.split('|').enumerate();
                let set = names.filter(|(at, _)| byte[0] >> at & 1 == 1);
                let set: Vec<&str> = set.map(|(_, name)| name).collect();
                said = (!set.is_empty()).then(|| set.join(" "));
                let none = format!("no flag set ({})", name.replace('|', ", "));
                let set = said.clone().unwrap_or(none);
                self.said.extend(said);
                self.parts.push(Part::new(hex(byte), set));
                return Some(());
            }
            "t" => return self.table(name),
            width => {
                let width = 1 << "ohlq".find(width)?;
                let bytes = self.bytes(width)?;
                let value = number(bytes);
                said = (value != 0).then(|| value.to_string());
                Part::new(hex(bytes), format!("{name}: {value}"))
            }
        };
        if name == "-" {
            self.parts.push(Part::new(part.bytes, "nothing, reserved"));
            return Some(());
        }
        self.parts.push(part);
        self.said.extend(said.map(|said| format!("{name}={said}")));
        Some(())
    }

    /// Its entries, each with its name, its kind and its value.
    fn table(&mut self, name: &str) -> Option<()> {
        let (bytes, inner) = self.counted(4)?;
        let library = matches!(name, "client" | "server");
        if library && self.normalise {
            self.hidden += bytes.len() as u64;
            let meaning = format!("a table: what the {name} says of itself");
            self.parts.push(Part::new("…", meaning));
            return Some(());
        }
        let meaning = if inner.is_empty() {
            format!("{name}: an empty table")
        } else {
            format!("{name}: a table of {}", count(inner.len() as u64))
        };
        self.parts.push(Part::new(hex(&bytes[..4]), meaning));
        let mut entries = Self::new(inner, self.normalise);
        while !entries.rest.is_empty() {
            let all = entries.rest;
            let (_, key) = entries.counted(1)?;
            let value = entries.value(DEEPEST)?;
            let bytes = &all[..all.len() - entries.rest.len()];
            let meaning = format!("{}: {value}", printable(key));
            self.parts.push(Part::new(escaped(bytes), meaning));
        }
        Some(())
    }

    fn value(&mut self, deep: usize) -> Option<String> {
        let kind = self.bytes(1)?[0];
        let width = match kind {
            b'V' => return Some("nothing".to_owned()),
            b't' => {
                let yes = self.bytes(1)?[0] != 0;
                return Some(if yes { "yes" } else { "no" }.to_owned());
            }
            b'S' | b'x' => return Some(printable(self.counted(4)?.1)),
            b'F' | b'A' => {
                let inner = self.counted(4)?.1;
                let mut inside = Self::new(inner, self.normalise);
                let mut values = Vec::new();
                while !inside.rest.is_empty() {
                    let key = match kind {
                        b'F' => printable(inside.counted(1)?.1) + ": ",
                        _ => String::new(),
                    };
                    values.push(key + &inside.value(deep.checked_sub(1)?)?);
                }
                return Some(format!("({})", values.join(", ")));
            }
            b'b' | b'B' => 1,
            b's' | b'u' | b'U' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'L' | b'l' | b'd' | b'T' => 8,
            _ => return None,
        };
        let bytes = self.bytes(width)?;
        match kind {
            b'f' | b'd' | b'D' => Some(hex(bytes)),
            b'T' if self.normalise => Some("a time".to_owned()),
            _ => Some(number(bytes).to_string()),
        }
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, decode_with, summaries};
    use super::super::{Side, weave};

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let size = (payload.len() as u32).to_be_bytes();
        [&[kind, 0, 1], &size[..], payload, &[0xce]].concat()
    }

    #[test]
    fn a_confirmed_message_that_no_queue_gets() {
        let hello = b"\0\x0a\0\x0b\0\0\0\x08\x02hiS\0\0\0\0\x05PLAIN\
            \0\0\0\x04\0g\0g\x05en_US";
        let header = b"\0\x3c\0\0\0\0\0\0\0\0\0\x04\x10\0\x02";
        let client = [
            b"AMQP\0\0\x09\x01".to_vec(),
            frame(1, hello),
            frame(1, b"\0\x55\0\x0a\0"),
            frame(1, b"\0\x3c\0\x28\0\0\0\x04cats\x01"),
            frame(2, header),
            frame(3, b"hatA"),
            frame(8, b""),
        ];
        let client = decode("amqp", Side::Client, &client.concat());
        let name = b"\0\x32\0\x0b\x0camq.gen-k_-9\0\0\0\0\0\0\0\x02";
        let start = b"\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\0";
        let server = [
            frame(1, start),
            frame(1, b"\0\x0a\0\x1e\x07\xff\0\x02\0\0\0\x3c"),
            frame(1, b"\0\x55\0\x0b"),
            frame(1, b"\0\x3c\0\x32\x01\x38\x08NO_ROUTE\0\x04cats"),
            frame(2, header),
            frame(3, b"\xff\0\0\x01"),
            frame(1, b"\0\x3c\0\x50\0\0\0\0\0\0\0\x01\0"),
            frame(1, name),
        ];
        let server = decode("amqp", Side::Server, &server.concat());
        // Without the table that tells of the library.
        assert_eq!(client[1].length, (hello.len() + 8 - 12) as u64);
        let woven = weave(client, server).into_iter();
        let woven: Vec<String> = woven.map(|(_, it)| it.summary).collect();
        assert_eq!(
            woven,
            [
                "the header of AMQP 00 00 09 01",
                "connection.start minor=9 mechanisms=PLAIN",
                "connection.start-ok mechanism=PLAIN response=\\u{0}g\\u{0}g \
                 locale=en_US",
                "connection.tune channel-max=2047 frame-max=131072 \
                 heartbeat=60",
                "confirm.select",
                "confirm.select-ok",
                "basic.publish routing-key=cats mandatory",
                "header: a body of 4 bytes delivery-mode=2",
                "body: hatA",
                "basic.return code=312 text=NO_ROUTE routing-key=cats",
                "header: a body of 4 bytes delivery-mode=2",
                "body of 4 bytes",
                "basic.ack delivery-tag=1",
                "heartbeat",
                "queue.declare-ok queue=amq.gen-xxxx consumers=2",
            ]
        );
    }

    #[test]
    fn tables_are_taken_apart() {
        let inner =
            b"\x01aA\0\0\0\x02t\x01\x01bF\0\0\0\x03\x01cV\x01dI\0\0\0\x09";
        let mut declare = b"\0\x32\0\x0a\0\0\x01q\x12\0\0\0\0".to_vec();
        declare.pop();
        declare.push(inner.len() as u8);
        declare.extend(inner);
        let found = decode("amqp", Side::Client, &frame(1, &declare));
        assert_eq!(summaries(&found), ["queue.declare queue=q durable nowait"]);
        let meanings: Vec<&str> =
            found[0].parts.iter().map(|part| &*part.meaning).collect();
        assert_eq!(
            meanings,
            [
                "a method, channel 1, 39 bytes",
                "queue.declare",
                "nothing, reserved",
                "queue: q",
                "durable nowait",
                "arguments: a table of 26 bytes",
                "a: (yes)",
                "b: (c: nothing)",
                "d: 9",
                "the frame ends",
            ]
        );
        // Deeper than anybody needs.
        let mut deep = Vec::new();
        for _ in 0..40 {
            let size = (deep.len() as u32).to_be_bytes();
            deep = [b"\x01aF", &size[..], &deep].concat();
        }
        let size = (deep.len() as u32).to_be_bytes();
        let declare = [b"\0\x32\0\x0a\0\0\x01q\0", &size[..], &deep].concat();
        let found = decode("amqp", Side::Client, &frame(1, &declare));
        assert_eq!(summaries(&found), ["a method that cannot be read"]);
    }

    #[test]
    fn little_is_kept_and_nonsense_is_shown() {
        let stream = [frame(3, &[b'x'; 500]), frame(8, b"")].concat();
        let found = decode_with("amqp", Side::Server, &stream, 100);
        let body = format!("body: {}", "x".repeat(93));
        assert_eq!(summaries(&found), [&body, "heartbeat"]);
        assert_eq!(found[0].length, 508);
        let no = "bytes that are no AMQP 0-9-1";
        let begun = "the beginning of a frame that does not end";
        for (stream, told) in [
            (&b"GET / HTTP/1.1\r\n"[..], no),
            (b"\x01\0\0\0\0\0\x01xx", no),
            (b"\x01\0\0\0\0\0\x02xx", begun),
            (b"AMQP\0", begun),
        ] {
            let found = decode("amqp", Side::Client, stream);
            assert_eq!(summaries(&found), [told]);
        }
    }
}
