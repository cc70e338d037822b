//! RESP, what Redis speaks, versions 2 and 3:
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>.
//! Attributes and streamed values, which no Redis sends
//! unless it is told to, are not known and shown as bytes.
//!
//! A scanner finds where a message ends and keeps nothing but the depth it is
//! in. So a message may be of any size; only one that is short enough to be
//! kept is then taken apart.

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, Message, Part, Raw, Side, count, escaped,
    is_text, limit_parts, no_parameter, printable,
};

pub static KIND: Kind = Kind {
    name: "resp",
    about: "Redis: commands, replies and pushes, RESP2 and RESP3",
    datagrams: false,
    make,
};

/// As Redis has it: a string is no longer than 512 MiB,
const LONGEST_STRING: i64 = 512 * 1024 * 1024;
/// and a line no longer than 64 KiB.
const LONGEST_LINE: usize = 64 * 1024;
/// What says more than this does not speak RESP.
const MOST_ELEMENTS: i64 = 64 * 1024 * 1024;
const DEEPEST: usize = 32;
/// Enough digits for any number that is a length.
const LONGEST_NUMBER: usize = 20;

pub fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Resp {
        look,
        scanner: Some(Scanner::new(look.side)),
        message: Raw::default(),
    }))
}

struct Resp {
    look: Look,
    /// `None` from the first byte on that is no RESP.
    scanner: Option<Scanner>,
    /// The message so far.
    message: Raw,
}

impl Decoder for Resp {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(scanner) = &mut self.scanner else {
                return self.message.push(rest, self.look.longest);
            };
            let (taken, state) = scanner.scan(rest);
            self.message.push(&rest[..taken], self.look.longest);
            rest = &rest[taken..];
            match state {
                Scanned::More => {}
                Scanned::Message => found.push(self.take()),
                Scanned::Nonsense => self.scanner = None,
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if !self.message.is_empty() {
            let what = match self.scanner {
                Some(_) => "the beginning of a message that does not end",
                None => "bytes that are no RESP",
            };
            found.push(self.message.take(what));
        }
    }

    fn has_ends(&self) -> bool {
        self.scanner.is_some()
    }
}

impl Resp {
    fn take(&mut self) -> Message {
        if self.message.is_cut() {
            return Message {
                link: match self.look.side {
                    Side::Client => Link::Asks,
                    Side::Server => Link::Answers,
                },
                ..self.message.take("a long message, its beginning")
            };
        }
        let bytes = &self.message.kept;
        let message = if self.look.side == Side::Client && bytes[0] != b'*' {
            inline(bytes)
        } else {
            // The scanner has seen that it is whole.
            Value::read(bytes).map(|(mut value, _)| {
                if self.look.normalise {
                    value.normalise();
                }
                explain(&value, self.look.side)
            })
        };
        match message {
            Some(message) => {
                self.message.clear();
                message
            }
            None => self.message.take("a message that cannot be read"),
        }
    }
}

/// Finds the ends of messages.
struct Scanner {
    side: Side,
    /// For each value that is open, how many elements are to come.
    open: Vec<u64>,
    state: State,
}

enum State {
    /// The next byte says what kind of value begins.
    Kind,
    /// A length and its line end; the kind is what has the length.
    Length { kind: u8, digits: Vec<u8> },
    /// A line that is the whole value; how much of it came, and whether the
    /// last byte was `\r`.
    Line { length: usize, returned: bool },
    /// So many bytes of a string, its line end among them.
    String { left: u64 },
    /// A command as a person types it.
    Inline { length: usize, returned: bool },
}

#[derive(PartialEq, Eq)]
enum Scanned {
    More,
    Message,
    Nonsense,
}

impl Scanner {
    fn new(side: Side) -> Self {
        Self {
            side,
            open: Vec::new(),
            state: State::Kind,
        }
    }

    /// How many of the bytes belong to the message, and what they make of it.
    fn scan(&mut self, bytes: &[u8]) -> (usize, Scanned) {
        let mut taken = 0;
        while taken < bytes.len() {
            let scanned = if let State::String { left } = &mut self.state
                && *left > 2
            {
                // All at once: there may be many.
                let there = bytes.len() - taken;
                let inside = usize::try_from(*left - 2)
                    .map_or(there, |inside| inside.min(there));
                *left -= inside as u64;
                taken += inside;
                Scanned::More
            } else {
                taken += 1;
                self.byte(bytes[taken - 1])
            };
            if scanned != Scanned::More {
                return (taken, scanned);
            }
        }
        (taken, Scanned::More)
    }

