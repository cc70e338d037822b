//! Three ways to tell where a message ends on a stream, as one codec for
//! tokio-util's `Framed`. This file is meant to be lifted out: it needs
//! bytes, thiserror and tokio-util with its feature "codec".

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use tokio_util::codec::{
    AnyDelimiterCodec, AnyDelimiterCodecError, Decoder, Encoder,
    LengthDelimitedCodec,
};

// ANCHOR: framing
/// How messages are told apart. Both ends must agree on it, sizes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Every frame has `size` bytes (at least 1). A shorter message is filled
    /// up with zero bytes, so none may end with one.
    Fixed { size: usize },
    /// Each frame begins with the length of its message: four bytes, the
    /// highest first. No message has more than `limit` bytes.
    Length { limit: usize },
    /// Each frame ends with the byte `delimiter`, which no message contains.
    /// No message has more than `limit` bytes.
    Delimiter { delimiter: u8, limit: usize },
}

/// Why there is no message. After one of these a stream is of no more use:
/// nobody knows where the next message begins.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(
        "a message of {length} bytes is announced; the limit is {limit} bytes"
    )]
    Announced { length: u32, limit: usize },
    #[error("the message does not end within the limit of {limit} bytes")]
    Endless { limit: usize },
    #[error("the stream ended in the middle of a message")]
    CutShort,
    #[error("the message has {length} bytes; the limit is {limit} bytes")]
    TooLong { length: usize, limit: usize },
    #[error("the message contains the delimiter, {}", .0.escape_ascii())]
    HasDelimiter(u8),
    #[error("the message ends with a zero byte, as padding does")]
    HasPadding,
    #[error("{}", .0.kind())]
    Io(#[from] io::Error),
}
// ANCHOR_END: framing

// ANCHOR: codec
/// Turns the bytes of a stream into messages, and messages into bytes.
///
/// A message shares the memory of the buffer it was read into: copy it if
/// you keep it for long.
pub struct FrameCodec(Way);

enum Way {
    Fixed {
        size: usize,
    },
    Length {
        codec: LengthDelimitedCodec,
        /// Whether a length came, and not yet all that it promised.
        open: bool,
    },
    Delimiter {
        codec: AnyDelimiterCodec,
        delimiter: u8,
    },
}

impl Framing {
    /// A codec for one connection: it remembers how far it has read.
    pub fn codec(self) -> FrameCodec {
        FrameCodec(match self {
            // Frames of no bytes would come for ever.
            Self::Fixed { size } => Way::Fixed { size: size.max(1) },
            // ANCHOR: limit
            Self::Length { limit } => Way::Length {
                codec: LengthDelimitedCodec::builder()
                    .length_field_type::<u32>()
                    .max_frame_length(limit)
                    .new_codec(),
                open: false,
            },
            // ANCHOR_END: limit
            // Only for reading. It writes nothing but text, and would not
            // mind a delimiter in it.
            Self::Delimiter { delimiter, limit } => Way::Delimiter {
                codec: AnyDelimiterCodec::new_with_max_length(
                    vec![delimiter],
                    Vec::new(),
                    limit,
                ),
                delimiter,
            },
        })
    }
}

impl FrameCodec {
    /// The longest message, in bytes.
    pub fn limit(&self) -> usize {
        match &self.0 {
            Way::Fixed { size } => *size,
            Way::Length { codec, .. } => codec.max_frame_length(),
            Way::Delimiter { codec, .. } => codec.max_length(),
        }
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = FrameError;

    /// Takes the next message out of `stream`, once all of it is there.
    fn decode(
        &mut self,
        stream: &mut BytesMut,
    ) -> Result<Option<Bytes>, FrameError> {
        let limit = self.limit();
        match &mut self.0 {
            Way::Fixed { size } => {
                if stream.len() < *size {
                    stream.reserve(*size - stream.len());
                    return Ok(None);
                }
                let mut frame = stream.split_to(*size);
                let padding = frame.iter().rev().take_while(|byte| **byte == 0);
                frame.truncate(*size - padding.count());
                Ok(Some(frame.freeze()))
            }
            Way::Length { codec, open } => {
                let before = stream.len();
                let message = codec.decode(stream).map_err(|error| {
                    // It leaves the length that it objects to in its place.
                    match stream.first_chunk() {
                        Some(length) => FrameError::Announced {
                            length: u32::from_be_bytes(*length),
                            limit,
                        },
                        None => error.into(),
                    }
                })?;
                // Without a message only a length can have been taken.
                *open = message.is_none() && (*open || stream.len() < before);
                Ok(message.map(BytesMut::freeze))
            }
            Way::Delimiter { codec, .. } => {
                codec.decode(stream).map_err(|error| match error {
                    AnyDelimiterCodecError::MaxChunkLengthExceeded => {
                        FrameError::Endless { limit }
                    }
                    AnyDelimiterCodecError::Io(error) => error.into(),
                })
            }
        }
    }

    // ANCHOR: eof
    /// The same at the end of the stream. tokio-util's own codecs are too
    /// friendly here: one takes what came without a delimiter for a message,
    /// the other overlooks a length with nothing behind it.
    fn decode_eof(
        &mut self,
        stream: &mut BytesMut,
    ) -> Result<Option<Bytes>, FrameError> {
        if let Some(message) = self.decode(stream)? {
            return Ok(Some(message));
        }
        let open = matches!(self.0, Way::Length { open: true, .. });
        if stream.is_empty() && !open {
            Ok(None)
        } else {
            Err(FrameError::CutShort)
        }
    }
    // ANCHOR_END: eof
}

impl Encoder<&[u8]> for FrameCodec {
    type Error = FrameError;

    /// Appends one frame to `stream`, or nothing when there is an error.
    fn encode(
        &mut self,
        message: &[u8],
        stream: &mut BytesMut,
    ) -> Result<(), FrameError> {
        let (length, limit) = (message.len(), self.limit());
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        match &mut self.0 {
            Way::Fixed { size } => {
                if message.ends_with(&[0]) {
                    return Err(FrameError::HasPadding);
                }
                stream.reserve(*size);
                stream.put_slice(message);
                stream.put_bytes(0, *size - length);
            }
            Way::Length { codec, .. } => codec.encode(message, stream)?,
            Way::Delimiter { delimiter, .. } => {
                if message.contains(delimiter) {
                    return Err(FrameError::HasDelimiter(*delimiter));
                }
                stream.reserve(length + 1);
                stream.put_slice(message);
                stream.put_u8(*delimiter);
            }
        }
        Ok(())
    }
}
// ANCHOR_END: codec
