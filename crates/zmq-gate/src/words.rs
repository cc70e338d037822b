//! Words for a person, and what every program of this book does with them.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

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
    writeln!(out, "{line}")?;
    out.flush()
}

/// Prints a line to stderr. If even that is closed, nothing can be done.
pub fn warn(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Turns the result of a program into its last words and its exit code. A
/// closed stdout (`zmq-gate | head -1`) is a normal end.
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

/// Completes on Ctrl-C or SIGTERM. The signals are caught from this call on,
/// not from the first `await`.
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

/// Completes on Ctrl-C or Ctrl-Break. The signals are caught from this call
/// on, not from the first `await`.
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

/// Logs to stderr what RUST_LOG asks for, such as `zmq_gate=debug`;
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

/// Reads an option that is a count.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("must be a whole number above 0".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{at_least_one, printable, seconds};
    use std::time::Duration;

    #[test]
    fn times_that_can_be_waited_for_and_others() {
        assert_eq!(seconds("0.3"), Ok(Duration::from_millis(300)));
        for text in ["-1", "1e-30", "31536001", "1e30", "inf", "nan", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert!(seconds("0").is_err());
        assert_eq!(at_least_one("1"), Ok(1));
        for text in ["0", "-1", "1.5", "many"] {
            assert!(at_least_one(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_printed_moves_a_cursor() {
        assert_eq!(printable(b"a\x1b[2J\xff\\"), r"a\u{1b}[2J\xff\\");
    }
}
