//! Replies out: RESP in both its versions, encoded by the redis-protocol
//! crate.

use bytes::{Bytes, BytesMut};
use redis_protocol::error::RedisProtocolError;
use redis_protocol::{resp2, resp3};

/// The versions that a client chooses between by HELLO.
#[derive(Clone, Copy, PartialEq)]
pub enum Protocol {
    Resp2,
    Resp3,
}

/// What the server has to say, before it is known in which version.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Status(&'static str),
    Error(String),
    Integer(i64),
    Bulk(Bytes),
    Null,
    /// No array: what a read says that waited in vain.
    NullArray,
    Array(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
    /// What was read of each stream. In RESP2 it is a list of pairs.
    Streams(Vec<(Reply, Reply)>),
}

impl Reply {
    pub const OK: Reply = Reply::Status("OK");

    pub fn bulk(text: &'static str) -> Self {
        Self::Bulk(Bytes::from_static(text.as_bytes()))
    }

    pub fn integer(count: impl TryInto<i64>) -> Self {
        Self::Integer(count.try_into().unwrap_or(i64::MAX))
    }

    /// An error is one line: what it quotes from a client must not end it.
    pub fn error(message: impl ToString) -> Self {
        Self::Error(message.to_string().replace(['\r', '\n'], " "))
    }

    /// About how many bytes it has when it is encoded.
    pub fn size(&self) -> usize {
        let pairs = |pairs: &[(Reply, Reply)]| {
            pairs.iter().map(|(a, b)| a.size() + b.size()).sum()
        };
        let inside = match self {
            Self::Bulk(bytes) => bytes.len(),
            Self::Error(text) => text.len(),
            Self::Array(replies) => replies.iter().map(Self::size).sum(),
            Self::Map(inside) | Self::Streams(inside) => pairs(inside),
            _ => 0,
        };
        inside + 16
    }

    pub fn encode(
        self,
        protocol: Protocol,
        output: &mut BytesMut,
    ) -> Result<(), RedisProtocolError> {
        match protocol {
            // The crate knows one kind of nothing in RESP2, Redis two.
            Protocol::Resp2 if self == Self::NullArray => {
                output.extend_from_slice(b"*-1\r\n");
            }
            Protocol::Resp2 => {
                resp2::encode::extend_encode(output, &self.into(), false)?;
            }
            Protocol::Resp3 => {
                let frame = self.into();
                resp3::encode::complete::extend_encode(output, &frame, false)?;
            }
        }
        Ok(())
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
            Reply::Null | Reply::NullArray => Self::Null,
            Reply::Array(replies) => all(replies),
            Reply::Map(pairs) => {
                all(pairs.into_iter().flat_map(<[_; 2]>::from).collect())
            }
            Reply::Streams(pairs) => {
                let pair = |(key, read)| Reply::Array(vec![key, read]);
                all(pairs.into_iter().map(pair).collect())
            }
        }
    }
}

impl From<Reply> for resp3::types::BytesFrame {
    fn from(reply: Reply) -> Self {
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
            Reply::Null | Reply::NullArray => Self::Null,
            Reply::Array(replies) => Self::Array {
                data: replies.into_iter().map(Self::from).collect(),
                attributes,
            },
            Reply::Map(pairs) | Reply::Streams(pairs) => {
                let pair = |(key, value)| (Self::from(key), Self::from(value));
                let data = pairs.into_iter().map(pair).collect();
                Self::Map { data, attributes }
            }
        }
    }
}
