//! HTTP/1.1 (RFC 9112): requests, answers, and bodies by length or in chunks.

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, MOST_PARTS, Message, Part, Raw, Side, count,
    escaped, is_text, no_parameter, printable,
};

pub static KIND: Kind = Kind {
    name: "http1",
    about: "HTTP/1.1: requests, answers and their bodies",
    datagrams: false,
    make,
};

fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Http {
        look,
        state: State::Start,
        taken: Raw::default(),
        message: Unfinished::default(),
    }))
}

/// What comes next: a line, or so many bytes.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Header,
    Body(u64),
    /// The line with a chunk's size, and the chunk with its line end.
    Size,
    Chunk(u64),
    /// Lines behind the last chunk.
    Trailer,
    /// A body that ends with the connection.
    Rest,
    /// Not this protocol, to the end.
    Other,
}

/// A message that has begun.
#[derive(Default)]
struct Unfinished {
    length: u64,
    summary: String,
    parts: Vec<Part>,
    shown: usize,
    hidden: u64,
    /// Of an answer.
    status: Option<u16>,
    /// What its header says of its body.
    says: Option<u64>,
    chunked: bool,
}

struct Http {
    look: Look,
    state: State,
    taken: Raw,
    message: Unfinished,
}

/// Of a first line its summary, its meaning, and the status of an answer.
fn first(line: &str, side: Side) -> Option<(&str, &'static str, Option<u16>)> {
    if side == Side::Client {
        let (asked, version) = line.rsplit_once(' ')?;
        let (method, _) = asked.split_once(' ')?;
        let fits = method.bytes().all(|byte| byte.is_ascii_uppercase());
        let fits = fits && version.starts_with("HTTP/1.");
        return fits.then_some((asked, "what is to be done, and where", None));
    }
    let (version, said) = line.split_once(' ')?;
    let status = said.get(..3)?.parse().ok()?;
    let meaning = match status {
        100..200 => "the answer will come",
        200..300 => "yes",
        300..400 => "look elsewhere",
        400..500 => "no: the request is at fault",
        500..600 => "no: the server is at fault",
        _ => return None,
    };
    let known = version.starts_with("HTTP/1.");
    known.then_some((said, meaning, Some(status)))
}

impl Http {
    fn take_line(&mut self, found: &mut Vec<Message>) {
        let Raw { kept: line, length } = std::mem::take(&mut self.taken);
        let bare = line.trim_ascii_end();
        let text = printable(bare);
        match self.state {
            State::Start => {
                let known = first(&text, self.look.side);
                let Some((summary, meaning, status)) =
                    known.filter(|_| is_text(bare))
                else {
                    self.state = State::Other;
                    self.taken = Raw { kept: line, length };
                    return;
                };
                self.message.status = status;
                self.message.summary = summary.to_owned();
                self.add(&line, length, meaning);
                self.state = State::Header;
            }
            State::Header if bare.is_empty() => {
                self.add(&line, length, "the header ends");
                self.state = self.after_header();
                if self.state == State::Start {
                    self.end(found);
                }
            }
            State::Header => self.header(&line, length, &text),
            State::Size => {
                let size = text.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(size, 16).ok();
                let (state, meaning) = match size {
                    Some(0) => (State::Trailer, "no chunk follows"),
                    Some(size) if size < 1 << 60 => {
                        (State::Chunk(size + 2), "a chunk's length, in hex")
                    }
                    _ => (State::Rest, "no length of a chunk"),
                };
                self.add(&line, length, meaning);
                self.state = state;
            }
            _ if bare.is_empty() => {
                self.add(&line, length, "the body ends");
                self.end(found);
            }
            _ => self.add(&line, length, "a header behind the body"),
        }
    }

    fn header(&mut self, line: &[u8], length: u64, text: &str) {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let (known, value) = (name.to_ascii_lowercase(), value.trim());
        let meaning = match known.as_str() {
            "content-length" => "so long is the body",
            "transfer-encoding" => "the body comes in chunks",
            "host" => "for which host this is",
            "content-type" => "what the body is",
            "etag" => "the version of what is shown",
            "if-match" => "only if this is still the version",
            "location" => "where it is",
            "connection" => "whether the connection goes on",
            _ => "header",
        };
        if known == "content-length" {
            self.message.says = value.parse().ok();
        }
        self.message.chunked |=
            known == "transfer-encoding" && value.ends_with("chunked");
        // What differs each time is replaced by something of its kind.
        let shown = match known.as_str() {
            "date" => Some("Mon, 01 Jan 2024 12:00:00 GMT"),
            // The relay has another port each time.
            "host" if value.starts_with("127.0.0.1:") => Some("127.0.0.1:8080"),
            "server" | "user-agent" => value.split('/').next(),
            _ => None,
        };
        match shown.filter(|_| self.look.normalise) {
            Some(shown) => {
                let shown = format!("{name}: {shown}\r\n");
                self.add(shown.as_bytes(), shown.len() as u64, meaning);
                self.message.length += length;
                self.message.length -= shown.len() as u64;
            }
            None => self.add(line, length, meaning),
        }
    }

    /// The header says where the message ends (RFC 9112, section 6.3). That
    /// an answer is to HEAD, and has no body, cannot be seen from here.
    fn after_header(&self) -> State {
        let message = &self.message;
        match (message.status, message.chunked, message.says) {
            (Some(100..200 | 204 | 304), ..) => State::Start,
            (_, true, _) => State::Size,
            (_, _, Some(0)) | (None, _, None) => State::Start,
            (_, _, Some(length)) => State::Body(length),
            (Some(_), _, None) => State::Rest,
        }
    }

