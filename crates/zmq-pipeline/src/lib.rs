//! What the programs share: the messages they send each other, sockets that
//! lose nothing at the end, and words for a person.

mod ending;
mod greeting;
pub mod log;
mod messages;
mod ranges;
mod sockets;
mod stdin;
pub mod stop;
mod tally;
pub mod words;

pub use ending::{AFTER_STOP, unless_stopped};
pub use log::log;
pub use messages::{LONGEST_NAME, LONGEST_TASK, MOST_TASKS};
pub use messages::{LogLine, Note, Task, Unreadable, a_name};
pub use ranges::ranges;
pub use sockets::{
    bind, cause, close, connect, gone, has_hung_up, log_event, log_peers,
    socket_options,
};
pub use stdin::{SHORTEST_PIECE, stdin_lines};
pub use stop::stop_signal;
pub use tally::{Refused, Tally};
pub use words::{finish, printable, say, seconds, warn};
