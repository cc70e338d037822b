//! A cat that has something of everything.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What MessagePack makes of it: a map with six entries.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Cat {
    pub name: String,
    /// An extension; the specification calls it a timestamp.
    pub born: Timestamp,
    /// An array.
    pub toys: Vec<String>,
    /// Its value, or nil.
    pub owner: Option<String>,
    /// One of several kinds.
    pub hat: Hat,
    // ANCHOR: picture
    /// Bytes. Without `serde_bytes` this would be an array of numbers, up to
    /// twice as long, and a list to Python.
    #[serde(with = "serde_bytes")]
    pub picture: Vec<u8>,
    // ANCHOR_END: picture
}

/// A variant with nothing in it is its name; one with fields is a map with
/// one entry, from its name to its fields.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Hat {
    Bowler,
    Top { height: f32 },
}

impl Cat {
    /// The one that is shown.
    pub fn example() -> Self {
        Self {
            name: "catA".into(),
            born: Timestamp {
                seconds: 1_769_860_800,
                nanoseconds: 0,
            },
            toys: vec!["ball".into(), "mouse".into()],
            owner: None,
            hat: Hat::Top { height: 17.5 },
            picture: vec![0x01, 0xc8],
        }
    }
}
