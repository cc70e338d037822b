// ANCHOR: all
//! A letter as POP3 sends it (RFC 1939, 3): every line ends with CR LF, a
//! line that begins with a dot has one more, and a lone dot ends it all.

/// Turns the bytes of a file into what is sent.
#[derive(Clone, Debug)]
pub struct Dots {
    /// Lines of the text that are still to come, for `TOP`.
    left: Option<u64>,
    in_header: bool,
    /// Bytes of this line so far.
    column: u64,
    after_cr: bool,
    /// How many bytes the letter has so far, without the dots put before it.
    pub size: u64,
}

impl Dots {
    /// With a number of lines: the header, the blank line, and so many lines
    /// of the text.
    pub fn new(lines: Option<u64>) -> Self {
        Self {
            left: lines,
            in_header: true,
            column: 0,
            after_cr: false,
            size: 0,
        }
    }

    /// Whether nothing of the letter is wanted any more.
    pub fn is_done(&self) -> bool {
        self.left == Some(0) && !self.in_header
    }

    // ANCHOR: stuff
    /// Appends to `out` what is sent for the next bytes of the file.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            if self.is_done() {
                return;
            }
            if self.column == 0 && *byte == b'.' {
                out.push(b'.');
            }
            if *byte == b'\n' {
                self.end_line(out);
                continue;
            }
            out.push(*byte);
            self.size += 1;
            self.column += 1;
            self.after_cr = *byte == b'\r';
        }
    }
    // ANCHOR_END: stuff

    fn end_line(&mut self, out: &mut Vec<u8>) {
        let blank = self.column == u64::from(self.after_cr);
        if !self.after_cr {
            out.push(b'\r');
            self.size += 1;
        }
        out.push(b'\n');
        self.size += 1;
        self.column = 0;
        self.after_cr = false;
        if self.in_header {
            self.in_header = !blank;
        } else if let Some(left) = &mut self.left {
            *left -= 1;
        }
    }

    /// Ends the last line, if the file does not.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.column > 0 && !self.is_done() {
            self.end_line(out);
        }
    }
}
// ANCHOR_END: all
