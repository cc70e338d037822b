//! How packets are shown to a person: a line each, all fields, or a TCP
//! connection as a picture.

use crate::dissect::{Dissected, Segment};
use crate::files::Packet;
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

/// A line a packet, with all its fields, or as a picture of a connection.
pub struct View {
    headers: bool,
    ladder: Option<Ladder>,
    /// Whether to show when each packet was captured, in seconds since 1970.
    pub times: bool,
}

impl View {
    /// With `draw`, nothing but the first TCP connection is shown.
    pub fn new(headers: bool, draw: bool) -> Self {
        Self {
            headers,
            ladder: draw.then(Ladder::default),
            times: false,
        }
    }

    /// The lines for the next packet.
    pub fn lines(
        &mut self,
        packet: &Packet<'_>,
        dissected: &Dissected,
    ) -> Vec<String> {
        if let Some(ladder) = &mut self.ladder {
            let draw = dissected.segment.as_ref().map(|segment| {
                ladder.draw(segment, &packet.bytes[segment.data.clone()])
            });
            return draw.unwrap_or_default();
        }
        let mut line = format!("{}: ", packet.number);
        if self.times {
            let time = packet.time;
            line += &format!("{}.{:09} ", time.as_secs(), time.subsec_nanos());
        }
        let mut lines = vec![line + &dissected.line(packet)];
        if self.headers {
            let fields = dissected.lines(packet);
            lines.extend(fields.iter().map(|line| format!("   {line}")));
        }
        lines
    }
}
