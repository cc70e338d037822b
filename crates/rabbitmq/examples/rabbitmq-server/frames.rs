//! Everything in AMQP 0-9-1 travels in frames: one byte says of which kind,
//! two say on which channel, four how long; then the payload, and the byte
//! 0xCE. A method is one frame. A message is several: the method that brings
//! it, a header with its size and properties, and its body in pieces.

use std::fmt;

use amq_protocol::frame::{
    AMQPFrame, WriteContext, gen_frame, parse_frame, parsing,
};
use amq_protocol::protocol::{AMQPClass, BasicProperties};
use amq_protocol::types::ShortString;
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
    let mut data = vec![0; head.len() + size + 1];
    data[..head.len()].copy_from_slice(&head);
    reader.read_exact(&mut data[head.len()..]).await?;
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

pub fn method(channel: u16, method: AMQPClass) -> Vec<u8> {
    encode(&AMQPFrame::Method(channel, method))
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
    let bodies = body.chunks(most - AROUND).map(|piece| (3, piece));
    for (kind, payload) in [(2, header)].into_iter().chain(bodies) {
        out.push(kind);
        out.extend(channel.to_be_bytes());
        out.extend((payload.len() as u32).to_be_bytes());
        out.extend(payload);
        out.push(END);
    }
}

/// A text as short as AMQP wants it, cut between characters.
pub fn short(text: &str) -> ShortString {
    let end = (0..=text.len().min(255)).rev();
    let end = end.into_iter().find(|end| text.is_char_boundary(*end));
    ShortString::from(&text[..end.unwrap_or(0)])
}
