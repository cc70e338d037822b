//! The patterns of PSUBSCRIBE: `*` any bytes, `?` one byte, `[a-c]` one of
//! these, `[^a-c]` none of these, `\x` the byte x itself.

/// Whether the whole of `text` matches `pattern`.
///
/// After a mismatch it goes back to the last `*` only, which is enough. To
/// try every `*` again takes exponential time on patterns like
/// `a*a*a*a*b`, and anyone may subscribe to one.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // As in Redis, where not even `*` stands for an empty name.
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, read));
        } else if at == pattern.len() && read == text.len() {
            return true;
        } else if let Some(next) = one(&pattern[at..], text.get(read)) {
            at += next;
            read += 1;
        } else if let Some((after, taken)) = star
            && taken < text.len()
        {
            // Let the star take one byte more.
            star = Some((after, taken + 1));
            (at, read) = (after, taken + 1);
        } else {
            return false;
        }
    }
}

/// How much of `pattern` stands for the one `byte`, if it does.
fn one(pattern: &[u8], byte: Option<&u8>) -> Option<usize> {
    let &byte = byte?;
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => set(rest, byte).map(|length| 1 + length),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// As `one`, for what comes after a `[`. An unclosed set ends with the
/// pattern; a range may be written backwards: both as in Redis.
fn set(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = pattern.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match pattern[at..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                at += 2;
            }
            [from, b'-', to, ..] => {
                found |= (from.min(to)..=from.max(to)).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= literal == byte;
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}
