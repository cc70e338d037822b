//! One line of a blocking stream, whatever pieces it comes in.

use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

// ANCHOR: read_line
/// Reads a line and returns it without its newline. Of what comes after it,
/// nothing is kept: in this talk each side says one line.
///
/// # Errors
/// `UnexpectedEof` when the stream ends before the newline, `InvalidData`
/// when the line has more than `longest` bytes, `TimedOut` at `deadline`.
pub fn read_line(
    mut stream: &TcpStream,
    longest: usize,
    deadline: Instant,
) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut piece = [0; 512];
    // ANCHOR: until_newline
    loop {
        // Anew for each piece: a peer that sends a byte a minute would
        // never run into a limit on the single read.
        stream.set_read_timeout(Some(left(deadline)?))?;
        let length = match stream.read(&mut piece) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let newline = piece[..length].iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&piece[..newline.unwrap_or(length)]);
        if line.len() > longest {
            let text = format!("a line of more than {longest} bytes");
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        if newline.is_some() {
            return Ok(line);
        }
    }
    // ANCHOR_END: until_newline
}
// ANCHOR_END: read_line

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
        if stream.read(&mut rest)? == 0 {
            return Ok(());
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
