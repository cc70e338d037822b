//! Commands in: from the bytes of a client to the words of a command.
//!
//! A command is an array of strings in RESP, or a line of words. Replies
//! are encoded by the redis-protocol crate, but commands are not decoded by
//! it: it follows arrays inside arrays by calling itself, and one megabyte
//! of `*1` lines would overflow the stack and end this process. Commands
//! need less: an array in an array is an error.

use std::mem;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::Limits;
use super::inline::words;

/// What a client did wrong, in Redis's words. It is told, and closed: where
/// the next command would begin is not known any more.
#[derive(Debug, Error)]
pub enum ProtocolError {
    #[error("Protocol error: invalid multibulk length")]
    Count,
    #[error("Protocol error: unauthenticated multibulk length")]
    CountBeforePassword,
    #[error("Protocol error: too big mbulk count string")]
    CountLine,
    #[error("Protocol error: invalid bulk length")]
    Length,
    #[error("Protocol error: unauthenticated bulk length")]
    LengthBeforePassword,
    #[error("Protocol error: too big bulk count string")]
    LengthLine,
    #[error("Protocol error: expected '$', got '{0}'")]
    NotAString(char),
    #[error("Protocol error: too big inline request")]
    Inline,
    #[error("Protocol error: unbalanced quotes in request")]
    Quotes,
}

/// Who has not said the password gets by with this, as in Redis.
const ARGUMENTS_BEFORE_PASSWORD: usize = 10;
const LENGTH_BEFORE_PASSWORD: usize = 16 * 1024;

/// Reads commands from bytes that come in pieces. It remembers where it
/// stopped: to start again at each piece would cost a slow sender nothing,
/// and the server the square of the command's size.
#[derive(Default)]
pub struct CommandReader {
    arguments: Vec<Bytes>,
    /// Strings still to come in the array that is being read.
    missing: usize,
    /// The announced length of the string that is being read.
    length: Option<usize>,
    size: usize,
    /// How much of an unfinished line is known not to have its end.
    searched: usize,
}

impl CommandReader {
    /// The next command in `input`, which is never empty, or `None` until
    /// more has come.
    pub fn next(
        &mut self,
        input: &mut BytesMut,
        limits: &Limits,
        authenticated: bool,
    ) -> Result<Option<Vec<Bytes>>, ProtocolError> {
        loop {
            let complete = if self.missing == 0 {
                match input.first() {
                    None => return Ok(None),
                    Some(b'*') => {
                        self.read_count(input, limits, authenticated)?
                    }
                    Some(_) => self.read_inline(input, limits)?,
                }
            } else if let Some(length) = self.length {
                self.read_string(input, length)
            } else {
                self.read_length(input, limits, authenticated)?
            };
            if !complete {
                return Ok(None);
            }
            if self.missing == 0 && !self.arguments.is_empty() {
                return Ok(Some(mem::take(&mut self.arguments)));
            }
        }
    }

    /// `*3`: an array of three strings follows. Nothing is set aside for
    /// them: a count is only a claim.
    fn read_count(
        &mut self,
        input: &mut BytesMut,
        limits: &Limits,
        authenticated: bool,
    ) -> Result<bool, ProtocolError> {
        let Some(line) = self.take_line(input, b"\r\n") else {
            return too_long(input, limits, ProtocolError::CountLine);
        };
        let count = number(&line[1..]).ok_or(ProtocolError::Count)?;
        // An array of no strings, or of fewer, asks for nothing.
        let count = usize::try_from(count).unwrap_or(0);
        if count > limits.arguments {
            return Err(ProtocolError::Count);
        }
        if count > ARGUMENTS_BEFORE_PASSWORD && !authenticated {
            return Err(ProtocolError::CountBeforePassword);
        }
        self.missing = count;
        self.size = 0;
        Ok(true)
    }

    /// `$4`: a string of four bytes follows.
    fn read_length(
        &mut self,
        input: &mut BytesMut,
        limits: &Limits,
        authenticated: bool,
    ) -> Result<bool, ProtocolError> {
        let Some(line) = self.take_line(input, b"\r\n") else {
            return too_long(input, limits, ProtocolError::LengthLine);
        };
        let Some((b'$', digits)) = line.split_first() else {
            let found = line.first().copied().unwrap_or(b'\r');
            return Err(ProtocolError::NotAString(found.into()));
        };
        let length = number(digits).ok_or(ProtocolError::Length)?;
        let length =
            usize::try_from(length).map_err(|_| ProtocolError::Length)?;
        // Before the bytes are here: later they would be in memory.
        if length > limits.command - self.size {
            return Err(ProtocolError::Length);
        }
        if length > LENGTH_BEFORE_PASSWORD && !authenticated {
            return Err(ProtocolError::LengthBeforePassword);
        }
        self.size += length;
        self.length = Some(length);
        Ok(true)
    }

    fn read_string(&mut self, input: &mut BytesMut, length: usize) -> bool {
        if input.len() < length + 2 {
            return false;
        }
        // A copy, not a slice: one byte of a slice would keep the whole
        // buffer in memory, and the next byte another one.
        self.arguments
            .push(Bytes::copy_from_slice(&input[..length]));
        input.advance(length + 2);
        self.length = None;
        self.missing -= 1;
        true
    }

    /// A command as a person types it into a bare connection.
    fn read_inline(
        &mut self,
        input: &mut BytesMut,
        limits: &Limits,
    ) -> Result<bool, ProtocolError> {
        let Some(line) = self.take_line(input, b"\n") else {
            return too_long(input, limits, ProtocolError::Inline);
        };
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        self.arguments = words(line).ok_or(ProtocolError::Quotes)?;
        Ok(true)
    }

    /// Takes a line without its end, if all of it is here.
    fn take_line(
        &mut self,
        input: &mut BytesMut,
        end: &[u8],
    ) -> Option<BytesMut> {
        let mut places = input[self.searched..].windows(end.len());
        let Some(found) = places.position(|place| place == end) else {
            // The end may be here in part.
            self.searched = (input.len() + 1).saturating_sub(end.len());
            return None;
        };
        let line = input.split_to(self.searched + found);
        input.advance(end.len());
        self.searched = 0;
        Some(line)
    }
}

fn too_long(
    input: &BytesMut,
    limits: &Limits,
    error: ProtocolError,
) -> Result<bool, ProtocolError> {
    if input.len() > limits.line {
        Err(error)
    } else {
        Ok(false)
    }
}

pub fn number(digits: &[u8]) -> Option<i64> {
    // Rust would read "+3" too, Redis does not.
    if digits.starts_with(b"+") {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
