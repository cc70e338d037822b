//! Typed messages as MessagePack: [`encode`] and [`decode`] with limits, the
//! time that MessagePack defines, a reader that [explains](explain) each
//! byte, and what `msgpack-server` and `msgpack-client` say to each other.

mod cat;
mod codec;
pub mod explain;
pub mod sockets;
mod stop;
mod talk;
mod timestamp;
pub mod words;

pub use cat::{Cat, Hat};
pub use codec::{DecodeError, LONGEST, MAX_DEPTH, decode, encode};
pub use stop::stop_signal;
pub use talk::{Counter, Reply, Request};
pub use timestamp::Timestamp;
