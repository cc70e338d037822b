//! All keys, and the clients that wait for entries.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::id::Id;
use super::reply::Reply;
use super::stream::{Entry, Group, PENDING, Stream};

/// The reply, or the error to send in its place.
pub type Answer = Result<Reply, Reply>;

pub struct Store {
    streams: BTreeMap<Bytes, Stream>,
    /// By their tickets: the one that has waited longest comes first.
    waiting: BTreeMap<u64, Waiter>,
    last_ticket: u64,
    /// About how many bytes there are, and how many there may be.
    memory: usize,
    limit: usize,
}

/// What a client asked for by XREAD or XREADGROUP.
pub struct Read {
    /// `None` stands for `>`: what nobody in the group has had.
    pub streams: Vec<(Bytes, Option<Id>)>,
    /// The group and the consumer.
    pub group: Option<(Bytes, Bytes)>,
    pub count: usize,
    /// Whether what is handed out is pending until it is acknowledged.
    pub remember: bool,
}

struct Waiter {
    read: Read,
    answer: oneshot::Sender<Answer>,
}

/// What a key, a group or a consumer costs besides its name.
const NAME: usize = 256;

impl Store {
    pub fn new(limit: usize) -> Self {
        Self {
            streams: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last_ticket: 0,
            memory: 0,
            limit,
        }
    }

    /// The error that Redis gives when it may not take more memory.
    pub fn has_room(&self) -> Result<(), Reply> {
        match self.memory < self.limit {
            true => Ok(()),
            false => Err(Reply::error(
                "OOM command not allowed when used memory > 'maxmemory'.",
            )),
        }
    }

    pub fn spend(&mut self, bytes: usize) {
        self.memory = self.memory.saturating_add(bytes);
    }

    pub fn free(&mut self, bytes: usize) {
        self.memory = self.memory.saturating_sub(bytes);
    }

    /// Forgets a stream with all its groups. Returns whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let Some(stream) = self.streams.remove(key) else {
            return false;
        };
        let entries = stream.entries.values().map(Entry::cost);
        let groups = stream.groups.iter().map(|(name, group)| {
            let names = group.consumers.iter().chain([name]);
            names.map(|name| NAME + name.len()).sum::<usize>()
                + group.pending.len() * PENDING
        });
        let inside = entries.sum::<usize>() + groups.sum::<usize>();
        self.free(NAME + key.len() + inside);
        true
    }

    pub fn get(&mut self, key: &[u8]) -> Option<&mut Stream> {
        self.streams.get_mut(key)
    }

    pub fn make_stream(&mut self, key: &Bytes) -> &mut Stream {
        if !self.streams.contains_key(key) {
            self.spend(NAME + key.len());
        }
        self.streams.entry(key.clone()).or_default()
    }

    /// Returns whether there was none of that name.
    pub fn make_group(&mut self, key: &Bytes, name: &Bytes, last: Id) -> bool {
        let groups = &mut self.make_stream(key).groups;
        if groups.contains_key(name) {
            return false;
        }
        groups.insert(name.clone(), Group::new(last));
        self.spend(NAME + name.len());
        true
    }

    /// Redis learns of a consumer by its first command.
    pub fn meet(&mut self, key: &[u8], group: &[u8], consumer: &Bytes) {
        let group = self.get(key).and_then(|one| one.groups.get_mut(group));
        if group.is_some_and(|one| one.consumers.insert(consumer.clone())) {
            self.spend(NAME + consumer.len());
        }
    }

    pub fn has_group(&mut self, key: &[u8], group: &[u8]) -> Result<(), Reply> {
        let stream = self.get(key);
        match stream.is_some_and(|one| one.groups.contains_key(group)) {
            true => Ok(()),
            false => Err(Reply::error(format!(
                "{} in XREADGROUP with GROUP option",
                no_group(key, group)
            ))),
        }
    }

    /// Reads; `None` if there is nothing that the client has not had.
    pub fn read(&mut self, read: &Read) -> Result<Option<Reply>, Reply> {
        for (key, place) in &read.streams {
            let Some((group, consumer)) = &read.group else {
                break;
            };
            self.has_group(key, group)?;
            if place.is_none() {
                self.has_room()?;
            }
            self.meet(key, group, consumer);
        }
        let mut found = Vec::new();
        for (key, place) in &read.streams {
            let Some(stream) = self.get(key) else {
                continue;
            };
            let mut more = 0;
            let replies = match (&read.group, place) {
                (Some((group, consumer)), None) => {
                    let (replies, pending) = stream.deliver(
                        group,
                        consumer,
                        read.count,
                        read.remember,
                    );
                    more = pending * PENDING;
                    replies
                }
                (Some((group, consumer)), Some(place)) => {
                    stream.history(group, consumer, *place, read.count)
                }
                (None, place) => {
                    stream.after(place.unwrap_or_default(), read.count)
                }
            };
            self.spend(more);
            // A history is told even when it is empty.
            let history = read.group.is_some() && place.is_some();
            if history || !replies.is_empty() {
                found.push((Reply::Bulk(key.clone()), Reply::Array(replies)));
            }
        }
        Ok((!found.is_empty()).then_some(Reply::Streams(found)))
    }

    // ANCHOR: wait
    /// Puts a client behind all others that wait already. It waits until an
    /// entry is added, or until it gives its ticket back.
    pub fn wait(&mut self, read: Read) -> (u64, oneshot::Receiver<Answer>) {
        let (answer, receiver) = oneshot::channel();
        self.last_ticket += 1;
        self.waiting
            .insert(self.last_ticket, Waiter { read, answer });
        (self.last_ticket, receiver)
    }

    pub fn stop_waiting(&mut self, ticket: u64) {
        self.waiting.remove(&ticket);
    }

    /// Serves those that wait for the stream, the longest-waiting first. Each
    /// entry of a group goes to one of them.
    pub fn serve_waiting(&mut self, key: &Bytes) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let served: Vec<u64> = waiting
            .iter()
            .filter(|(_, waiter)| {
                waiter.read.streams.iter().any(|(name, _)| name == key)
            })
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in served {
            let Some(waiter) = waiting.get(&ticket) else {
                continue;
            };
            let Some(answer) = self.read(&waiter.read).transpose() else {
                continue;
            };
            if let Some(waiter) = waiting.remove(&ticket) {
                // Whoever is gone gets nothing; what it was given is pending.
                let _ = waiter.answer.send(answer);
            }
        }
        self.waiting = waiting;
    }
    // ANCHOR_END: wait
}

/// The beginning of Redis's error for a group that is not there.
pub fn no_group(key: &[u8], group: &[u8]) -> String {
    format!(
        "NOGROUP No such key '{}' or consumer group '{}'",
        String::from_utf8_lossy(key),
        String::from_utf8_lossy(group)
    )
}
