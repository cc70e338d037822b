//! What `zmq-gate` is made of: [`serve`] with its [`Limits`], and [`Whole`],
//! which knows where the messages of a peer end.

mod endpoint;
mod gate;
pub mod log;
pub mod stop;
mod whole;
pub mod words;

pub use endpoint::{address, cannot_bind, endpoint};
pub use gate::{End, Limits, Passed, serve};
pub use log::log;
pub use stop::stop_signal;
pub use whole::{Refused, Whole};
pub use words::{finish, printable, say, seconds, warn};
