//! What was handed out and is not acknowledged. The broker keeps it until a
//! consumer says that the work is done; if the consumer goes away without
//! a word, somebody else gets it. So nothing is lost, and some things are done
//! twice (at-least-once).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use amq_protocol::protocol::basic;
use amq_protocol::types::ShortString;

use super::channels::known;
use super::frames::{Failure, refuse, text};
use super::queues::{Consumer, Queued, invented};
use super::{At, Broker, Message, Name, check_limit};

pub struct Unacked {
    pub queue: Name,
    queue_id: u64,
    /// Where it was in the queue.
    place: u64,
    queued: Queued,
    /// Who has it, by tag and id; `None` if it was fetched by basic.get.
    consumer: Option<(Name, u64)>,
}

/// A message as it is handed out.
struct Given {
    tag: u64,
    redelivered: bool,
    message: Arc<Message>,
    /// How many are left in the queue.
    left: u32,
}

/// What a channel knows of a consumer of its own.
pub struct Consuming {
    id: u64,
    pub queue: Name,
    /// How many messages it may hold unacknowledged; 0 is any number.
    prefetch: usize,
    holds: usize,
}

impl Given {
    /// What basic.deliver and basic.get-ok say of it.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.tag.to_be_bytes().to_vec();
        bytes.push(self.redelivered.into());
        bytes.extend(self.message.came_by());
        bytes
    }
}

impl Broker {
    pub fn consume(
        &mut self,
        at: At,
        it: &basic::Consume,
    ) -> Result<(), Failure> {
        known(&it.arguments, &[])?;
        let name = self.queue_name(at, &it.queue)?;
        let tag = match it.consumer_tag.as_str() {
            "" => invented("amq.ctag-"),
            tag => tag.into(),
        };
        let now = self.queues.values().map(|one| one.consumers.len()).sum();
        check_limit(now, self.limits.consumers, "consumers")?;
        if self.channel(at)?.consumers.contains_key(&tag) {
            let text = format!("attempt to reuse consumer tag '{tag}'");
            return refuse(530, text);
        }
        let queue = self.queue(at, &name)?;
        let alone = queue.consumers.iter().any(|other| other.exclusive);
        if alone || it.exclusive && !queue.consumers.is_empty() {
            let text = format!("queue '{name}' in vhost '/' in exclusive use");
            return refuse(403, text);
        }
        queue.had_consumer = true;
        queue.consumers.push_back(Consumer {
            at,
            tag: tag.clone(),
            no_ack: it.no_ack,
            exclusive: it.exclusive,
        });
        let id = self.next_id();
        let channel = self.channel(at)?;
        let consuming = Consuming {
            id,
            queue: name.clone(),
            prefetch: channel.prefetch.into(),
            holds: 0,
        };
        channel.consumers.insert(tag.clone(), consuming);
        if !it.nowait {
            self.send(at, 60, 21, &text(&tag));
        }
        self.deliver(&name);
        Ok(())
    }

    // ANCHOR: deliver
    /// Hands out what waits in a queue, to its consumers in turn. One that
    /// holds as much as its prefetch allows is passed over, and so is one that
    /// does not read: the message is for somebody who can work on it.
    pub fn deliver(&mut self, name: &Name) {
        let mut busy = 0;
        loop {
            let Some(queue) = self.queues.get_mut(name) else {
                return;
            };
            if queue.ready.is_empty() || busy >= queue.consumers.len() {
                return;
            }
            queue.consumers.rotate_left(1);
            let Some(consumer) = queue.consumers.back() else {
                return;
            };
            let Consumer { at, no_ack, .. } = *consumer;
            let tag = consumer.tag.clone();
            if !self.is_hungry(at, &tag, no_ack) {
                busy += 1;
                continue;
            }
            busy = 0;
            let mut told = text(&tag);
            let Some(given) = self.hand_out(at, name, Some(tag), no_ack) else {
                return;
            };
            told.extend(given.to_bytes());
            self.send_message(at, 60, &told, &given.message);
        }
    }

    fn is_hungry(&mut self, at: At, tag: &Name, no_ack: bool) -> bool {
        let Some(connection) = self.connections.get(&at.connection) else {
            return false;
        };
        let channel = connection.channels.get(&at.channel);
        let consumer = channel.and_then(|one| one.consumers.get(tag));
        let has_room = consumer.is_some_and(|one| {
            no_ack || one.prefetch == 0 || one.holds < one.prefetch
        });
        has_room && !connection.outbox.is_full()
    }

    /// Takes the first message from a queue, and keeps it for the channel
    /// until it is acknowledged.
    fn hand_out(
        &mut self,
        at: At,
        name: &Name,
        consumer: Option<Name>,
        no_ack: bool,
    ) -> Option<Given> {
        // Not by `channel`: it would keep the whole of the broker.
        let connection = self.connections.get_mut(&at.connection)?;
        let channel = connection.channels.get_mut(&at.channel)?;
        let queue = self.queues.get_mut(name)?;
        let (place, queued) = queue.ready.pop_first()?;
        channel.last_tag += 1;
        let given = Given {
            tag: channel.last_tag,
            redelivered: queued.redelivered,
            message: queued.message.clone(),
            left: queue.ready.len() as u32,
        };
        if no_ack {
            return Some(given);
        }
        let consumer = consumer.and_then(|tag| {
            let consumer = channel.consumers.get_mut(&tag)?;
            consumer.holds += 1;
            Some((tag, consumer.id))
        });
        let unacked = Unacked {
            queue: name.clone(),
            queue_id: queue.id,
            place,
            queued,
            consumer,
        };
        channel.unacked.insert(given.tag, unacked);
        Some(given)
    }
    // ANCHOR_END: deliver