    fn add(&mut self, bytes: &[u8], length: u64, meaning: &str) {
        let message = &mut self.message;
        message.length += length;
        message.shown += bytes.len();
        let full = message.parts.len() >= MOST_PARTS;
        if message.shown > self.look.longest || full {
            message.hidden += length;
            return;
        }
        message.parts.push(Part::new(escaped(bytes), meaning));
        message.hidden += length.saturating_sub(bytes.len() as u64);
    }

    /// What was taken of a body, or of a line that does not end.
    fn add_taken(&mut self, meaning: &str) {
        let Raw { kept, length } = std::mem::take(&mut self.taken);
        if length > 0 {
            self.add(&kept, length, meaning);
        }
    }

    fn end(&mut self, found: &mut Vec<Message>) {
        self.state = State::Start;
        let link = match self.message.status {
            None => Link::Asks,
            Some(100..200) => Link::Part,
            Some(_) => Link::Answers,
        };
        self.push(found, link);
    }

    fn push(&mut self, found: &mut Vec<Message>, link: Link) {
        let message = std::mem::take(&mut self.message);
        let (length, mut parts) = (message.length, message.parts);
        if message.hidden > 0 {
            let more = format!("{} more", count(message.hidden));
            parts.push(Part::new("…", more));
        }
        let summary = message.summary;
        found.push(Message {
            length,
            summary,
            parts,
            link,
        });
    }
}

impl Decoder for Http {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let longest = self.look.longest;
        let mut rest = bytes;
        while !rest.is_empty() {
            let line = rest.iter().position(|byte| *byte == b'\n');
            let wanted = match self.state {
                State::Other | State::Rest => rest.len(),
                State::Body(left) | State::Chunk(left) => {
                    usize::try_from(left).unwrap_or(usize::MAX)
                }
                _ => line.map_or(rest.len(), |end| end + 1),
            };
            let (piece, after) = rest.split_at(wanted.min(rest.len()));
            self.taken.push(piece, longest);
            rest = after;
            let length = piece.len() as u64;
            match self.state {
                State::Other | State::Rest => {}
                State::Body(left) if left == length => {
                    self.add_taken("the body");
                    self.end(found);
                }
                State::Chunk(left) if left == length => {
                    self.add_taken("a chunk");
                    self.state = State::Size;
                }
                State::Body(left) => self.state = State::Body(left - length),
                State::Chunk(left) => self.state = State::Chunk(left - length),
                _ if line.is_some() => self.take_line(found),
                _ => {}
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if self.state == State::Other {
            found.push(self.taken.take("no HTTP/1, or encrypted"));
            return;
        }
        if self.message.length == 0 {
            self.message.summary = printable(&self.taken.kept);
        }
        let is_body = matches!(self.state, State::Rest | State::Body(_));
        let line = "a line without its end";
        self.add_taken(if is_body { "the body" } else { line });
        if self.state == State::Rest {
            return self.end(found);
        }
        if self.message.length > 0 {
            self.message.summary += ", not finished";
            self.push(found, Link::Free);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, decode_with, summaries};
    use super::super::{Link, Side};

    const POST: &[u8] = b"POST /cats HTTP/1.1\r\nHost: x\r\n\
        Content-Length: 5\r\n\r\nhelloGET /a HTTP/1.1\r\nHost: x\r\n\r\n";

    #[test]
    fn requests_and_answers() {
        let found = decode("http1", Side::Client, POST);
        assert_eq!(summaries(&found), ["POST /cats", "GET /a"]);
        assert_eq!(found[0].parts.last().unwrap().bytes, "hello");
        let found = decode(
            "http1",
            Side::Server,
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\
              HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
              5\r\nhello\r\n0\r\nX: y\r\n\r\nHTTP/1.0 404 Not Found\r\n\
              Date: today\r\n\r\nto the end",
        );
        assert_eq!(
            summaries(&found),
            ["100 Continue", "204 No Content", "200 OK", "404 Not Found"]
        );
        assert_eq!(found[0].link, Link::Part);
        assert_eq!(found[2].parts[4].bytes, "hello\\r\\n");
        assert_eq!(found[2].parts[6].meaning, "a header behind the body");
        let date = "Date: Mon, 01 Jan 2024 12:00:00 GMT\\r\\n";
        assert_eq!(found[3].parts[1].bytes, date);
        assert_eq!(found[3].parts[3].bytes, "to the end");
    }

    #[test]
    fn what_is_no_http_and_what_does_not_end() {
        let other = "no HTTP/1, or encrypted";
        for (side, bytes, summary) in [
            (Side::Server, &b"220 mail.test ESMTP\r\n"[..], other),
            (Side::Client, b"\x16\x03\x01\0\n", other),
            (Side::Client, b"GET / HTTP/1.1\r\nHo", "GET /, not finished"),
            (Side::Client, &POST[..53], "POST /cats, not finished"),
        ] {
            let found = decode("http1", side, bytes);
            assert_eq!(summaries(&found), [summary]);
            assert_eq!(found[0].length, bytes.len() as u64);
        }
        let long = [&POST[..30], b"Content-Length: 500\r\n\r\n"].concat();
        let long = [&long[..], &b"x".repeat(500)].concat();
        let found = decode_with("http1", Side::Client, &long, 100);
        assert_eq!(summaries(&found), ["POST /cats"]);
        assert_eq!(found[0].length, long.len() as u64);
    }
}