    fn byte(&mut self, byte: u8) -> Scanned {
        match &mut self.state {
            State::Kind => self.kind(byte),
            State::Length { kind, digits } => match byte {
                b'\n' if digits.last() == Some(&b'\r') => {
                    digits.pop();
                    let kind = *kind;
                    match number(digits) {
                        Some(length) => self.length(kind, length),
                        None => Scanned::Nonsense,
                    }
                }
                b'-' if digits.is_empty() => {
                    digits.push(byte);
                    Scanned::More
                }
                b'0'..=b'9' | b'\r'
                    if digits.len() < LONGEST_NUMBER
                        && digits.last() != Some(&b'\r') =>
                {
                    digits.push(byte);
                    Scanned::More
                }
                _ => Scanned::Nonsense,
            },
            State::Line { length, returned } => {
                *length += 1;
                match (byte, *returned) {
                    (b'\n', true) => self.value(),
                    (b'\n', false) | (_, true) => Scanned::Nonsense,
                    _ if *length > LONGEST_LINE => Scanned::Nonsense,
                    _ => {
                        *returned = byte == b'\r';
                        Scanned::More
                    }
                }
            }
            State::String { left } => {
                *left -= 1;
                match (byte, *left) {
                    (b'\r', 1) => Scanned::More,
                    (b'\n', 0) => self.value(),
                    _ => Scanned::Nonsense,
                }
            }
            State::Inline { length, returned } => {
                *length += 1;
                match byte {
                    b'\n' => self.value(),
                    _ if *returned || *length > LONGEST_LINE => {
                        Scanned::Nonsense
                    }
                    b'\r' => {
                        *returned = true;
                        Scanned::More
                    }
                    b'\t' | b' '..=b'~' | 0x80.. => Scanned::More,
                    _ => Scanned::Nonsense,
                }
            }
        }
    }

    fn kind(&mut self, byte: u8) -> Scanned {
        let first = self.open.is_empty();
        self.state = match (byte, self.side) {
            // A command is a list of strings, or a line.
            (b'*', Side::Client) if first => State::Length {
                kind: byte,
                digits: Vec::new(),
            },
            (_, Side::Client) if first => {
                self.state = State::Inline {
                    length: 0,
                    returned: false,
                };
                return self.byte(byte);
            }
            (b'$', Side::Client) => State::Length {
                kind: byte,
                digits: Vec::new(),
            },
            (_, Side::Client) => return Scanned::Nonsense,
            (b'>', Side::Server) if !first => return Scanned::Nonsense,
            (b'$' | b'=' | b'!' | b'*' | b'%' | b'~' | b'>', Side::Server) => {
                State::Length {
                    kind: byte,
                    digits: Vec::new(),
                }
            }
            (b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(', Side::Server) => {
                State::Line {
                    length: 0,
                    returned: false,
                }
            }
            _ => return Scanned::Nonsense,
        };
        Scanned::More
    }

    fn length(&mut self, kind: u8, length: i64) -> Scanned {
        match (kind, length) {
            (b'$' | b'*', -1) if self.side == Side::Server => self.value(),
            (b'$' | b'=' | b'!', 0..=LONGEST_STRING) => {
                self.state = State::String {
                    left: length.unsigned_abs() + 2,
                };
                Scanned::More
            }
            (b'*' | b'%' | b'~' | b'>', 0) => self.value(),
            (b'*' | b'%' | b'~' | b'>', 1..=MOST_ELEMENTS)
                if self.open.len() < DEEPEST =>
            {
                let pairs = u64::from(kind == b'%') + 1;
                self.open.push(length.unsigned_abs() * pairs);
                self.state = State::Kind;
                Scanned::More
            }
            _ => Scanned::Nonsense,
        }
    }

    /// A value has ended, and with it perhaps those that it is the last of.
    fn value(&mut self) -> Scanned {
        self.state = State::Kind;
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return Scanned::More;
            }
            self.open.pop();
        }
        Scanned::Message
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

#[derive(Debug, PartialEq, Eq)]
enum Value {
    /// `+OK`: its kind, and the text after it.
    Line(u8, Vec<u8>),
    String(u8, Vec<u8>),
    /// `$-1` and `*-1`.
    Null(u8),
    /// For a map, keys and values in turn.
    List(u8, Vec<Value>),
}

impl Value {
    /// Reads a value that is known to be whole; returns what comes after it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (kind, rest) = bytes.split_first()?;
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let (line, rest) = (&rest[..end], &rest[end + 2..]);
        if !b"$=!*%~>".contains(kind) {
            return Some((Self::Line(*kind, line.to_vec()), rest));
        }
        let Ok(length) = usize::try_from(number(line)?) else {
            return Some((Self::Null(*kind), rest));
        };
        if b"$=!".contains(kind) {
            let text = rest.get(..length)?.to_vec();
            return Some((Self::String(*kind, text), rest.get(length + 2..)?));
        }
        let mut elements = Vec::new();
        let mut rest = rest;
        for _ in 0..length * (usize::from(*kind == b'%') + 1) {
            let (element, after) = Self::read(rest)?;
            elements.push(element);
            rest = after;
        }
        Some((Self::List(*kind, elements), rest))
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        self.write_head(bytes);
        match self {
            Self::Line(..) | Self::Null(_) => {}
            Self::String(_, text) => {
                bytes.extend_from_slice(text);
                bytes.extend_from_slice(b"\r\n");
            }
            Self::List(_, elements) => {
                elements.iter().for_each(|element| element.write(bytes));
            }
        }
    }

