//! What a stream is, and what a consumer group is: a list of numbered entries,
//! and for each group the place up to which they were handed out, and a table
//! of those that nobody has acknowledged yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::id::Id;
use super::reply::Reply;

// ANCHOR: stream
#[derive(Default)]
pub struct Stream {
    pub entries: BTreeMap<Id, Entry>,
    /// The highest id ever given. It stays when entries go.
    pub last: Id,
    pub groups: BTreeMap<Bytes, Group>,
}

/// Names and values in turn.
pub struct Entry(Vec<Bytes>);

/// Workers that share a stream: each entry goes to one of them.
pub struct Group {
    /// The last entry that was handed out.
    pub last: Id,
    /// What was handed out and not acknowledged.
    pub pending: BTreeMap<Id, Pending>,
    /// Everyone who has ever asked. Redis forgets no consumer by itself.
    pub consumers: BTreeSet<Bytes>,
}

/// An entry in somebody's hands.
pub struct Pending {
    pub consumer: Bytes,
    pub since: Instant,
    pub deliveries: u64,
}
// ANCHOR_END: stream

/// What an entry or a pending delivery costs besides its own bytes.
const ENTRY: usize = 128;
const FIELD: usize = size_of::<Bytes>() + 16;
pub const PENDING: usize = 128;

impl Entry {
    pub fn cost(&self) -> usize {
        let fields = self.0.iter();
        ENTRY + fields.map(|field| FIELD + field.len()).sum::<usize>()
    }

    fn reply(&self, id: Id) -> Reply {
        let fields = self.0.iter().cloned().map(Reply::Bulk);
        Reply::Array(vec![id.into(), Reply::Array(fields.collect())])
    }
}

impl Stream {
    /// Adds an entry, whose id is higher than all before it. Returns its cost.
    pub fn add(&mut self, id: Id, fields: Vec<Bytes>) -> usize {
        self.last = id;
        let entry = Entry(fields);
        let cost = entry.cost();
        self.entries.insert(id, entry);
        cost
    }

    /// Entries behind `place`, at most `count`.
    pub fn after(&self, place: Id, count: usize) -> Vec<Reply> {
        let behind = self.entries.range((Excluded(place), Unbounded));
        let replies = behind.take(count);
        replies.map(|(id, entry)| entry.reply(*id)).collect()
    }

    pub fn range(&self, first: Id, last: Id, count: usize) -> Vec<Reply> {
        if first > last {
            return Vec::new();
        }
        let entries = self.entries.range(first..=last).take(count);
        entries.map(|(id, entry)| entry.reply(*id)).collect()
    }

    /// Takes entries away from the front. Returns how many, and what they
    /// cost.
    pub fn trim(&mut self, count: usize) -> (usize, usize) {
        let mut freed = 0;
        for done in 0..count {
            match self.entries.pop_first() {
                Some((_, entry)) => freed += entry.cost(),
                None => return (done, freed),
            }
        }
        (count, freed)
    }

    // ANCHOR: deliver
    /// Hands out entries that nobody in the group has had, at most `count`,
    /// and remembers in whose hands they are (unless it asked not to: NOACK).
    /// Returns them, and how many are pending now that were not before.
    pub fn deliver(
        &mut self,
        group: &[u8],
        consumer: &Bytes,
        count: usize,
        remember: bool,
    ) -> (Vec<Reply>, usize) {
        let Some(group) = self.groups.get_mut(group) else {
            return (Vec::new(), 0);
        };
        let before = group.pending.len();
        let behind = self.entries.range((Excluded(group.last), Unbounded));
        let mut replies = Vec::new();
        for (id, entry) in behind.take(count) {
            replies.push(entry.reply(*id));
            group.last = *id;
            if remember {
                group.pending.insert(*id, Pending::new(consumer));
            }
        }
        let more = group.pending.len() - before;
        (replies, more)
    }
    // ANCHOR_END: deliver

    /// What the consumer was given behind `place` and has not acknowledged.
    /// Reading it counts as a delivery.
    pub fn history(
        &mut self,
        group: &[u8],
        consumer: &Bytes,
        place: Id,
        count: usize,
    ) -> Vec<Reply> {
        let Some(group) = self.groups.get_mut(group) else {
            return Vec::new();
        };
        let behind = group.pending.range_mut((Excluded(place), Unbounded));
        let own = behind.filter(|(_, pending)| pending.consumer == *consumer);
        let mut replies = Vec::new();
        for (id, pending) in own.take(count) {
            pending.renew(consumer, true);
            replies.push(match self.entries.get(id) {
                Some(entry) => entry.reply(*id),
                // Taken away while it was in somebody's hands.
                None => Reply::Array(vec![(*id).into(), Reply::Null]),
            });
        }
        replies
    }

    /// Gives an entry to another consumer if it has been pending for so long.
    /// `Gone`, if the stream does not have it any more.
    pub fn claim(
        &mut self,
        group: &[u8],
        consumer: &Bytes,
        id: Id,
        idle: Duration,
        only_id: bool,
    ) -> Claimed {
        let Some(group) = self.groups.get_mut(group) else {
            return Claimed::Not;
        };
        let Some(pending) = group.pending.get_mut(&id) else {
            return Claimed::Not;
        };
        let Some(entry) = self.entries.get(&id) else {
            group.pending.remove(&id);
            return Claimed::Gone;
        };
        if pending.since.elapsed() < idle {
            return Claimed::Not;
        }
        pending.renew(consumer, !only_id);
        Claimed::Now(match only_id {
            true => id.into(),
            false => entry.reply(id),
        })
    }
}

pub enum Claimed {
    Now(Reply),
    Gone,
    Not,
}

impl Group {
    pub fn new(last: Id) -> Self {
        Self {
            last,
            pending: BTreeMap::new(),
            consumers: BTreeSet::new(),
        }
    }
}

impl Pending {
    fn new(consumer: &Bytes) -> Self {
        Self {
            consumer: consumer.clone(),
            since: Instant::now(),
            deliveries: 1,
        }
    }

    fn renew(&mut self, consumer: &Bytes, counts: bool) {
        self.consumer = consumer.clone();
        self.since = Instant::now();
        self.deliveries += u64::from(counts);
    }
}
