//! DNS (RFC 1035): the header, the question and each record, by UDP, or by TCP
//! with its length before each message.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, Message, Part, Raw, hex, hex_rows, limit_parts,
    no_parameter, printable,
};

pub static UDP: Kind = Kind {
    name: "dns",
    about: "DNS by UDP: header, question and records",
    datagrams: true,
    make: |parameter, look| make(parameter, look, false),
};

pub static TCP: Kind = Kind {
    name: "dns-tcp",
    about: "DNS by TCP: the same, each message behind its length",
    datagrams: false,
    make: |parameter, look| make(parameter, look, true),
};

fn make(
    parameter: Option<&str>,
    look: Look,
    stream: bool,
) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Dns {
        look,
        stream,
        pending: Raw::default(),
        length: Vec::new(),
    }))
}

struct Dns {
    look: Look,
    stream: bool,
    /// The message so far, its length with it.
    pending: Raw,
    /// The length so far, two bytes.
    length: Vec<u8>,
}

impl Dns {
    fn take(&mut self) -> Message {
        self.length.clear();
        if self.pending.is_cut() {
            return self.pending.take("a long message, its beginning");
        }
        let kept = &self.pending.kept;
        let (length, bytes) = kept.split_at(if self.stream { 2 } else { 0 });
        let mut parts = Vec::new();
        if self.stream {
            let meaning = format!("length: {}", bytes.len());
            parts.push(Part::new(hex(length), meaning));
        }
        let mut reader = Reader {
            bytes,
            at: 0,
            parts,
            normalise: self.look.normalise,
        };
        let Some((summary, answers)) = reader.message() else {
            let rest = hex_rows(&bytes[reader.at..]);
            reader.parts.extend(rest);
            limit_parts(&mut reader.parts);
            let message = Message {
                length: self.pending.length,
                summary: "no whole DNS message".to_owned(),
                parts: reader.parts,
                link: Link::Free,
            };
            self.pending.clear();
            return message;
        };
        let mut parts = reader.parts;
        limit_parts(&mut parts);
        let message = Message {
            length: self.pending.length,
            summary,
            parts,
            link: if answers { Link::Answers } else { Link::Asks },
        };
        self.pending.clear();
        message
    }
}

impl Decoder for Dns {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        // A datagram is a whole message.
        if !self.stream {
            self.pending.push(bytes, self.look.longest);
            return found.push(self.take());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let wanted = match self.length[..] {
                [high, low] => {
                    let length = u64::from(u16::from_be_bytes([high, low]));
                    2 + length - self.pending.length
                }
                _ => 1,
            };
            let wanted = usize::try_from(wanted).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(wanted.min(rest.len()));
            if self.length.len() < 2 {
                self.length.extend_from_slice(piece);
            }
            self.pending.push(piece, self.look.longest);
            rest = after;
            let whole = match self.length[..] {
                [high, low] => {
                    self.pending.length
                        == 2 + u64::from(u16::from_be_bytes([high, low]))
                }
                _ => false,
            };
            if whole {
                found.push(self.take());
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if !self.pending.is_empty() {
            found.push(self.pending.take("half a DNS message"));
        }
    }
}

/// One message. `None` anywhere: it is not whole, or no DNS message.
struct Reader<'m> {
    bytes: &'m [u8],
    at: usize,
    parts: Vec<Part>,
    normalise: bool,
}

const SECTIONS: [&str; 3] = ["answer", "authority", "additional"];

