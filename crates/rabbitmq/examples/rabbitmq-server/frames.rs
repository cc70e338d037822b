//! Everything in AMQP 0-9-1 travels in frames: one byte says of which kind,
//! two say on which channel, four how long; then the payload, and the byte
//! 0xCE. A method is one frame. A message is several: the method that brings
//! it, a header with its size and properties, and its body in pieces.

use std::{fmt, io};

use amq_protocol::frame::{
    AMQPFrame, WriteContext, gen_frame, parse_frame, parsing,
};
use amq_protocol::protocol::{AMQPClass, BasicProperties};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::connection::Ending;

/// Bytes of a payload that is no body. RabbitMQ takes as much as a frame
/// holds; but tables take far more room in memory than on the wire.
const PAYLOAD: usize = 16 * 1024;
/// Tables and arrays in one frame; each may stand inside another.
const TABLES: usize = 32;
/// What a frame has around its payload.
pub const AROUND: usize = 8;
const END: u8 = 0xce;

pub enum Frame {
    Method(AMQPClass),
    /// A message's size and properties, as they came: they go out like that.
    Header(Vec<u8>),
    Body(Vec<u8>),
    Heartbeat,
}

/// Why a channel or a connection is closed: a reply code and a text.
#[derive(Debug)]
pub struct Failure {
    pub code: u16,
    pub text: String,
    /// Class and number of the method that failed.
    pub cause: (u16, u16),
}

impl Failure {
    /// These are the codes of a mistake that others on the same connection
    /// need not suffer from. After all others nothing can go on.
    pub fn closes_channel_only(&self) -> bool {
        (403..=406).contains(&self.code)
    }

    /// What channel.close and connection.close say.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.code.to_be_bytes().to_vec();
        bytes.extend(text(&self.text));
        bytes.extend(self.cause.0.to_be_bytes());
        bytes.extend(self.cause.1.to_be_bytes());
        bytes
    }
}

/// An error with the name that its reply code has.
pub fn refuse<T>(code: u16, text: impl fmt::Display) -> Result<T, Failure> {
    let name = match code {
        403 => "ACCESS_REFUSED",
        404 => "NOT_FOUND",
        405 => "RESOURCE_LOCKED",
        406 => "PRECONDITION_FAILED",
        501 => "FRAME_ERROR",
        503 => "COMMAND_INVALID",
        504 => "CHANNEL_ERROR",
        505 => "UNEXPECTED_FRAME",
        506 => "RESOURCE_ERROR",
        530 => "NOT_ALLOWED",
        _ => "NOT_IMPLEMENTED",
    };
    Err(Failure {
        code,
        text: format!("{name} - {text}"),
        cause: (0, 0),
    })
}

/// Reads one frame and its channel. `most` is the size of a whole frame that
/// was agreed on: nothing larger is even waited for.
pub async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> Result<(u16, Frame), Ending> {
    let mut head = [0; 7];
    reader.read_exact(&mut head).await?;
    let [kind, a, b, size @ ..] = head;
    let channel = u16::from_be_bytes([a, b]);
    let size = u32::from_be_bytes(size) as usize;
    let most = if kind == 3 { most - AROUND } else { PAYLOAD };
    if !matches!(kind, 1..=3 | 8) {
        return Ok(refuse(501, format_args!("there is no frame type {kind}"))?);
    }
    if size > most {
        let text = format!("{size} bytes in a frame, at most {most} may be");
        return Ok(refuse(501, text)?);
    }
    // As it comes: that it was announced takes no room.
    let mut data = head.to_vec();
    let rest = size as u64 + 1;
    if (&mut *reader).take(rest).read_to_end(&mut data).await? as u64 != rest {
        return Err(Ending::Lost(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok((channel, open(kind, channel, data)?))
}

fn open(kind: u8, channel: u16, data: Vec<u8>) -> Result<Frame, Failure> {
    let [_, _, _, _, _, _, _, payload @ .., END] = &data[..] else {
        return refuse(501, "a frame does not end with 0xCE");
    };
    let tables = payload.windows(5).filter(|bytes| {
        let [b'F' | b'A', length @ ..] = *bytes else {
            return false;
        };
        let length: Result<[u8; 4], _> = length.try_into();
        length.is_ok_and(|length| {
            u32::from_be_bytes(length) as usize <= payload.len()
        })
    });
    if kind < 3 && tables.count() > TABLES {
        return refuse(501, "too many tables in a frame");
    }
    match kind {
        1 => match parse_frame(&data[..]) {
            Ok((_, AMQPFrame::Method(_, method))) => Ok(Frame::Method(method)),
            _ => refuse(501, "a method cannot be read"),
        },
        2 => Ok(Frame::Header(payload.to_vec())),
        3 => Ok(Frame::Body(payload.to_vec())),
        _ if channel == 0 && payload.is_empty() => Ok(Frame::Heartbeat),
        _ => refuse(505, "a heartbeat is empty, and on channel 0"),
    }
}

/// A message's size and properties.
pub fn read_header(payload: &[u8]) -> Result<(u64, BasicProperties), Failure> {
    match parsing::parse_content_header(payload) {
        Ok((&[], header)) if header.class_id == 60 => {
            Ok((header.body_size, header.properties))
        }
        _ => refuse(501, "the header of a message cannot be read"),
    }
}

/// A method, by the numbers of its class and its own, and its fields.
pub fn method(channel: u16, class: u16, number: u16, rest: &[u8]) -> Vec<u8> {
    let head = [class.to_be_bytes(), number.to_be_bytes()].concat();
    let mut out = Vec::new();
    put(&mut out, 1, channel, &[&head, rest].concat());
    out
}

/// A text with one byte before it that says how long it is. A longer one is
/// cut between characters.
pub fn text(text: &str) -> Vec<u8> {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    [&[end as u8], &text.as_bytes()[..end]].concat()
}

/// Encodes a frame. A vector takes everything, so this does not fail.
pub fn encode(frame: &AMQPFrame) -> Vec<u8> {
    let bytes = gen_frame::<Vec<u8>>(frame)(WriteContext::from(Vec::new()));
    bytes.map_or_else(|_| Vec::new(), |written| written.into_inner().0)
}

/// Appends a message's header and its body, in frames of at most `most`.
pub fn content(
    out: &mut Vec<u8>,
    channel: u16,
    header: &[u8],
    body: &[u8],
    most: usize,
) {
    put(out, 2, channel, header);
    for piece in body.chunks(most - AROUND) {
        put(out, 3, channel, piece);
    }
}

fn put(out: &mut Vec<u8>, kind: u8, channel: u16, payload: &[u8]) {
    out.push(kind);
    out.extend(channel.to_be_bytes());
    out.extend((payload.len() as u32).to_be_bytes());
    out.extend(payload);
    out.push(END);
}
