//! The Enter key, for a program that awaits.

use std::io::{self, BufRead};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// Yields once for each line of stdin and ends with it. A thread of its own
/// does the reading: tokio's stdin would keep the program alive after Ctrl-C,
/// until the next Enter.
pub fn enter_keys() -> Receiver<()> {
    let (sender, receiver) = channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            if line.is_err() || sender.blocking_send(()).is_err() {
                break;
            }
        }
    });
    receiver
}