impl Reader<'_> {
    fn message(&mut self) -> Option<(String, bool)> {
        let header = self.bytes.get(..12)?;
        let number =
            |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let flags = number(2);
        let answers = flags & 0x8000 != 0;
        // Whoever asks makes up another id each time.
        let id = match self.normalise {
            true => "?? ??".to_owned(),
            false => hex(&header[..2]),
        };
        let counts = [4, 6, 8, 10].map(number);
        self.parts.push(Part::new(id, "id, the same in the answer"));
        let meaning = flag_words(flags);
        self.parts
            .push(Part::new(hex(&header[2..4]), meaning.clone()));
        let [questions, rest @ ..] = counts;
        let counted = format!(
            "{questions} question, {} answers, {} authority, {} additional",
            rest[0], rest[1], rest[2]
        );
        self.parts.push(Part::new(hex(&header[4..12]), counted));
        self.at = 12;
        let mut asked = Vec::new();
        for _ in 0..questions {
            let begin = self.at;
            let name = self.name()?;
            self.push(begin, format!("question: {name}"));
            let kind = self.kind_and_class()?;
            asked.push(format!("{name} {kind}"));
        }
        for (section, count) in SECTIONS.into_iter().zip(rest) {
            for _ in 0..count {
                self.record(section)?;
            }
        }
        if self.at < self.bytes.len() {
            let rest = self.bytes.get(self.at..)?;
            self.parts.push(Part::new(hex(rest), "behind the end"));
            self.at = self.bytes.len();
        }
        let asked = asked.join(", ");
        let summary = match answers {
            false => format!("question: {asked}"),
            true => format!("{meaning}: {asked}"),
        };
        Some((summary, answers))
    }

    fn push(&mut self, begin: usize, meaning: impl Into<String>) {
        let bytes = &self.bytes[begin..self.at];
        self.parts.push(Part::new(hex(bytes), meaning));
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let bytes = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn kind_and_class(&mut self) -> Option<String> {
        let begin = self.at;
        let kind = kind(self.number()?);
        let class = match self.number()? {
            1 => "internet".to_owned(),
            other => other.to_string(),
        };
        self.push(begin, format!("type {kind}, class {class}"));
        Some(kind)
    }

    fn record(&mut self, section: &str) -> Option<()> {
        let begin = self.at;
        let pointer = self.bytes.get(begin)? & 0xc0 == 0xc0;
        let name = self.name()?;
        let place = match pointer {
            true => " (written before)",
            false => "",
        };
        self.push(begin, format!("{section}: {name}{place}"));
        let begin = self.at;
        let number = self.number()?;
        // No record, but a way to say more (RFC 6891).
        if number == 41 {
            let size = self.number()?;
            self.push(begin, format!("EDNS: up to {size} bytes by UDP"));
            let begin = self.at;
            self.take(4)?;
            self.push(begin, "no more flags, version 0");
        } else {
            self.at = begin;
            self.kind_and_class()?;
            let begin = self.at;
            let ttl = self.take(4)?;
            let ttl = u32::from_be_bytes([ttl[0], ttl[1], ttl[2], ttl[3]]);
            self.push(begin, format!("to be kept for {ttl} s"));
        }
        let begin = self.at;
        let length = self.number()?.into();
        self.push(begin, format!("bytes of data: {length}"));
        let begin = self.at;
        self.take(length)?;
        if length > 0 {
            let meaning = self.data(number, begin);
            self.push(begin, meaning);
        }
        Some(())
    }

    /// What the data from there to here means.
    fn data(&self, kind: u16, begin: usize) -> String {
        let bytes = &self.bytes[begin..self.at];
        let mut inside = Reader {
            bytes: &self.bytes[..self.at],
            at: begin,
            parts: Vec::new(),
            normalise: false,
        };
        let name = |reader: &mut Reader| reader.name();
        let words = match (kind, bytes) {
            (1, [a, b, c, d]) => {
                Some(Ipv4Addr::new(*a, *b, *c, *d).to_string())
            }
            (28, _) => <[u8; 16]>::try_from(bytes)
                .ok()
                .map(|bytes| Ipv6Addr::from(bytes).to_string()),
            (2 | 5 | 12, _) => name(&mut inside),
            (15, _) => inside.number().and_then(|preference| {
                Some(format!("{preference} {}", name(&mut inside)?))
            }),
            (33, _) => (|| {
                let (priority, weight) = (inside.number()?, inside.number()?);
                let port = inside.number()?;
                let target = name(&mut inside)?;
                Some(format!("{priority} {weight} {port} {target}"))
            })(),
            (6, _) => (|| {
                let (server, mail) = (name(&mut inside)?, name(&mut inside)?);
                Some(format!("{server} {mail}, and five numbers"))
            })(),
            _ => None,
        };
        words.unwrap_or_else(|| printable(bytes))
    }

    /// Labels up to the root, or up to a pointer to labels that stand before
    /// it. Each pointer must point further back, so there is an end.
    fn name(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut at = self.at;
        let mut before = at;
        let mut end = None;
        loop {
            let length = usize::from(*self.bytes.get(at)?);
            match length {
                0 => break,
                1..=63 => {
                    let label = self.bytes.get(at + 1..at + 1 + length)?;
                    text += &printable(label);
                    text.push('.');
                    at += 1 + length;
                }
                0xc0.. => {
                    let low = usize::from(*self.bytes.get(at + 1)?);
                    end.get_or_insert(at + 2);
                    at = (length & 0x3f) << 8 | low;
                    if at >= before {
                        return None;
                    }
                    before = at;
                }
                _ => return None,
            }
            if text.len() > 1024 {
                return None;
            }
        }
        self.at = end.unwrap_or(at + 1);
        if text.is_empty() {
            text.push('.');
        }
        Some(text)
    }
}

