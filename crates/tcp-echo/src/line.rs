//! One line of a blocking stream, whatever pieces it comes in.

use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

// ANCHOR: read_line
/// Reads a line and returns it without its newline, or CR LF. Of what comes
/// after it, nothing is kept: in this talk each side says one line.
///
/// # Errors
/// `UnexpectedEof` when the stream ends before the newline, `InvalidData`
/// when the line has more than `longest` bytes, `TimedOut` at `deadline`.
pub fn read_line(
    stream: &TcpStream,
    longest: usize,
    deadline: Instant,
) -> io::Result<Vec<u8>> {
    match read(stream, longest, deadline) {
        Ok((line, true)) => Ok(line),
        Ok((_, false)) => Err(ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            let text = "timed out before the newline that ends a line";
            Err(io::Error::new(ErrorKind::TimedOut, text))
        }
        Err(error) => Err(error),
    }
}

/// As [`read_line`], where nothing follows the line: many a server says its
/// last words without a newline and closes. The end of the stream ends them,
/// too, and nobody can tell whether they are whole.
pub fn read_last_line(
    stream: &TcpStream,
    longest: usize,
    deadline: Instant,
) -> io::Result<Vec<u8>> {
    match read(stream, longest, deadline)? {
        (line, false) if line.is_empty() => {
            Err(ErrorKind::UnexpectedEof.into())
        }
        (line, _) => Ok(line),
    }
}

/// What was read, and whether a newline ended it.
fn read(
    mut stream: &TcpStream,
    longest: usize,
    deadline: Instant,
) -> io::Result<(Vec<u8>, bool)> {
    let mut line = Vec::new();
    let mut piece = [0; 512];
    // ANCHOR: until_newline
    loop {
        // Anew for each piece: a peer that sends a byte a minute would
        // never run into a limit on the single read.
        stream.set_read_timeout(Some(left(deadline)?))?;
        let length = match stream.read(&mut piece) {
            Ok(0) => return Ok((line, false)),
            Ok(length) => length,
            // If the time is over, `left` says so.
            Err(error) if is_passing(&error) => continue,
            Err(error) => return Err(error),
        };
        let newline = piece[..length].iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&piece[..newline.unwrap_or(length)]);
        if line.len() > longest {
            let text = format!("a line of more than {longest} bytes");
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        if newline.is_some() {
            // As telnet and nc -C end a line.
            line.pop_if(|last| *last == b'\r');
            return Ok((line, true));
        }
    }
    // ANCHOR_END: until_newline
}
// ANCHOR_END: read_line

/// The limit on one read is over, as Unix calls it and as Windows does; or
/// the program was stopped (Ctrl-Z) and goes on.
fn is_passing(error: &io::Error) -> bool {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

// ANCHOR: hang_up
/// Ends a stream so that all that was written arrives: says that no more
/// will come, and waits until the peer has closed too. To close while bytes
/// of the peer are unread is a reset, and a reset can overtake our last
/// words and destroy them (RFC 1122, section 4.2.2.13).
pub fn hang_up(mut stream: &TcpStream, deadline: Instant) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let mut rest = [0; 512];
    loop {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut rest) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: hang_up

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    // Zero would mean no limit at all.
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(left)
}
