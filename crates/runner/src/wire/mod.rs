//! What crosses the wire: a relay between two programs, which takes down what
//! passes, and decoders, which say what it means.
//!
//! The bytes of each direction are put together again as messages of their
//! protocol: into which reads they fell is chance. Each protocol has a file
//! of its own here and its line in [`KINDS`]; README.md says how to add one.

pub mod amqp;
pub mod datagrams;
pub mod dns;
pub mod frames;
pub mod ftp;
pub mod http1;
pub mod imap;
pub mod live;
pub mod msgpack;
pub mod plain;
pub mod pop3;
pub mod relay;
pub mod resp;
pub mod show;
pub mod smtp;
pub mod tap;
pub mod zmtp;

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result};

/// Who sent something: the one who connected, or the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// One message of a protocol, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How many bytes it took on the wire.
    pub length: u64,
    /// The whole of it in a few words.
    pub summary: String,
    pub parts: Vec<Part>,
    pub link: Link,
}

/// Some bytes of a message beside their meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub bytes: String,
    pub meaning: String,
}

/// What the protocol makes certain between the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing.
    Free,
    /// A request, with one reply.
    Asks,
    /// A request whose reply may never come, because the other side waits for
    /// something. The last one may stay unanswered, and then it is chance
    /// whether it was still sent before the end.
    Waits,
    /// A request with so many confirmations in place of a reply.
    AsksTimes(usize),
    /// The reply to the first request that has none yet.
    Answers,
    /// One of the confirmations.
    Confirms,
    /// A piece of the message that ends with the next ones.
    Part,
    /// As `Asks`, if the other side is one that answers each request.
    MayAsk,
    /// As `Answers`, if the other side is one that waits for each reply.
    MayAnswer,
}

impl Link {
    fn asks(self) -> bool {
        matches!(self, Self::Asks | Self::Waits | Self::AsksTimes(_))
    }

    fn answers(self) -> bool {
        matches!(self, Self::Answers | Self::Confirms)
    }

    /// Whether it says something of the other direction.
    pub fn is_certain(self) -> bool {
        self.asks() || self.answers()
    }
}

/// Makes messages of the bytes of one direction.
///
/// However the bytes are cut into pieces, the messages are the same. What it
/// keeps is limited by [`Look::longest`].
pub trait Decoder: Send {
    /// Takes the next bytes; appends the messages that they complete.
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>);

    /// Appends what is left, as at the end of the stream.
    fn finish(&mut self, found: &mut Vec<Message>);

    /// Whether messages end somewhere. Where they do not, somebody who is
    /// looking on wants to see what there is after each read.
    fn has_ends(&self) -> bool {
        true
    }
}

/// How a decoder is to look at one direction.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub side: Side,
    /// Of a longer message only the beginning is kept and shown.
    pub longest: usize,
    /// Whether what differs between versions of a library is replaced.
    pub normalise: bool,
}

type Make = fn(Option<&str>, Look) -> Result<Box<dyn Decoder>>;

/// A protocol that can be explained.
pub struct Kind {
    pub name: &'static str,
    pub about: &'static str,
    /// Whether it is datagrams that pass, and no stream.
    pub datagrams: bool,
    /// The error says what is wrong with the parameter.
    pub make: Make,
}

/// All protocols.
pub static KINDS: &[&Kind] = &[
    &resp::KIND,
    &zmtp::KIND,
    &msgpack::KIND,
    &smtp::KIND,
    &amqp::KIND,
    &ftp::KIND,
    &pop3::KIND,
    &imap::KIND,
    &http1::KIND,
    &plain::KIND,
    &datagrams::KIND,
    &dns::UDP,
    &dns::TCP,
    &frames::FIXED,
    &frames::LENGTH,
    &frames::DELIMITER,
];

/// A protocol with its parameter, written `NAME` or `NAME=PARAMETER`.
#[derive(Clone)]
pub struct Protocol {
    pub kind: &'static Kind,
    parameter: Option<String>,
}

impl Protocol {
    /// Whether its servers tell inside their replies where else to connect.
    pub fn announces(&self) -> bool {
        self.kind.name == ftp::KIND.name
    }

    pub fn decoder(&self, look: Look) -> Result<Box<dyn Decoder>> {
        (self.kind.make)(self.parameter.as_deref(), look)
    }
}

