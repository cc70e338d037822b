// ANCHOR: all
//! Takes away what everybody has done, and nothing else.

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamInfoGroup, StreamTrimmingMode};
use redis::streams::{StreamPendingReply, StreamTrimOptions};
use redis::{AsyncTypedCommands, RedisResult};

/// Removes the entries that every group has acknowledged, and returns how
/// many they were. A stream without a group keeps everything.
///
/// A new group that begins at 0 later does not see them any more.
///
/// # Errors
/// When Redis does not answer, or refuses.
// ANCHOR: trim
pub async fn trim_done(
    connection: &mut MultiplexedConnection,
    stream: &str,
) -> RedisResult<usize> {
    // First how far each group has come, then what it still has in hand: in
    // the other order, what is handed out in between would be in neither.
    let groups = connection.xinfo_groups(stream).await?.groups;
    let mut first_needed = None;
    for group in &groups {
        let needed = first_unfinished(connection, stream, group).await?;
        let needed = number(&needed);
        first_needed = Some(first_needed.map_or(needed, |id| needed.min(id)));
    }
    let Some((time, count)) = first_needed else {
        return Ok(0);
    };
    let id = format!("{time}-{count}");
    let keep = StreamTrimOptions::minid(StreamTrimmingMode::Exact, id);
    connection.xtrim_options(stream, &keep).await
}
// ANCHOR_END: trim

/// The id of the first entry that the group still needs, or may need.
async fn first_unfinished(
    connection: &mut MultiplexedConnection,
    stream: &str,
    group: &StreamInfoGroup,
) -> RedisResult<String> {
    match connection.xpending(stream, &group.name).await? {
        StreamPendingReply::Data(pending) => Ok(pending.start_id),
        _ => {
            // The one behind the last that was handed out.
            let (time, count) = number(&group.last_delivered_id);
            Ok(match count.checked_add(1) {
                Some(count) => format!("{time}-{count}"),
                None => format!("{}-0", time.saturating_add(1)),
            })
        }
    }
}

/// An id as Redis compares it: by its milliseconds, then by its count. One
/// that cannot be read needs everything.
fn number(id: &str) -> (u64, u64) {
    let (time, count) = id.split_once('-').unwrap_or((id, "0"));
    match (time.parse(), count.parse()) {
        (Ok(time), Ok(count)) => (time, count),
        _ => (0, 0),
    }
}
// ANCHOR_END: all
