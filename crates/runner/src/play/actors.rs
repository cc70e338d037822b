//! What the roles do: they are started, say something, are told something, and
//! end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use regex_lite::Regex;

use super::player::{Performer, Player, Report, Wait};
use crate::played::EntryKind;
use crate::process::{Process, Signal};
use crate::raw::{self, Peer, RawEvent};
use crate::script::Actor;
use crate::server::KINDS;
use crate::tools;

/// A longer line is cut into pieces of this size.
const LONGEST_LINE: u64 = 64 * 1024;
/// A demo that prints more lines is no demo.
const MOST_ENTRIES: usize = 20_000;
/// How often a process that says nothing is looked at, to see whether it has
/// ended although something it started keeps its output open.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// When nothing is expected yet, a role that printed nothing for so long has
/// nothing more to say. Only a first recording relies on it.
const QUIET: Duration = Duration::from_millis(700);
/// How long a role that has said all that is expected may still say more,
/// which is then seen to be too much.
const SETTLE: Duration = Duration::from_millis(50);
const KILLED: &str = "killed";

impl Player<'_> {
    pub fn start(&mut self, index: usize, until: Instant) -> Result<()> {
        let role = self.acting[index].role;
        // Not whether it is there: it may be about to end.
        ensure!(
            self.acting[index].end_seen,
            "its last start must be ended, stopped or closed first"
        );
        let arguments = role
            .hidden
            .iter()
            .chain(&role.arguments)
            .map(|argument| self.fill_in(index, argument))
            .collect::<Result<Vec<_>>>()?;
        let visible = &arguments[role.hidden.len()..];
        let (performer, shown) = match &role.actor {
            Actor::Program(program) => {
                let mut command =
                    Command::new(self.stage.programs.path(program)?);
                command.args(&arguments);
                (
                    self.perform(index, command)?,
                    command_line(program, visible),
                )
            }
            Actor::Python(file) => {
                let script =
                    self.stage.section.folder.join("python").join(file);
                let mut command = Command::new(tools::python());
                command.arg(script).args(&arguments);
                // No __pycache__ in the source tree.
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                // As in a terminal, where Python keeps no line back.
                command.env("PYTHONUNBUFFERED", "1");
                let shown =
                    command_line(&format!("python3 python/{file}"), visible);
                (self.perform(index, command)?, shown)
            }
            Actor::Raw(raw) => {
                let run = self.acting[index].runs + 1;
                let sender = self.sender.clone();
                let report = move |event| {
                    let _ = sender.send(Report::Raw {
                        role: index,
                        run,
                        event,
                    });
                };
                let raw =
                    raw.with_address(|address| self.fill_in(index, address))?;
                let hears = role.hears;
                let report = move |event| {
                    if hears || matches!(event, RawEvent::Ended(_)) {
                        report(event);
                    }
                };
                let peer = Peer::start(&raw, until, report)?;
                if let Some(address) = peer.listens_at() {
                    self.name_value(index, "address", &address.to_string());
                }
                let shown = peer.describe();
                (Performer::Raw(peer), shown)
            }
        };
        let entry = self.act(&role.name, EntryKind::Command, &shown);
        let acting = &mut self.acting[index];
        acting.performer = performer;
        acting.runs += 1;
        acting.last = [Some(entry); 2];
        acting.awaited = [Some(entry); 2];
        acting.end_seen = false;
        acting.lines = [0; 2];
        if let Some(ready) = &role.ready {
            let line = self.wait_for_line(index, ready, until)?;
            let found = ready
                .captures(&line)
                .context("a line that matched no longer does")?;
            for group in ready.capture_names().flatten() {
                if let Some(value) = found.name(group) {
                    self.name_value(index, group, value.as_str());
                }
            }
        }
        Ok(())
    }

    pub fn perform(
        &mut self,
        index: usize,
        mut command: Command,
    ) -> Result<Performer> {
        for kind in KINDS {
            command.env_remove(kind.variable);
        }
        for place in 0..self.seats.len() {
            let (kind, space) =
                (self.seats[place].kind, self.seats[place].space.clone());
            let at = format!("127.0.0.1:{}", self.seats[place].port());
            let at = self.through_tap(index, kind.name, at)?;
            let url = format!("{}://{at}{space}", kind.scheme);
            command.env(kind.variable, url);
        }
        // What a person set to look closer would be seen in the recording.
        for variable in ["RUST_LOG", "RUST_BACKTRACE", "PYTHONDEVMODE"] {
            command.env_remove(variable);
        }
        command.env("NO_COLOR", "1");
        if let Some(network) = &mut self.network {
            command = network.inside(&command);
        }
        command.current_dir(self.scratch.path());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Process::start(&mut command)
            .with_context(|| format!("cannot start {command:?}"))?;
        let child = process.child();
        let stdout = child.stdout.take().context("no stdout")?;
        let stderr = child.stderr.take().context("no stderr")?;
        let run = self.acting[index].runs + 1;
        self.read(index, run, false, stdout);
        self.read(index, run, true, stderr);
        Ok(Performer::Program {
            process,
            open_pipes: 2,
            killed: false,
        })
    }

    /// Reports the lines of one pipe, from a thread of its own.
    pub fn read(
        &self,
        role: usize,
        run: usize,
        stderr: bool,
        pipe: impl Read + Send + 'static,
    ) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut line = Vec::new();
                match pipe
                    .by_ref()
                    .take(LONGEST_LINE)
                    .read_until(b'\n', &mut line)
                {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                if sender
                    .send(Report::Line {
                        role,
                        run,
                        stderr,
                        text,
                    })
                    .is_err()
                {
                    break;
                }
            }
            let _ = sender.send(Report::Closed { role, run });
        });
    }

    /// Takes one report, or looks after the processes; at most until `until`.
    /// Says whether there is time left.
    pub fn pump(&mut self, until: Instant) -> Result<bool> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        ensure!(
            self.played.entries.len() < MOST_ENTRIES,
            "more than {MOST_ENTRIES} lines"
        );
        match self.receiver.recv_timeout(left.min(LOOK_EVERY)) {
            Ok(report) => self.take_down(report)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the reading threads are gone")
            }
        }
        for index in 0..self.acting.len() {
            self.look_after(index)?;
        }
        Ok(true)
    }

    pub fn take_down(&mut self, report: Report) -> Result<()> {
        match report {
            // Of an earlier start: the process is gone, what it said is told.
            Report::Line { role, run, .. }
            | Report::Closed { role, run }
            | Report::Raw { role, run, .. }
                if run != self.acting[role].runs => {}
            Report::Line {
                role, stderr, text, ..
            } => self.line(role, stderr, text),
            Report::Closed { role, .. } => {
                if let Performer::Program { open_pipes, .. } =
                    &mut self.acting[role].performer
                {
                    *open_pipes -= 1;
                }
            }
            Report::Raw { role, event, .. } => match event {
                RawEvent::Said(text) => self.line(role, false, text),
                RawEvent::Ended(text) => {
                    self.acting[role].performer = Performer::Nobody;
                    self.ended(role, text);
                }
            },
        }
        Ok(())
    }

    pub fn line(&mut self, index: usize, stderr: bool, text: String) {
        let stream = usize::from(stderr);
        let acting = &self.acting[index];
        let after = acting.last[stream].into_iter().collect();
        let kind = if stderr {
            EntryKind::Stderr
        } else {
            EntryKind::Stdout
        };
        let entry = self.note(&acting.role.name, kind, text, after, false);
        let acting = &mut self.acting[index];
        acting.last[stream] = Some(entry);
        acting.lines[stream] += 1;
    }

    /// Sees whether a program has ended.
    pub fn look_after(&mut self, index: usize) -> Result<()> {
        let Performer::Program {
            process,
            open_pipes,
            killed,
        } = &mut self.acting[index].performer
        else {
            return Ok(());
        };
        let Some(status) = process.try_wait()? else {
            return Ok(());
        };
        // Its last words are still in the pipes; they close now that it, and
        // all that it started, is gone.
        if *open_pipes > 0 {
            return Ok(());
        }
        let killed = *killed;
        self.acting[index].performer = Performer::Nobody;
        self.ended(
            index,
            if killed {
                KILLED.to_owned()
            } else {
                exit_text(status)
            },
        );
        Ok(())
    }

    pub fn ended(&mut self, index: usize, text: String) {
        let name = &self.acting[index].role.name;
        let mut after: Vec<usize> =
            self.acting[index].last.into_iter().flatten().collect();
        let entry = if text == KILLED {
            // The runner did it, so it came after all that was until now.
            after.extend(self.until_now());
            let entry = self.note(name, EntryKind::Stage, text, after, true);
            self.last_action = Some(entry);
            entry
        } else {
            self.note(name, EntryKind::Exit, text, after, false)
        };
        self.acting[index].last = [Some(entry); 2];
    }

    /// Waits for a line that was not waited for before, and returns it.
    pub fn wait_for_line(
        &mut self,
        index: usize,
        pattern: &Regex,
        until: Instant,
    ) -> Result<String> {
        loop {
            let acting = &self.acting[index];
            let name = &acting.role.name;
            let found = self.played.entries.iter().enumerate().find_map(
                |(entry, found)| {
                    let stream = match found.kind {
                        EntryKind::Stdout => 0,
                        EntryKind::Stderr => 1,
                        _ => return None,
                    };
                    let new = acting.awaited[stream]
                        .is_none_or(|awaited| entry > awaited);
                    (new && found.role == *name
                        && pattern.is_match(&found.text))
                    .then_some((entry, stream))
                },
            );
            if let Some((entry, stream)) = found {
                self.waits.push(Wait {
                    role: index,
                    pattern: pattern.clone(),
                    other: [EntryKind::Stderr, EntryKind::Stdout][stream],
                    beyond: acting.awaited[1 - stream],
                });
                let earlier = acting.awaited[1 - stream];
                let told = earlier.into_iter().chain(self.last_action);
                self.played.told.extend(told.map(|told| (told, entry)));
                self.acting[index].awaited[stream] = Some(entry);
                return Ok(self.played.entries[entry].text.clone());
            }
            ensure!(
                acting.is_on(),
                "{name} ended without the line '{}'",
                pattern.as_str()
            );
            ensure!(
                self.pump(until)?,
                "{} did not print '{}' in time",
                self.acting[index].role.name,
                pattern.as_str()
            );
        }
    }

    pub fn wait_for_end(&mut self, index: usize, until: Instant) -> Result<()> {
        ensure!(self.acting[index].runs > 0, "it was never started");
        while self.acting[index].is_on() {
            ensure!(
                self.pump(until)?,
                "{} did not end in time",
                self.acting[index].role.name
            );
        }
        let acting = &mut self.acting[index];
        acting.awaited = acting.last;
        acting.end_seen = true;
        let told = self.last_action.zip(acting.last[0]);
        self.played.told.extend(told);
        Ok(())
    }

    /// Waits until a role has said what it is expected to say before a stop.
    /// When it never does, the comparison will show what is missing.
    pub fn wait_for_expected(
        &mut self,
        index: usize,
        until: Instant,
    ) -> Result<()> {
        let name = &self.acting[index].role.name;
        let starts = self
            .played
            .entries
            .iter()
            .filter(|entry| {
                entry.kind == EntryKind::Command && entry.role == *name
            })
            .count();
        let expected = self
            .stage
            .expected
            .and_then(|expected| expected.get(name))
            .and_then(|runs| runs.get(starts.checked_sub(1)?))
            .copied();
        if let Some((stdout, stderr)) = expected {
            loop {
                let acting = &self.acting[index];
                let all =
                    acting.lines[0] >= stdout && acting.lines[1] >= stderr;
                if all || !acting.is_on() || !self.pump(until)? {
                    break;
                }
            }
        }
        // Then nothing more is to come.
        let quiet = if expected.is_some() { SETTLE } else { QUIET };
        loop {
            let before = self.acting[index].lines;
            let begin = Instant::now();
            while self.acting[index].lines == before
                && self.acting[index].is_on()
                && self.pump(until.min(begin + quiet))?
            {}
            if self.acting[index].lines == before || Instant::now() >= until {
                break;
            }
        }
        let acting = &mut self.acting[index];
        acting.awaited = acting.last;
        Ok(())
    }

    pub fn signal(
        &mut self,
        index: usize,
        signal: Signal,
        until: Instant,
    ) -> Result<()> {
        let role = self.acting[index].role;
        // For the lines before the stop, and once more for the end after it:
        // else a missing line would be reported as a missing end.
        let within = until.saturating_duration_since(Instant::now());
        let pausing = matches!(signal, Signal::Pause | Signal::Resume);
        if !pausing {
            self.wait_for_expected(index, until)?;
        }
        let until = Instant::now() + within;
        let Performer::Program {
            process, killed, ..
        } = &mut self.acting[index].performer
        else {
            bail!("{} is no running program: it cannot be stopped", role.name);
        };
        *killed = signal == Signal::Kill;
        process
            .signal(signal)
            .with_context(|| format!("cannot signal {}", role.name))?;
        let (kind, text) = match signal {
            Signal::Interrupt => (EntryKind::Key, "^C"),
            Signal::Terminate => (EntryKind::Stage, "told to end (SIGTERM)"),
            Signal::Pause => (EntryKind::Stage, "paused"),
            Signal::Resume => (EntryKind::Stage, "resumed"),
            // It stands where the exit code would.
            Signal::Kill => return self.wait_for_end(index, until),
        };
        self.act(&role.name, kind, text);
        if pausing {
            Ok(())
        } else {
            self.wait_for_end(index, until)
        }
    }

    pub fn type_line(
        &mut self,
        index: usize,
        text: &str,
        until: Instant,
    ) -> Result<()> {
        let role = self.acting[index].role;
        let Performer::Program { process, .. } =
            &mut self.acting[index].performer
        else {
            bail!("{} is no running program: nobody can type to it", role.name);
        };
        // Such as a greeting of a client that is ready as far as it knows.
        process.until_it_waits(until);
        let stdin = process.child().stdin.as_mut().context("no stdin")?;
        stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.write_all(b"\n"))
            .and_then(|()| stdin.flush())
            .with_context(|| format!("cannot type to {}", role.name))?;
        self.act(&role.name, EntryKind::Typed, text);
        Ok(())
    }

    pub fn send(
        &mut self,
        index: usize,
        bytes: &[u8],
        until: Instant,
    ) -> Result<()> {
        let role = self.acting[index].role;
        let Performer::Raw(peer) = &mut self.acting[index].performer else {
            bail!("{} is not connected", role.name);
        };
        peer.send(bytes, until)?;
        let text = format!("> {}", raw::shown(bytes));
        self.act(&role.name, EntryKind::Stdout, &text);
        Ok(())
    }

    pub fn close(
        &mut self,
        index: usize,
        half: bool,
        until: Instant,
    ) -> Result<()> {
        if !half {
            self.wait_for_expected(index, until)?;
        }
        let role = self.acting[index].role;
        let Performer::Raw(peer) = &mut self.acting[index].performer else {
            bail!("{} is closed already: end it instead", role.name);
        };
        peer.close(half)?;
        let text = if half {
            "closes its direction"
        } else {
            "closes"
        };
        let entry = self.act(&role.name, EntryKind::Stage, text);
        if !half {
            let acting = &mut self.acting[index];
            acting.performer = Performer::Nobody;
            acting.awaited = [Some(entry); 2];
            acting.end_seen = true;
            // What is still on its way from its reader is of no interest.
            acting.runs += 1;
        }
        Ok(())
    }
}

