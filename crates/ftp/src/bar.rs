//! How far a long transfer is.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A shorter transfer shows no bar.
const BAR_AFTER: Duration = Duration::from_secs(1);

/// A bar on stderr, if that is a terminal, and the transfer a long one.
pub fn bar() -> impl FnMut(u64, Option<u64>) {
    let begin = Instant::now();
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    let form = "{bar:30} {bytes} of {total_bytes}, {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    move |length, size| {
        if bar.is_hidden() && begin.elapsed() > BAR_AFTER {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_length(size.unwrap_or(length));
        bar.set_position(length);
        if size == Some(length) {
            bar.finish_and_clear();
        }
    }
}
