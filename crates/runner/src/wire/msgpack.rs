//! MessagePack: each value is a message. ZeroMQ's decoder gives it the bodies
//! of messages, too: `zmtp=msgpack`.

// The section msgpack has the same file, and a test compares them.
mod explain;

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, Message, Part, Raw, limit_parts, no_parameter,
    printable,
};
use explain::{Explained, explain};

pub static KIND: Kind = Kind {
    name: "msgpack",
    about: "MessagePack: values, one after the other",
    datagrams: false,
    make,
};

pub fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(MessagePack {
        look,
        pending: Raw::default(),
        head: Vec::new(),
        left: 1,
        body: 0,
        lost: false,
    }))
}

/// The rows of `bytes` and their text, if they are one value and no more.
pub fn whole(bytes: &[u8]) -> Option<(Vec<Part>, String)> {
    let explained = explain(bytes);
    let whole = explained.end == Ok(bytes.len());
    whole.then(|| (parts(&explained, bytes), explained.text))
}

fn parts(explained: &Explained, bytes: &[u8]) -> Vec<Part> {
    let mut parts: Vec<Part> = explained
        .rows
        .iter()
        .map(|row| {
            let meaning = format!("{}{}", row.indent(), row.meaning);
            Part::new(row.hex(bytes), meaning)
        })
        .collect();
    limit_parts(&mut parts);
    parts
}

struct MessagePack {
    look: Look,
    /// The value so far.
    pending: Raw,
    /// The head of the value in it that is being read.
    head: Vec<u8>,
    /// How many values there are still to come, those of open arrays and
    /// maps among them.
    left: u64,
    /// How many bytes of text, bytes or extension are still to come.
    body: u64,
    lost: bool,
}

impl MessagePack {
    /// How many of the next bytes belong to the value.
    fn next(&mut self, bytes: &[u8]) -> usize {
        if self.body > 0 {
            let taken = usize::try_from(self.body)
                .map_or(bytes.len(), |body| body.min(bytes.len()));
            self.body -= taken as u64;
            return taken;
        }
        self.head.push(bytes[0]);
        match explain::follows(&self.head) {
            // Its head is longer.
            Ok(None) => {}
            Ok(Some((body, values))) => {
                self.head.clear();
                self.body = body;
                self.left = (self.left - 1).saturating_add(values);
            }
            Err(_) => self.lost = true,
        }
        1
    }

    fn take(&mut self) -> Message {
        self.left = 1;
        if self.pending.is_cut() {
            return self.pending.take("a long value, its beginning");
        }
        let value = std::mem::take(&mut self.pending);
        let explained = explain(&value.kept);
        Message {
            length: value.length,
            summary: printable(explained.text.as_bytes()),
            parts: parts(&explained, &value.kept),
            link: Link::Free,
        }
    }
}

impl Decoder for MessagePack {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.lost {
                return self.pending.push(rest, self.look.longest);
            }
            let taken = self.next(rest);
            self.pending.push(&rest[..taken], self.look.longest);
            rest = &rest[taken..];
            if self.left == 0 && self.body == 0 {
                found.push(self.take());
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if self.pending.is_empty() {
            return;
        }
        found.push(self.pending.take(if self.lost {
            "bytes that are no MessagePack"
        } else {
            "the beginning of a value that does not end"
        }));
        self.head.clear();
        (self.left, self.body) = (1, 0);
    }

    fn has_ends(&self) -> bool {
        !self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::super::Side::{Client, Server};
    use super::super::tests::{decode, decode_with, summaries};

    /// The bytes of msgpack-python 1.2.4 for the same values.
    #[test]
    fn values_one_after_the_other() {
        let stream = b"\x81\xa5Wears\x82\xa3cat\xa4catA\xa3hat\xa4hatB\
            \x01\x93\xc0\xc2\xcb?\xb9\x99\x99\x99\x99\x99\x9a\
            \xc4\x02\x01\xc8\xd6\xffe\x53\xf1\0\x80\x90";
        let found = decode("msgpack", Client, stream);
        assert_eq!(
            summaries(&found),
            [
                r#"{"Wears": {"cat": "catA", "hat": "hatB"}}"#,
                "1",
                "[null, false, 0.1]",
                "h'01c8'",
                "@2023-11-14T22:13:20Z",
                "{}",
                "[]",
            ]
        );
        let rows: Vec<(&str, &str)> = found[0].parts[..4]
            .iter()
            .map(|part| (part.bytes.as_str(), part.meaning.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("81", "map of 1"),
                ("a5 57 65 61 72 73", "  key \"Wears\""),
                ("82", "  map of 2"),
                ("a3 63 61 74", "    key \"cat\""),
            ]
        );
    }

    /// Made up.
    #[test]
    fn what_is_none_and_what_does_not_end() {
        let found = decode("msgpack", Server, b"\x01\x92\xc1\x01");
        assert_eq!(summaries(&found), ["1", "bytes that are no MessagePack"]);
        for cut in [&b"\x92\x01"[..], b"\xa5hi", b"\xdd\xff\xff", b"\xc7"] {
            let found = decode("msgpack", Server, cut);
            let what = "the beginning of a value that does not end";
            assert_eq!(summaries(&found), [what]);
        }
        let long = [&b"\xda\x03\xe8"[..], &[b'x'; 1000], b"\x01"].concat();
        let found = decode_with("msgpack", Client, &long, 100);
        assert_eq!(summaries(&found), ["a long value, its beginning", "1"]);
        assert_eq!(found[0].length, 1003);
    }

    /// The section teaches with the reader that explains the wire.
    #[test]
    fn the_section_has_the_same_reader() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let section = std::path::Path::new(root).join("msgpack");
        if section.is_dir() {
            let theirs =
                std::fs::read_to_string(section.join("src/explain.rs"));
            assert!(theirs.unwrap() == include_str!("msgpack/explain.rs"));
        }
    }
}
