//! What `zmq-gate` is made of: [`serve`] with its [`Limits`], and [`Whole`],
//! which knows where the messages of a peer end.

mod endpoint;
mod gate;
mod whole;
mod words;

pub use endpoint::{address, cannot_bind, endpoint};
pub use gate::{End, Limits, Passed, serve};
pub use whole::{Refused, Whole};
pub use words::{at_least_one, finish, log, printable, say, seconds};
pub use words::{stop_signal, warn};
