//! Dead letters: what nobody could work on goes, if its queue says so, to an
//! exchange where somebody may look at it. Its header tells where it died.

use std::sync::Arc;
use std::time::SystemTime;

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use amq_protocol::types::{AMQPValue, FieldTable};

use super::frames::{self, read_header};
use super::{Broker, Message, Name, Share};

/// How many deaths a header tells of, at most: the latest ones.
const DEATHS: usize = 8;

impl Broker {
    /// Publishes a message that was rejected in `queue` for good. If the
    /// exchange is not there, or no queue gets it, it is lost.
    pub fn bury(
        &mut self,
        queue: &Name,
        dead: &Message,
        (exchange, key): (String, Option<String>),
    ) {
        let key = key.map_or_else(|| dead.key.clone(), Name::from);
        let names = self.route(&exchange, &key).unwrap_or_default();
        let Some(header) = header_of_dead(queue, dead) else {
            return;
        };
        let share = Share::new(&self.used, header.len());
        let message = Arc::new(Message {
            exchange: exchange.into(),
            key,
            header,
            body: dead.body.clone(),
            _share: share,
        });
        for name in &names {
            self.enqueue(name, message.clone());
        }
    }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// The message's own header, and in it a table for each queue in which it
/// died, the latest first.
fn header_of_dead(queue: &str, dead: &Message) -> Option<Vec<u8>> {
    let (body_size, properties) = read_header(&dead.header).ok()?;
    let mut headers = properties.headers().clone().unwrap_or_default();
    let mut deaths = match headers.inner().get("x-death") {
        Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice().to_vec(),
        _ => Vec::new(),
    };
    let mut count = 1;
    deaths.retain(|death| {
        let AMQPValue::FieldTable(death) = death else {
            return false;
        };
        let here = death.inner().get("queue") == Some(&text(queue));
        if here
            && let Some(AMQPValue::LongLongInt(before)) =
                death.inner().get("count")
        {
            count = before.saturating_add(1);
        }
        !here
    });
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since_1970.unwrap_or_default().as_secs();
    let keys = vec![text(&dead.key)].into();
    let mut death = FieldTable::default();
    death
        .insert("count".into(), AMQPValue::LongLongInt(count))
        .insert("reason".into(), text("rejected"))
        .insert("queue".into(), text(queue))
        .insert("time".into(), AMQPValue::Timestamp(seconds))
        .insert("exchange".into(), text(&dead.exchange))
        .insert("routing-keys".into(), AMQPValue::FieldArray(keys));
    deaths.insert(0, AMQPValue::FieldTable(death));
    deaths.truncate(DEATHS);
    headers.insert("x-death".into(), AMQPValue::FieldArray(deaths.into()));
    for (name, value) in [
        ("x-first-death-exchange", &*dead.exchange),
        ("x-first-death-queue", queue),
        ("x-first-death-reason", "rejected"),
    ] {
        if !headers.contains_key(name) {
            headers.insert(name.into(), text(value));
        }
    }
    let header = AMQPContentHeader {
        class_id: 60,
        body_size,
        properties: properties.with_headers(headers),
    };
    let frame = frames::encode(&AMQPFrame::Header(0, header));
    // What is around the payload is made anew for each channel.
    frame.get(7..frame.len() - 1).map(<[u8]>::to_vec)
}
