//! The one extension that MessagePack itself defines: a time, type -1.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::{ByteBuf, Bytes};

use crate::explain;

/// A point in time: seconds since the beginning of 1970 in UTC, which are
/// negative before it, and nanoseconds, which are added in any case: half a
/// second before -1 is -2 and 500,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    pub seconds: i64,
    /// Less than 1,000,000,000.
    pub nanoseconds: u32,
}

/// This name tells rmp-serde that it is an extension.
#[derive(Deserialize)]
#[serde(rename = "_ExtStruct")]
struct Extension((i8, ByteBuf));

impl Serialize for Timestamp {
    /// In the shortest of the three forms that can hold it. JSON knows no
    /// times, and gets text.
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if out.is_human_readable() {
            return out.collect_str(self);
        }
        if self.nanoseconds >= 1_000_000_000 {
            return Err(S::Error::custom("a second has fewer nanoseconds"));
        }
        let mut long = self.nanoseconds.to_be_bytes().to_vec();
        long.extend(self.seconds.to_be_bytes());
        let seconds = u64::try_from(self.seconds).unwrap_or(u64::MAX);
        let both = u64::from(self.nanoseconds) << 34 | seconds;
        let body = match both {
            // No nanoseconds either.
            0..=0xffff_ffff => &(both as u32).to_be_bytes()[..],
            _ if seconds < 1 << 34 => &both.to_be_bytes(),
            _ => &long,
        };
        let extension = (-1_i8, Bytes::new(body));
        out.serialize_newtype_struct("_ExtStruct", &extension)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Extension((kind, body)) = Extension::deserialize(from)?;
        match explain::timestamp(&body) {
            Some((seconds, nanoseconds)) if kind == -1 => Ok(Self {
                seconds,
                nanoseconds,
            }),
            _ => Err(D::Error::custom(format_args!(
                "extension {kind} with {} bytes is no time",
                body.len()
            ))),
        }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let (seconds, rest) = match time.duration_since(SystemTime::UNIX_EPOCH)
        {
            Ok(since) => (since.as_secs() as i64, since.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let up =
                    Duration::from_secs(u64::from(before.subsec_nanos() > 0));
                let whole = (before + up).as_secs();
                let rest = Duration::from_secs(whole) - before;
                (-(whole as i64), rest.subsec_nanos())
            }
        };
        Self {
            seconds,
            nanoseconds: rest,
        }
    }
}

/// As in RFC 3339.
impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&explain::utc(self.seconds, self.nanoseconds))
    }
}
