//! What the four programs share: a broker to connect to, errors that a person
//! can act on, a clean end.

pub mod stop;
pub mod words;

pub use stop::stop_signal;
pub use words::{beginning, finish, printable, say, seconds, warn};
