//! What the programs say to a person, and how they end.

use std::fmt;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};

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
/// closed stdout (`zmq-sub | head -1`) is a normal end.
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

/// Completes on Ctrl-C or SIGTERM (on Windows: Ctrl-C or Ctrl-Break). The
/// signals are caught from this call on, not from the first `await`.
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
    use super::seconds;
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
}
