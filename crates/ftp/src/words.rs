//! What the programs say to a person, and how they end. This file is only
//! scaffolding; it is the same in every section.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

// ANCHOR: printable
/// The bytes as one line of text that cannot play with a terminal. Control
/// characters, backslashes, what breaks lines or turns their direction, and
/// what is not UTF-8 are shown as escapes, as `{:?}` does.
pub fn printable(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for chunk in bytes.as_ref().utf8_chunks() {
        // Quotation marks need no escape here.
        let escaped = chunk.valid().escape_debug().to_string();
        text += &escaped.replace("\\\"", "\"").replace("\\'", "'");
        text += &chunk.invalid().escape_ascii().to_string();
    }
    text
}
// ANCHOR_END: printable

/// The beginning of the bytes, at most `most` of them; text is cut between
/// characters.
pub fn beginning(bytes: &[u8], most: usize) -> &[u8] {
    let mut end = most.min(bytes.len());
    // In UTF-8 only the bytes after a character's first one, three at most,
    // begin with the bits 10.
    let is_inside = |at: usize| bytes.get(at).is_some_and(|b| b >> 6 == 0b10);
    while end + 3 > most && end > 0 && is_inside(end) {
        end -= 1;
    }
    &bytes[..end]
}

/// Prints a line and flushes it, so that whoever waits for it sees it. Unlike
/// `println!` it does not panic when nobody reads any more.
pub fn say(line: impl fmt::Display) -> io::Result<()> {
    write(&mut io::stdout().lock(), &line).map_err(|error| {
        let kind = error.kind();
        let cause = match kind.to_string() {
            // The standard library has no kind for it.
            unknown if unknown == "uncategorized error" => error.to_string(),
            cause => cause,
        };
        let text = format!("cannot write to stdout: {cause}");
        io::Error::new(kind, text + "; send it elsewhere")
    })
}

/// Prints a line to stderr. If even that is closed, nothing can be done.
pub fn warn(line: impl fmt::Display) {
    let _ = write(&mut io::stderr().lock(), &line);
}

/// Lines that were begun, and those that are done.
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);

fn write(out: &mut impl Write, line: &impl fmt::Display) -> io::Result<()> {
    BEGUN.fetch_add(1, SeqCst);
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    DONE.fetch_add(1, SeqCst);
    written
}

/// How many lines are done, and whether one waits to be written: for ever, if
/// it goes into a full pipe that nobody reads.
pub fn lines() -> (usize, bool) {
    let done = DONE.load(SeqCst);
    (done, BEGUN.load(SeqCst) > done)
}

/// Turns the result of a program into its last words and its exit code. A
/// closed stdout (`PROGRAM | head -1`) is a normal end.
pub fn finish(program: &str, result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    match error.downcast_ref::<io::Error>() {
        // With a text, it is an error of `say`; without, one of a socket.
        Some(closed)
            if closed.kind() == ErrorKind::BrokenPipe
                && closed.get_ref().is_some() =>
        {
            ExitCode::SUCCESS
        }
        _ => {
            warn(format_args!("{program}: {error:#}"));
            ExitCode::FAILURE
        }
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
    use super::{beginning, printable, seconds};
    use std::time::{Duration, Instant};

    #[test]
    fn what_a_stranger_says_stays_one_line_and_keeps_its_direction() {
        assert_eq!(
            printable("c'est \"été\", e\u{301}"),
            "c'est \"été\", e\u{301}"
        );
        assert_eq!(printable(b"\x1b[2J\r\n\0\x7f"), r"\u{1b}[2J\r\n\0\u{7f}");
        let hidden = "\u{202e}\u{2066}\u{200b}\u{2028}\u{2029}\u{85}";
        let shown = r"\u{202e}\u{2066}\u{200b}\u{2028}\u{2029}\u{85}";
        assert_eq!(printable(hidden), shown);
        // The byte, the four characters that stand for it, and a quote.
        assert_eq!(printable(b"\xff \\xff \\\""), r#"\xff \\xff \\""#);
    }

    #[test]
    fn text_is_cut_between_characters() {
        for (text, most, cut) in [
            ("cats", 4, "cats"),
            ("cats", 3, "cat"),
            ("a€", 3, "a"),
            ("a€", 4, "a€"),
            ("a😀", 4, "a"),
            ("😀", 1, ""),
        ] {
            assert_eq!(beginning(text.as_bytes(), most), cut.as_bytes());
        }
        // What is no text is cut anywhere.
        assert_eq!(beginning(&[0x80; 9], 8).len(), 5);
        assert_eq!(beginning(&[0xff; 9], 8).len(), 8);
    }

    #[test]
    fn times_that_can_be_waited_for_and_others() {
        assert_eq!(seconds("0.3").unwrap(), Duration::from_millis(300));
        let year = seconds("31536000").unwrap();
        assert!(Instant::now().checked_add(year).is_some());
        for text in ["0", "-1", "1e-30", "31536001", "1e30", "inf", "nan"] {
            let error = seconds(text).unwrap_err();
            assert!(error.ends_with(", and at most a year"), "{text}");
        }
        for text in ["", "soon", "5s"] {
            assert_eq!(seconds(text).unwrap_err(), "not a number of seconds");
        }
    }
}
