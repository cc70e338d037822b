//! What the programs of this section share: a [`Client`] that asks again, a
//! [`Server`] that outlives its peers, and messages that are one text.

pub mod broker;
mod client;
mod greeting;
pub mod log;
mod server;
pub mod sockets;
pub mod stop;
pub mod words;

use std::time::Duration;

use anyhow::{bail, ensure};
use zeromq::ZmqMessage;

pub use client::Client;
pub use log::log;
pub use server::{News, Server};
pub use stop::stop_signal;
pub use words::{finish, printable, say, seconds, warn};

/// The text of a message that has one part, or what is wrong with it.
pub fn one_text(message: &ZmqMessage, longest: u32) -> anyhow::Result<String> {
    let (Some(part), 1) = (message.get(0), message.len()) else {
        bail!("{} parts instead of one", message.len());
    };
    ensure!(!part.is_empty(), "nothing in it");
    ensure!(
        u32::try_from(part.len()).is_ok_and(|length| length <= longest),
        "{} bytes, the limit is {longest} bytes",
        part.len()
    );
    match std::str::from_utf8(part) {
        Ok(text) => Ok(text.into()),
        Err(_) => bail!("not UTF-8"),
    }
}

/// As [`seconds`], where no time at all is good, too.
pub fn seconds_or_none(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(0.0) => Ok(Duration::ZERO),
        _ => seconds(text).map_err(|error| {
            error.replace("more than 0 seconds", "0 seconds or more")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{seconds, seconds_or_none};
    use std::time::Duration;

    #[test]
    fn no_time_at_all_is_good_too() {
        assert_eq!(seconds_or_none("0"), Ok(Duration::ZERO));
        assert_eq!(seconds_or_none("0.3"), seconds("0.3"));
        for text in ["-1", "31536001", "nan", "soon"] {
            assert!(seconds_or_none(text).is_err(), "{text}");
        }
    }
}
