//! What the programs of this section share: a [`Client`] that asks again, a
//! [`Server`] that outlives its peers, and messages that are one text.

pub mod broker;
mod client;
mod server;
pub mod sockets;
mod words;

use anyhow::{bail, ensure};
use zeromq::ZmqMessage;

pub use client::Client;
pub use server::{News, Server};
pub use words::{finish, log, printable, say, seconds, seconds_or_none};
pub use words::{stop_signal, warn};

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
