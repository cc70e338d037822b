//! The number of an entry: milliseconds, and a count within the millisecond.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::reply::Reply;
use super::request::number;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub time: u64,
    pub count: u64,
}

impl Id {
    pub const MIN: Self = Self { time: 0, count: 0 };
    pub const MAX: Self = Self {
        time: u64::MAX,
        count: u64::MAX,
    };

    /// Reads `5-1`, or `5`, to which `count` is added.
    pub fn parse(text: &[u8], count: u64) -> Result<Self, Reply> {
        let mut parts = text.splitn(2, |byte| *byte == b'-');
        let time = parts.next().and_then(number);
        let count = parts.next().map_or(Some(count), number);
        match (time, count) {
            (Some(time), Some(count)) => Ok(Self { time, count }),
            _ => Err(Reply::error(
                "ERR Invalid stream ID specified as stream command argument",
            )),
        }
    }

    /// The end of a range: `-`, `+`, `5` or `5-1`.
    pub fn bound(text: &[u8], first: bool) -> Result<Self, Reply> {
        match text {
            b"-" => Ok(Self::MIN),
            b"+" => Ok(Self::MAX),
            _ => Self::parse(text, if first { 0 } else { u64::MAX }),
        }
    }

    /// The id that Redis gives to an entry added now, after `self`: by its
    /// clock, and should that go back, by counting on.
    pub fn following(self) -> Option<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = since.map_or(0, |since| since.as_millis());
        let time = u64::try_from(time).unwrap_or(u64::MAX);
        if time > self.time {
            Some(Self { time, count: 0 })
        } else {
            self.next()
        }
    }

    pub fn next(self) -> Option<Self> {
        match self.count.checked_add(1) {
            Some(count) => Some(Self { count, ..self }),
            None => Some(Self {
                time: self.time.checked_add(1)?,
                count: 0,
            }),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.time, self.count)
    }
}

impl From<Id> for Reply {
    fn from(id: Id) -> Self {
        Self::Bulk(id.to_string().into())
    }
}
