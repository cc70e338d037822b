// ANCHOR: all
//! A POP3 server's answer (RFC 1939, 3) without a socket: a line that begins
//! with `+OK` or `-ERR`, and after some commands a text, up to a lone dot.

use thiserror::Error;

/// The longest first line, its end counted. RFC 1939 allows 512 bytes.
const MAX_LINE: usize = 4096;

/// Why an answer is none that the client can use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The server's own words, behind `-ERR`.
    #[error("the server refuses it: {0}")]
    Refused(String),
    #[error("this is no POP3 server; it says '{0}'")]
    Stranger(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the first line.
    Line,
    /// At the beginning of a line of the text.
    Start,
    /// After a dot there, and after the CR behind it.
    Dot,
    DotCr,
    /// Within a line of the text, and after a CR there.
    Text,
    TextCr,
    Done,
}

/// Takes one answer apart, byte by byte.
#[derive(Debug)]
pub struct Reply {
    /// The first line, without its end.
    pub line: Vec<u8>,
    /// The text; every line ends as it came, and no dot is before it that
    /// the server has put there.
    pub text: Vec<u8>,
    state: State,
    has_text: bool,
    largest: usize,
}

impl Reply {
    /// `has_text` says whether a text follows a `+OK`; if it does, it may have
    /// `largest` bytes.
    pub fn new(has_text: bool, largest: usize) -> Self {
        Self {
            line: Vec::new(),
            text: Vec::new(),
            state: State::Line,
            has_text,
            largest,
        }
    }

    /// Whether that was all of it. What ends before is cut off.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes bytes of this answer, and returns how many were left over.
    ///
    /// # Errors
    /// When the server refuses, is no POP3 server, or says too much.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        for (index, byte) in bytes.iter().enumerate() {
            if self.is_done() {
                return Ok(bytes.len() - index);
            }
            match self.state {
                State::Line => self.first_line(*byte)?,
                _ => self.take(*byte)?,
            }
        }
        Ok(0)
    }

    fn first_line(&mut self, byte: u8) -> Result<(), Fault> {
        if byte != b'\n' {
            self.line.push(byte);
            let fits = self.line.len() < MAX_LINE;
            return fits.then_some(()).ok_or(Fault::TooLarge(MAX_LINE));
        }
        if self.line.ends_with(b"\r") {
            self.line.pop();
        }
        let line = crate::words::printable(&self.line);
        if let Some(why) = line.strip_prefix("-ERR") {
            return Err(Fault::Refused(why.trim_start().to_owned()));
        }
        if !line.starts_with("+OK") {
            return Err(Fault::Stranger(line));
        }
        self.state = match self.has_text {
            true => State::Start,
            false => State::Done,
        };
        Ok(())
    }

    // ANCHOR: take
    /// Only CR LF ends a line: a LF alone is a byte of the text.
    fn take(&mut self, byte: u8) -> Result<(), Fault> {
        self.state = match (self.state, byte) {
            (State::Start, b'.') => State::Dot,
            (State::Dot, b'\r') => State::DotCr,
            (State::DotCr, b'\n') => State::Done,
            (State::TextCr, b'\n') => State::Start,
            (_, b'\r') => State::TextCr,
            _ => State::Text,
        };
        match self.state {
            // The dot that the server has put there, or that ends the text.
            State::Dot | State::DotCr | State::Done => return Ok(()),
            _ => self.text.push(byte),
        }
        let fits = self.text.len() <= self.largest;
        fits.then_some(()).ok_or(Fault::TooLarge(self.largest))
    }
    // ANCHOR_END: take
}
// ANCHOR_END: all
