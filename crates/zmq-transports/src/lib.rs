//! What the programs share: endpoints that are checked and sockets that tell
//! why they cannot get together, the same two jobs over any transport, the
//! ten types of sockets, and words for a person.

mod ends;
mod greeting;
mod jobs;
mod kinds;
mod sockets;
pub mod stop;
pub mod words;

pub use jobs::{
    Job, Latency, Place, QUEUE, messages, on_a_thread, round_trips,
};
pub use kinds::{Bound, KINDS, Kind, Task};
pub use sockets::{SocketFile, bind, bind_over, cause, check, close, connect};
pub use sockets::{connect_if_it_fits, repeats, socket_options};
pub use stop::stop_signal;
pub use words::{finish, printable, say, seconds, warn};
