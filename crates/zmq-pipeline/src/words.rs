//! Words for a person, and what every program of this book does with them.

use std::fmt;
use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::FusedFuture;
use tokio::time::timeout;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// The bytes as one line of text that cannot play with a terminal: control
/// characters, backslashes and what is not UTF-8 are shown as escapes.
pub fn printable(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for chunk in bytes.as_ref().utf8_chunks() {
        for char in chunk.valid().chars() {
            if char.is_control() || char == '\\' {
                text.extend(char.escape_default());
            } else {
                text.push(char);
            }
        }
        text.push_str(&chunk.invalid().escape_ascii().to_string());
    }
    text
}

/// Prints a line and flushes it, so that who waits for it sees it. Unlike
/// `println!` it does not panic when nobody reads any more.
pub fn say(line: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| {
        let kind = error.kind();
        let why = format!("cannot write to stdout: {kind}; send it elsewhere");
        io::Error::new(kind, why)
    })
}

/// Prints a line to stderr. If even that is closed, nothing can be done.
pub fn warn(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Turns the result of a program into its last words and its exit code. A
/// closed stdout (`zmq-sink | head -1`) is a normal end.
pub fn finish(program: &str, result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<io::Error>() {
            Some(closed) if closed.kind() == io::ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            _ => {
                warn(format_args!("{program}: {error:#}"));
                ExitCode::FAILURE
            }
        },
    }
}

/// Completes on Ctrl-C or SIGTERM (on Windows: Ctrl-C
/// or Ctrl-Break). The signals are caught from this call on, not from the
/// first `await`.
#[cfg(unix)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes on Ctrl-C or Ctrl-Break. The signals are
/// caught from this call on, not from the first `await`.
#[cfg(windows)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c};
    let (mut interrupt, mut stop) = (ctrl_c()?, ctrl_break()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
        }
    })
}

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

/// Logs to stderr what RUST_LOG asks for, such as `zmq_pipeline=debug`;
/// nothing if it asks for nothing.
pub fn log() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let Ok(targets) = wanted.parse::<Targets>() else {
        return;
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(layer.with_filter(targets))
        .init();
}

/// Some of the numbers, in ranges: `1 to 3, 5, 7 to 9 and 4 more`.
pub fn ranges(numbers: &[u32]) -> String {
    const MOST: usize = 10;
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut left_out = 0;
    for &number in numbers {
        let many = ranges.len() == MOST;
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => {
                *last = number;
            }
            _ if many => left_out += 1,
            _ => ranges.push((number, number)),
        }
    }
    let mut words: Vec<String> = Vec::new();
    for (first, last) in ranges {
        words.push(match last - first {
            0 => format!("{first}"),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        });
    }
    let mut text = words.join(", ");
    if left_out > 0 {
        text += &format!(" and {left_out} more");
    }
    text
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Reads an option that is a time in seconds, such as `5` or `0.3`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    match Duration::try_from_secs_f64(number) {
        // Far more, and the time it ends at could not be expressed.
        Ok(time) if !time.is_zero() && time <= YEAR => Ok(time),
        _ => Err("must be more than 0 seconds, and at most a year".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ranges, seconds};
    use std::time::{Duration, Instant};

    #[test]
    fn times_that_can_be_waited_for_and_others() {
        assert_eq!(seconds("0.3").unwrap(), Duration::from_millis(300));
        let year = seconds("31536000").unwrap();
        assert!(Instant::now().checked_add(year).is_some());
        for text in [
            "0", "-1", "1e-30", "31536001", "1e19", "1e30", "inf", "-inf",
            "nan",
        ] {
            let error = seconds(text).unwrap_err();
            assert!(error.ends_with(", and at most a year"), "{text}");
        }
        for text in ["", "soon", "5s"] {
            assert_eq!(seconds(text).unwrap_err(), "not a number of seconds");
        }
    }

    #[test]
    fn numbers_in_ranges() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[7]), "7");
        assert_eq!(ranges(&[1, 2, 4, 6, 7, 8]), "1, 2, 4, 6 to 8");
        let even: Vec<u32> = (1..=12).map(|half| half * 2).collect();
        let first = "2, 4, 6, 8, 10, 12, 14, 16, 18, 20 and 2 more";
        assert_eq!(ranges(&even), first);
    }
}