    /// One message now, or none, instead of messages as they come.
    pub fn get(&mut self, at: At, it: &basic::Get) -> Result<(), Failure> {
        let name = self.queue_name(at, &it.queue)?;
        self.queue(at, &name)?;
        let Some(given) = self.hand_out(at, &name, None, it.no_ack) else {
            self.send(at, 60, 72, &text(""));
            return Ok(());
        };
        let left = given.left.to_be_bytes();
        let told = [&given.to_bytes()[..], &left].concat();
        self.send_message(at, 71, &told, &given.message);
        Ok(())
    }

    // ANCHOR: settle
    /// The work is done: this is the end of the message.
    pub fn ack(
        &mut self,
        at: At,
        tag: u64,
        multiple: bool,
    ) -> Result<(), Failure> {
        let settled = self.settle(at, tag, multiple)?;
        let names = settled.into_iter().map(|unacked| unacked.queue).collect();
        self.deliver_all(names);
        Ok(())
    }

    /// The work is not done. The message goes back, or for good.
    pub fn reject(
        &mut self,
        at: At,
        tag: u64,
        multiple: bool,
        requeue: bool,
    ) -> Result<(), Failure> {
        if !requeue {
            // Where it goes, its header is longer.
            self.check_memory()?;
        }
        let settled = self.settle(at, tag, multiple)?;
        let names = settled.iter().map(|unacked| unacked.queue.clone());
        let names = names.collect();
        for unacked in settled {
            if requeue {
                self.put_back(unacked);
            } else if let Some(queue) = self.queues.get(&unacked.queue)
                && queue.id == unacked.queue_id
                && let Some(letters) = queue.dead_letters()
            {
                let message = unacked.queued.message;
                self.bury(&unacked.queue, &message, letters);
            }
        }
        self.deliver_all(names);
        Ok(())
    }

    /// Takes what a delivery tag means; all tags up to it, if `multiple`, and
    /// then 0 means all that there are.
    fn settle(
        &mut self,
        at: At,
        tag: u64,
        multiple: bool,
    ) -> Result<Vec<Unacked>, Failure> {
        let channel = self.channel(at)?;
        let all = multiple && tag == 0;
        if !all && !channel.unacked.contains_key(&tag) {
            return refuse(406, format_args!("unknown delivery tag {tag}"));
        }
        let later = if all {
            BTreeMap::new()
        } else {
            channel.unacked.split_off(&(tag + 1))
        };
        let mut settled = std::mem::replace(&mut channel.unacked, later);
        if !multiple {
            let it = settled.remove(&tag);
            channel.unacked.append(&mut settled);
            settled.extend(it.map(|it| (tag, it)));
        }
        for unacked in settled.values() {
            if let Some((consumer, id)) = &unacked.consumer
                && let Some(consumer) = channel.consumers.get_mut(consumer)
                && consumer.id == *id
            {
                consumer.holds -= 1;
            }
        }
        Ok(settled.into_values().collect())
    }
    // ANCHOR_END: settle

    /// To its old place, if its queue is still there.
    fn put_back(&mut self, unacked: Unacked) {
        if let Some(queue) = self.queues.get_mut(&unacked.queue)
            && queue.id == unacked.queue_id
        {
            let mut queued = unacked.queued;
            queued.redelivered = true;
            queue.ready.insert(unacked.place, queued);
        }
    }

    fn deliver_all(&mut self, names: BTreeSet<Name>) {
        names.iter().for_each(|name| self.deliver(name));
    }

    pub fn cancel(&mut self, at: At, tag: &ShortString) -> Result<(), Failure> {
        let consumer = self.channel(at)?.consumers.remove(tag.as_str());
        if let Some(consumer) = consumer {
            self.forget_consumers(&consumer.queue, |other| {
                other.at == at && &*other.tag == tag.as_str()
            });
        }
        Ok(())
    }

    fn forget_consumers(
        &mut self,
        name: &Name,
        gone: impl Fn(&Consumer) -> bool,
    ) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        queue.consumers.retain(|consumer| !gone(consumer));
        let last = queue.had_consumer && queue.consumers.is_empty();
        if queue.auto_delete && last {
            self.remove_queue(name);
        }
    }

    // ANCHOR: leave
    /// A channel is closed, or its connection is lost: what it held and did
    /// not acknowledge is for others, who are told that it was given out
    /// before.
    pub fn leave_channel(&mut self, at: At) {
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        let Some(channel) = connection.channels.remove(&at.channel) else {
            return;
        };
        let unacked = channel.unacked.into_values();
        let mut names = BTreeSet::new();
        for unacked in unacked {
            names.insert(unacked.queue.clone());
            self.put_back(unacked);
        }
        for consumer in channel.consumers.into_values() {
            let gone = |other: &Consumer| other.at == at;
            self.forget_consumers(&consumer.queue, gone);
        }
        self.deliver_all(names);
    }
    // ANCHOR_END: leave
}
