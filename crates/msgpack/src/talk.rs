// ANCHOR: all
//! What clients and the server say to each other.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::printable;
use crate::{DecodeError, decode};

/// The server remembers so many cats.
const MOST_CATS: usize = 1000;

/// What a client may ask for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Request {
    /// Are you there?
    Ping,
    /// This cat wears this hat.
    Wears { cat: String, hat: String },
}

/// What the server replies.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Reply {
    /// Yes.
    Pong,
    /// So many hats this cat has worn.
    Hats { cat: String, hats: u32 },
    /// The request cannot be done; the next one may be.
    Refused { why: String },
}

/// Counts hats. It never fails: what cannot be done is refused.
#[derive(Debug, Default)]
pub struct Counter {
    hats: HashMap<String, u32>,
}

impl Counter {
    // ANCHOR: answer
    /// The reply to the bytes of a request, which may be any bytes, and the
    /// request if they are one.
    pub fn answer(
        &mut self,
        bytes: &[u8],
    ) -> (Result<Request, DecodeError>, Reply) {
        let request = decode(bytes);
        let reply = match &request {
            Ok(Request::Ping) => Reply::Pong,
            Ok(Request::Wears { cat, .. }) => self.count(cat),
            Err(error) => Reply::Refused {
                why: error.to_string(),
            },
        };
        (request, reply)
    }
    // ANCHOR_END: answer

    fn count(&mut self, cat: &str) -> Reply {
        if self.hats.len() >= MOST_CATS && !self.hats.contains_key(cat) {
            let why = format!("there are {MOST_CATS} cats already");
            return Reply::Refused { why };
        }
        let hats = self.hats.entry(cat.into()).or_default();
        *hats = hats.saturating_add(1);
        Reply::Hats {
            cat: cat.into(),
            hats: *hats,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ping => out.write_str("ping"),
            Self::Wears { cat, hat } => {
                let (cat, hat) = (printable(cat), printable(hat));
                write!(out, "{cat} wears a {hat}")
            }
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pong => out.write_str("pong"),
            Self::Hats { cat, hats } => {
                write!(out, "hats of {} so far: {hats}", printable(cat))
            }
            Self::Refused { why } => write!(out, "refused: {}", printable(why)),
        }
    }
}
// ANCHOR_END: all
