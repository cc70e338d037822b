//! What the sink keeps of a batch of tasks.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use thiserror::Error;
use zeromq::{PullSocket, SocketRecv};

use crate::{Note, cause, ranges, warn};

/// Which tasks are done, and by whom. Results may come before the number of
/// tasks: they come over other connections, and between connections there is
/// no order.
#[derive(Debug, Default)]
pub struct Tally {
    expected: Option<u32>,
    done: BTreeMap<u32, String>,
}

/// Why a note was not counted.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// The number of tasks is known already.
    #[error("the number of tasks was told before")]
    SecondBatch,
    /// Somebody has done it before.
    #[error("task {0} was done before")]
    Twice(u32),
    /// There are not so many tasks.
    #[error("there is no task {0}")]
    NoSuchTask(String),
}

impl Tally {
    /// The next note that counts.
    pub async fn next(&mut self, results: &mut PullSocket) -> Note {
        loop {
            let message = match results.recv().await {
                Ok(message) => message,
                Err(error) => {
                    tracing::debug!("a peer broke off: {}", cause(&error));
                    continue;
                }
            };
            let counted = Note::read(&message).map_err(anyhow::Error::from);
            let counted = counted.and_then(|note| {
                self.add(note.clone())?;
                Ok(note)
            });
            match counted {
                Ok(note) => return note,
                Err(why) => {
                    warn(format_args!("zmq-sink: message skipped: {why}"));
                }
            }
        }
    }

    /// How many tasks are done, if that is all of them.
    ///
    /// # Errors
    /// Which are missing, for a person.
    pub fn all(&self) -> anyhow::Result<u32> {
        match self.expected {
            Some(count) if self.is_complete() => Ok(count),
            Some(count) => {
                let missing = self.missing();
                Err(anyhow!(
                    "cannot collect {} of {count} results: timed out; was a \
                     worker killed? push again: {}",
                    missing.len(),
                    ranges(&missing)
                ))
            }
            None => bail!(
                "cannot tell whether {} results are all: timed out; nobody \
                 said how many there are: start zmq-ventilator",
                self.done()
            ),
        }
    }

    /// Counts what a note says.
    pub fn add(&mut self, note: Note) -> Result<(), Refused> {
        match note {
            Note::Tasks(_) if self.expected.is_some() => {
                Err(Refused::SecondBatch)
            }
            Note::Tasks(count) => {
                self.expected = Some(count);
                let beyond = self.done.split_off(&count.saturating_add(1));
                let beyond: Vec<u32> = beyond.into_keys().collect();
                let refused = Refused::NoSuchTask(ranges(&beyond));
                beyond.is_empty().then_some(()).ok_or(refused)
            }
            Note::Done { number, .. }
                if self.expected.is_some_and(|count| number > count) =>
            {
                Err(Refused::NoSuchTask(number.to_string()))
            }
            Note::Done { number, .. } if self.done.contains_key(&number) => {
                Err(Refused::Twice(number))
            }
            Note::Done { number, worker } => {
                self.done.insert(number, worker);
                Ok(())
            }
        }
    }

    /// How many tasks there are, if somebody has said it.
    pub fn expected(&self) -> Option<u32> {
        self.expected
    }

    /// How many tasks are done.
    pub fn done(&self) -> usize {
        self.done.len()
    }

    /// The tasks that are not done, if it is known how many there are.
    pub fn missing(&self) -> Vec<u32> {
        let all = 1..=self.expected.unwrap_or(0);
        all.filter(|number| !self.done.contains_key(number))
            .collect()
    }

    /// Whether all tasks are done.
    pub fn is_complete(&self) -> bool {
        let done = u32::try_from(self.done.len()).ok();
        self.expected.is_some() && self.expected == done
    }

    /// How many tasks each worker has done, by name.
    pub fn by_worker(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for worker in self.done.values() {
            *counts.entry(worker.as_str()).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::{Refused, Tally};
    use crate::Note;

    fn done(number: u32, worker: &str) -> Note {
        let worker = worker.to_owned();
        Note::Done { number, worker }
    }

    #[test]
    fn counts_each_task_once_whatever_comes_first() {
        let mut tally = Tally::default();
        tally.add(done(2, "bob")).unwrap();
        assert!(!tally.is_complete());
        assert_eq!(tally.missing(), []);
        tally.add(Note::Tasks(3)).unwrap();
        assert_eq!(tally.missing(), [1, 3]);
        assert_eq!(tally.add(done(2, "alice")), Err(Refused::Twice(2)));
        let refused = Refused::NoSuchTask("4".into());
        assert_eq!(tally.add(done(4, "alice")), Err(refused));
        assert_eq!(tally.add(Note::Tasks(3)), Err(Refused::SecondBatch));
        tally.add(done(1, "alice")).unwrap();
        tally.add(done(3, "bob")).unwrap();
        assert!(tally.is_complete());
        let counts: Vec<_> = tally.by_worker().into_iter().collect();
        assert_eq!(counts, [("alice", 1), ("bob", 2)]);
    }

    #[test]
    fn results_beyond_the_number_of_tasks_are_dropped_when_it_comes() {
        let mut tally = Tally::default();
        for number in [1, 8, 9] {
            tally.add(done(number, "bob")).unwrap();
        }
        let refused = Refused::NoSuchTask("8, 9".into());
        assert_eq!(tally.add(Note::Tasks(1)), Err(refused));
        assert!(tally.is_complete());
    }
}
