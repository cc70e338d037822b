//! SMTP (RFC 5321): commands, replies and letters. What is said here of lines
//! that are answered by lines is true of other protocols, too: one more
//! [`Manner`] is one more decoder.

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, MOST_PARTS, Message, Part, Raw, Side, escaped,
    is_text, no_parameter, printable,
};

pub static KIND: Kind = Kind {
    name: "smtp",
    about: "mail: commands, replies and letters, up to STARTTLS",
    datagrams: false,
    make,
};

fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Dialogue::new(&SMTP, look)))
}

/// How two programs talk in lines.
pub struct Manner {
    pub protocol: &'static str,
    /// What a line of the client means. It has no line end.
    pub command: fn(&str) -> &'static str,
    /// Whether text follows this line of the client, up to a lone dot.
    pub text_follows: fn(&str) -> bool,
    /// What a line of a reply means, and whether more lines belong to it;
    /// `None` if this is no reply.
    pub reply: fn(&[u8]) -> Option<(&'static str, bool)>,
    /// Whether text may follow a reply, up to a lone dot.
    pub reply_with_text: bool,
    /// Whether the server speaks first.
    pub greets: bool,
    pub text: &'static str,
}

static SMTP: Manner = Manner {
    protocol: "SMTP",
    command: |line| {
        let word = line.split([' ', ':']).next().unwrap_or_default();
        match word.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => "this is who I am",
            "MAIL" => "the envelope: from whom",
            "RCPT" => "the envelope: to whom",
            "DATA" => "a letter comes",
            "RSET" => "forget the envelope",
            "QUIT" => "that was all",
            "STARTTLS" => "encrypted from here on",
            "AUTH" => "this is my name and my password",
            "NOOP" => "are you there?",
            _ => "a line",
        }
    },
    text_follows: |line| line.trim_end().eq_ignore_ascii_case("DATA"),
    reply: reply_with_code,
    reply_with_text: false,
    greets: true,
    text: "a letter",
};

/// A reply that begins with three digits, as in SMTP and FTP.
pub fn reply_with_code(line: &[u8]) -> Option<(&'static str, bool)> {
    let (code, rest) = line.split_at_checked(3)?;
    let digits = code.iter().all(u8::is_ascii_digit);
    let goes_on = rest.first() == Some(&b'-');
    let fits = digits && (goes_on || matches!(rest.first(), None | Some(b' ')));
    let meaning = match code[0] {
        b'1' | b'2' => "yes",
        b'3' => "go on",
        b'4' => "not now",
        b'5' => "no",
        _ => return None,
    };
    fits.then_some((meaning, goes_on))
}

/// What is another one in each letter, replaced by something of that kind.
fn by_chance(line: &[u8]) -> Option<Vec<u8>> {
    let line = str::from_utf8(line).ok()?;
    let (name, _) = line.split_once(": ")?;
    let text = match name.to_ascii_lowercase().as_str() {
        "date" => "Mon, 1 Jan 2024 12:00:00 +0000",
        "message-id" => "<by-chance@localhost>",
        _ => return None,
    };
    Some(format!("{name}: {text}\r\n").into_bytes())
}

/// One side of such a talk.
pub struct Dialogue {
    manner: &'static Manner,
    look: Look,
    line: Raw,
    /// Of the message that has not ended yet.
    length: u64,
    summary: String,
    parts: Vec<Part>,
    shown: usize,
    hidden: u64,
    state: State,
    greeted: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Lines,
    Header,
    Body,
    /// Not this protocol, to the end.
    Other,
}

impl Dialogue {
    pub fn new(manner: &'static Manner, look: Look) -> Self {
        Self {
            manner,
            look,
            line: Raw::default(),
            length: 0,
            summary: String::new(),
            parts: Vec::new(),
            shown: 0,
            hidden: 0,
            state: State::Lines,
            greeted: !manner.greets,
        }
    }

