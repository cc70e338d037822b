//! What the programs share: the messages they send each other, sockets that
//! lose nothing at the end, and words for a person.

mod collected;
mod collector;
mod ending;
mod greeting;
pub mod log;
mod messages;
mod ranges;
mod sink;
mod sockets;
mod stdin;
pub mod stop;
mod tally;
mod tasks;
pub mod words;
mod workers;

pub use collected::Collected;
pub use collector::Collector;
pub use ending::{AFTER_STOP, Waits, unless_stopped};
pub use log::log;
pub use messages::{LONGEST_NAME, LONGEST_TASK, MOST_TASKS};
pub use messages::{LogLine, Note, Task, Unreadable, a_name, times};
pub use ranges::ranges;
pub use sink::Sink;
pub use sockets::{
    bind, cause, close, connect, gone, has_hung_up, log_event, log_peers,
    socket_options,
};
pub use stdin::{SHORTEST_PIECE, stdin_lines};
pub use stop::stop_signal;
pub use tally::{Refused, Tally};
pub use tasks::Tasks;
pub use words::{finish, printable, say, seconds, warn};
pub use workers::{gather, hand_over, push};
