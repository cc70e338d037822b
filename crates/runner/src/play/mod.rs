//! Plays a demo: starts the roles, takes the steps, and takes down every line.
//!
//! What is taken down is more than a list. Lines of two processes arrive in an
//! order that says nothing, so each entry also knows which entries it surely
//! came after. [`crate::order`] makes one order of it, the same every time.

mod actors;
mod player;
mod stage;

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

pub use player::Stage;

use crate::played::{Entry, EntryKind, Played};
use crate::process::Scratch;
use crate::script::{Action, Script};
use crate::wire::tap::Tap;
use player::{Acting, Player, Wait};

/// Plays a demo from its first step to its last. `watch` sees each entry as it
/// comes. Whatever was started is gone when this returns.
///
/// # Errors
/// When a step does not come about within its limit, and when a role is still
/// there after the last step. The error says what was printed until then.
pub fn play(
    script: &Script,
    stage: &Stage,
    watch: &mut dyn FnMut(&Entry),
) -> Result<Played> {
    let (sender, receiver) = mpsc::channel();
    let mut player = Player {
        stage,
        script,
        acting: script.roles.iter().map(Acting::new).collect(),
        network: None,
        seats: Vec::new(),
        tap: script.wire.as_ref().filter(|_| stage.tapped).map(Tap::new),
        scratch: Scratch::new()?,
        played: Played::default(),
        last_action: None,
        waits: Vec::new(),
        values: BTreeMap::new(),
        sender,
        receiver,
        watch,
    };
    let result = player.whole();
    if let Some(tap) = player.tap.take() {
        tap.abandon();
    }
    result
        .map(|()| std::mem::take(&mut player.played))
        .map_err(|error| {
            let said: Vec<String> = player
                .played
                .entries
                .iter()
                .map(|entry| format!("  {}: {}", entry.role, entry.text))
                .collect();
            if said.is_empty() {
                error
            } else {
                anyhow::anyhow!("{error:#}\nuntil then:\n{}", said.join("\n"))
            }
        })
}

impl Player<'_> {
    fn whole(&mut self) -> Result<()> {
        self.set_up()?;
        for (index, step) in self.script.steps.iter().enumerate() {
            let until = Instant::now() + step.within;
            self.step(&step.action, until).with_context(|| {
                format!("step {} ({})", index + 1, step.action.role())
            })?;
        }
        for acting in &self.acting {
            ensure!(
                !acting.is_on(),
                "{} is still there after the last step: end or stop it",
                acting.role.name
            );
        }
        self.waits
            .iter()
            .try_for_each(|wait| self.was_clear(wait))?;
        // While the server is still there, to close its side.
        if let Some(tap) = self.tap.take() {
            self.played.wire = tap.finish()?;
        }
        Ok(())
    }

    /// Makes sure that a line that was waited for could only have been found
    /// on one of stdout and stderr. On which of them a line comes first differs
    /// from play to play, and the order with it.
    fn was_clear(&self, wait: &Wait) -> Result<()> {
        let name = &self.acting[wait.role].role.name;
        let beyond = wait.beyond.map_or(0, |entry| entry + 1);
        let same_start = |entry: &&Entry| {
            entry.role != *name || entry.kind != EntryKind::Command
        };
        let twin = self.played.entries[beyond..]
            .iter()
            .take_while(same_start)
            .find(|entry| {
                entry.role == *name
                    && entry.kind == wait.other
                    && wait.pattern.is_match(&entry.text)
            });
        ensure!(
            twin.is_none(),
            "{name} printed '{}' on stdout and on stderr: wait for a line \
             that is only on one of them",
            wait.pattern.as_str()
        );
        Ok(())
    }

    fn step(&mut self, action: &Action, until: Instant) -> Result<()> {
        match action {
            Action::Start(name) if self.script.is_server(name) => {
                let (seat, arguments) = self.seat(name)?;
                let programs = self.stage.programs;
                let folder = self.scratch.path().to_owned();
                self.seats[seat].start(programs, &folder, arguments)?;
                self.act(name, EntryKind::Stage, "started");
                Ok(())
            }
            Action::Start(name) => self.start(self.index(name)?, until),
            Action::Signal(name, signal) if self.script.is_server(name) => {
                self.signal_server(name, *signal, until)
            }
            Action::Signal(name, signal) => {
                self.signal(self.index(name)?, *signal, until)
            }
            Action::Wait(name, pattern) => {
                let role = self.index(name)?;
                self.wait_for_line(role, pattern, until).map(|_| ())
            }
            Action::End(name) => self.wait_for_end(self.index(name)?, until),
            Action::Type {
                role,
                text,
                times,
                prompt,
            } => {
                let role = self.index(role)?;
                for _ in 0..*times {
                    if let Some(prompt) = prompt {
                        self.wait_for_line(role, prompt, until)?;
                    }
                    self.type_line(role, text, until)?;
                }
                Ok(())
            }
            Action::Send(name, bytes) => {
                self.send(self.index(name)?, bytes, until)
            }
            Action::Close { role, half } => {
                self.close(self.index(role)?, *half, until)
            }
        }
    }
}
