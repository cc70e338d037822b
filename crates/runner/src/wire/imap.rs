//! IMAP (RFC 3501): commands, the answers to them, and the letters that are
//! announced by their length.

use std::sync::LazyLock;

use anyhow::Result;
use regex_lite::Regex;

use super::{
    Decoder, Kind, Link, Look, MOST_PARTS, Message, Part, Raw, Side, count,
    escaped, is_text, no_parameter, printable,
};

pub static KIND: Kind = Kind {
    name: "imap",
    about: "mailboxes: commands, answers and letters, up to STARTTLS",
    datagrams: false,
    make,
};

/// As many bytes of a line's end as may announce a length.
const LONGEST_ANNOUNCEMENT: usize = 24;

fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Imap {
        look,
        line: Raw::default(),
        end_of_line: Vec::new(),
        literal: 0,
        message: None,
        greeted: false,
        is_other: false,
    }))
}

struct Imap {
    look: Look,
    line: Raw,
    /// The last bytes of it, of which a long line has not kept any.
    end_of_line: Vec<u8>,
    /// How many bytes of an announced text are still to come.
    literal: u64,
    message: Option<Begun>,
    greeted: bool,
    /// Not this protocol, to the end.
    is_other: bool,
}

/// A message that has not ended.
struct Begun {
    message: Message,
    shown: usize,
    hidden: u64,
}

/// What a line of the client means.
fn command(line: &str) -> &'static str {
    let mut words = line.split(' ').skip(1);
    let word = words.next().unwrap_or_default().to_ascii_uppercase();
    let word = match word.as_str() {
        "UID" => words.next().unwrap_or_default().to_ascii_uppercase(),
        _ => word,
    };
    match word.as_str() {
        "CAPABILITY" => "what can you do?",
        "LOGIN" => "this is who I am, and my password",
        "AUTHENTICATE" => "this is who I am",
        "STARTTLS" => "encrypted from here on",
        "LIST" => "which mailboxes are there?",
        "SELECT" => "open this mailbox",
        "EXAMINE" => "open this mailbox, and change nothing",
        "STATUS" => "how is this mailbox?",
        "FETCH" => "send me these letters",
        "STORE" => "change the flags of these letters",
        "SEARCH" => "which letters are like this?",
        "COPY" => "copy these letters",
        "MOVE" => "move these letters",
        "APPEND" => "keep this letter",
        "EXPUNGE" => "delete what is marked",
        "CLOSE" => "delete what is marked, and close the mailbox",
        "IDLE" => "tell me what happens",
        "NOOP" => "is there anything new?",
        "LOGOUT" => "that was all",
        _ => "a command",
    }
}

/// What a line of the server means, and whether it ends an answer.
fn answer(line: &str) -> (&'static str, bool) {
    let mut words = line.split(' ');
    let tag = words.next().unwrap_or_default();
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
    let word = if is_number { second } else { first };
    let word = word.to_ascii_uppercase();
    match (tag, word.as_str()) {
        ("+", _) => ("go on", false),
        ("*", "FETCH") => ("of this letter", false),
        ("*", "EXISTS") => ("so many letters are here", false),
        ("*", "RECENT") => ("so many are new here", false),
        ("*", "EXPUNGE") => ("this letter is deleted", false),
        ("*", "FLAGS") => ("these flags there are", false),
        ("*", "SEARCH") => ("these letters are like this", false),
        ("*", "LIST") => ("a mailbox", false),
        ("*", "CAPABILITY") => ("this I can do", false),
        ("*", "BYE") => ("I hang up", false),
        ("*", _) => ("by the way", false),
        (_, "OK") => ("yes, that was all", true),
        (_, "NO") => ("no", true),
        (_, "BAD") => ("I do not understand", true),
        _ => ("an answer", true),
    }
}

