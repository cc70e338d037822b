//! One order for what several processes printed.
//!
//! In which order lines of two processes reached the runner says little: the
//! system runs them in any order and their pipes are read by different
//! threads. But a good deal is known for certain: the order within each
//! process, which lines were waited for before the runner took the next step,
//! and, from the script, which line brings about which. Among all the orders
//! that respect this, one is chosen by rule: an effect comes straight after its
//! cause, and whoever speaks goes on speaking. So a recording of the same lines
//! always has the same order, however they happened to arrive.
//!
//! Where nothing is known for certain, the script is taken at its word: what a
//! step waits for comes after what the steps before it did, and when the runner
//! does something to a role (types, sends, stops), all that the role says comes
//! after that, unless a step had waited for it, or for one of its effects. That
//! a line arrived earlier does not count: it may arrive later the next time.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use regex_lite::Regex;

use crate::played::{Entry, EntryKind, Played};
use crate::script::{Cause, Script, with_groups};

/// The one order of the entries, and what brought about what.
#[derive(Debug)]
pub struct Order {
    /// Indices of entries.
    pub entries: Vec<usize>,
    /// For an entry that is an effect, the entry that caused it.
    pub causes: BTreeMap<usize, usize>,
    /// Printed lines that might have had an effect, and had none.
    pub unheard: BTreeSet<usize>,
}

/// Brings the entries into their one order.
///
/// # Errors
/// When a line that should have a cause has none (a message that nobody sent
/// was printed, or one was printed twice), and when the causes contradict what
/// is known for certain.
pub fn order(script: &Script, played: &Played) -> Result<Order> {
    let mut graph = Graph::new(&played.entries);
    for cause in &script.causes {
        graph.add_cause(script, cause)?;
    }
    for (earlier, later) in &played.told {
        graph.add_told(*earlier, *later);
    }
    graph.add_actions();
    let entries = graph.sort()?;
    let heard: BTreeSet<usize> = graph.cause.values().copied().collect();
    Ok(Order {
        entries,
        unheard: &graph.speaks - &heard,
        causes: graph.drawn,
    })
}

struct Graph<'a> {
    entries: &'a [Entry],
    /// For each entry the ones that come before it.
    before: Vec<BTreeSet<usize>>,
    /// For an entry that is an effect, its cause.
    cause: BTreeMap<usize, usize>,
    /// Those of them that the book draws.
    drawn: BTreeMap<usize, usize>,
    /// Printed lines that the script calls a cause.
    speaks: BTreeSet<usize>,
}

