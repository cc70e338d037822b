//! The lines of stdin, for an async program.

use std::io::{self, BufRead, Read};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// The fewest bytes of a piece: the longest character of UTF-8 has four.
pub const SHORTEST_PIECE: u32 = 4;

/// Yields the lines of stdin, without their ends, as text: what is not UTF-8
/// becomes U+FFFD. Of a line whose text has more than `longest` bytes, each
/// piece is a line; it is cut between characters. Few lines are read ahead,
/// so whoever writes them waits with us. A thread of its own does the
/// reading: tokio's stdin would keep the program alive after Ctrl-C until
/// the next line.
pub fn stdin_lines(longest: u32) -> Receiver<io::Result<String>> {
    let longest = longest.max(SHORTEST_PIECE);
    let room = usize::try_from(longest).unwrap_or(usize::MAX);
    let (sender, receiver) = channel(64);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let (mut line, mut in_pieces) = (Vec::new(), false);
        loop {
            let mut piece = (&mut input).take(longest.into());
            let length = match piece.read_until(b'\n', &mut line) {
                Ok(0) if line.is_empty() => return,
                Ok(length) => length,
                Err(error) => {
                    let _ = sender.blocking_send(Err(error));
                    return;
                }
            };
            let ended = length == 0 || line.ends_with(b"\n");
            if line.pop_if(|last| *last == b'\n').is_some() {
                line.pop_if(|last| *last == b'\r');
            }
            // An empty line is one, too; but not what is left of a line whose
            // pieces were exactly as long as they may be.
            let mut is_due = ended && !in_pieces;
            while is_due || line.len() >= if ended { 1 } else { room } {
                let text = cut(&mut line, room, ended);
                if sender.blocking_send(Ok(text)).is_err() {
                    return;
                }
                is_due = false;
            }
            in_pieces = !ended;
        }
    });
    receiver
}

/// Takes the longest text of at most `room` bytes away from the beginning.
/// Unless the line has `ended`, the first bytes of a character whose last
/// ones may still come are left there.
fn cut(line: &mut Vec<u8>, room: usize, ended: bool) -> String {
    let (mut text, mut used) = (String::new(), 0);
    'all: for chunk in line.utf8_chunks() {
        for char in chunk.valid().chars() {
            if text.len() + char.len_utf8() > room {
                break 'all;
            }
            text.push(char);
            used += char.len_utf8();
        }
        let invalid = chunk.invalid();
        let may_go_on = !ended
            && used + invalid.len() == line.len()
            && str::from_utf8(invalid)
                .is_err_and(|error| error.error_len().is_none());
        // Its text is longer than the bytes it stands for: measure that.
        let mark = char::REPLACEMENT_CHARACTER;
        let is_full = text.len() + mark.len_utf8() > room;
        if invalid.is_empty() || may_go_on || is_full {
            break;
        }
        text.push(mark);
        used += invalid.len();
    }
    line.drain(..used);
    text
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn text_is_cut_between_characters_and_never_too_long() {
        for (bytes, pieces) in [
            ("äöü€".as_bytes(), &["äö", "ü", "€"][..]),
            (b"abcdefgh", &["abcd", "efgh"]),
            (b"", &[]),
            (&[0xe9; 3], &["\u{fffd}", "\u{fffd}", "\u{fffd}"]),
            (b"ab\xff\xe2\x82", &["ab", "\u{fffd}", "\u{fffd}"]),
            ("a😀b".as_bytes(), &["a", "😀", "b"]),
        ] {
            let mut line = bytes.to_vec();
            for piece in pieces {
                assert_eq!(cut(&mut line, 4, true), *piece, "{bytes:?}");
            }
            assert!(line.is_empty(), "{bytes:?}");
        }
        // The rest of the euro sign may still come.
        let mut line = b"\xc3\xbc\xe2\x82".to_vec();
        assert_eq!(cut(&mut line, 4, false), "ü");
        line.push(0xac);
        assert_eq!(cut(&mut line, 4, false), "€");
    }
}
