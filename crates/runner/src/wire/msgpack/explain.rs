//! What each byte of a MessagePack value means
//! (<https://github.com/msgpack/msgpack/blob/master/spec.md>). It needs no
//! type and only the standard library, and it takes any bytes: there is no
//! recursion, and nothing is set aside for a length that is only claimed.

use std::fmt::{self, Write as _};
use std::ops::Range;

/// So many rows are made; a longer value is read to its end all the same.
const MOST_ROWS: usize = 1000;
/// So many bytes the text of a value may have, before it is cut.
const LONGEST_TEXT: usize = 4000;
/// So many characters or bytes of one string are shown.
const WIDEST: usize = 40;
/// So many bytes of a row are shown in hexadecimal.
const MOST_HEX: usize = 12;
/// Rows that are deeper are indented like this.
const DEEPEST: usize = 16;

/// Some bytes of a value and what they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where they stand.
    pub bytes: Range<usize>,
    /// In how many arrays and maps they are.
    pub depth: usize,
    pub meaning: String,
}

impl Row {
    /// Two spaces for each array or map that it is in.
    pub fn indent(&self) -> String {
        "  ".repeat(self.depth.min(DEEPEST))
    }

    /// Its bytes in hexadecimal, of many only the first.
    pub fn hex(&self, bytes: &[u8]) -> String {
        let bytes = bytes.get(self.bytes.clone()).unwrap_or_default();
        let first = bytes.iter().take(MOST_HEX);
        let mut pairs: Vec<String> =
            first.map(|byte| format!("{byte:02x}")).collect();
        if bytes.len() > MOST_HEX {
            pairs.push("…".into());
        }
        pairs.join(" ")
    }
}

/// A value, or what came of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// One row for each value in it, maps and arrays before what they hold.
    pub rows: Vec<Row>,
    /// How many rows more there would be.
    pub left_out: usize,
    /// The value as in JSON, with `h'01c8'` for bytes and `@…` for times.
    pub text: String,
    /// How many bytes it takes; or where it is none, and why.
    pub end: Result<usize, Fault>,
}

/// Why bytes are no MessagePack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// At which byte, from 0.
    pub at: usize,
    pub why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "at byte {}: {}", self.at, self.why)
    }
}

/// Explains the first value in `bytes`; more may follow.
pub fn explain(bytes: &[u8]) -> Explained {
    let mut explained = Explained {
        rows: Vec::new(),
        left_out: 0,
        text: String::new(),
        end: Ok(0),
    };
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    loop {
        let (head, kind) = match head(&bytes[at..]) {
            Ok(found) => found,
            Err(why) => {
                explained.end = Err(Fault { at, why });
                return explained;
            }
        };
        let body = at + head;
        let rest = &bytes[body..];
        let length = kind.length();
        if length > rest.len() as u64 {
            let why = format!(
                "{} of {length} bytes, cut short after {}",
                kind.name(),
                rest.len()
            );
            explained.end = Err(Fault { at, why });
            return explained;
        }
        let end = body + length as usize;
        let (meaning, text) = kind.shown(&bytes[body..end]);
        explained.add(at..end, &open, meaning, &text);
        at = end;
        match kind {
            Kind::Array(count @ 1..) => open.push(Open::new(count, false)),
            Kind::Map(count @ 1..) => open.push(Open::new(count, true)),
            _ => {
                if explained.close(&mut open) {
                    explained.end = Ok(at);
                    return explained;
                }
            }
        }
    }
}

/// How many bytes, and then how many values, follow the head of a value;
/// `None` if `bytes` are only the beginning of a head.
///
/// # Errors
///
/// No value begins with these bytes.
pub fn follows(bytes: &[u8]) -> Result<Option<(u64, u64)>, Fault> {
    match head(bytes) {
        Ok((_, kind)) => Ok(Some((
            kind.length(),
            match kind {
                Kind::Array(count) => count.into(),
                Kind::Map(count) => 2 * u64::from(count),
                _ => 0,
            },
        ))),
        Err(_) if bytes != [0xc1] => Ok(None),
        Err(why) => Err(Fault { at: 0, why }),
    }
}

/// An array or a map that is not full yet.
struct Open {
    is_map: bool,
    /// How many values it has had and will have; each pair of a map is two.
    had: u64,
    all: u64,
}

impl Open {
    fn new(count: u32, is_map: bool) -> Self {
        let count = u64::from(count);
        let all = if is_map { 2 * count } else { count };
        Self {
            is_map,
            had: 0,
            all,
        }
    }

    fn wants_key(&self) -> bool {
        self.is_map && self.had.is_multiple_of(2)
    }
}