impl<'a> Graph<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let before = entries
            .iter()
            .map(|entry| entry.after.iter().copied().collect())
            .collect();
        Self {
            entries,
            before,
            cause: BTreeMap::new(),
            drawn: BTreeMap::new(),
            speaks: BTreeSet::new(),
        }
    }

    fn add_cause(&mut self, script: &Script, cause: &Cause) -> Result<()> {
        let keys = self.keys();
        let any =
            Regex::new(&with_groups(&cause.effect.text, |_| ".*".to_owned()))?;
        // Each role that feels an effect feels each cause once.
        for role in &cause.effect.roles {
            let mut effects: Vec<usize> = self
                .of(role)
                .filter(|entry| any.is_match(&self.entries[*entry].text))
                .collect();
            effects.sort_by_key(|entry| keys[*entry]);
            let mut causes = Vec::new();
            for (index, entry) in self.entries.iter().enumerate() {
                if cause.line.roles.contains(&entry.role)
                    && let Some(found) = cause.line.text.captures(&entry.text)
                {
                    let effect = with_groups(&cause.effect.text, |number| {
                        regex_lite::escape(
                            found
                                .get(number)
                                .map_or("", |group| group.as_str()),
                        )
                    });
                    causes.push((index, Regex::new(&effect)?));
                    if cause.arrow && entry.kind == EntryKind::Stdout {
                        self.speaks.insert(index);
                    }
                }
            }
            causes.sort_by_key(|(entry, _)| keys[*entry]);
            for effect in effects {
                let text = &self.entries[effect].text;
                // What was said before the other one was there to hear it did
                // not reach it, unless something kept it in between.
                let deaf = if cause.queued {
                    BTreeSet::new()
                } else {
                    self.all_before(self.ready(script, effect))
                };
                let found = causes.iter().position(|(cause, pattern)| {
                    !deaf.contains(cause) && pattern.is_match(text)
                });
                let Some(found) = found else {
                    bail!(
                        "{role} printed '{text}', but no line that causes \
                         it is left"
                    );
                };
                let (line, _) = causes.remove(found);
                for entry in self.block(effect, cause.effect.block) {
                    self.before[entry].insert(line);
                    self.cause.insert(entry, line);
                    if cause.arrow {
                        self.drawn.insert(entry, line);
                    }
                }
            }
        }
        Ok(())
    }

    /// The entries that belong together with the last one of them.
    fn block(&self, last: usize, length: usize) -> Vec<usize> {
        let entry = &self.entries[last];
        (0..=last)
            .rev()
            .filter(|earlier| {
                let earlier = &self.entries[*earlier];
                earlier.role == entry.role && earlier.kind == entry.kind
            })
            .take(length)
            .collect()
    }

    fn of<'b>(&'b self, role: &'b str) -> impl Iterator<Item = usize> + 'b {
        (0..self.entries.len())
            .filter(move |entry| self.entries[*entry].role == role)
    }

    /// How often the role of each entry had been started by then.
    fn starts(&self) -> Vec<usize> {
        let mut starts: BTreeMap<&str, usize> = BTreeMap::new();
        self.entries
            .iter()
            .map(|entry| {
                let count = starts.entry(&entry.role).or_default();
                *count += usize::from(entry.kind == EntryKind::Command);
                *count
            })
            .collect()
    }

    /// When the role of `entry` was there to hear what `entry` is about: the
    /// last line before it, in the same stream, that said it was ready; else
    /// the first one in the other stream; else its start.
    fn ready(&self, script: &Script, entry: usize) -> usize {
        let Entry { role, kind, .. } = &self.entries[entry];
        let starts = self.starts();
        let since_start: Vec<usize> = self
            .of(role)
            .filter(|other| starts[*other] == starts[entry])
            .collect();
        let ready = script.role(role).and_then(|role| role.ready.as_ref());
        let says_so = |other: &usize| {
            let other = &self.entries[*other];
            !other.action
                && ready.is_some_and(|ready| ready.is_match(&other.text))
        };
        let mut lines = since_start.iter().copied().filter(says_so);
        lines
            .clone()
            .rfind(|other| *other < entry && self.entries[*other].kind == *kind)
            .or_else(|| lines.find(|other| self.entries[*other].kind != *kind))
            .or(since_start.first().copied())
            .unwrap_or(entry)
    }

    fn add_told(&mut self, earlier: usize, later: usize) {
        if earlier != later && !self.all_before(earlier).contains(&later) {
            self.before[later].insert(earlier);
        }
    }

    /// What was done to a role comes before what the role said since.
    fn add_actions(&mut self) {
        let starts = self.starts();
        for action in 0..self.entries.len() {
            if !self.entries[action].action {
                continue;
            }
            let known = self.all_before(action);
            for entry in 0..self.entries.len() {
                if self.entries[entry].role == self.entries[action].role
                    && starts[entry] == starts[action]
                    && !self.entries[entry].action
                    && !known.contains(&entry)
                {
                    self.before[entry].insert(action);
                }
            }
        }
    }

    /// All entries that are known to come before one.
    fn all_before(&self, entry: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![entry];
        while let Some(next) = open.pop() {
            for earlier in &self.before[next] {
                if found.insert(*earlier) {
                    open.push(*earlier);
                }
            }
        }
        found
    }

    fn sort(&self) -> Result<Vec<usize>> {
        let mut missing: Vec<usize> =
            self.before.iter().map(BTreeSet::len).collect();
        let mut next_of: Vec<Vec<usize>> = vec![Vec::new(); self.entries.len()];
        for (entry, before) in self.before.iter().enumerate() {
            for earlier in before {
                ensure!(
                    *earlier != entry,
                    "an entry cannot come before itself"
                );
                next_of[*earlier].push(entry);
            }
        }
        let keys = self.keys();
        let mut ready: Vec<usize> = (0..self.entries.len())
            .filter(|entry| missing[*entry] == 0)
            .collect();
        let mut sorted: Vec<usize> = Vec::new();
        let mut place = vec![0; self.entries.len()];
        while !ready.is_empty() {
            let speaking =
                sorted.last().map(|last| self.entries[*last].role.as_str());
            let best = (0..ready.len()).min_by_key(|candidate| {
                let entry = ready[*candidate];
                let effect_of =
                    self.cause.get(&entry).map(|cause| place[*cause]);
                (
                    // Effects first, in the order of their causes;
                    effect_of.is_none(),
                    effect_of,
                    // an end last, so that nothing is said after it;
                    self.entries[entry].kind == EntryKind::Exit,
                    // then whoever is speaking.
                    speaking != Some(self.entries[entry].role.as_str()),
                    &keys[entry],
                )
            });
            let Some(best) = best else { break };
            let entry = ready.swap_remove(best);
            place[entry] = sorted.len();
            sorted.push(entry);
            for next in &next_of[entry] {
                missing[*next] -= 1;
                if missing[*next] == 0 {
                    ready.push(*next);
                }
            }
        }
        ensure!(
            sorted.len() == self.entries.len(),
            "the causes contradict what happened: some line would come \
             before itself"
        );
        Ok(sorted)
    }

    /// What decides between entries when nothing else does. It must not depend
    /// on the order of arrival: role, stream, place in the stream.
    fn keys(&self) -> Vec<(usize, u8, usize)> {
        let mut roles: Vec<&str> = Vec::new();
        let mut counts: BTreeMap<(usize, u8), usize> = BTreeMap::new();
        // Roles in the order of their first command, which the script sets.
        for entry in self.entries {
            if !roles.contains(&entry.role.as_str()) {
                roles.push(&entry.role);
            }
        }
        self.entries
            .iter()
            .map(|entry| {
                let role = roles
                    .iter()
                    .position(|role| *role == entry.role)
                    .unwrap_or(0);
                let stream = match entry.kind {
                    _ if entry.action => 0,
                    EntryKind::Stdout => 1,
                    EntryKind::Stderr => 2,
                    _ => 3,
                };
                let count = counts.entry((role, stream)).or_default();
                *count += 1;
                (role, stream, *count)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EntryKind::{Command, Exit, Key, Stage, Stderr, Stdout, Typed};

    const SCRIPT: &str = r"
        about = 'x'
        steps = []
        [[causes]]
        line = { role = 'pub', text = '^say (.*)' }
        effect = { role = ['one', 'two'], text = '^hear {1}' }
        [roles.pub]
        program = 'pub'
        [roles.one]
        program = 'sub'
        ready = '^ready'
        [roles.two]
        program = 'sub'
        ready = '^ready'
    ";

    /// Role, kind, text, and which entries surely came before.
    type Line = (&'static str, EntryKind, &'static str, &'static [usize]);

    /// Lets the entries arrive in all kinds of order, each after those it
    /// surely comes after, and returns their one order.
    fn one_order(lines: &[Line], told: &[(usize, usize)]) -> Vec<String> {
        let script = Script::parse(SCRIPT, &Default::default()).unwrap();
        let random = fastrand::Rng::with_seed(1);
        let mut orders: Vec<Vec<String>> = (0..200)
            .map(|_| arrive(&script, lines, told, random.clone()))
            .collect();
        orders.dedup();
        assert_eq!(orders.len(), 1, "{orders:#?}");
        orders.remove(0)
    }

    fn arrive(
        script: &Script,
        lines: &[Line],
        told: &[(usize, usize)],
        mut random: fastrand::Rng,
    ) -> Vec<String> {
        let mut arrived: Vec<usize> = Vec::new();
        while arrived.len() < lines.len() {
            let next = random.usize(..lines.len());
            let ready = lines[next].3.iter().all(|one| arrived.contains(one));
            if ready && !arrived.contains(&next) {
                arrived.push(next);
            }
        }
        let place =
            |line: usize| arrived.iter().position(|one| *one == line).unwrap();
        let entries = arrived
            .iter()
            .map(|line| {
                let (role, kind, text, after) = lines[*line];
                Entry {
                    role: role.to_owned(),
                    kind,
                    text: text.to_owned(),
                    after: after.iter().map(|line| place(*line)).collect(),
                    action: matches!(kind, Command | Key | Stage | Typed),
                }
            })
            .collect();
        let played = Played {
            entries,
            told: told.iter().map(|(a, b)| (place(*a), place(*b))).collect(),
            ..Played::default()
        };
        order(script, &played)
            .map(|order| order.entries)
            .unwrap()
            .into_iter()
            .map(|entry| {
                let entry = &played.entries[entry];
                format!("{} {}", entry.role, entry.text)
            })
            .collect()
    }

    #[test]
    fn effects_follow_their_causes_however_they_arrive() {
        let order = one_order(
            &[
                ("one", Command, "$", &[]),
                ("one", Stdout, "ready", &[0]),
                ("two", Command, "$", &[1]),
                ("two", Stdout, "ready", &[2]),
                ("pub", Command, "$", &[3]),
                ("pub", Stdout, "say a", &[4]),
                ("pub", Stdout, "say b", &[5]),
                ("pub", Stderr, "oh", &[4]),
                ("pub", Exit, "exit 0", &[6, 7]),
                ("one", Stdout, "hear a", &[1]),
                ("one", Stdout, "hear b", &[9]),
                ("two", Stdout, "hear b", &[3]),
            ],
            &[],
        );
        let expected = [
            "one $",
            "one ready",
            "two $",
            "two ready",
            "pub $",
            "pub say a",
            "one hear a",
            "pub say b",
            "one hear b",
            "two hear b",
            "pub oh",
            "pub exit 0",
        ];
        assert_eq!(order, expected);
    }

    /// The same words before and after somebody was there to hear them.
    #[test]
    fn who_comes_late_hears_what_is_said_later() {
        let order = one_order(
            &[
                ("pub", Command, "$", &[]),
                ("pub", Stdout, "say a", &[0]),
                ("pub", Exit, "first", &[1]),
                ("one", Command, "$", &[2]),
                ("one", Stderr, "ready", &[3]),
                ("pub", Command, "$", &[4]),
                ("pub", Stdout, "say a", &[5]),
                ("pub", Exit, "second", &[6]),
                ("one", Stdout, "hear a", &[3]),
            ],
            &[],
        );
        assert_eq!(order[6..], ["pub say a", "one hear a", "pub second"]);
    }

    /// What nobody waited for comes after what was typed, also when it was
    /// there before; what had an effect that was waited for does not.
    #[test]
    fn what_was_not_waited_for_comes_later() {
        let lines: &[Line] = &[
            ("pub", Command, "$", &[]),
            ("pub", Stdout, "prompt", &[0]),
            ("pub", Stdout, "early?", &[1]),
            ("one", Command, "$", &[1]),
            ("one", Stdout, "ready", &[3]),
            ("pub", Typed, "x", &[4]),
            ("pub", Stderr, "oh", &[0]),
        ];
        let order = one_order(lines, &[]);
        let expected = [
            "pub $",
            "pub prompt",
            "one $",
            "one ready",
            "pub x",
            "pub early?",
            "pub oh",
        ];
        assert_eq!(order, expected);
        // A step before had waited for it, which arrival does not show.
        let order = one_order(lines, &[(6, 1)]);
        assert_eq!(order[..3], ["pub $", "pub oh", "pub prompt"]);
    }

    #[test]
    fn what_is_certain_goes_before_what_is_told() {
        let lines: &[Line] = &[
            ("one", Command, "$", &[]),
            ("one", Stdout, "first", &[0]),
            ("one", Stdout, "second", &[1]),
        ];
        let order = one_order(lines, &[(2, 1)]);
        assert_eq!(order, ["one $", "one first", "one second"]);
    }
}
