//! Mends what writers of letters cut in the wrong place, before the library
//! looks at it.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use percent_encoding::percent_decode;

/// Joins encoded words of one character set that stand beside each other: some
/// programs cut in the middle of a character (RFC 2047 forbids it), and each
/// half alone is none.
pub fn join_words(header: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len());
    let mut rest = header;
    while !rest.is_empty() {
        let Some((charset, mut bytes, mut after)) = word(rest) else {
            out.push(rest[0]);
            rest = &rest[1..];
            continue;
        };
        let mut words = 1;
        while let Some((next, more, end)) = word(after.trim_ascii_start()) {
            // Words in ISO-2022 begin and end by themselves.
            let other = !next.eq_ignore_ascii_case(charset);
            if other || next.to_ascii_lowercase().starts_with(b"iso-2022") {
                break;
            }
            bytes.extend(more);
            after = end;
            words += 1;
        }
        if words == 1 {
            out.extend_from_slice(&rest[..rest.len() - after.len()]);
        } else {
            out.extend_from_slice(b"=?");
            out.extend_from_slice(charset);
            let text = BASE64_STANDARD.encode(bytes);
            out.extend_from_slice(format!("?B?{text}?=").as_bytes());
        }
        rest = after;
    }
    out
}

/// The encoded word at the beginning: its character set, its bytes, and what
/// comes after it.
fn word(text: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let inner = text.strip_prefix(b"=?")?;
    let end = inner.iter().take(MAX_WORD).position(|byte| *byte == b'?')?;
    let (charset, inner) = inner.split_at(end);
    let [b'?', way, b'?', inner @ ..] = inner else {
        return None;
    };
    let end = inner.iter().position(|byte| matches!(byte, b'?' | b'\n'))?;
    let (encoded, after) = inner.split_at(end);
    let after = after.strip_prefix(b"?=")?;
    let bytes = match way {
        b'B' | b'b' => BASE64_STANDARD.decode(encoded).ok()?,
        b'Q' | b'q' => {
            let spaces = |byte: &u8| if *byte == b'_' { b' ' } else { *byte };
            let text: Vec<u8> = encoded.iter().map(spaces).collect();
            quoted_printable_decode(&text)?
        }
        _ => return None,
    };
    Some((charset, bytes, after))
}

/// Longer names of character sets are none.
const MAX_WORD: usize = 75;

/// A parameter that was cut into numbered sections (RFC 2231): joined before
/// it is decoded, since the first section alone says in which character set
/// all are.
pub fn join_sections(field: &str, wanted: &str) -> Option<String> {
    let mut sections = BTreeMap::new();
    for parameter in split_outside_quotes(field) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        let name = name.trim().to_ascii_lowercase();
        let Some(number) = name.strip_prefix(wanted) else {
            continue;
        };
        let Some(number) = number.strip_prefix('*') else {
            continue;
        };
        let encoded = number.ends_with('*');
        if let Ok(number) = number.trim_end_matches('*').parse::<usize>() {
            sections.entry(number).or_insert((encoded, value.trim()));
        }
    }
    let mut charset = None;
    let mut bytes = Vec::new();
    for (expected, (number, (encoded, value))) in sections.iter().enumerate() {
        if expected != *number {
            break;
        }
        let mut value = *value;
        if *encoded {
            if expected == 0 {
                let mut pieces = value.splitn(3, '\'');
                charset = pieces.next();
                value = pieces.nth(1)?;
            }
            bytes.extend(percent_decode(value.as_bytes()));
        } else {
            bytes.extend(unquoted(value).bytes());
        }
    }
    let decoder = charset.and_then(|name| charset_decoder(name.as_bytes()));
    let lossy = || String::from_utf8_lossy(&bytes).into_owned();
    let text = decoder.map_or_else(lossy, |decode| decode(&bytes));
    sections.contains_key(&0).then_some(text)
}

fn split_outside_quotes(field: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    field
        .split(|char| {
            let ends = char == ';' && !quoted;
            match char {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
            ends
        })
        .collect()
}

fn unquoted(text: &str) -> String {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let Some(inner) = inner else {
        return text.to_owned();
    };
    let mut escaped = false;
    let kept = |char: &char| {
        escaped = *char == '\\' && !escaped;
        !escaped
    };
    inner.chars().filter(kept).collect()
}