fn flag_words(flags: u16) -> String {
    if flags & 0x8000 == 0 {
        return match flags & 0x0100 {
            0 => "a question".to_owned(),
            _ => "a question, recursion wanted".to_owned(),
        };
    }
    let code = match flags & 15 {
        0 => "no error".to_owned(),
        1 => "FORMERR".to_owned(),
        2 => "SERVFAIL".to_owned(),
        3 => "NXDOMAIN, no such name".to_owned(),
        4 => "NOTIMP".to_owned(),
        5 => "REFUSED".to_owned(),
        other => format!("error {other}"),
    };
    let mut text = format!("an answer, {code}");
    for (bit, word) in [
        (0x0400, ", authoritative"),
        (0x0200, ", cut short"),
        (0x0080, ", recursion offered"),
    ] {
        if flags & bit != 0 {
            text += word;
        }
    }
    text
}

fn kind(number: u16) -> String {
    let name = match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        41 => "OPT",
        255 => "ANY",
        _ => return format!("TYPE{number}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Side;
    use super::super::tests::{decode, decode_with, summaries};
    use super::*;

    const QUESTION: &[u8] =
        b"42\0\0\0\x01\0\0\0\0\0\0\x03www\x03net\x07example\0\0\x01\0\x01";
    const ANSWER: &[u8] =
        b"42\x84\0\0\x01\0\x01\0\0\0\x01\x03www\x03net\x07example\0\0\x01\0\x01\
          \xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\x7f\0\0\x50\
          \0\0\x29\x04\xd0\0\0\0\0\0\0";

    fn datagrams(list: &[&[u8]], longest: usize) -> Vec<Message> {
        let look = Look {
            side: Side::Client,
            longest,
            normalise: false,
        };
        let mut decoder = make(None, look, false).unwrap();
        let mut found = Vec::new();
        list.iter().for_each(|one| decoder.feed(one, &mut found));
        decoder.finish(&mut found);
        found
    }

    fn meanings(message: &Message) -> Vec<&str> {
        message
            .parts
            .iter()
            .map(|one| one.meaning.as_str())
            .collect()
    }

    #[test]
    fn a_question_and_its_answer() {
        let found = datagrams(&[QUESTION, ANSWER], 4096);
        let [question, answer] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(question.summary, "question: www.net.example. A");
        assert_eq!(
            answer.summary,
            "an answer, no error, authoritative: www.net.example. A"
        );
        assert_eq!((question.link, answer.link), (Link::Asks, Link::Answers));
        let meanings = meanings(answer);
        for meaning in [
            "1 question, 1 answers, 0 authority, 1 additional",
            "answer: www.net.example. (written before)",
            "to be kept for 300 s",
            "127.0.0.80",
            "EDNS: up to 1232 bytes by UDP",
        ] {
            assert!(meanings.contains(&meaning), "{meaning}: {meanings:?}");
        }
        let bytes: String = answer
            .parts
            .iter()
            .map(|one| one.bytes.clone() + " ")
            .collect();
        assert_eq!(bytes.trim_end(), hex(ANSWER));
    }

    /// Every beginning of a message, and every byte changed: no panic, and no
    /// byte is lost.
    #[test]
    fn what_is_no_message_is_shown_all_the_same() {
        for end in 0..ANSWER.len() {
            let found = datagrams(&[&ANSWER[..end]], 4096);
            assert_eq!(found[0].summary, "no whole DNS message", "{end}");
            assert_eq!(found[0].length, end as u64);
        }
        for place in 0..ANSWER.len() {
            for byte in [0, 0x3f, 0x7f, 0xc0, 0xff] {
                let mut bytes = ANSWER.to_vec();
                bytes[place] = byte;
                let found = datagrams(&[&bytes], 4096);
                assert_eq!(found[0].length, bytes.len() as u64);
            }
        }
        // A pointer to itself, and one forward.
        for low in [b'\x21', b'\x31'] {
            let mut bytes = ANSWER.to_vec();
            bytes[34] = low;
            assert_eq!(datagrams(&[&bytes], 4096)[0].link, Link::Free);
        }
        let found = datagrams(&[ANSWER], 20);
        assert_eq!(found[0].summary, "a long message, its beginning");
    }

    #[test]
    fn on_a_stream_each_has_its_length() {
        let framed = |bytes: &[u8]| {
            [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
        };
        let stream = [framed(QUESTION), framed(b""), framed(QUESTION)].concat();
        let found = decode("dns-tcp", Side::Client, &stream);
        let asked = "question: www.net.example. A";
        assert_eq!(summaries(&found), [asked, "no whole DNS message", asked]);
        assert_eq!(found[0].parts[0].meaning, "length: 33");
        let half = decode("dns-tcp", Side::Client, &stream[..20]);
        assert_eq!(summaries(&half), ["half a DNS message"]);
        let long = decode_with("dns-tcp", Side::Client, &stream, 16);
        assert_eq!(long[0].summary, "a long message, its beginning");
    }
}