    /// The first line.
    fn write_head(&self, bytes: &mut Vec<u8>) {
        let (kind, line) = match self {
            Self::Line(kind, line) => (kind, line.clone()),
            Self::Null(kind) => (kind, b"-1".to_vec()),
            Self::String(kind, text) => {
                (kind, text.len().to_string().into_bytes())
            }
            Self::List(kind, elements) => {
                let pairs = usize::from(*kind == b'%') + 1;
                (kind, (elements.len() / pairs).to_string().into_bytes())
            }
        };
        bytes.push(*kind);
        bytes.extend_from_slice(&line);
        bytes.extend_from_slice(b"\r\n");
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::String(_, text) | Self::Line(b'+', text)
            if text.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Replaces what is another in each version of a library or a server: in
    /// the reply to HELLO and in CLIENT SETINFO. And what is another at each
    /// time: the id of a stream's entry, which is a moment in milliseconds.
    fn normalise(&mut self) {
        let elements = match self {
            Self::List(_, elements) => elements,
            Self::String(_, text) if is_entry_id(text) => {
                *text = b"1700000000000-0".to_vec();
                return;
            }
            _ => return,
        };
        elements.iter_mut().for_each(Self::normalise);
        let words = |words: &[&str], elements: &[Self]| {
            words.len() <= elements.len()
                && words.iter().zip(elements).all(|(w, e)| e.is_word(w))
        };
        if words(&["CLIENT", "SETINFO", "LIB-VER"], elements) {
            if let Some(Self::String(_, version)) = elements.get_mut(3) {
                *version = b"1.0.0".to_vec();
            }
        } else if elements.first().is_some_and(|one| one.is_word("server"))
            && elements.iter().any(|one| one.is_word("proto"))
        {
            for pair in elements.chunks_exact_mut(2) {
                if pair[0].is_word("version") {
                    pair[1] = Self::String(b'$', b"7.0.0".to_vec());
                } else if pair[0].is_word("id") {
                    pair[1] = Self::Line(b':', b"1".to_vec());
                }
            }
        }
    }

    /// A value that is no list, as it reads.
    fn text(&self) -> String {
        match self {
            Self::Line(b'_', _) | Self::Null(_) => "nothing".to_owned(),
            Self::Line(b'#', text) => {
                if text == b"t" { "true" } else { "false" }.to_owned()
            }
            Self::Line(b'-', text) | Self::String(b'!', text) => {
                format!("error: {}", printable(text))
            }
            Self::Line(_, text) => printable(text),
            // Its first four bytes say what kind of text it is.
            Self::String(b'=', text) => {
                printable(text.get(4..).unwrap_or(text))
            }
            Self::String(_, text) if text.is_empty() => "\"\"".to_owned(),
            Self::String(_, text) => printable(text),
            Self::List(kind, elements) => match (kind, elements.len()) {
                (b'%', 0) => "an empty map".to_owned(),
                (b'~', 0) => "an empty set".to_owned(),
                (_, 0) => "an empty array".to_owned(),
                (b'%', 2) => "a map of 1 pair".to_owned(),
                (b'%', length) => format!("a map of {} pairs", length / 2),
                (b'~', length) => format!("a set of {length}"),
                (_, length) => format!("an array of {length}"),
            },
        }
    }

    fn meaning(&self) -> String {
        let text = self.text();
        match self {
            Self::Line(b'+', _) => format!("short text: {text}"),
            Self::Line(b':' | b',' | b'(', _) => format!("the number {text}"),
            Self::Line(b'-', _) | Self::String(b'!', _) => text,
            Self::String(_, bytes) => {
                let length = count(bytes.len() as u64);
                if is_text(bytes) {
                    format!("{length}: {text}")
                } else {
                    format!("{length}, no text")
                }
            }
            Self::Line(..) | Self::Null(_) => text,
            Self::List(b'>', elements) => {
                format!("a push of {}:", elements.len())
            }
            Self::List(_, elements) if elements.is_empty() => text,
            Self::List(..) => format!("{text}:"),
        }
    }

    fn parts(&self, parts: &mut Vec<Part>) {
        let mut bytes = Vec::new();
        let Self::List(kind, elements) = self else {
            self.write(&mut bytes);
            return parts.push(Part::new(escaped(&bytes), self.meaning()));
        };
        self.write_head(&mut bytes);
        parts.push(Part::new(escaped(&bytes), self.meaning()));
        if *kind != b'%' {
            return elements.iter().for_each(|element| element.parts(parts));
        }
        for pair in elements.chunks_exact(2) {
            let nested = |one: &Self| match one {
                Self::List(_, inside) => !inside.is_empty(),
                _ => false,
            };
            if pair.iter().any(nested) {
                pair.iter().for_each(|one| one.parts(parts));
                continue;
            }
            let mut bytes = Vec::new();
            pair.iter().for_each(|one| one.write(&mut bytes));
            let meaning = format!("{}: {}", pair[0].text(), pair[1].text());
            parts.push(Part::new(escaped(&bytes), meaning));
        }
    }
}

fn explain(value: &Value, side: Side) -> Message {
    let mut bytes = Vec::new();
    value.write(&mut bytes);
    let mut parts = Vec::new();
    value.parts(&mut parts);
    limit_parts(&mut parts);
    let (summary, link) = match (side, value) {
        (Side::Client, Value::List(_, words)) => command(words),
        (_, Value::List(kind, elements)) => {
            published(elements).unwrap_or_else(|| {
                if *kind == b'>' {
                    let length = elements.len();
                    (format!("a push of {length}"), Link::Free)
                } else {
                    (value.text(), Link::Answers)
                }
            })
        }
        _ => (value.text(), Link::Answers),
    };
    Message {
        length: bytes.len() as u64,
        summary,
        parts,
        link,
    }
}

/// Such as `1700000000000-0`.
fn is_entry_id(text: &[u8]) -> bool {
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    text.len() > 14
        && text[13] == b'-'
        && digits(&text[..13])
        && digits(&text[14..])
}

/// A command as a person would type it, and how it is answered.
fn command(words: &[Value]) -> (String, Link) {
    if words.is_empty() {
        return ("an empty command".to_owned(), Link::Free);
    }
    let typed: Vec<String> = words
        .iter()
        .map(|word| {
            let text = word.text();
            if text.contains(' ') {
                format!("\"{text}\"")
            } else {
                text
            }
        })
        .collect();
    // Such as XREAD BLOCK 0: until there is something to read.
    let waits = typed.iter().any(|word| word.eq_ignore_ascii_case("BLOCK"));
    let link = match answered(&typed[0], words.len() - 1) {
        Link::Asks if waits => Link::Waits,
        link => link,
    };
    (typed.join(" "), link)
}

fn answered(word: &str, arguments: usize) -> Link {
    match word.to_ascii_uppercase().as_str() {
        "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" | "UNSUBSCRIBE"
        | "PUNSUBSCRIBE" | "SUNSUBSCRIBE" => Link::AsksTimes(arguments.max(1)),
        _ => Link::Asks,
    }
}

/// What belongs to a subscription: a push in RESP3, in RESP2 a list like any
/// other.
fn published(elements: &[Value]) -> Option<(String, Link)> {
    let word = elements.first()?.text();
    let confirms = |what: &str| {
        let [_, channel, number] = elements else {
            return None;
        };
        let now = match number.text().as_str() {
            "1" => "1 channel now".to_owned(),
            more => format!("{more} channels now"),
        };
        Some((format!("{what} {}; {now}", channel.text()), Link::Confirms))
    };
    let message = |channel: usize, text: usize| {
        let (channel, text) = (elements.get(channel)?, elements.get(text)?);
        let said = format!("message on {}: {}", channel.text(), text.text());
        Some((said, Link::Free))
    };
    match word.as_str() {
        "subscribe" | "psubscribe" | "ssubscribe" => confirms("subscribed to"),
        "unsubscribe" | "punsubscribe" | "sunsubscribe" => {
            confirms("no longer subscribed to")
        }
        "message" | "smessage" if elements.len() == 3 => message(1, 2),
        "pmessage" if elements.len() == 4 => message(2, 3),
        _ => None,
    }
}

/// A command typed by a person: words on a line.
fn inline(line: &[u8]) -> Option<Message> {
    let words = str::from_utf8(line).ok()?.split_whitespace();
    let words: Vec<&str> = words.collect();
    let (summary, link) = match words.first() {
        Some(first) => (
            printable(line.trim_ascii()),
            answered(first, words.len() - 1),
        ),
        None => ("an empty line".to_owned(), Link::Free),
    };
    Some(Message {
        length: line.len() as u64,
        summary,
        parts: vec![Part::new(escaped(line), "a command on a line")],
        link,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, decode_with, summaries};
    use super::*;

    #[test]
    fn commands() {
        let found = decode(
            "resp",
            Side::Client,
            b"*3\r\n$7\r\nPUBLISH\r\n$4\r\ncatC\r\n$7\r\na hat\r\n\r\n\
              PING\r\n\r\n*2\r\n$9\r\nSUBSCRIBE\r\n$0\r\n\r\nsubscribe a b\n",
        );
        assert_eq!(
            summaries(&found),
            [
                "PUBLISH catC \"a hat\\r\\n\"",
                "PING",
                "an empty line",
                "SUBSCRIBE \"\"",
                "subscribe a b",
            ]
        );
        let links: Vec<Link> = found.iter().map(|one| one.link).collect();
        use Link::{Asks, AsksTimes, Free};
        assert_eq!(links, [Asks, Asks, Free, AsksTimes(1), AsksTimes(2)]);
        assert_eq!(found[0].parts[0].bytes, "*3\\r\\n");
        assert_eq!(found[0].parts[0].meaning, "an array of 3:");
        assert_eq!(found[0].parts[2].bytes, "$4\\r\\ncatC\\r\\n");
        assert_eq!(found[0].parts[2].meaning, "4 bytes: catC");
    }

    #[test]
    fn replies_and_pushes() {
        let found = decode(
            "resp",
            Side::Server,
            b"+OK\r\n-ERR no\r\n:12\r\n$-1\r\n*-1\r\n$2\r\nhi\r\n_\r\n#t\r\n\
              ,1.5\r\n(123\r\n=7\r\ntxt:abc\r\n!4\r\nE no\r\n~1\r\n:1\r\n\
              *2\r\n*1\r\n:1\r\n*0\r\n%1\r\n+a\r\n%0\r\n\
              >3\r\n+subscribe\r\n$4\r\ncatA\r\n:1\r\n\
              *3\r\n$7\r\nmessage\r\n$4\r\ncatA\r\n$4\r\nhatB\r\n\
              >4\r\n+pmessage\r\n+c*\r\n+catA\r\n+hatB\r\n\
              *3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n>1\r\n+x\r\n",
        );
        assert_eq!(
            summaries(&found),
            [
                "OK",
                "error: ERR no",
                "12",
                "nothing",
                "nothing",
                "hi",
                "nothing",
                "true",
                "1.5",
                "123",
                "abc",
                "error: E no",
                "a set of 1",
                "an array of 2",
                "a map of 1 pair",
                "subscribed to catA; 1 channel now",
                "message on catA: hatB",
                "message on catA: hatB",
                "no longer subscribed to nothing; 0 channels now",
                "a push of 1",
            ]
        );
        assert_eq!(found[15].link, Link::Confirms);
        assert_eq!(found[16].link, Link::Free);
        assert_eq!(found[13].parts.len(), 4);
    }

    #[test]
    fn entry_ids_are_replaced() {
        let found = decode(
            "resp",
            Side::Server,
            b"*2\r\n$15\r\n1712345678901-7\r\n$5\r\n1-7-7\r\n",
        );
        let meanings: Vec<&str> =
            found[0].parts.iter().map(|part| &*part.meaning).collect();
        assert_eq!(meanings[1], "15 bytes: 1700000000000-0");
        assert_eq!(meanings[2], "5 bytes: 1-7-7");
    }

    #[test]
    fn versions_are_replaced() {
        let found = decode(
            "resp",
            Side::Server,
            b"%4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n\
              $6\r\n7.10.2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1234\r\n",
        );
        let meanings: Vec<&str> =
            found[0].parts.iter().map(|part| &*part.meaning).collect();
        assert_eq!(
            meanings,
            [
                "a map of 4 pairs:",
                "server: redis",
                "version: 7.0.0",
                "proto: 3",
                "id: 1"
            ]
        );
        assert_eq!(found[0].parts[4].bytes, "$2\\r\\nid\\r\\n:1\\r\\n");
        let found = decode(
            "resp",
            Side::Client,
            b"*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n\
              $6\r\n8.11.2\r\n",
        );
        assert_eq!(summaries(&found), ["CLIENT SETINFO LIB-VER 1.0.0"]);
    }

    #[test]
    fn what_is_no_resp_is_shown_in_hex() {
        let nonsense = "bytes that are no RESP";
        let unfinished = "the beginning of a message that does not end";
        let deep = b"*1\r\n".repeat(40);
        let ok = b"+OK\r\n".as_slice();
        for (bytes, found) in [
            (&b"HTTP/1.1 400 Bad\r\n"[..], nonsense),
            (b"$5\r\nhello!\r\n", nonsense),
            (b"$-2\r\n", nonsense),
            (b"$99999999999999999999999\r\n", nonsense),
            (b"*99999999999\r\n", nonsense),
            (b"+a\nb\r\n", nonsense),
            (b"\x16\x03\x01", nonsense),
            (&deep, nonsense),
            (b"$5\r\nhel", unfinished),
            (b"*2\r\n:1\r\n", unfinished),
        ] {
            let stream = [ok, bytes].concat();
            let messages = decode("resp", Side::Server, &stream);
            assert_eq!(summaries(&messages), ["OK", found], "{bytes:?}");
            assert_eq!(messages[1].length, bytes.len() as u64);
        }
        // As a browser, or one who wants TLS, would come to a server.
        let messages = decode("resp", Side::Client, b"\x16\x03\x01\0\n");
        assert_eq!(summaries(&messages), [nonsense]);
        assert_eq!(messages[0].parts[0].bytes, "16 03 01 00 0a");
    }

    #[test]
    fn a_long_message_is_shown_by_its_beginning() {
        let mut stream = b"$1000\r\n".to_vec();
        stream.extend([b'x'; 1000]);
        stream.extend(b"\r\n+OK\r\n");
        let found = decode_with("resp", Side::Server, &stream, 100);
        let beginning = "a long message, its beginning";
        assert_eq!(summaries(&found), [beginning, "OK"]);
        assert_eq!(found[0].length, 1009);
        assert_eq!(found[0].link, Link::Answers);
        let last = found[0].parts.last().unwrap();
        assert_eq!(last.meaning, "945 bytes more");
    }
}
