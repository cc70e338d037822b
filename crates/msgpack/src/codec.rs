// ANCHOR: all
//! Values to bytes and back, with a limit on everything that a stranger can
//! choose, and errors that say what is wrong and where.

use rmp_serde::decode::Error;
use rmp_serde::{Deserializer, Serializer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::explain::{Fault, explain};
use crate::words::printable;

/// A message may have so many bytes.
pub const LONGEST: usize = 64 * 1024;

/// Arrays and maps may not stand so deep in each other. A level costs some
/// kilobytes of stack in a debug build, and threads have 2 MiB of it.
pub const MAX_DEPTH: usize = 64;

/// So many characters of what the library says are passed on: it may quote
/// the message.
const LONGEST_WORDS: usize = 200;

/// Why bytes are not the value that was asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("{0} bytes; the limit is {LONGEST}")]
    TooLong(usize),
    #[error("{0}")]
    NoMessagePack(Fault),
    #[error("arrays and maps {MAX_DEPTH} levels deep, or deeper")]
    TooDeep,
    /// MessagePack, but not of this type: why, and before which byte it was
    /// noticed.
    #[error("before byte {1}: {0}")]
    OtherType(String, usize),
    #[error("at byte {0}: something behind the value")]
    Behind(usize),
}

/// Makes bytes of a value: a struct becomes a map with the names of its
/// fields, as other languages expect. (`rmp_serde::to_vec` writes an array,
/// which breaks silently when the order of the fields changes.)
///
/// # Errors
///
/// The value cannot be written, such as a sequence of unknown length.
pub fn encode(value: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    // Room for a small message at once: half as fast again as
    // `rmp_serde::to_vec_named`, which writes the same bytes.
    let mut bytes = Vec::with_capacity(256);
    value.serialize(&mut Serializer::new(&mut bytes).with_struct_map())?;
    Ok(bytes)
}

// ANCHOR: decode
/// Reads the one value that `bytes` must be, no less and no more.
///
/// # Errors
///
/// The bytes are no MessagePack, or no `T`, or break a limit.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > LONGEST {
        return Err(DecodeError::TooLong(bytes.len()));
    }
    let mut reader = Deserializer::new(bytes);
    reader.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut reader);
    let left = reader.get_ref().len();
    match value {
        Ok(value) if left == 0 => Ok(value),
        Ok(_) => Err(DecodeError::Behind(bytes.len() - left)),
        Err(error) => Err(say_why(&error, bytes, bytes.len() - left)),
    }
}
// ANCHOR_END: decode

/// The library's errors do not say where, and call an end that comes too
/// early an "IO error": so the bytes are looked at once more.
#[cold]
fn say_why(error: &Error, bytes: &[u8], at: usize) -> DecodeError {
    let explained = explain(bytes);
    if let Err(fault) = explained.end {
        return DecodeError::NoMessagePack(fault);
    }
    // To the library, text that is no UTF-8 is a "byte array".
    let mut rows = explained.rows.into_iter();
    let no_text = rows
        .find(|row| row.bytes.end == at && row.meaning.contains("not UTF-8"));
    let words = match error {
        Error::DepthLimitExceeded => return DecodeError::TooDeep,
        Error::TypeMismatch(_) => "a value of another type".into(),
        Error::LengthMismatch(length) => {
            format!("{length} entries, which is another number")
        }
        other => match no_text {
            Some(row) => row.meaning,
            None => printable(other.to_string()),
        },
    };
    let mut shown: String = words.chars().take(LONGEST_WORDS).collect();
    if shown.len() < words.len() {
        shown.push('…');
    }
    DecodeError::OtherType(shown, at)
}
// ANCHOR_END: all
