//! What the programs share: the messages they send each other, sockets that
//! lose nothing at the end, and words for a person.

mod messages;
mod sockets;
mod stdin;
mod tally;
mod words;

pub use messages::{LONGEST_NAME, LONGEST_TASK, MOST_TASKS};
pub use messages::{LogLine, Note, Task, Unreadable, a_name};
pub use sockets::{
    bind, cause, close, connect, gone, log_event, log_peers, socket_options,
};
pub use stdin::stdin_lines;
pub use tally::{Refused, Tally};
pub use words::{AFTER_STOP, stop_signal, unless_stopped, warn};
pub use words::{finish, log, printable, ranges, say, seconds};
