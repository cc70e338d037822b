//! A TCP connection as a picture: who sent what, one line a segment.

use crate::dissect::Segment;
use crate::{beginning, printable};

/// Columns between the two sides.
const WIDTH: usize = 54;
/// Bytes of data that are shown.
const MOST_DATA: usize = 24;

/// Draws the segments of one connection, the first that it is shown.
#[derive(Default)]
pub struct Ladder {
    /// Who spoke first, and the other side.
    ends: Option<(String, String)>,
    /// What the numbers of each side begin at.
    begin: [Option<u32>; 2],
}

impl Ladder {
    /// The lines for a segment; none for one of another connection.
    pub fn draw(&mut self, segment: &Segment, data: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let (left, right) = self.ends.get_or_insert_with(|| {
            let ends = (segment.from.clone(), segment.to.clone());
            let room = (WIDTH + 4).saturating_sub(ends.0.chars().count());
            lines.push(format!("{}{:>room$}", ends.0, ends.1));
            ends
        });
        let side = match (&segment.from, &segment.to) {
            (from, to) if (from, to) == (left, right) => 0,
            (from, to) if (from, to) == (right, left) => 1,
            _ => return lines,
        };
        // ANCHOR: relative
        // Numbers begin anywhere (RFC 9293 section 3.4.1), so people count
        // from the first one, and around 2³².
        let begin = *self.begin[side].get_or_insert(segment.sequence);
        let sequence = segment.sequence.wrapping_sub(begin);
        let mut words = format!("{} seq {sequence}", segment.flags);
        if let Some(confirms) = segment.confirms {
            let begin = *self.begin[1 - side].get_or_insert(confirms);
            words += &format!(" ack {}", confirms.wrapping_sub(begin));
        }
        // ANCHOR_END: relative
        if !data.is_empty() {
            words += &format!(": {}", printable(beginning(data, MOST_DATA)));
            if data.len() > MOST_DATA {
                words += "…";
            }
        }
        let line = "-".repeat(WIDTH.saturating_sub(words.chars().count() + 7));
        lines.push(match side {
            0 => format!("  |--- {words}  {line}>|"),
            _ => format!("  |<-- {words}  {line}-|"),
        });
        lines
    }
}
