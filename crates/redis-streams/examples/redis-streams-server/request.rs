//! Commands in: from the bytes of a client to the words of a command.
//!
//! A command is an array of strings in RESP, or a line of words. A decoder of
//! all of RESP would be too much: those that follow arrays inside arrays by
//! calling themselves overflow the stack at one megabyte of `*1` lines, and
//! that ends the process. Here an array in an array is an error.

use bytes::{Buf, Bytes, BytesMut};

use super::Limits;

/// What a client did wrong, in Redis's words. It is told, and closed: where
/// the next command would begin is not known any more.
pub type ProtocolError = String;

/// Takes the next command from what a client has sent; `None` until all of it
/// is there. The command may be empty.
pub fn take_command(
    input: &mut BytesMut,
    limits: &Limits,
) -> Result<Option<Vec<Bytes>>, ProtocolError> {
    let error = |what: &str| format!("Protocol error: {what}");
    let Some((first, mut at)) = line(input, 0) else {
        return match input.len() > limits.line {
            true => Err(error("too big inline request")),
            false => Ok(None),
        };
    };
    let mut words = Vec::new();
    let Some(count) = first.strip_prefix(b"*") else {
        // As a person types it into a bare connection.
        let typed = first.split(u8::is_ascii_whitespace);
        let typed = typed.filter(|word| !word.is_empty());
        words.extend(typed.take(limits.arguments).map(Bytes::copy_from_slice));
        input.advance(at);
        return Ok(Some(words));
    };
    // Nothing is set aside for so many strings: a count is only a claim.
    let count = number::<i64>(count)
        .filter(|count| {
            usize::try_from(*count).unwrap_or(0) <= limits.arguments
        })
        .ok_or_else(|| error("invalid multibulk length"))?;
    let mut room = limits.command;
    for _ in 0..count {
        let Some((head, begin)) = line(input, at) else {
            return match input.len() - at > limits.line {
                true => Err(error("too big bulk count string")),
                false => Ok(None),
            };
        };
        let Some((b'$', digits)) = head.split_first() else {
            let found = char::from(head.first().copied().unwrap_or(b'\r'));
            return Err(error(&format!("expected '$', got '{found}'")));
        };
        // Before the bytes are here: later they would be in memory.
        let length = number::<usize>(digits)
            .filter(|length| *length <= room)
            .ok_or_else(|| error("invalid bulk length"))?;
        room -= length;
        at = begin + length + 2;
        if input.len() < at {
            return Ok(None);
        }
        // A copy, not a slice: one byte of a slice would keep the whole
        // buffer in memory, and the next byte another one.
        words.push(Bytes::copy_from_slice(&input[begin..begin + length]));
    }
    input.advance(at);
    Ok(Some(words))
}

/// The line that begins there, without its end, and where the next begins.
fn line(input: &[u8], begin: usize) -> Option<(&[u8], usize)> {
    let rest = &input[begin..];
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = &rest[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), begin + end + 1))
}

pub fn number<Number: std::str::FromStr>(digits: &[u8]) -> Option<Number> {
    // Rust would read "+3" too, Redis does not.
    if digits.starts_with(b"+") {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
