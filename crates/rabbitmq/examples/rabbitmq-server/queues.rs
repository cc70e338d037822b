//! Queues: each keeps its messages in order, until it has handed them out and
//! heard that they are done.

use std::collections::{BTreeMap, VecDeque};
use std::iter::repeat_with;
use std::sync::Arc;

use amq_protocol::protocol::queue;
use amq_protocol::types::{AMQPValue, FieldTable, ShortString};

use super::channels::known;
use super::frames::{Failure, refuse, text};
use super::{At, Broker, ConnectionId, Message, Name, Share, check_limit};

/// What a place in a queue takes, beside the message.
const PLACE: usize = 96;

const EXCHANGE: &str = "x-dead-letter-exchange";
const KEY: &str = "x-dead-letter-routing-key";

pub struct Queue {
    /// A queue that is deleted and declared again is another one.
    pub id: u64,
    durable: bool,
    pub auto_delete: bool,
    /// The connection with which it ends, if it is exclusive.
    pub owner: Option<ConnectionId>,
    arguments: FieldTable,
    /// Messages by their places. One that comes back takes its old place.
    pub ready: BTreeMap<u64, Queued>,
    last_place: u64,
    pub consumers: VecDeque<Consumer>,
    pub had_consumer: bool,
}

pub struct Queued {
    pub message: Arc<Message>,
    /// Somebody had it before, and may have done its work.
    pub redelivered: bool,
    _share: Share,
}

pub struct Consumer {
    pub at: At,
    pub tag: Name,
    /// Its messages count as done when they are sent.
    pub no_ack: bool,
    pub exclusive: bool,
}

impl Queue {
    /// Where its messages go that are rejected for good, and with which
    /// routing key, if not their own.
    pub fn dead_letters(&self) -> Option<(String, Option<String>)> {
        let value = |name| match self.arguments.inner().get(name) {
            Some(AMQPValue::LongString(text)) => Some(text.to_string()),
            _ => None,
        };
        Some((value(EXCHANGE)?, value(KEY)))
    }
}

impl Broker {
    // ANCHOR: declare
    /// Makes a queue, unless there is one. Whoever declares one that is there
    /// must mean the same queue, or is told what is different.
    pub fn declare_queue(
        &mut self,
        at: At,
        it: &queue::Declare,
    ) -> Result<Vec<u8>, Failure> {
        let mut name: Name = it.queue.as_str().into();
        if !it.passive {
            known(&it.arguments, &[EXCHANGE, KEY])?;
            if name.is_empty() {
                name = invented("amq.gen-");
            }
            if !self.queues.contains_key(&name) {
                self.make_queue(at, it, &name)?;
            }
            self.check_same(at, it, &name)?;
        }
        let queue = self.queue(at, &name)?;
        let counts = [queue.ready.len(), queue.consumers.len()];
        let counts = counts.map(|count| (count as u32).to_be_bytes());
        let told = [text(&name), counts.concat()].concat();
        self.channel(at)?.last_queue = name;
        Ok(told)
    }
    // ANCHOR_END: declare

    fn make_queue(
        &mut self,
        at: At,
        it: &queue::Declare,
        name: &Name,
    ) -> Result<(), Failure> {
        if it.queue.as_str().starts_with("amq.") {
            let text =
                format!("queue name '{name}' contains reserved prefix 'amq.*'");
            return refuse(403, text);
        }
        for key in [EXCHANGE, KEY] {
            if let Some(value) = it.arguments.inner().get(key)
                && !matches!(value, AMQPValue::LongString(_))
            {
                let text = format!("arg '{key}' for queue '{name}' is no text");
                return refuse(406, text);
            }
        }
        let has = |key| it.arguments.contains_key(key);
        if has(KEY) && !has(EXCHANGE) {
            let text = format!(
                "invalid arg '{KEY}' for queue '{name}' in vhost '/': \
                 routing_key_but_no_dlx_defined"
            );
            return refuse(406, text);
        }
        check_limit(self.queues.len(), self.limits.queues, "queues")?;
        let queue = Queue {
            id: self.next_id(),
            durable: it.durable,
            auto_delete: it.auto_delete,
            owner: it.exclusive.then_some(at.connection),
            arguments: it.arguments.clone(),
            ready: BTreeMap::new(),
            last_place: 0,
            consumers: VecDeque::new(),
            had_consumer: false,
        };
        self.queues.insert(name.clone(), queue);
        Ok(())
    }

