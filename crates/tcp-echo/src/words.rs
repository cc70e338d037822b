//! What the programs say to a person, and how they end.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};

/// Why an address could not be listened at, and what to do.
pub fn cannot_listen(address: &str, error: &io::Error) -> anyhow::Error {
    use io::ErrorKind::*;
    let advice = match error.kind() {
        AddrInUse => "; end what listens there, or give another address",
        AddrNotAvailable => "; give an address of this machine",
        PermissionDenied => "; give a port above 1023",
        _ => "",
    };
    anyhow!("cannot listen at {address}: {}{advice}", cause(error))
}

/// Why an address could not be connected to, and what to do.
pub fn cannot_connect(address: &str, error: &io::Error) -> anyhow::Error {
    use io::ErrorKind::*;
    let advice = match error.kind() {
        ConnectionRefused => "; start a server there, or give another address",
        TimedOut => "; is that machine on, and the address right?",
        _ => "",
    };
    anyhow!("cannot connect to {address}: {}{advice}", cause(error))
}

/// Why a talk with a peer ended too early, and what to do.
pub fn cannot_talk(
    peer: impl fmt::Display,
    error: &io::Error,
) -> anyhow::Error {
    let cause = cause(error);
    let advice = match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "; it closed before its message was whole"
        }
        io::ErrorKind::InvalidData => "; does it speak this protocol?",
        _ if cause == "timed out" => "; nothing more came (see --timeout)",
        _ if cause == "connection reset" => "; has its program ended?",
        _ => "",
    };
    anyhow!("cannot talk with {peer}: {cause}{advice}")
}

/// The cause in the same words on every system.
fn cause(error: &io::Error) -> String {
    use io::ErrorKind::*;
    let kind = match error.kind() {
        // Unix calls it so when a socket's time limit is over.
        WouldBlock => TimedOut,
        // Which of these a vanished peer leaves is a matter of timing.
        BrokenPipe | ConnectionAborted => ConnectionReset,
        kind => kind,
    };
    // A text of our own (the kinds of those are used for nothing else), or
    // a rare error that the standard library has no kind for.
    let ours = matches!(kind, InvalidInput | InvalidData | NotFound);
    if ours || kind.to_string() == "uncategorized error" {
        return error.to_string();
    }
    kind.to_string()
}

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

/// The time, as RFC 3339 writes it, in UTC.
pub fn now() -> impl fmt::Display {
    humantime::format_rfc3339_seconds(SystemTime::now())
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
/// closed stdout (`tcp-server | head -1`) is a normal end.
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

/// For a blocking program: from now on Ctrl-C and SIGTERM (on Windows:
/// Ctrl-C and Ctrl-Break) end it with exit 0, wherever it waits.
pub fn end_on_ctrl_c() -> anyhow::Result<()> {
    ctrlc::set_handler(|| std::process::exit(0)).context("cannot catch Ctrl-C")
}

/// For an async program: completes on Ctrl-C or SIGTERM (on Windows: Ctrl-C
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

/// For an async program: completes on Ctrl-C or Ctrl-Break. The signals are
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

/// The result of `work`, or an error of the kind `TimedOut`.
pub async fn within<T>(
    limit: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
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