impl FromStr for Protocol {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, parameter) = match text.split_once('=') {
            Some((name, parameter)) => (name, Some(parameter.to_owned())),
            None => (text, None),
        };
        let kind =
            KINDS
                .iter()
                .find(|kind| kind.name == name)
                .with_context(|| {
                    let known: Vec<&str> =
                        KINDS.iter().map(|kind| kind.name).collect();
                    format!(
                        "nobody here knows '{name}'; known are {}",
                        known.join(", ")
                    )
                })?;
        let protocol = Self { kind, parameter };
        let look = Look {
            side: Side::Client,
            longest: 1,
            normalise: false,
        };
        protocol
            .decoder(look)
            .with_context(|| format!("'{text}'"))?;
        Ok(protocol)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.kind.name)?;
        match &self.parameter {
            Some(parameter) => write!(formatter, "={parameter}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// For protocols that have no parameter.
fn no_parameter(parameter: Option<&str>) -> Result<()> {
    anyhow::ensure!(parameter.is_none(), "it takes no parameter");
    Ok(())
}

/// Puts the messages of both directions into one order: each keeps its own,
/// and a request stands just before what answers it. That is all that is
/// certain, so it is the same however the messages happened to pass.
pub fn weave(
    mut client: Vec<Message>,
    mut server: Vec<Message>,
) -> Vec<(Side, Message)> {
    let sure = [&client, &server]
        .map(|list| list.iter().any(|message| message.link.is_certain()));
    settle(&mut client, sure[1]);
    settle(&mut server, sure[0]);
    // Who connects is mostly who asks, but need not be.
    if server.iter().any(|message| message.link.asks()) {
        weave_as((Side::Server, server), (Side::Client, client))
    } else {
        weave_as((Side::Client, client), (Side::Server, server))
    }
}

/// Decides what may be a link.
fn settle(messages: &mut [Message], other_is_sure: bool) {
    for message in messages {
        message.link = match message.link {
            Link::MayAsk if other_is_sure => Link::Asks,
            Link::MayAnswer if other_is_sure => Link::Answers,
            Link::MayAsk | Link::MayAnswer => Link::Free,
            link => link,
        };
    }
}

fn weave_as(
    (client, client_messages): (Side, Vec<Message>),
    (server, server_messages): (Side, Vec<Message>),
) -> Vec<(Side, Message)> {
    let mut woven = Vec::new();
    let mut requests = client_messages.into_iter().peekable();
    // What comes before the first request, or all if none is answered.
    let linked = server_messages.iter().any(|one| one.link.answers());
    let waits = |message: &Message| message.link != Link::Free && linked;
    while let Some(one) = requests.next_if(|one| !waits(one)) {
        woven.push((client, one));
    }
    // The pieces of a reply, whose request must come first.
    let mut pieces = Vec::new();
    // The confirmations that the last request still gets.
    let mut owed: usize = 0;
    for message in server_messages {
        match message.link {
            Link::Part => {
                pieces.push((server, message));
                continue;
            }
            Link::Answers => {
                request(&mut requests, client, &mut woven);
                owed = 0;
            }
            Link::Confirms if owed > 0 => owed -= 1,
            Link::Confirms => {
                if let Some(Link::AsksTimes(times)) =
                    requests.peek().map(|request| request.link)
                {
                    request(&mut requests, client, &mut woven);
                    owed = times.saturating_sub(1);
                }
            }
            _ => {}
        }
        woven.append(&mut pieces);
        woven.push((server, message));
    }
    woven.append(&mut pieces);
    let certain = requests.filter(|one| one.link != Link::Waits);
    woven.extend(certain.map(|one| (client, one)));
    woven
}

/// Takes the next request, all its pieces and what stands before it.
fn request(
    requests: &mut impl Iterator<Item = Message>,
    client: Side,
    woven: &mut Vec<(Side, Message)>,
) {
    for one in requests {
        let ends = one.link.asks();
        woven.push((client, one));
        if ends {
            break;
        }
    }
}

/// How many parts of a message are shown.
const MOST_PARTS: usize = 100;
/// How many bytes are shown beside one meaning.
const WIDEST: usize = 200;
/// How much is shown of a message that is too long.
const BEGINNING: usize = 64;

/// Bytes that are in no message: of no protocol, or with no end in sight.
#[derive(Debug, Default)]
struct Raw {
    kept: Vec<u8>,
    length: u64,
}

impl Raw {
    fn push(&mut self, bytes: &[u8], longest: usize) {
        let room = longest.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.length += bytes.len() as u64;
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.length = 0;
    }

    /// Whether something of it could not be kept.
    fn is_cut(&self) -> bool {
        self.length > self.kept.len() as u64
    }

    /// What was kept as a message in hexadecimal, after which it is empty.
    fn take(&mut self, summary: &str) -> Message {
        let bytes = if self.is_cut() {
            &self.kept[..BEGINNING.min(self.kept.len())]
        } else {
            &self.kept[..]
        };
        let mut parts = hex_rows(bytes);
        limit_parts(&mut parts);
        if self.is_cut() {
            parts.push(Part::new(
                "…",
                format!("{} more", count(self.length - bytes.len() as u64)),
            ));
        }
        let message = Message {
            length: self.length,
            summary: summary.to_owned(),
            parts,
            link: Link::Free,
        };
        self.clear();
        message
    }
}

impl Part {
    fn new(bytes: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self {
            bytes: bytes.into(),
            meaning: meaning.into(),
        }
    }
}

fn limit_parts(parts: &mut Vec<Part>) {
    if parts.len() > MOST_PARTS {
        let more = parts.len() - MOST_PARTS;
        parts.truncate(MOST_PARTS);
        parts.push(Part::new("…", format!("and {more} more of these rows")));
    }
}

/// `1 byte`, `2 bytes`.
pub fn count(bytes: u64) -> String {
    format!("{bytes} {}", if bytes == 1 { "byte" } else { "bytes" })
}

/// Bytes in hexadecimal, 16 a row, beside their text.
fn hex_rows(bytes: &[u8]) -> Vec<Part> {
    bytes
        .chunks(16)
        .map(|row| {
            let text = row
                .iter()
                .map(|byte| match byte {
                    0x20..0x7f => char::from(*byte),
                    _ => '.',
                })
                .collect::<String>();
            Part::new(hex(row), text)
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> =
        bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

/// Bytes as they are written in programs: `\r\n` for a line's end.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in &bytes[..WIDEST.min(bytes.len())] {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            0x20..0x7f => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    if bytes.len() > WIDEST {
        text.push('…');
    }
    text
}

/// Text in which nothing can move the cursor of a terminal, turn the writing
/// around or hide: such characters are escaped, and so are bytes that are no
/// text.
fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut shown = WIDEST.min(bytes.len());
    // Not in the middle of a character: of UTF-8, only the bytes after a
    // character's first one begin with the bits 10.
    let is_inside = |at: usize| bytes.get(at).is_some_and(|b| b >> 6 == 0b10);
    while shown + 3 > WIDEST && shown > 0 && is_inside(shown) {
        shown -= 1;
    }
    for chunk in bytes[..shown].utf8_chunks() {
        for letter in chunk.valid().chars() {
            let hidden = matches!(
                letter,
                '\u{200b}'..='\u{200f}'
                    | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{2069}'
                    | '\u{feff}'
            );
            if letter.is_control() || hidden {
                text.extend(letter.escape_default());
            } else {
                text.push(letter);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    if bytes.len() > WIDEST {
        text.push('…');
    }
    text
}

/// Whether bytes are text that a person can read, on one line.
fn is_text(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| {
        text.chars()
            .all(|letter| letter == '\t' || !letter.is_control())
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Decodes a stream in one piece, in single bytes, and cut at every place:
    /// it must always be the same. Returns the messages.
    pub fn decode(protocol: &str, side: Side, stream: &[u8]) -> Vec<Message> {
        decode_with(protocol, side, stream, 4096)
    }

    pub fn decode_with(
        protocol: &str,
        side: Side,
        stream: &[u8],
        longest: usize,
    ) -> Vec<Message> {
        let protocol: Protocol = protocol.parse().unwrap();
        let look = Look {
            side,
            longest,
            normalise: true,
        };
        let in_pieces = |pieces: &[&[u8]]| {
            let mut decoder = protocol.decoder(look).unwrap();
            let mut found = Vec::new();
            for piece in pieces {
                decoder.feed(piece, &mut found);
            }
            decoder.finish(&mut found);
            found
        };
        let whole = in_pieces(&[stream]);
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(in_pieces(&single), whole, "byte by byte");
        for cut in 0..stream.len().min(2000) {
            let (one, other) = stream.split_at(cut);
            assert_eq!(in_pieces(&[one, other]), whole, "cut at {cut}");
        }
        whole
    }

    pub fn summaries(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|one| one.summary.as_str()).collect()
    }

    /// Noise in all protocols: no panic, the same in every cutting, and no
    /// byte is lost.
    #[test]
    fn noise_is_explained_too() {
        let mut random = fastrand::Rng::with_seed(5);
        for kind in KINDS.iter().filter(|kind| !kind.datagrams) {
            for round in 0..60 {
                let mut noise: Vec<u8> = std::iter::repeat_with(|| {
                    *random.choice(b"*$+:%>-0123456\r\nPING\0\xff").unwrap()
                })
                .take(round)
                .collect();
                if round % 2 == 0 {
                    random.shuffle(&mut noise);
                }
                for side in [Side::Client, Side::Server] {
                    let found = decode_with(kind.name, side, &noise, 16);
                    let length: u64 = found.iter().map(|one| one.length).sum();
                    assert_eq!(length, noise.len() as u64, "{noise:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_shown_is_harmless() {
        assert_eq!(
            printable("ü\u{1b}[2J\u{202e}".as_bytes()),
            "ü\\u{1b}[2J\\u{202e}"
        );
        assert_eq!(printable(b"\xff\n"), "\\xff\\n");
        assert_eq!(escaped(b"a\\\x1b\r\n"), "a\\\\\\x1b\\r\\n");
    }

    #[test]
    fn unknown_protocols_are_named() {
        for (text, error) in [
            ("rasp", "nobody here knows 'rasp'; known are resp, zmtp"),
            ("resp=3", "'resp=3': it takes no parameter"),
            ("fixed=0", "'fixed=0': "),
            ("delimiter=zz", "'delimiter=zz': "),
        ] {
            let found = format!("{:#}", Protocol::from_str(text).unwrap_err());
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn requests_stand_before_their_replies() {
        let message = |summary: &str, link| Message {
            length: 1,
            summary: summary.to_owned(),
            parts: Vec::new(),
            link,
        };
        let order = |client: &[(&str, Link)], server: &[(&str, Link)]| {
            let make = |list: &[(&str, Link)]| {
                list.iter()
                    .map(|(text, link)| message(text, *link))
                    .collect()
            };
            weave(make(client), make(server))
                .into_iter()
                .map(|(_, message)| message.summary)
                .collect::<Vec<_>>()
                .join(" ")
        };
        use Link::{Answers, Asks, AsksTimes, Confirms, Free, Waits};
        assert_eq!(
            order(&[("read", Waits), ("read", Waits)], &[("one", Answers)]),
            "read one"
        );
        assert_eq!(
            order(
                &[("hello", Asks), ("sub", AsksTimes(2)), ("ping", Asks)],
                &[
                    ("welcome", Answers),
                    ("a", Confirms),
                    ("news", Free),
                    ("b", Confirms),
                    ("news", Free),
                    ("pong", Answers),
                ]
            ),
            "hello welcome sub a news b news ping pong"
        );
        // Nothing is known: one direction after the other.
        assert_eq!(order(&[("1", Free), ("2", Free)], &[("x", Free)]), "1 2 x");
        // Requests and replies in pieces, and a greeting before them.
        use Link::{MayAnswer, MayAsk, Part};
        let asks = [
            ("hello", Free),
            ("a", Part),
            ("b", Asks),
            ("c", Part),
            ("d", Asks),
        ];
        let answers = [
            ("welcome", Free),
            ("1", Part),
            ("2", MayAnswer),
            ("3", Part),
            ("4", MayAnswer),
        ];
        let woven = "hello welcome a b 1 2 c d 3 4";
        assert_eq!(order(&asks, &answers), woven);
        // Who has connected may be the one who answers.
        assert_eq!(order(&answers, &asks), "hello welcome a b 1 2 c d 3 4");
        // Two who both may: nothing is known.
        assert_eq!(
            order(&[("1", MayAsk), ("2", MayAsk)], &[("x", MayAnswer)]),
            "1 2 x"
        );
        // Answers that nobody asked for, and questions nobody answered.
        assert_eq!(order(&[], &[("x", Answers), ("y", Confirms)]), "x y");
        assert_eq!(
            order(&[("1", Asks), ("2", Asks)], &[("x", Answers)]),
            "1 x 2"
        );
    }
}
