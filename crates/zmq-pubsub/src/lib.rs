// ANCHOR: all
//! What zmq-pub and zmq-sub share: the cats and their hats, and a message
//! of the two. The modules beside it hold what a publisher knows of its
//! audience, connecting and closing, and words for a person.

mod audience;
mod greeting;
mod keys;
mod publishers;
mod sockets;
pub mod stop;
pub mod words;

use bytes::Bytes;
use zeromq::ZmqMessage;

pub use audience::{Audience, Expected};
pub use greeting::broke_off;
pub use keys::enter_keys;
pub use publishers::{Publishers, each_once};
pub use sockets::socket_options;
pub use sockets::{bind, cause, check, close, connect, send};
pub use stop::stop_signal;
pub use words::{finish, printable, say, seconds, warn};

/// Each cat is a topic: the first part of a message.
pub const CATS: [&str; 4] = ["catA", "catB", "catC", "catD"];
/// Each hat is something to say about a cat: the second part.
pub const HATS: [&str; 4] = ["hatA", "hatB", "hatC", "hatD"];

/// A message of two parts. The first is what subscriptions look at.
pub fn message(cat: &'static str, hat: &'static str) -> ZmqMessage {
    let mut message = ZmqMessage::from(Bytes::from_static(cat.as_bytes()));
    message.push_back(Bytes::from_static(hat.as_bytes()));
    message
}

/// The cat and the hat of a message, or what is wrong with it. Of what comes
/// in, one thing is certain: it begins with what was subscribed to.
pub fn cat_and_hat(message: &ZmqMessage) -> Result<(&str, &str), String> {
    let (Some(cat), Some(hat), 2) =
        (message.get(0), message.get(1), message.len())
    else {
        return Err(format!("its number of parts is {}", message.len()));
    };
    Ok((text(cat, "cat")?, text(hat, "hat")?))
}

fn text<'a>(part: &'a [u8], what: &str) -> Result<&'a str, String> {
    match str::from_utf8(part) {
        Ok("") => Err(format!("its {what} is empty")),
        Ok(text) => Ok(text),
        Err(_) => Err(format!("its {what} is no text: {}", printable(part))),
    }
}

// ANCHOR: show
/// Shows what a message says, or why it says nothing.
pub fn show(message: &ZmqMessage) -> std::io::Result<()> {
    match cat_and_hat(message) {
        Ok((cat, hat)) => say(format_args!(
            "Subscribe: {} wears a {}",
            printable(cat),
            printable(hat)
        )),
        Err(why) => {
            warn(format_args!("zmq-sub: skipped a message: {why}"));
            Ok(())
        }
    }
}
// ANCHOR_END: show

/// Some prefixes, for a person.
pub fn list(prefixes: &[impl AsRef<[u8]>]) -> String {
    let shown = |prefix: &[u8]| match prefix {
        // Every message begins with nothing.
        [] => "everything".into(),
        prefix => printable(prefix),
    };
    if prefixes.is_empty() {
        return "nothing".into();
    }
    let all = prefixes.iter().map(|prefix| shown(prefix.as_ref()));
    all.collect::<Vec<_>>().join(", ")
}

/// A number of things.
pub fn plural(count: usize, thing: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{ending}")
}
// ANCHOR_END: all
