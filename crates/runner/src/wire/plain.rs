//! A stream of which nothing is known: lines of text as long as it is text,
//! hexadecimal from the first byte that is none.

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, Message, Part, Raw, escaped, is_text,
    no_parameter, printable,
};

pub static KIND: Kind = Kind {
    name: "stream",
    about: "a plain stream: lines of text, else hexadecimal",
    datagrams: false,
    make,
};

pub fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Plain {
        look,
        pending: Raw::default(),
        binary: false,
    }))
}

struct Plain {
    look: Look,
    pending: Raw,
    binary: bool,
}

impl Plain {
    fn take_line(&mut self, found: &mut Vec<Message>) {
        let line = &self.pending.kept;
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        if self.pending.is_cut() {
            found.push(self.pending.take("a long line, its beginning"));
        } else if is_text(bare) {
            let end = match &line[bare.len()..] {
                b"" => "text without a line end",
                b"\n" => "a line",
                _ => "a line that ends in \\r\\n",
            };
            found.push(Message {
                length: self.pending.length,
                summary: printable(bare),
                parts: vec![Part::new(escaped(line), end)],
                link: Link::Free,
            });
            self.pending.clear();
        } else {
            // From here on there are no lines: the rest belongs to it.
            self.binary = true;
        }
    }
}

impl Decoder for Plain {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.binary {
                return self.pending.push(rest, self.look.longest);
            }
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (piece, after) =
                rest.split_at(end.map_or(rest.len(), |end| end + 1));
            self.pending.push(piece, self.look.longest);
            rest = after;
            if end.is_some() {
                self.take_line(found);
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if !self.binary && !self.pending.is_empty() {
            self.take_line(found);
        }
        if !self.pending.is_empty() {
            found.push(self.pending.take("bytes that are no text"));
        }
    }

    fn has_ends(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::Side;
    use super::super::tests::{decode, decode_with, summaries};

    #[test]
    fn lines_as_long_as_it_is_text() {
        let found =
            decode("stream", Side::Client, b"one\r\ntwo\n\nth\xc3\xbcree");
        assert_eq!(summaries(&found), ["one", "two", "", "thüree"]);
        assert_eq!(found[0].parts[0].bytes, "one\\r\\n");
        let found = decode("stream", Side::Client, b"text\n\0\x01\nmore\n");
        assert_eq!(summaries(&found), ["text", "bytes that are no text"]);
        assert_eq!(found[1].parts[0].bytes, "00 01 0a 6d 6f 72 65 0a");
        assert_eq!(found[1].parts[0].meaning, "...more.");
    }

    #[test]
    fn a_long_line_is_shown_by_its_beginning() {
        let line = [b"x".repeat(1000), b"\nshort\n".to_vec()].concat();
        let found = decode_with("stream", Side::Client, &line, 100);
        assert_eq!(summaries(&found), ["a long line, its beginning", "short"]);
        assert_eq!(found[0].length, 1001);
        assert_eq!(found[0].parts.last().unwrap().meaning, "937 bytes more");
    }
}
