// ANCHOR: all
//! Cuts the bytes of one peer where its messages end.

use std::fmt;

use bytes::{Bytes, BytesMut};

/// How long a greeting is.
const GREETING: usize = 64;
/// The flags of a frame; the other five bits are reserved.
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// A command is the handshake, a subscription or a heartbeat.
const LONGEST_COMMAND: u64 = 64 * 1024;

/// Why a peer was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not begin as ZMTP 3 begins.
    NoGreeting,
    /// After its greeting it breaks the rules of frames.
    NoFrame,
    /// A message of more bytes than allowed.
    TooLong { bytes: u64, limit: usize },
    /// A message of more parts than allowed.
    TooManyParts { limit: usize },
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGreeting => out.write_str("it does not speak ZMTP 3"),
            Self::NoFrame => out.write_str("what it sends is no frame"),
            Self::TooLong { bytes, limit } => write!(
                out,
                "a message of at least {bytes} bytes, the limit is {limit}"
            ),
            Self::TooManyParts { limit } => {
                write!(out, "a message of more than {limit} parts")
            }
        }
    }
}

// ANCHOR: whole
/// Knows how far the bytes of a peer are whole: the greeting, each command,
/// and each message with all its parts.
#[derive(Debug)]
pub struct Whole {
    limit: usize,
    most_parts: usize,
    /// How much of the greeting there was.
    greeting: Vec<u8>,
    ready: bool,
    /// How much of the buffer is looked at: frames of an unfinished message.
    seen: usize,
    /// Of that message.
    bytes: u64,
    parts: usize,
    messages: u64,
    within: bool,
}

impl Whole {
    /// Messages may have so many bytes and parts.
    pub fn new(limit: usize, most_parts: usize) -> Self {
        Self {
            limit,
            most_parts,
            greeting: Vec::with_capacity(GREETING),
            ready: false,
            seen: 0,
            bytes: 0,
            parts: 0,
            messages: 0,
            within: false,
        }
    }

    /// Whether the handshake is over.
    pub fn is_greeted(&self) -> bool {
        self.ready
    }

    /// Whether the last bytes were the beginning of something.
    pub fn is_within(&self) -> bool {
        self.within
    }

    /// How many messages were whole.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Takes what is whole, or a piece of the greeting, out of `buffer`, to
    /// be passed on as it is. How the bytes fell into reads makes no
    /// difference.
    ///
    /// # Errors
    /// The peer is to be hung up on. It is enough that a frame announces
    /// what is too much: nothing waits for the bytes to come.
    pub fn take(&mut self, buffer: &mut BytesMut) -> Result<Bytes, Refused> {
        let mut end = 0;
        if self.greeting.len() < GREETING {
            end = (GREETING - self.greeting.len()).min(buffer.len());
            self.greeting.extend_from_slice(&buffer[..end]);
            if !may_greet(&self.greeting) {
                return Err(Refused::NoGreeting);
            }
            // It is passed on in pieces: libzmq sends the first ten bytes,
            // and the rest when it has seen those of the other side.
            self.seen = end;
            if self.greeting.len() < GREETING {
                self.within = true;
                self.seen = 0;
                return Ok(buffer.split_to(end).freeze());
            }
        }
        while let Some((flags, length)) = self.frame(&buffer[self.seen..])? {
            self.seen += length;
            match flags & (COMMAND | MORE) {
                COMMAND => self.ready = true,
                MORE => continue,
                _ => self.messages += 1,
            }
            (self.bytes, self.parts, end) = (0, 0, self.seen);
        }
        let whole = buffer.split_to(end).freeze();
        self.seen -= end;
        self.within = !buffer.is_empty();
        Ok(whole)
    }

    /// The flags and the length of the frame that `bytes` begin with, once
    /// it is there to its end.
    fn frame(&mut self, bytes: &[u8]) -> Result<Option<(u8, usize)>, Refused> {
        let Some(&flags) = bytes.first() else {
            return Ok(None);
        };
        let is_command = flags & COMMAND != 0;
        // A command stands alone, and the first frame is one: READY.
        let stands_wrong = is_command && (flags & MORE != 0 || self.parts > 0)
            || !is_command && !self.ready;
        if flags > COMMAND | LONG | MORE || stands_wrong {
            return Err(Refused::NoFrame);
        }
        let (head, body) = if flags & LONG == 0 {
            let Some(&length) = bytes.get(1) else {
                return Ok(None);
            };
            (2, u64::from(length))
        } else {
            let Some(length) = bytes.get(1..9) else {
                return Ok(None);
            };
            let number = length
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            (9, number)
        };
        // ANCHOR: announced
        let total = self.bytes.saturating_add(body);
        let limit = self.limit as u64;
        if is_command && body > LONGEST_COMMAND {
            let limit = LONGEST_COMMAND as usize;
            return Err(Refused::TooLong { bytes: body, limit });
        }
        if !is_command && total > limit {
            let limit = self.limit;
            return Err(Refused::TooLong {
                bytes: total,
                limit,
            });
        }
        if !is_command && self.parts >= self.most_parts {
            let limit = self.most_parts;
            return Err(Refused::TooManyParts { limit });
        }
        // ANCHOR_END: announced
        // No more than a limit, which is a usize; but it may be the largest.
        let length = (body as usize).saturating_add(head);
        if bytes.len() < length {
            return Ok(None);
        }
        if !is_command {
            self.bytes = total;
            self.parts += 1;
        }
        Ok(Some((flags, length)))
    }
}
// ANCHOR_END: whole

/// Whether a greeting of ZMTP 3 may begin so: a signature of ten bytes, of
/// which the first and the last are fixed, and then the version.
fn may_greet(bytes: &[u8]) -> bool {
    let at = |place: usize| bytes.get(place).copied();
    at(0).unwrap_or(0xff) == 0xff
        && at(9).unwrap_or(0x7f) == 0x7f
        && at(10).unwrap_or(3) >= 3
}
// ANCHOR_END: all