/// What is another one in each session, or with another version.
fn by_chance(line: &str) -> String {
    static CHANCE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let replaced = [
            (r"\[CAPABILITY [^\]]*\]", "[CAPABILITY IMAP4rev1 and more]"),
            (r"\[UIDVALIDITY \d+\]", "[UIDVALIDITY 1700000000]"),
            (r" \(\d[^()]* secs\)", ""),
        ];
        let regexes = replaced.map(|(pattern, with)| {
            (Regex::new(pattern).expect("a good pattern"), with)
        });
        regexes.into()
    });
    let mut line = line.to_owned();
    for (pattern, with) in &*CHANCE {
        line = pattern.replace_all(&line, *with).into_owned();
    }
    line
}

/// The length that the end of a line announces.
fn announced(end_of_line: &[u8]) -> Option<u64> {
    let text = str::from_utf8(end_of_line).ok()?.trim_end();
    let (_, number) = text.strip_suffix('}')?.rsplit_once('{')?;
    number.trim_end_matches('+').parse().ok()
}

impl Imap {
    fn push(&mut self, bytes: &[u8]) {
        self.line.push(bytes, self.look.longest);
        self.end_of_line.extend_from_slice(bytes);
        let more = self.end_of_line.len().saturating_sub(LONGEST_ANNOUNCEMENT);
        self.end_of_line.drain(..more);
    }

    /// A part of an announced text, at most a line of it.
    fn take_text(&mut self) {
        let (line, length) = self.take_kept();
        self.add(&line, length, "the letter");
    }

    fn take_line(&mut self, found: &mut Vec<Message>) {
        let announced = announced(&self.end_of_line);
        let text = match str::from_utf8(self.line.kept.trim_ascii_end()) {
            Ok(text) if is_text(text.as_bytes()) => text.to_owned(),
            _ => String::new(),
        };
        let word = text.split(' ').next().unwrap_or_default();
        let is_tag = word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let fits = match self.look.side {
            Side::Client => is_tag,
            Side::Server => is_tag || matches!(word, "*" | "+"),
        };
        if self.message.is_none() && !(fits && text.contains(' ')) {
            self.is_other = true;
            return;
        }
        let (meaning, ends) = match (self.look.side, &self.message) {
            (_, Some(_)) => ("the rest of it", false),
            (Side::Client, _) => (command(&text), true),
            (Side::Server, _) if !self.greeted => ("I am here", false),
            (Side::Server, _) => answer(&text),
        };
        let (line, length) = self.take_kept();
        let shown = match str::from_utf8(&line) {
            Ok(line) if self.look.normalise => by_chance(line).into_bytes(),
            _ => line.clone(),
        };
        if self.message.is_none() {
            let greeting = self.look.side == Side::Server && !self.greeted;
            self.greeted = true;
            let link = match self.look.side {
                _ if greeting => Link::Free,
                Side::Client => Link::Asks,
                Side::Server if ends => Link::Answers,
                Side::Server => Link::Part,
            };
            self.begin(printable(shown.trim_ascii_end()), link);
        }
        // As long as it is shown, or that would differ, too.
        let length = match shown == line {
            true => length,
            false => shown.len() as u64,
        };
        self.add(&shown, length, meaning);
        match announced {
            Some(length) => self.literal = length,
            None => self.end(found),
        }
    }

    fn take_kept(&mut self) -> (Vec<u8>, u64) {
        let kept = std::mem::take(&mut self.line.kept);
        let length = std::mem::take(&mut self.line.length);
        self.end_of_line.clear();
        (kept, length)
    }

    fn begin(&mut self, summary: String, link: Link) {
        let message = Message {
            length: 0,
            summary,
            parts: Vec::new(),
            link,
        };
        self.message = Some(Begun {
            message,
            shown: 0,
            hidden: 0,
        });
    }

    fn add(&mut self, line: &[u8], length: u64, meaning: &str) {
        let Some(begun) = &mut self.message else {
            return;
        };
        begun.message.length += length;
        begun.shown += line.len();
        let parts = &mut begun.message.parts;
        if begun.shown > self.look.longest || parts.len() >= MOST_PARTS {
            begun.hidden += length;
            return;
        }
        parts.push(Part::new(escaped(line), meaning));
        begun.hidden += length.saturating_sub(line.len() as u64);
    }

