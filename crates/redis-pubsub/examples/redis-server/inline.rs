//! A line of words, as a person types it into a bare connection:
//! `PUBLISH catA "a hat"`.

use bytes::Bytes;

/// The words of a line. Quotes hold one together, escapes work within them.
/// `None`: a quote is left open, or something touches its end.
pub fn words(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = take_word(rest, &mut word)?.trim_ascii_start();
        words.push(word.into());
    }
    Some(words)
}

/// Moves one word from the start of `line`, and returns what is left.
fn take_word<'a>(line: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = line;
    loop {
        match rest {
            [] => return Some(rest),
            [byte, ..] if byte.is_ascii_whitespace() => return Some(rest),
            [quote @ (b'"' | b'\''), after @ ..] => {
                rest = take_quoted(after, *quote, word)?;
                let next = rest.first().unwrap_or(&b' ');
                return next.is_ascii_whitespace().then_some(rest);
            }
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

fn take_quoted<'a>(
    text: &'a [u8],
    quote: u8,
    word: &mut Vec<u8>,
) -> Option<&'a [u8]> {
    let double = quote == b'"';
    let mut rest = text;
    loop {
        let (byte, after) = match rest {
            [] => return None,
            [byte, after @ ..] if *byte == quote => return Some(after),
            [b'\\', b'\'', after @ ..] if !double => (b'\'', after),
            [b'\\', b'x', high, low, after @ ..]
                if double
                    && high.is_ascii_hexdigit()
                    && low.is_ascii_hexdigit() =>
            {
                (hex(*high) * 16 + hex(*low), after)
            }
            [b'\\', byte, after @ ..] if double => (escaped(*byte), after),
            [byte, after @ ..] => (*byte, after),
        };
        word.push(byte);
        rest = after;
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}
