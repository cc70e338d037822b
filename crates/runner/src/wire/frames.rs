//! The three classic framings of a stream: messages of a fixed size, with
//! their length before them, or with a delimiter after them.

use anyhow::{Context, Result, ensure};

use super::{
    Decoder, Kind, Link, Look, Message, Part, Raw, count, hex, hex_rows,
    is_text, limit_parts, no_parameter, printable,
};

pub static FIXED: Kind = Kind {
    name: "fixed",
    about: "frames of fixed=BYTES, filled up with zero bytes (32)",
    datagrams: false,
    make: fixed,
};

pub static LENGTH: Kind = Kind {
    name: "length",
    about: "frames that begin with their length, 4 bytes, highest first",
    datagrams: false,
    make: length,
};

pub static DELIMITER: Kind = Kind {
    name: "delimiter",
    about: "frames that end with the byte delimiter=HEX (0a)",
    datagrams: false,
    make: delimiter,
};

/// Who announces more than this does not speak the protocol.
const LONGEST_FRAME: u32 = 16 * 1024 * 1024;

pub fn fixed(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    let size = parameter.unwrap_or("32").parse().ok();
    let size = size.filter(|size| *size > 0);
    let size =
        size.context("fixed takes a number of bytes, such as fixed=32")?;
    Ok(Frames::boxed(Way::Fixed { size }, look))
}

pub fn length(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Frames::boxed(Way::Length, look))
}

pub fn delimiter(
    parameter: Option<&str>,
    look: Look,
) -> Result<Box<dyn Decoder>> {
    let text = parameter.unwrap_or("0a");
    let byte = u8::from_str_radix(text, 16).context(
        "delimiter takes a byte in hexadecimal, such as delimiter=0a",
    )?;
    ensure!(text.len() == 2, "a byte has two digits");
    Ok(Frames::boxed(Way::Delimiter { byte }, look))
}

#[derive(Clone, Copy)]
enum Way {
    Fixed { size: u64 },
    Length,
    Delimiter { byte: u8 },
}

struct Frames {
    way: Way,
    look: Look,
    /// The frame so far, its length prefix with it.
    frame: Raw,
    /// The length prefix so far.
    prefix: Vec<u8>,
    lost: bool,
}

impl Frames {
    fn boxed(way: Way, look: Look) -> Box<dyn Decoder> {
        Box::new(Self {
            way,
            look,
            frame: Raw::default(),
            prefix: Vec::new(),
            lost: false,
        })
    }

    /// How many of the next bytes belong to the frame, and whether it ends
    /// with them.
    fn next(&mut self, bytes: &[u8]) -> (usize, bool) {
        let up_to = |left: u64| match usize::try_from(left) {
            Ok(left) if left <= bytes.len() => (left, true),
            _ => (bytes.len(), false),
        };
        match self.way {
            Way::Fixed { size } => up_to(size - self.frame.length),
            Way::Delimiter { byte } => {
                let end = bytes.iter().position(|one| *one == byte);
                (end.map_or(bytes.len(), |end| end + 1), end.is_some())
            }
            Way::Length => {
                if let Ok(prefix) = <[u8; 4]>::try_from(&self.prefix[..]) {
                    let length = u32::from_be_bytes(prefix);
                    return up_to(4 + u64::from(length) - self.frame.length);
                }
                let taken = bytes.len().min(4 - self.prefix.len());
                self.prefix.extend_from_slice(&bytes[..taken]);
                match <[u8; 4]>::try_from(&self.prefix[..]) {
                    Ok([0, 0, 0, 0]) => (taken, true),
                    Ok(prefix) => {
                        self.lost = u32::from_be_bytes(prefix) > LONGEST_FRAME;
                        (taken, false)
                    }
                    Err(_) => (taken, false),
                }
            }
        }
    }

