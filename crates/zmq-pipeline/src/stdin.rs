//! The lines of stdin, for an async program.

use std::io::{self, BufRead, Read};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// Yields the lines of stdin, without their ends, as text: what is not UTF-8
/// becomes U+FFFD. A line of more than `longest` bytes comes in pieces. Few
/// lines are read ahead, so whoever writes them waits with us. A thread of
/// its own does the reading: tokio's stdin would keep the program alive after
/// Ctrl-C until the next line.
pub fn stdin_lines(longest: u64) -> Receiver<io::Result<String>> {
    let (sender, receiver) = channel(64);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut in_pieces = false;
        loop {
            let mut line = Vec::new();
            match (&mut input).take(longest).read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            }
            let is_end = line.ends_with(b"\n");
            if is_end {
                line.pop();
                if line.ends_with(b"\r") {
                    line.pop();
                }
            }
            // Its pieces were exactly as long as they may be.
            let nothing_left = in_pieces && line.is_empty();
            in_pieces = !is_end;
            let text = String::from_utf8_lossy(&line).into_owned();
            if !nothing_left && sender.blocking_send(Ok(text)).is_err() {
                return;
            }
        }
    });
    receiver
}
