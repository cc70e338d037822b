//! Who plays, and what has been seen of it until now.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender};

use anyhow::{Context, Result};
use regex_lite::Regex;

use crate::build::Programs;
use crate::network::Network;
use crate::played::{Entry, EntryKind, Expected, Played};
use crate::process::{Process, Scratch};
use crate::raw::{Peer, RawEvent};
use crate::script::{Role, Script};
use crate::server::Choice;
use crate::server::running::Seat;
use crate::wire::tap::Tap;
use crate::workspace::Section;

/// Where and with what a demo is played.
pub struct Stage<'a> {
    pub section: &'a Section,
    pub programs: &'a Programs,
    pub choice: Choice,
    /// What an earlier recording has; `None` to record for the first time.
    pub expected: Option<&'a Expected>,
    /// Whether to record what crosses the wire. Nobody notices but by the
    /// ports, which are shown as ever.
    pub tapped: bool,
}

/// What the reading threads report.
pub enum Report {
    Line {
        role: usize,
        run: usize,
        stderr: bool,
        text: String,
    },
    Closed {
        role: usize,
        run: usize,
    },
    Raw {
        role: usize,
        run: usize,
        event: RawEvent,
    },
}

/// What a role has been doing.
pub struct Acting<'a> {
    pub role: &'a Role,
    /// How often it was started.
    pub runs: usize,
    pub performer: Performer,
    /// The entry that is the last of its stdout, and of its stderr.
    pub last: [Option<usize>; 2],
    /// The last of each that was waited for.
    pub awaited: [Option<usize>; 2],
    /// Whether a step has seen the end of the last run.
    pub end_seen: bool,
    /// Lines of this run: of stdout and of stderr.
    pub lines: [usize; 2],
}

pub enum Performer {
    Nobody,
    Program {
        process: Process,
        open_pipes: usize,
        killed: bool,
    },
    Raw(Peer),
}

/// A line was waited for, and found on one of stdout and stderr.
pub struct Wait {
    pub role: usize,
    pub pattern: Regex,
    /// The one on which it was not found,
    pub other: EntryKind,
    /// where nothing up to this entry counted.
    pub beyond: Option<usize>,
}

pub struct Player<'a> {
    pub stage: &'a Stage<'a>,
    pub script: &'a Script,
    // Programs end before the server does: fields are dropped in this order.
    pub acting: Vec<Acting<'a>>,
    /// Where the roles are, if not in the machine's network.
    pub network: Option<Network>,
    pub seats: Vec<Seat>,
    pub tap: Option<Tap>,
    pub scratch: Scratch,
    pub played: Played,
    /// Each step comes after the one before it.
    pub last_action: Option<usize>,
    pub waits: Vec<Wait>,
    pub values: BTreeMap<String, String>,
    pub sender: Sender<Report>,
    pub receiver: Receiver<Report>,
    pub watch: &'a mut dyn FnMut(&Entry),
}

impl<'a> Acting<'a> {
    pub fn new(role: &'a Role) -> Self {
        Self {
            role,
            runs: 0,
            performer: Performer::Nobody,
            last: [None; 2],
            awaited: [None; 2],
            end_seen: true,
            lines: [0; 2],
        }
    }

    pub fn is_on(&self) -> bool {
        !matches!(self.performer, Performer::Nobody)
    }
}

impl Player<'_> {
    pub fn index(&self, name: &str) -> Result<usize> {
        self.acting
            .iter()
            .position(|acting| acting.role.name == name)
            .with_context(|| format!("no role is called '{name}'"))
    }

    /// Takes down something that the runner did. It surely came after all that
    /// was waited for until now.
    pub fn act(&mut self, role: &str, kind: EntryKind, text: &str) -> usize {
        let after = self.until_now();
        let entry = self.note(role, kind, text.to_owned(), after, true);
        self.last_action = Some(entry);
        entry
    }

    /// All that was waited for or done until now.
    pub fn until_now(&self) -> Vec<usize> {
        self.acting
            .iter()
            .flat_map(|acting| acting.awaited)
            .flatten()
            .chain(self.last_action)
            .collect()
    }

    pub fn note(
        &mut self,
        role: &str,
        kind: EntryKind,
        text: String,
        after: Vec<usize>,
        action: bool,
    ) -> usize {
        let entry = Entry {
            role: role.to_owned(),
            kind,
            text,
            after,
            action,
        };
        (self.watch)(&entry);
        self.played.entries.push(entry);
        self.played.entries.len() - 1
    }
}
