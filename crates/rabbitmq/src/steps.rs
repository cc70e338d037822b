//! Waiting for Enter before each step, so that one can look, or pull a plug.

use std::future::pending;
use std::io::{self, BufRead};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

use crate::words::say;

/// The Enter keys to come; without them no step waits.
pub struct Steps(Option<Receiver<()>>);

impl Steps {
    /// Reads stdin if `wanted`. A thread of its own does it: a program that
    /// blocked in a read would also keep its heartbeats from the broker.
    pub fn new(wanted: bool) -> Self {
        Self(wanted.then(|| {
            let (sender, receiver) = channel(1);
            thread::spawn(move || {
                for line in io::stdin().lock().split(b'\n') {
                    if line.is_err() || sender.blocking_send(()).is_err() {
                        break;
                    }
                }
            });
            receiver
        }))
    }

    /// Asks for Enter, and waits for it.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub async fn wait(&mut self, what: &str) -> io::Result<()> {
        if let Some(enter) = &mut self.0 {
            say(format_args!("Press Enter to {what}"))?;
            if enter.recv().await.is_none() {
                // At the end of stdin nobody will: only Ctrl-C is left.
                pending::<()>().await;
            }
        }
        Ok(())
    }
}
