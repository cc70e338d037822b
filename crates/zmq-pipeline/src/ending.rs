//! How long programs wait, and what they still do after Ctrl-C.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::FusedFuture;
use tokio::time::timeout;

use crate::seconds;

/// What a program may still need after Ctrl-C for what it has begun.
pub const AFTER_STOP: Duration = Duration::from_millis(400);

/// How long a program waits for its partners; options of it.
#[derive(Clone, Copy, clap::Args)]
pub struct Waits {
    /// Seconds to wait for each partner to come
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    pub patience: Duration,
    /// Seconds that a partner may need to take a message, and in the end to
    /// take all that are on their way; after Ctrl-C, at most 0.4
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    pub linger: Duration,
}

/// What comes of `work`; or nothing, if the program was told to end, before
/// or meanwhile, and [`AFTER_STOP`] was not enough for the rest.
pub async fn unless_stopped<T>(
    work: impl Future<Output = T>,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
) -> Option<T> {
    let mut work = pin!(work);
    if !stop.is_terminated() {
        tokio::select! {
            done = &mut work => return Some(done),
            () = stop => {}
        }
    }
    timeout(AFTER_STOP, work).await.ok()
}
