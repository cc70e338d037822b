// ANCHOR: all
//! Reads a letter: mail-parser decodes, and the parts are found here. So none
//! swallows the next one when its end is missing, a boundary counts only at
//! the beginning of a line, and how deep parts lie in each other has a limit.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::html::html_to_text;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Address, DateTime, HeaderValue, Message};
use mail_parser::{MessageParser, MimeHeaders};

use crate::mend::{join_sections, join_words};

/// Parts that lie deeper are not taken apart.
const MAX_DEPTH: usize = 50;
/// Further parts are not taken apart.
const MAX_PARTS: usize = 1_000;

/// A letter, taken apart.
#[derive(Debug)]
pub struct Letter<'a> {
    /// The tree of its parts, from top to bottom; the first is the letter.
    pub parts: Vec<Part<'a>>,
}

/// Something of a letter that has a type.
#[derive(Debug)]
pub struct Part<'a> {
    /// How deep it lies in the others.
    pub depth: usize,
    /// Such as `text/plain`.
    pub kind: String,
    /// The name of the file, as the letter gives it: never use it for a path.
    pub name: Option<String>,
    /// Whether it is part of a letter that is attached.
    inner: bool,
    attached: bool,
    head: Option<Message<'static>>,
    body: &'a [u8],
}

impl<'a> Letter<'a> {
    /// Takes apart any bytes at all.
    pub fn parse(raw: &'a [u8]) -> Self {
        let mut parts = Vec::new();
        take_apart(raw, 0, false, "text/plain", &mut parts);
        Self { parts }
    }

    fn head(&self) -> Option<&Message<'static>> {
        self.parts.first()?.head.as_ref()
    }

    pub fn subject(&self) -> Option<&str> {
        self.head()?.subject()
    }

    /// Names (they may be empty) and addresses from a field such as `From`.
    /// Groups are shown as their members.
    pub fn addresses(&self, field: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let values = self.head().map(|head| head.header_values(field));
        for value in values.into_iter().flatten() {
            let HeaderValue::Address(list) = value else {
                continue;
            };
            let list: Vec<_> = match list {
                Address::List(list) => list.iter().collect(),
                Address::Group(groups) => {
                    groups.iter().flat_map(|group| &group.addresses).collect()
                }
            };
            found.extend(list.into_iter().filter_map(|one| {
                let name = one.name().unwrap_or_default().to_owned();
                Some((name, one.address()?.to_owned()))
            }));
        }
        found
    }

    /// A field's text, as it stands.
    pub fn texts(&self, field: &str) -> Vec<String> {
        let values = self.head().map(|head| head.header_values(field));
        let texts = values.into_iter().flatten().filter_map(|value| {
            let text = match value {
                HeaderValue::Text(text) => text,
                HeaderValue::TextList(list) => list.first()?,
                _ => return None,
            };
            Some(text.to_string())
        });
        texts.collect()
    }

    /// When it was written: `None` if it does not say so, `Some(None)` if what
    /// it says is no time at all.
    pub fn date(&self) -> Option<Option<DateTime>> {
        let value = self.head()?.header("Date")?;
        let Some(date) = value.as_datetime().copied() else {
            return Some(None);
        };
        // The library takes 31 February, and 25 o'clock.
        let same = DateTime::from_timestamp(date.to_timestamp_local());
        let is_real = (same.month, same.day, same.hour, same.minute)
            == (date.month, date.day, date.hour, date.minute);
        Some(is_real.then_some(date))
    }

    /// What there is to read.
    pub fn text(&self) -> String {
        let of = |kind: &str| {
            let parts = self.parts.iter().filter(|part| {
                part.kind == kind && !part.inner && !part.attached
            });
            parts.map(Part::text).collect::<Vec<_>>().join("\n")
        };
        let plain = of("text/plain");
        if !plain.trim().is_empty() {
            return plain;
        }
        let html = of("text/html");
        let html = if html.is_empty() {
            html
        } else {
            html_to_text(&html)
        };
        match self.parts.first() {
            // What should have parts and has none is shown as it is.
            Some(top) if html.is_empty() && self.parts.len() == 1 => {
                if top.kind.starts_with("multipart/") {
                    top.text()
                } else {
                    plain
                }
            }
            _ if html.is_empty() => plain,
            _ => html,
        }
    }

    /// What can be saved.
    pub fn attachments(&self) -> impl Iterator<Item = &Part<'a>> {
        self.parts.iter().filter(|part| {
            let is_text = part.kind.starts_with("text/");
            let holds = part.kind.starts_with("multipart/");
            !part.inner && !holds && (part.attached || !is_text)
        })
    }
}