/// A command as a person types it.
fn command_line(program: &str, arguments: &[String]) -> String {
    let mut line = format!("$ {program}");
    for argument in arguments {
        let plain = !argument.is_empty()
            && argument.chars().all(|letter| {
                letter.is_ascii_alphanumeric()
                    || "-_./:=@,+%[]".contains(letter)
            });
        line.push(' ');
        if plain {
            line.push_str(argument);
        } else {
            line.push('\'');
            line.push_str(&argument.replace('\'', r"'\''"));
            line.push('\'');
        }
    }
    line
}

fn exit_text(status: ExitStatus) -> String {
    if ended_by_the_signal(status) {
        // A short program's way to end at Ctrl-C.
        return "ended by the signal".to_owned();
    }
    match status.code() {
        Some(code) => format!("exit {code}"),
        None => {
            #[cfg(unix)]
            if let Some(signal) =
                std::os::unix::process::ExitStatusExt::signal(&status)
            {
                return format!("ended by signal {signal}");
            }
            "ended".to_owned()
        }
    }
}

/// Whether Ctrl-C or SIGTERM ended a program that did not catch it.
#[cfg(unix)]
fn ended_by_the_signal(status: ExitStatus) -> bool {
    use nix::sys::signal::Signal::{SIGINT, SIGTERM};
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    [SIGINT, SIGTERM]
        .map(|signal| Some(signal as i32))
        .contains(&signal)
}

/// Whether Ctrl-C or Ctrl-Break ended a program that did not catch it.
#[cfg(windows)]
fn ended_by_the_signal(status: ExitStatus) -> bool {
    const STATUS_CONTROL_C_EXIT: u32 = 0xC000_013A;
    status.code() == Some(STATUS_CONTROL_C_EXIT as i32)
}
