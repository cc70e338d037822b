//! What a play leaves: what happened, in the order in which it was seen.

use std::collections::BTreeMap;

use crate::wire::tap::Taken;

/// What happened, entry by entry in the order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Played {
    pub entries: Vec<Entry>,
    /// Pairs of entries: the script tells the first before the second, which
    /// is how it was unless something surer speaks against it.
    pub told: Vec<(usize, usize)>,
    /// Real text to shown text: addresses above all.
    pub shown: Vec<(String, String)>,
    /// What crossed the wire, if somebody listened.
    pub wire: Taken,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub role: String,
    pub kind: EntryKind,
    pub text: String,
    /// Entries (by index) that surely came before this one.
    pub after: Vec<usize>,
    /// Whether the runner did it; else it is what the role did by itself.
    pub action: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The role was started by this command.
    Command,
    Stdout,
    Stderr,
    /// What its user pressed: ^C.
    Key,
    /// Its exit code.
    Exit,
    /// What was done to it from outside: killed, paused, or, to the server,
    /// started and stopped.
    Stage,
    /// Typed into a program that waits for it. Not shown: a terminal shows
    /// only what was typed, and an empty line is nothing to see.
    Typed,
}

/// How many lines a role is expected to print, start by start, until it is
/// stopped: on stdout and on stderr.
pub type Expected = BTreeMap<String, Vec<(usize, usize)>>;