impl Part<'_> {
    /// Its bytes, without the encoding for the way.
    pub fn bytes(&self) -> Vec<u8> {
        let way = self
            .head
            .as_ref()
            .and_then(Message::content_transfer_encoding);
        // A comment may stand after the word.
        let way = way.unwrap_or_default();
        let way = way.split([' ', '\t', '(', ';']).next().unwrap_or_default();
        let decoded = match way.to_ascii_lowercase().as_str() {
            "base64" => base64_decode(self.body),
            "quoted-printable" => quoted_printable_decode(self.body),
            _ => None,
        };
        decoded.unwrap_or_else(|| self.body.to_owned())
    }

    /// Its bytes as text, in whatever character set they are.
    pub fn text(&self) -> String {
        let bytes = self.bytes();
        let kind = self.head.as_ref().and_then(Message::content_type);
        let charset = kind.and_then(|kind| kind.attribute("charset"));
        let decode = charset.and_then(|name| charset_decoder(name.as_bytes()));
        match decode {
            Some(decode) => decode(&bytes),
            None => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// Appends a part and all that it consists of.
fn take_apart<'a>(
    raw: &'a [u8],
    depth: usize,
    inner: bool,
    default: &str,
    parts: &mut Vec<Part<'a>>,
) {
    let (head_bytes, body) = split_head(raw);
    let mended = join_words(head_bytes);
    let parser = MessageParser::default();
    let head = parser.parse_headers(&mended).map(Message::into_owned);
    let kind = head.as_ref().and_then(Message::content_type);
    let boundary = kind.and_then(|kind| kind.attribute("boundary"));
    let boundary = boundary.map(|text| format!("--{text}"));
    let kind = kind.map_or(default.to_owned(), |kind| {
        let sub = kind.subtype().unwrap_or("plain");
        format!("{}/{sub}", kind.ctype()).to_ascii_lowercase()
    });
    let name = file_name(head.as_ref(), head_bytes);
    let disposition = head.as_ref().and_then(Message::content_disposition);
    let attached =
        disposition.is_some_and(|how| how.is_attachment()) || name.is_some();
    let encoded = head.as_ref().and_then(Message::content_transfer_encoding);
    let encoded = encoded.is_some_and(|way| {
        let way = way.to_ascii_lowercase();
        way.starts_with("base64") || way.starts_with("quoted")
    });
    let is_letter = kind == "message/rfc822" && !encoded;
    let digest = kind == "multipart/digest";
    let multipart = kind.starts_with("multipart/");
    parts.push(Part {
        depth,
        kind,
        name,
        inner,
        attached,
        head,
        body,
    });
    if depth >= MAX_DEPTH {
        return;
    }
    let pieces = match boundary {
        Some(boundary) if multipart => split_body(body, boundary.as_bytes()),
        _ if is_letter => vec![body],
        _ => return,
    };
    let default = if digest {
        "message/rfc822"
    } else {
        "text/plain"
    };
    for piece in pieces {
        if parts.len() >= MAX_PARTS {
            break;
        }
        take_apart(piece, depth + 1, inner || is_letter, default, parts);
    }
}

/// The header and the body, between which there is an empty line.
fn split_head(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if matches!(line, b"\r\n" | b"\n") {
            break;
        }
    }
    raw.split_at(end)
}

// ANCHOR: split
/// What stands between the boundaries (RFC 2046, 5.1.1). What comes before the
/// first and after the last is for nobody.
fn split_body<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let (mut begin, mut at) = (None, 0);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let rest = line.strip_prefix(boundary).map(<[u8]>::trim_ascii_end);
        let next = at + line.len();
        if let Some(b"" | b"--") = rest {
            // The line end before the boundary belongs to the boundary.
            pieces.extend(begin.map(|begin| {
                let piece = &body[begin..at];
                let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
                piece.strip_suffix(b"\r").unwrap_or(piece)
            }));
            begin = (rest == Some(b"")).then_some(next);
            if begin.is_none() {
                return pieces;
            }
        }
        at = next;
    }
    // The end is missing: the last part reaches to the end of what holds it.
    pieces.extend(begin.map(|begin| &body[begin..]));
    pieces
}
// ANCHOR_END: split

/// The name of the file from either of the fields that may have it.
fn file_name(head: Option<&Message>, raw: &[u8]) -> Option<String> {
    let head = head?;
    let found = head.attachment_name().map(str::to_owned);
    if !raw.windows(2).any(|two| two == b"*1") {
        return found;
    }
    let fields = ["Content-Disposition", "Content-Type"];
    let joined = fields.into_iter().zip(["filename", "name"]);
    let joined = joined.filter_map(|(field, parameter)| {
        join_sections(head.header_raw(field)?, parameter)
    });
    joined.into_iter().next().or(found)
}
// ANCHOR_END: all
