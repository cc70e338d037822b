//! Replies out: RESP in both its versions. (The crate redis-protocol would do,
//! but for one thing: RESP2 has two kinds of nothing, and Redis uses both.)

use bytes::{BufMut, Bytes, BytesMut};

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

    pub fn encode(&self, protocol: Protocol, out: &mut BytesMut) {
        let new = protocol == Protocol::Resp3;
        let line = |kind: char, text: &dyn ToString, out: &mut BytesMut| {
            let line = format!("{kind}{}\r\n", text.to_string());
            out.put_slice(line.as_bytes());
        };
        match self {
            Self::Status(text) => line('+', text, out),
            Self::Error(text) => line('-', text, out),
            Self::Integer(number) => line(':', number, out),
            Self::Bulk(bytes) => {
                line('$', &bytes.len(), out);
                out.put_slice(bytes);
                out.put_slice(b"\r\n");
            }
            Self::Null | Self::NullArray if new => out.put_slice(b"_\r\n"),
            Self::Null => out.put_slice(b"$-1\r\n"),
            Self::NullArray => out.put_slice(b"*-1\r\n"),
            Self::Array(replies) => {
                line('*', &replies.len(), out);
                replies.iter().for_each(|reply| reply.encode(protocol, out));
            }
            Self::Map(pairs) | Self::Streams(pairs) => {
                let nested = matches!(self, Self::Streams(_)) && !new;
                match (new, nested) {
                    (true, _) => line('%', &pairs.len(), out),
                    (_, true) => line('*', &pairs.len(), out),
                    _ => line('*', &(pairs.len() * 2), out),
                }
                for (key, value) in pairs {
                    if nested {
                        line('*', &2, out);
                    }
                    key.encode(protocol, out);
                    value.encode(protocol, out);
                }
            }
        }
    }
}
