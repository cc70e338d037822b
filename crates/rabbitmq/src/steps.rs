//! Waiting for Enter before each step, so that one can look, or pull a plug.

use std::future::pending;
use std::io;

use tokio::sync::mpsc::Receiver;

use crate::keys::enter_keys;
use crate::words::say;

/// The Enter keys to come; without them no step waits.
pub struct Steps(Option<Receiver<()>>);

impl Steps {
    /// Reads stdin if `wanted`, and blocks nothing: a program that did would
    /// keep its heartbeats from the broker.
    pub fn new(wanted: bool) -> Self {
        Self(wanted.then(enter_keys))
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