    fn take_line(&mut self, found: &mut Vec<Message>) {
        let line = std::mem::take(&mut self.line.kept);
        let length = std::mem::take(&mut self.line.length);
        let bare = line.strip_suffix(b"\n").unwrap_or(&line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        let is_reply = (self.manner.reply)(bare).is_some();
        let text = self.look.side == Side::Server
            && self.manner.reply_with_text
            && self.greeted
            && !is_reply;
        if self.state == State::Lines && text && is_text(bare) {
            // A letter begins with a header.
            let name = bare.split(|byte| *byte == b':').next();
            let header = name.is_some_and(|name| {
                name.len() < bare.len() && name.iter().all(u8::is_ascii_graphic)
            });
            let (state, summary) = match header {
                true => (State::Header, self.manner.text),
                false => (State::Body, "a list"),
            };
            (self.state, self.summary) = (state, summary.to_owned());
        }
        match (self.state, self.look.side) {
            (State::Lines, side) => {
                let reply = (self.manner.reply)(bare);
                let fits = side == Side::Client || reply.is_some();
                if !is_text(bare) || !fits {
                    self.end(found, Link::Free);
                    self.state = State::Other;
                    self.line.kept = line;
                    self.line.length = length;
                    return;
                }
                let text = printable(bare);
                let (meaning, goes_on) = match (side, reply) {
                    (Side::Server, Some(reply)) => reply,
                    _ => ((self.manner.command)(&text), false),
                };
                if self.parts.is_empty() {
                    self.summary = text.clone();
                }
                self.add(&line, length, meaning);
                if goes_on {
                    return;
                }
                let greeting = side == Side::Server && !self.greeted;
                self.greeted = true;
                self.end(
                    found,
                    match side {
                        _ if greeting => Link::Free,
                        Side::Client => Link::Asks,
                        Side::Server => Link::Answers,
                    },
                );
                if side == Side::Client && (self.manner.text_follows)(&text) {
                    self.state = State::Header;
                    self.summary = self.manner.text.to_owned();
                }
            }
            (_, side) if line == b".\r\n" => {
                self.add(&line, length, "that was all of it");
                let link = match side {
                    Side::Client => Link::Asks,
                    Side::Server => Link::Free,
                };
                self.end(found, link);
                self.state = State::Lines;
            }
            (state, _) => {
                let meaning = match state {
                    _ if line.starts_with(b".") => "a dot that was doubled",
                    State::Header if bare.is_empty() => "the header ends",
                    State::Header => "header",
                    _ => "text",
                };
                if bare.is_empty() {
                    self.state = State::Body;
                }
                let shown = match state {
                    State::Header if self.look.normalise => by_chance(bare),
                    _ => None,
                };
                match shown {
                    Some(shown) if length == line.len() as u64 => {
                        self.add(&shown, shown.len() as u64, meaning);
                        self.length = self.length + length - shown.len() as u64;
                    }
                    _ => self.add(&line, length, meaning),
                }
            }
        }
    }

    fn add(&mut self, line: &[u8], length: u64, meaning: &str) {
        self.length += length;
        self.shown += line.len();
        if self.shown > self.look.longest || self.parts.len() >= MOST_PARTS {
            self.hidden += length;
            return;
        }
        self.parts.push(Part::new(escaped(line), meaning));
        if length > line.len() as u64 {
            self.hidden += length - line.len() as u64;
        }
    }

    fn end(&mut self, found: &mut Vec<Message>, link: Link) {
        if self.length == 0 {
            return;
        }
        let mut parts = std::mem::take(&mut self.parts);
        if self.hidden > 0 {
            let more = format!("{} more", super::count(self.hidden));
            parts.push(Part::new("…", more));
        }
        found.push(Message {
            length: std::mem::take(&mut self.length),
            summary: std::mem::take(&mut self.summary),
            parts,
            link,
        });
        self.hidden = 0;
        self.shown = 0;
    }
}

impl Decoder for Dialogue {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.state == State::Other {
                return self.line.push(rest, self.look.longest);
            }
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (piece, after) =
                rest.split_at(end.map_or(rest.len(), |end| end + 1));
            self.line.push(piece, self.look.longest);
            rest = after;
            if end.is_some() {
                self.take_line(found);
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if self.state == State::Other {
            let other = format!("no {}, or encrypted", self.manner.protocol);
            if !self.line.is_empty() {
                found.push(self.line.take(&other));
            }
            return;
        }
        if !self.line.is_empty() {
            let length = self.line.length;
            let line = std::mem::take(&mut self.line.kept);
            if self.length == 0 && self.state == State::Lines {
                self.summary = printable(&line);
            }
            self.line.clear();
            self.add(&line, length, "a line without its end");
        }
        if self.length > 0 {
            self.summary += ", not finished";
        }
        self.end(found, Link::Free);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, decode_with, summaries};
    use super::super::{Side, weave};

    #[test]
    fn a_letter_is_one_message() {
        let client = decode(
            "smtp",
            Side::Client,
            b"EHLO c\r\ndata\r\nSubject: x\r\n\r\n..\r\n.\n\r\n.\r\nQUIT\r\n",
        );
        assert_eq!(summaries(&client), ["EHLO c", "data", "a letter", "QUIT"]);
        let meanings: Vec<&str> = client[2]
            .parts
            .iter()
            .map(|part| &part.meaning[..])
            .collect();
        assert_eq!(
            meanings,
            [
                "header",
                "the header ends",
                "a dot that was doubled",
                "a dot that was doubled",
                "text",
                "that was all of it"
            ]
        );
        let server = decode(
            "smtp",
            Side::Server,
            b"220 s\r\n250-s\r\n250 SIZE 9\r\n354 go\r\n250\r\n221 bye\r\n",
        );
        assert_eq!(
            summaries(&server),
            ["220 s", "250-s", "354 go", "250", "221 bye"]
        );
        assert_eq!(server[1].parts.len(), 2);
        let order: Vec<String> = weave(client, server)
            .into_iter()
            .map(|(_, message)| message.summary)
            .collect();
        assert_eq!(
            order.join(", "),
            "220 s, EHLO c, 250-s, data, 354 go, a letter, 250, QUIT, 221 bye"
        );
    }

    #[test]
    fn what_is_encrypted_is_not_explained() {
        let client =
            decode("smtp", Side::Client, b"STARTTLS\r\n\x16\x03\x01\x00\n.");
        assert_eq!(summaries(&client), ["STARTTLS", "no SMTP, or encrypted"]);
    }

    #[test]
    fn little_is_kept() {
        let long = [b"DATA\r\n", &b"x".repeat(500)[..], b"\r\n"].concat();
        let found = decode_with("smtp", Side::Client, &long, 100);
        assert_eq!(summaries(&found), ["DATA", "a letter, not finished"]);
        let lengths: Vec<u64> = found.iter().map(|one| one.length).collect();
        assert_eq!(lengths, [6, 502]);
    }
}