impl Explained {
    fn add(
        &mut self,
        bytes: Range<usize>,
        open: &[Open],
        meaning: String,
        text: &str,
    ) {
        let inner = open.last();
        let before = match inner {
            Some(open) if open.is_map && !open.wants_key() => ": ",
            Some(open) if open.had > 0 => ", ",
            _ => "",
        };
        self.write(before);
        self.write(text);
        if self.rows.len() == MOST_ROWS {
            self.left_out += 1;
            return;
        }
        let meaning = match inner {
            Some(open) if open.wants_key() => format!("key {meaning}"),
            _ => meaning,
        };
        self.rows.push(Row {
            bytes,
            depth: open.len(),
            meaning,
        });
    }

    /// Counts the value that is complete now, and what is full with it.
    /// Whether that was all.
    fn close(&mut self, open: &mut Vec<Open>) -> bool {
        while let Some(inner) = open.last_mut() {
            inner.had += 1;
            if inner.had < inner.all {
                return false;
            }
            self.write(if inner.is_map { "}" } else { "]" });
            open.pop();
        }
        true
    }

    fn write(&mut self, text: &str) {
        if self.text.len() + text.len() <= LONGEST_TEXT {
            self.text.push_str(text);
        } else if !self.text.ends_with('…') {
            self.text.push('…');
        }
    }
}

/// What the head of a value says.
#[derive(Clone, Copy)]
enum Kind {
    Nil,
    Bool(bool),
    /// An integer, with the name of its form where the head is not all.
    Integer(i128, &'static str),
    F32(f32),
    F64(f64),
    /// These are followed by so many bytes.
    Text(u32),
    Bytes(u32),
    Extension(i8, u32),
    /// These are followed by so many values, or pairs.
    Array(u32),
    Map(u32),
}

/// How long the head at the beginning of `bytes` is, and what it says.
fn head(bytes: &[u8]) -> Result<(usize, Kind), String> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Err("cut short, a value is missing".into());
    };
    let number = |width: usize| {
        let digits = rest
            .get(..width)
            .ok_or_else(|| format!("cut short after {first:02x}"))?;
        let number = digits.iter().fold(0, |n, &b| n << 8 | u64::from(b));
        Ok::<u64, String>(number)
    };
    let unsigned = |width, form| {
        Ok((1 + width, Kind::Integer(number(width)?.into(), form)))
    };
    let signed = |width, form| {
        // The highest bit of the number becomes that of 64 bits.
        let unused = 64 - 8 * width as u32;
        let value = (number(width)? << unused) as i64 >> unused;
        Ok((1 + width, Kind::Integer(value.into(), form)))
    };
    let counted = |width, kind: fn(u32) -> Kind| {
        Ok((1 + width, kind(number(width)? as u32)))
    };
    // Extensions: the length, if it has one, and the type.
    let extension = |width: usize, fixed: u32| {
        let length = if width == 0 {
            fixed
        } else {
            number(width)? as u32
        };
        let kind = (number(width + 1)? & 0xff) as u8 as i8;
        Ok((2 + width, Kind::Extension(kind, length)))
    };
    match first {
        0x00..=0x7f => Ok((1, Kind::Integer(first.into(), ""))),
        0x80..=0x8f => Ok((1, Kind::Map(u32::from(first & 0x0f)))),
        0x90..=0x9f => Ok((1, Kind::Array(u32::from(first & 0x0f)))),
        0xa0..=0xbf => Ok((1, Kind::Text(u32::from(first & 0x1f)))),
        0xc0 => Ok((1, Kind::Nil)),
        0xc1 => Err("c1, which begins no value".into()),
        0xc2 | 0xc3 => Ok((1, Kind::Bool(first == 0xc3))),
        0xc4 => counted(1, Kind::Bytes),
        0xc5 => counted(2, Kind::Bytes),
        0xc6 => counted(4, Kind::Bytes),
        0xc7 => extension(1, 0),
        0xc8 => extension(2, 0),
        0xc9 => extension(4, 0),
        0xca => Ok((5, Kind::F32(f32::from_bits(number(4)? as u32)))),
        0xcb => Ok((9, Kind::F64(f64::from_bits(number(8)?)))),
        0xcc => unsigned(1, "u8 "),
        0xcd => unsigned(2, "u16 "),
        0xce => unsigned(4, "u32 "),
        0xcf => unsigned(8, "u64 "),
        0xd0 => signed(1, "i8 "),
        0xd1 => signed(2, "i16 "),
        0xd2 => signed(4, "i32 "),
        0xd3 => signed(8, "i64 "),
        0xd4..=0xd8 => extension(0, 1 << (first - 0xd4)),
        0xd9 => counted(1, Kind::Text),
        0xda => counted(2, Kind::Text),
        0xdb => counted(4, Kind::Text),
        0xdc => counted(2, Kind::Array),
        0xdd => counted(4, Kind::Array),
        0xde => counted(2, Kind::Map),
        0xdf => counted(4, Kind::Map),
        0xe0..=0xff => Ok((1, Kind::Integer((first as i8).into(), ""))),
    }
}