    fn check_same(
        &mut self,
        at: At,
        it: &queue::Declare,
        name: &Name,
    ) -> Result<(), Failure> {
        let Some(queue) = self.queues.get(name) else {
            return Ok(());
        };
        let kind = "queue";
        check_equal(kind, name, "durable", it.durable, queue.durable)?;
        let auto_delete = queue.auto_delete;
        check_equal(kind, name, "auto_delete", it.auto_delete, auto_delete)?;
        if queue.owner != it.exclusive.then_some(at.connection) {
            return locked(name);
        }
        for key in [EXCHANGE, KEY] {
            let [new, old] = [&it.arguments, &queue.arguments]
                .map(|arguments| arguments.inner().get(key));
            let value = |value: Option<&AMQPValue>| match value {
                Some(AMQPValue::LongString(text)) => {
                    format!("the value '{text}' of type 'longstr'")
                }
                Some(_) => "a value of another type".to_owned(),
                None => "none".to_owned(),
            };
            if new != old {
                return inequivalent(kind, name, key, value(new), value(old));
            }
        }
        Ok(())
    }

    /// A queue that this connection may use.
    pub fn queue(&mut self, at: At, name: &str) -> Result<&mut Queue, Failure> {
        match self.queues.get_mut(name) {
            None => refuse(404, format!("no queue '{name}' in vhost '/'")),
            Some(Queue {
                owner: Some(owner), ..
            }) if *owner != at.connection => locked(name),
            Some(queue) => Ok(queue),
        }
    }

    pub fn purge(
        &mut self,
        at: At,
        name: &ShortString,
    ) -> Result<u32, Failure> {
        let name = self.queue_name(at, name)?;
        let ready = std::mem::take(&mut self.queue(at, &name)?.ready);
        Ok(ready.len() as u32)
    }

    /// Returns how many messages went with the queue.
    pub fn delete_queue(
        &mut self,
        at: At,
        it: &queue::Delete,
    ) -> Result<u32, Failure> {
        let name = self.queue_name(at, &it.queue)?;
        if !self.queues.contains_key(&name) {
            return Ok(0);
        }
        let queue = self.queue(at, &name)?;
        let text = |what| format!("queue '{name}' in vhost '/' {what}");
        if it.if_unused && !queue.consumers.is_empty() {
            return refuse(406, text("in use"));
        }
        if it.if_empty && !queue.ready.is_empty() {
            return refuse(406, text("not empty"));
        }
        Ok(self.remove_queue(&name))
    }

    /// Takes a queue away, and tells its consumers. A program that does not
    /// listen for that waits for ever.
    pub fn remove_queue(&mut self, name: &Name) -> u32 {
        let Some(queue) = self.queues.remove(name) else {
            return 0;
        };
        for exchange in self.exchanges.values_mut() {
            exchange.bindings.retain(|binding| binding.queue != *name);
        }
        for consumer in &queue.consumers {
            if let Ok(channel) = self.channel(consumer.at) {
                channel.consumers.remove(&consumer.tag);
            }
            let connection = self.connections.get(&consumer.at.connection);
            if connection.is_some_and(|connection| connection.hears_cancel) {
                // basic.cancel, and no reply is waited for.
                let told = [&text(&consumer.tag)[..], &[1]].concat();
                self.send(consumer.at, 60, 30, &told);
            }
        }
        queue.ready.len() as u32
    }

    pub fn queues_that(&self, fits: impl Fn(&Queue) -> bool) -> Vec<Name> {
        let found = self.queues.iter().filter(|(_, queue)| fits(queue));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// Lays a message to the end of a queue.
    pub fn enqueue(&mut self, name: &Name, message: Arc<Message>) {
        if let Some(queue) = self.queues.get_mut(name) {
            queue.last_place += 1;
            let queued = Queued {
                message,
                redelivered: false,
                _share: Share::new(&self.used, PLACE),
            };
            queue.ready.insert(queue.last_place, queued);
            self.deliver(name);
        }
    }
}

/// A name that nobody else has, and nobody guesses.
pub fn invented(prefix: &str) -> Name {
    let random = repeat_with(fastrand::alphanumeric).take(22);
    prefix.chars().chain(random).collect::<String>().into()
}

fn locked<T>(name: &str) -> Result<T, Failure> {
    let text = format!(
        "cannot obtain exclusive access to locked queue '{name}' in vhost \
         '/'. It could be originally declared on another connection or the \
         exclusive property value does not match that of the original \
         declaration."
    );
    refuse(405, text)
}

pub fn check_equal(
    kind: &str,
    name: &str,
    what: &str,
    new: bool,
    old: bool,
) -> Result<(), Failure> {
    if new != old {
        let [new, old] = [new, old].map(|value| format!("'{value}'"));
        return inequivalent(kind, name, what, new, old);
    }
    Ok(())
}

pub fn inequivalent<T>(
    kind: &str,
    name: &str,
    what: &str,
    new: String,
    old: String,
) -> Result<T, Failure> {
    let text = format!(
        "inequivalent arg '{what}' for {kind} '{name}' in vhost '/': received \
         {new} but current is {old}"
    );
    refuse(406, text)
}
