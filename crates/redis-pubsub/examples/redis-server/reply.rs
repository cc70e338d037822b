//! Replies out: RESP in both its versions, encoded by the redis-protocol
//! crate.

use bytes::{Bytes, BytesMut};
use redis_protocol::error::RedisProtocolError;
use redis_protocol::resp3::types::VerbatimStringFormat;
use redis_protocol::{resp2, resp3};

pub type EncodeError = RedisProtocolError;

/// The versions that a client chooses between by HELLO.
#[derive(Clone, Copy, PartialEq)]
pub enum Protocol {
    Resp2,
    Resp3,
}

/// What the server has to say, before it is known in which version.
#[derive(Clone)]
pub enum Reply {
    Status(&'static str),
    Error(String),
    Integer(i64),
    Bulk(Bytes),
    /// Text for people to read: INFO.
    Text(String),
    Null,
    Array(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    /// What comes unasked. RESP2 has no such type, so there a message looks
    /// like a reply: that is why a RESP2 subscriber may ask little else.
    Push(Vec<Reply>),
}

impl Reply {
    pub const OK: Reply = Reply::Status("OK");

    pub fn bulk(text: &'static str) -> Self {
        Self::Bulk(Bytes::from_static(text.as_bytes()))
    }

    pub fn integer(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// An error is one line: what it quotes from a client must not end it.
    pub fn error(message: impl ToString) -> Self {
        let message = message.to_string();
        let message = message.trim_end_matches(['\r', '\n']);
        Self::Error(message.replace(['\r', '\n'], " "))
    }

    pub fn push<const N: usize>(
        kind: &'static str,
        parts: [&Bytes; N],
    ) -> Self {
        let parts = parts.into_iter().cloned().map(Self::Bulk);
        Self::Push([Self::bulk(kind)].into_iter().chain(parts).collect())
    }

    fn encode(self, protocol: Protocol) -> Result<Bytes, EncodeError> {
        let mut buffer = BytesMut::new();
        match protocol {
            Protocol::Resp2 => {
                let frame = self.into();
                resp2::encode::extend_encode(&mut buffer, &frame, false)?
            }
            Protocol::Resp3 => {
                let frame = self.into();
                let encode = resp3::encode::complete::extend_encode;
                encode(&mut buffer, &frame, false)?
            }
        };
        Ok(buffer.freeze())
    }
}

/// A reply that is encoded at most once for each version, however many
/// clients it goes to.
pub struct Message {
    reply: Reply,
    resp2: Option<Bytes>,
    resp3: Option<Bytes>,
}

impl Message {
    pub fn new(reply: Reply) -> Self {
        Self {
            reply,
            resp2: None,
            resp3: None,
        }
    }

    pub fn encoded(
        &mut self,
        protocol: Protocol,
    ) -> Result<Bytes, EncodeError> {
        let encoded = match protocol {
            Protocol::Resp2 => &mut self.resp2,
            Protocol::Resp3 => &mut self.resp3,
        };
        if let Some(frame) = encoded {
            return Ok(frame.clone());
        }
        let frame = self.reply.clone().encode(protocol)?;
        *encoded = Some(frame.clone());
        Ok(frame)
    }
}

impl From<Reply> for resp2::types::BytesFrame {
    fn from(reply: Reply) -> Self {
        let all = |replies: Vec<Reply>| {
            Self::Array(replies.into_iter().map(Self::from).collect())
        };
        match reply {
            Reply::Status(text) => Self::SimpleString(text.into()),
            Reply::Error(message) => Self::Error(message.into()),
            Reply::Integer(number) => Self::Integer(number),
            Reply::Bulk(bytes) => Self::BulkString(bytes),
            Reply::Text(text) => Self::BulkString(text.into()),
            Reply::Null => Self::Null,
            Reply::Array(replies) | Reply::Push(replies) => all(replies),
            Reply::Map(pairs) => {
                all(pairs.into_iter().flat_map(<[_; 2]>::from).collect())
            }
        }
    }
}

impl From<Reply> for resp3::types::BytesFrame {
    fn from(reply: Reply) -> Self {
        let all = |replies: Vec<Reply>| -> Vec<Self> {
            replies.into_iter().map(Self::from).collect()
        };
        let attributes = None;
        match reply {
            Reply::Status(text) => Self::SimpleString {
                data: text.into(),
                attributes,
            },
            Reply::Error(message) => Self::SimpleError {
                data: message.into(),
                attributes,
            },
            Reply::Integer(data) => Self::Number { data, attributes },
            Reply::Bulk(data) => Self::BlobString { data, attributes },
            Reply::Text(text) => Self::VerbatimString {
                data: text.into(),
                format: VerbatimStringFormat::Text,
                attributes,
            },
            Reply::Null => Self::Null,
            Reply::Array(replies) => Self::Array {
                data: all(replies),
                attributes,
            },
            Reply::Map(pairs) => {
                let pair = |(key, value)| (Self::from(key), Self::from(value));
                let data = pairs.into_iter().map(pair).collect();
                Self::Map { data, attributes }
            }
            Reply::Push(replies) => Self::Push {
                data: all(replies),
                attributes,
            },
        }
    }
}