impl Kind {
    /// How many bytes follow the head.
    fn length(self) -> u64 {
        match self {
            Self::Text(length)
            | Self::Bytes(length)
            | Self::Extension(_, length) => length.into(),
            _ => 0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Bytes(_) => "binary data",
            _ => "an extension",
        }
    }

    /// What it means, and the value in short.
    fn shown(self, body: &[u8]) -> (String, String) {
        let same = |text: String| (text.clone(), text);
        match self {
            Self::Nil => same("null".into()),
            Self::Bool(value) => same(value.to_string()),
            Self::Integer(value, form) => {
                (format!("{form}{value}"), value.to_string())
            }
            Self::F32(value) => {
                (format!("f32 {value:?}"), format!("{value:?}"))
            }
            Self::F64(value) => {
                (format!("f64 {value:?}"), format!("{value:?}"))
            }
            Self::Text(_) => match std::str::from_utf8(body) {
                Ok(text) => same(quoted(text)),
                Err(error) => (
                    format!(
                        "text that is not UTF-8 from its byte {} on",
                        error.valid_up_to()
                    ),
                    in_hex(body),
                ),
            },
            Self::Bytes(1) => ("1 byte".into(), in_hex(body)),
            Self::Bytes(length) => (format!("{length} bytes"), in_hex(body)),
            Self::Extension(-1, _) => match timestamp(body) {
                Some((seconds, nanoseconds)) => {
                    let text = utc(seconds, nanoseconds);
                    (format!("the time {text}"), format!("@{text}"))
                }
                None => (
                    "a time that is none".into(),
                    format!("ext(-1, {})", in_hex(body)),
                ),
            },
            Self::Extension(kind, _) => (
                format!("an extension of type {kind}"),
                format!("ext({kind}, {})", in_hex(body)),
            ),
            Self::Array(0) => same("[]".into()),
            Self::Map(0) => same("{}".into()),
            Self::Array(count) => (format!("array of {count}"), "[".into()),
            Self::Map(count) => (format!("map of {count}"), "{".into()),
        }
    }
}

/// Text in quotes, in which nothing can move a cursor or hide.
fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for (index, letter) in text.chars().enumerate() {
        if index == WIDEST {
            shown.push('…');
            break;
        }
        let hides = matches!(
            letter,
            '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        );
        if letter.is_control() || hides || matches!(letter, '"' | '\\') {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown.push('"');
    shown
}

fn in_hex(bytes: &[u8]) -> String {
    let mut text = String::from("h'");
    for byte in bytes.iter().take(WIDEST) {
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str(if bytes.len() > WIDEST { "…'" } else { "'" });
    text
}

/// The body of an extension of type -1: seconds since 1970, which may be
/// negative, and nanoseconds, which may not.
pub fn timestamp(body: &[u8]) -> Option<(i64, u32)> {
    let (seconds, nanoseconds) = match body.len() {
        4 => (u32::from_be_bytes(body.try_into().ok()?).into(), 0),
        8 => {
            // 30 bits of nanoseconds before 34 of seconds.
            let both = u64::from_be_bytes(body.try_into().ok()?);
            ((both & 0x3_ffff_ffff) as i64, (both >> 34) as u32)
        }
        12 => {
            let (nanoseconds, seconds) = body.split_first_chunk::<4>()?;
            let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
            (seconds, u32::from_be_bytes(*nanoseconds))
        }
        _ => return None,
    };
    (nanoseconds < 1_000_000_000).then_some((seconds, nanoseconds))
}

/// A time as in RFC 3339, in UTC, in any year that 64 bits of seconds reach.
pub fn utc(seconds: i64, nanoseconds: u32) -> String {
    let (days, second) =
        (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years that begin in March, in cycles of 400 years: so the day that
    // leap years have is the last of its year.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (400 * cycle + year, month + 3),
        _ => (400 * cycle + year + 1, month - 9),
    };
    let mut text = format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    if nanoseconds > 0 {
        let digits = format!(".{nanoseconds:09}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    text
}
