// ANCHOR: all
//! Reads the text of a letter as it crosses the wire (RFC 5321, 4.5.2).

/// The longest line of a letter, its end not counted (RFC 5321, 4.5.3.1.6).
const MAX_LINE: usize = 998;

/// Finds the end of a letter, and takes away the dots that were doubled. Where
/// the bytes are cut makes no difference.
#[derive(Debug)]
pub struct DataReader {
    at: At,
    line: usize,
    room: usize,
    fault: Option<&'static str>,
}

/// What has just been read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    /// The end of a line, or nothing yet: a dot here means something.
    Start,
    Text,
    Cr,
    Dot,
    DotCr,
}

impl DataReader {
    /// For a letter of at most `room` bytes.
    pub fn new(room: usize) -> Self {
        Self {
            at: At::Start,
            line: 0,
            room,
            fault: None,
        }
    }

    /// Why the letter cannot be taken, as an SMTP reply. It is read to its
    /// end nevertheless: the client listens only then.
    pub fn fault(&self) -> Option<&'static str> {
        self.fault
    }

    // ANCHOR: read
    /// Appends what the letter says to `text`. Returns how many bytes belong
    /// to the letter, and whether they end it.
    pub fn read(&mut self, bytes: &[u8], text: &mut Vec<u8>) -> (usize, bool) {
        for (index, &byte) in bytes.iter().enumerate() {
            self.at = match (self.at, byte) {
                (At::DotCr, b'\n') => return (index + 1, true),
                (At::Start, b'.') => At::Dot,
                (At::Dot, b'\r') => At::DotCr,
                (At::Cr, b'\n') => self.end_of_line(text),
                (at, byte) => {
                    // A CR that no LF followed, or an LF without a CR before
                    // it. Whoever takes that for the end of a line sees
                    // another letter than the next server does.
                    if matches!(at, At::Cr | At::DotCr) || byte == b'\n' {
                        self.fault = Some(ALONE);
                    }
                    self.push(byte, text)
                }
            };
        }
        (bytes.len(), false)
    }
    // ANCHOR_END: read

    fn end_of_line(&mut self, text: &mut Vec<u8>) -> At {
        self.line = 0;
        self.keep(b"\r\n", text);
        At::Start
    }

    fn push(&mut self, byte: u8, text: &mut Vec<u8>) -> At {
        if byte == b'\r' {
            return At::Cr;
        }
        self.line += 1;
        if self.line > MAX_LINE {
            self.fault = self.fault.or(Some(LONG));
        }
        self.keep(&[byte], text);
        At::Text
    }

    fn keep(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        match self.room.checked_sub(bytes.len()) {
            Some(room) => self.room = room,
            None => self.fault = self.fault.or(Some(BIG)),
        }
        if self.fault.is_none() {
            text.extend_from_slice(bytes);
        }
    }
}

const ALONE: &str =
    "554 5.6.0 a CR or an LF stands alone; a line ends with both";
const LONG: &str = "554 5.6.0 a line has more than 998 bytes";
/// Also said of a letter that is announced to be too big.
pub const BIG: &str = "552 5.3.4 the letter is too big";
// ANCHOR_END: all
