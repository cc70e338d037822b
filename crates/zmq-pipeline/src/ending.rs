//! What a program still does after Ctrl-C.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::FusedFuture;
use tokio::time::timeout;

/// What a program may still need after Ctrl-C for what it has begun.
pub const AFTER_STOP: Duration = Duration::from_millis(400);

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