    fn end(&mut self, found: &mut Vec<Message>) {
        if let Some(mut begun) = self.message.take() {
            if begun.hidden > 0 {
                let more = format!("{} more", count(begun.hidden));
                begun.message.parts.push(Part::new("…", more));
            }
            found.push(begun.message);
        }
    }
}

impl Decoder for Imap {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.is_other {
                return self.line.push(rest, self.look.longest);
            }
            let in_literal = self.literal > 0;
            let most = match in_literal {
                true => rest.len().min(self.literal as usize),
                false => rest.len(),
            };
            let end = rest[..most].iter().position(|byte| *byte == b'\n');
            let (piece, after) = rest.split_at(end.map_or(most, |end| end + 1));
            self.push(piece);
            rest = after;
            if in_literal {
                self.literal -= piece.len() as u64;
                if end.is_some() || self.literal == 0 {
                    self.take_text();
                }
            } else if end.is_some() {
                self.take_line(found);
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if self.is_other {
            found.push(self.line.take("no IMAP, or encrypted"));
            return;
        }
        if !self.line.is_empty() {
            if self.message.is_none() {
                let summary = printable(&self.line.kept);
                self.begin(summary, Link::Free);
            }
            let (line, length) = self.take_kept();
            self.add(&line, length, "a line without its end");
        }
        if let Some(begun) = &mut self.message {
            begun.message.summary += ", not finished";
            begun.message.link = Link::Free;
        }
        self.end(found);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, decode_with, summaries};
    use super::super::{Side, weave};

    const SERVER: &[u8] = b"* OK [CAPABILITY IMAP4rev1 IDLE] hi\r\n\
        * 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\na1 OK in (0.1 + 0.2 secs).\r\n\
        * 1 FETCH (BODY[] {12}\r\na1 OK\r\n* 9\r\n)\r\na2 OK\r\n";

    #[test]
    fn a_letter_is_as_long_as_announced() {
        let client =
            decode("imap", Side::Client, b"a1 SELECT x\r\na2 FETCH 1\r\n");
        let server = decode("imap", Side::Server, SERVER);
        let letter: Vec<&str> =
            server[4].parts.iter().map(|part| &part.bytes[..]).collect();
        assert_eq!(
            letter,
            [
                r"* 1 FETCH (BODY[] {12}\r\n",
                r"a1 OK\r\n",
                r"* 9\r\n",
                r")\r\n"
            ]
        );
        assert_eq!(server[3].length, 11);
        assert_eq!(server[4].length, 39);
        let order: Vec<String> = weave(client, server)
            .into_iter()
            .map(|(_, message)| message.summary)
            .collect();
        assert_eq!(
            order.join(", "),
            "* OK [CAPABILITY IMAP4rev1 and more] hi, a1 SELECT x, * 1 EXISTS, \
             * OK [UIDVALIDITY 1700000000] x, a1 OK in., a2 FETCH 1, \
             * 1 FETCH (BODY[] {12}, a2 OK"
        );
    }

    #[test]
    fn long_lines_announce_too_and_little_is_kept() {
        let long = [
            b"* 1 FETCH (",
            &b"x".repeat(300)[..],
            b" {4}\r\n1\r\n2)\r\n",
        ];
        let found = decode_with("imap", Side::Server, &long.concat(), 100);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].length, 324);
    }

    #[test]
    fn what_is_no_imap_is_not_explained() {
        let server = decode("imap", Side::Server, b"+OK\r\n");
        assert_eq!(summaries(&server), ["no IMAP, or encrypted"]);
        let server =
            decode("imap", Side::Server, b"* OK hi\r\n\x16\x03\x01\n.");
        assert_eq!(summaries(&server), ["* OK hi", "no IMAP, or encrypted"]);
        let server =
            decode("imap", Side::Server, b"* OK hi\r\n* 1 FETCH {9}\r\nab");
        assert_eq!(server[1].summary, "* 1 FETCH {9}, not finished");
    }
}