    fn take_frame(&mut self) -> Message {
        self.prefix.clear();
        if self.frame.is_cut() {
            return self.frame.take("a long frame, its beginning");
        }
        let frame = &self.frame.kept;
        let mut parts = Vec::new();
        let message = match self.way {
            Way::Fixed { .. } => {
                let end = frame.iter().rposition(|byte| *byte != 0);
                let message = &frame[..end.map_or(0, |end| end + 1)];
                parts.extend(hex_rows(message));
                let padding = &frame[message.len()..];
                if !padding.is_empty() {
                    let bytes = if padding.len() > 4 {
                        "00 00 … 00".to_owned()
                    } else {
                        hex(padding)
                    };
                    let zeros = match padding.len() {
                        1 => "a zero byte".to_owned(),
                        many => format!("{many} zero bytes"),
                    };
                    let size = frame.len();
                    parts.push(Part::new(
                        bytes,
                        format!("up to {size} bytes: {zeros}"),
                    ));
                }
                message
            }
            Way::Length => {
                let (prefix, message) = frame.split_at(4);
                let length = message.len() as u64;
                parts.push(Part::new(
                    hex(prefix),
                    format!("the length: {}", count(length)),
                ));
                parts.extend(hex_rows(message));
                message
            }
            Way::Delimiter { byte } => {
                let message = &frame[..frame.len() - 1];
                parts.extend(hex_rows(message));
                let name = match byte {
                    b'\n' => "the delimiter, a line feed",
                    _ => "the delimiter",
                };
                parts.push(Part::new(hex(&[byte]), name));
                message
            }
        };
        let summary = if message.is_empty() {
            "an empty message".to_owned()
        } else if is_text(message) {
            printable(message)
        } else {
            "a message that is no text".to_owned()
        };
        limit_parts(&mut parts);
        let message = Message {
            length: self.frame.length,
            summary,
            parts,
            link: Link::Free,
        };
        self.frame.clear();
        message
    }
}

impl Decoder for Frames {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.lost {
                return self.frame.push(rest, self.look.longest);
            }
            let (taken, ends) = self.next(rest);
            self.frame.push(&rest[..taken], self.look.longest);
            rest = &rest[taken..];
            if ends {
                found.push(self.take_frame());
            }
        }
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if !self.frame.is_empty() {
            let what = if self.lost {
                "bytes that are no frame"
            } else {
                "the beginning of a frame that does not end"
            };
            found.push(self.frame.take(what));
            self.prefix.clear();
        }
    }

    fn has_ends(&self) -> bool {
        !self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::super::Side;
    use super::super::tests::{decode, decode_with, summaries};

    #[test]
    fn frames_of_each_kind() {
        let fixed = b"Hello!\0\0Hello!!!\0\0\0\0\0\0\0\0Hel";
        let found = decode("fixed=8", Side::Client, fixed);
        assert_eq!(
            summaries(&found),
            [
                "Hello!",
                "Hello!!!",
                "an empty message",
                "the beginning of a frame that does not end"
            ]
        );
        assert_eq!(found[0].parts[1].bytes, "00 00");
        assert_eq!(found[0].parts[1].meaning, "up to 8 bytes: 2 zero bytes");

        let length = b"\0\0\0\x06Hello!\0\0\0\0\0\0\0\x02\xff\0\0\0";
        let found = decode("length", Side::Server, length);
        assert_eq!(
            summaries(&found),
            [
                "Hello!",
                "an empty message",
                "a message that is no text",
                "the beginning of a frame that does not end"
            ]
        );
        assert_eq!(found[0].length, 10);
        assert_eq!(found[0].parts[0].bytes, "00 00 00 06");

        let found = decode("delimiter", Side::Client, b"Hello!\n\nHel");
        assert_eq!(
            summaries(&found),
            [
                "Hello!",
                "an empty message",
                "the beginning of a frame that does not end"
            ]
        );
        let found = decode("delimiter=7c", Side::Client, b"a|b\n|");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_is_no_frame_is_shown_in_hex() {
        let found = decode("length", Side::Client, b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(summaries(&found), ["bytes that are no frame"]);
        assert_eq!(found[0].parts[0].meaning, "GET / HTTP/1.1..");
    }

    #[test]
    fn a_long_frame_is_shown_by_its_beginning() {
        let mut stream = vec![0, 0, 3, 0xe8];
        stream.extend([b'x'; 1000]);
        stream.extend(b"\0\0\0\x02ok");
        let found = decode_with("length", Side::Client, &stream, 100);
        assert_eq!(summaries(&found), ["a long frame, its beginning", "ok"]);
        assert_eq!(found[0].length, 1004);
    }
}
