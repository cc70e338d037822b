//! How packets are shown to a person.

use crate::dissect::Dissected;
use crate::files::Packet;
use crate::ladder::Ladder;

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
