//! A recording: what the roles of a demo printed, made comparable, and the
//! files beside demo.toml that hold it.
//!
//! Each role has a text file that reads like its terminal:
//!
//! ```text
//! $ redis-pub                    the command that started it
//! Publish: message 1 : …         a line of stdout, as it is
//! ! redis-pub: cannot …          a line of stderr
//! ^C                             what its user pressed
//! [exit 1]                       how it ended, or what was done to it
//! ```
//!
//! A line of stdout that looks like one of the others has a `\` before it.
//! order.txt has all these lines in one order, each behind its role's name;
//! terminals.html is the same for the book. For a demo with the key `wire`,
//! wire.txt and wire.html have what crossed the wire.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use regex_lite::{Captures, Regex};

use crate::html::escape;
use crate::order;
use crate::played::{EntryKind, Expected, Played};
use crate::script::{Actor, Predict, Replacement, Role, Script};
use crate::wire::show;
use crate::wire::tap::Conversation;
use crate::workspace::{Section, entries};

/// Shown for every ephemeral port, counted up from here in the order of
/// appearance.
const FIRST_SHOWN_PORT: usize = 50_001;
/// Ports from here on are ephemeral ones, or reserved by the runner.
const FIRST_CHANGING_PORT: u16 = 20_000;
const SHOWN_DATE: &str = "2026-01-31";
const SHOWN_TIME: &str = "12:00:00";

/// What a demo printed, in its one order, with all replaced that must differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub lines: Vec<Line>,
    /// The columns: every role in the order of its first appearance.
    pub roles: Vec<String>,
    /// The line after which the book asks what comes next, by its place.
    pub asks_after: Option<usize>,
    /// What crossed the wire, if the demo asks for it.
    pub wire: Option<Vec<Conversation>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub role: String,
    pub kind: EntryKind,
    pub text: String,
    /// The line that brought it about, by its place.
    pub cause: Option<usize>,
    /// It might have had an effect, and had none.
    pub unheard: bool,
}

impl Recording {
    pub fn new(script: &Script, played: &Played) -> Result<Self> {
        let order = order::order(script, played)?;
        let mut clean = Cleaner::new(&played.shown, &script.replacements)?;
        clean.same_ports = played.wire.ports.iter().copied().collect();
        let mut lines = Vec::new();
        let mut roles: Vec<String> = Vec::new();
        let mut places = BTreeMap::new();
        for index in order.entries {
            let entry = &played.entries[index];
            if entry.kind == EntryKind::Typed && entry.text.is_empty() {
                continue;
            }
            if !script.is_server(&entry.role) && !roles.contains(&entry.role) {
                roles.push(entry.role.clone());
            }
            places.insert(index, lines.len());
            let cause = order.causes.get(&index);
            lines.push(Line {
                role: entry.role.clone(),
                kind: entry.kind,
                text: clean.clean(&entry.role, &entry.text),
                cause: cause.and_then(|cause| places.get(cause).copied()),
                unheard: order.unheard.contains(&index),
            });
        }
        let asks_after = script
            .predict
            .as_ref()
            .map(|predict| asks_after(predict, &lines))
            .transpose()?;
        Ok(Self {
            lines,
            roles,
            asks_after,
            wire: None,
        })
    }

    /// The files that hold the recording: name and text.
    pub fn files(
        &self,
        script: &Script,
        section: &Section,
        demo: &str,
    ) -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = self
            .roles
            .iter()
            .map(|role| {
                let mut text = String::new();
                for line in self.lines.iter().filter(|line| line.role == *role)
                {
                    let _ = writeln!(text, "{}", line.marked());
                }
                (format!("{role}.txt"), text)
            })
            .collect();
        files.push(("order.txt".to_owned(), self.text()));
        files.push((
            "terminals.html".to_owned(),
            self.terminals(script, section, demo),
        ));
        files.extend(self.wire_files(script, section, demo));
        files
    }

    /// All lines, each behind its role's name.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let line = format!("{}: {}", line.role, line.marked());
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    fn wire_files(
        &self,
        script: &Script,
        section: &Section,
        demo: &str,
    ) -> Vec<(String, String)> {
        match (&script.wire, &self.wire) {
            (None, _) => Vec::new(),
            (Some(wire), Some(conversations)) => {
                let name = format!("{}/{demo}", section.name);
                show::files(wire, conversations, &name)
            }
            // Not recorded on the real server: as they are.
            (Some(_), None) => ["wire.txt", "wire.html"]
                .into_iter()
                .filter_map(|name| {
                    let path = section.demo_folder(demo).join(name);
                    let text = fs::read_to_string(path).ok()?;
                    Some((name.to_owned(), text.replace("\r\n", "\n")))
                })
                .collect(),
        }
    }

    /// The roles' terminals side by side, as HTML that mdBook includes. It has
    /// no empty line: that would end the HTML block.
    fn terminals(
        &self,
        script: &Script,
        section: &Section,
        demo: &str,
    ) -> String {
        let tabular = self.tabular();
        let characters = self
            .lines
            .iter()
            .zip(&tabular)
            .filter(|(_, tabular)| **tabular)
            .map(|(line, _)| line.text.chars().count())
            .max();
        let characters = characters
            .map_or_else(String::new, |most| format!("; --characters: {most}"));
        let mut html = format!(
            "<figure class=\"terminals\" style=\"--roles: {}{characters}\">\n\
             <figcaption>{}</figcaption>\n\
             <div class=\"terminal-bar\"><details class=\"terminal-runs\">\n\
             <summary>Run it yourself</summary>\n<ul>\n",
            self.roles.len(),
            escape(&script.about),
        );
        let all = ("all of it", format!("cargo demo {}/{demo}", section.name));
        for (who, command) in
            [all].into_iter().chain(self.commands(script, section))
        {
            let _ = writeln!(
                html,
                "<li><span>{}:</span> <code>{}</code></li>",
                escape(who),
                command_html(&command)
            );
        }
        html.push_str("</ul>\n</details></div>\n");
        html.push_str(&self.question(script));
        html.push_str("<div class=\"terminal-heads\" aria-hidden=\"true\">");
        for role in &self.roles {
            let _ = write!(html, "<span>{}</span>", escape(role));
        }
        html.push_str(
            "</div>\n<div class=\"terminal-screen\">\
             <ol class=\"terminal-lines\">\n",
        );
        for (line, tabular) in self.lines.iter().zip(tabular) {
            let column = self.roles.iter().position(|role| *role == line.role);
            let class = match (column, line.kind) {
                (None, _) => "stage".to_owned(),
                (Some(column), kind) => {
                    let tabular = if tabular { " tabular" } else { "" };
                    format!("t{column}{}{tabular}", class(kind))
                }
            };
            let text = match line.kind {
                EntryKind::Command => command_html(&line.text),
                // The label before it says "ended".
                EntryKind::Exit => {
                    escape(line.text.trim_start_matches("ended "))
                }
                _ => escape(&line.text),
            };
            let _ = writeln!(
                html,
                "<li class=\"{class}\"{}><b>{}</b><code>{text}</code></li>",
                line.arrow(),
                escape(&line.role),
            );
        }
        html.push_str("</ol></div>\n</figure>\n");
        html
    }

    /// Which lines belong to a table: two that follow each other, each with a
    /// gap of two spaces or more. Those must not be wrapped.
    fn tabular(&self) -> Vec<bool> {
        let gap = |line: &Line| {
            line.kind == EntryKind::Stdout && line.text.trim().contains("  ")
        };
        let beside = |one: &Line, other: Option<&Line>| {
            other.is_some_and(|other| other.role == one.role && gap(other))
        };
        (0..self.lines.len())
            .map(|place| {
                let line = &self.lines[place];
                let before = place.checked_sub(1).map(|one| &self.lines[one]);
                let after = self.lines.get(place + 1);
                gap(line) && (beside(line, before) || beside(line, after))
            })
            .collect()
    }

    /// The question that the demo asks, as a fold; the player makes more of it.
    fn question(&self, script: &Script) -> String {
        let (Some(place), Some(predict)) = (self.asks_after, &script.predict)
        else {
            return String::new();
        };
        let (before, next) = (&self.lines[place], &self.lines[place + 1]);
        let right = next.answer();
        let mut answers: Vec<&String> = predict.wrong.iter().collect();
        answers.push(&right);
        // The right one is not always at the same place.
        answers.sort();
        let mut html = format!(
            "<details class=\"predict\" data-after=\"{}\">\n\
             <summary>Predict: {}</summary>\n\
             <p>After <code>{}</code>:</p>\n<ul>\n",
            place + 1,
            escape(&predict.ask),
            escape(&before.shown()),
        );
        for answer in answers {
            let _ = writeln!(html, "<li>{}</li>", escape(answer));
        }
        let _ = writeln!(
            html,
            "</ul>\n<p>It is <code class=\"right\">{}</code></p>\n</details>",
            escape(&right)
        );
        html
    }

    /// What a person types to play each role in a terminal of its own, from
    /// the root of the workspace. Nothing where that would not give the same
    /// lines: where the runner itself plays a role, or does something to the
    /// server.
    fn commands(
        &self,
        script: &Script,
        section: &Section,
    ) -> Vec<(&str, String)> {
        let own_server =
            script.servers.iter().any(|server| script.handles(server));
        let raw = |role: &Role| matches!(role.actor, Actor::Raw(_));
        if own_server || script.own_network || script.roles.iter().any(raw) {
            return Vec::new();
        }
        let mut commands: Vec<(&str, String)> = Vec::new();
        for line in &self.lines {
            let Some(typed) = line.text.strip_prefix("$ ") else {
                continue;
            };
            let command = match script.role(&line.role).map(|role| &role.actor)
            {
                Some(Actor::Program(_)) => format!("just run {typed}"),
                Some(Actor::Python(_)) => typed.replacen(
                    " python/",
                    &format!(" crates/{}/python/", section.name),
                    1,
                ),
                _ => continue,
            };
            let files = script.files.iter().map(String::as_str);
            let command = from_root(&command, &section.name, files);
            let command = (line.role.as_str(), command);
            if line.kind == EntryKind::Command && !commands.contains(&command) {
                commands.push(command);
            }
        }
        commands
    }
}

/// The place of the one line after which is asked.
fn asks_after(predict: &Predict, lines: &[Line]) -> Result<usize> {
    let asks = |line: &Line| {
        predict.after.roles.contains(&line.role)
            && predict.after.text.is_match(&line.text)
    };
    let mut found = (0..lines.len()).filter(|place| asks(&lines[*place]));
    let (Some(place), None) = (found.next(), found.next()) else {
        bail!("[predict] must match one line, and one only");
    };
    let next = lines
        .get(place + 1)
        .context("[predict] matches the last line")?;
    let right = next.answer();
    ensure!(
        !predict.wrong.contains(&right),
        "[predict] calls '{right}' wrong, which is what comes next"
    );
    Ok(place)
}

/// A command that names files of a section, as it is typed from the root.
fn from_root<'a>(
    command: &str,
    section: &str,
    files: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let word = |word: &str| {
        let named = files.clone().any(|file| {
            word.strip_prefix(file)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        match named {
            true => format!("crates/{section}/{word}"),
            false => word.to_owned(),
        }
    };
    command.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A command whose options are kept in one piece: a browser would break a line
/// after their hyphens.
fn command_html(command: &str) -> String {
    let words: Vec<String> = command
        .split(' ')
        .map(|word| match word.starts_with("--") {
            true => format!("<span class=\"option\">{}</span>", escape(word)),
            false => escape(word),
        })
        .collect();
    words.join(" ")
}

fn class(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Command => " command",
        EntryKind::Stdout => "",
        EntryKind::Stderr => " stderr",
        EntryKind::Key | EntryKind::Typed => " key",
        EntryKind::Exit => " exit",
        EntryKind::Stage => " note",
    }
}

impl Line {
    /// What the book draws: from which line an arrow comes (counted from 1),
    /// or that nobody heard this one.
    fn arrow(&self) -> String {
        match (self.cause, self.unheard) {
            (Some(cause), _) => format!(" data-from=\"{}\"", cause + 1),
            (None, true) => " data-unheard".to_owned(),
            (None, false) => String::new(),
        }
    }

    /// The line as the book shows it: what was not printed is in brackets.
    fn shown(&self) -> String {
        match self.kind {
            EntryKind::Command | EntryKind::Exit | EntryKind::Stage => {
                self.marked()
            }
            _ => self.text.clone(),
        }
    }

    /// The line as an answer to the question of what comes next.
    fn answer(&self) -> String {
        format!("{}: {}", self.role, self.shown())
    }

    /// The line with the mark of its kind.
    pub fn marked(&self) -> String {
        let text = &self.text;
        match self.kind {
            EntryKind::Command if text.starts_with("$ ") => text.clone(),
            EntryKind::Key => text.clone(),
            EntryKind::Command | EntryKind::Exit | EntryKind::Stage => {
                format!("[{text}]")
            }
            EntryKind::Typed => format!("[types: {text}]"),
            EntryKind::Stderr => format!("! {text}"),
            EntryKind::Stdout => {
                let marked = ["$ ", "! ", "[", "^C", "\\"];
                if marked.iter().any(|mark| text.starts_with(mark)) {
                    format!("\\{text}")
                } else {
                    text.clone()
                }
            }
        }
    }
}

/// Replaces what must differ from run to run by fixed, natural values.
struct Cleaner<'a> {
    shown: Vec<(String, String)>,
    replacements: &'a [Replacement],
    moment: Regex,
    date: Regex,
    time: Regex,
    port: Regex,
    ports: Vec<u16>,
    /// Ports that stand for others.
    same_ports: BTreeMap<u16, u16>,
}

impl<'a> Cleaner<'a> {
    fn new(
        shown: &[(String, String)],
        replacements: &'a [Replacement],
    ) -> Result<Self> {
        let mut shown = shown.to_vec();
        // Of two that begin alike, the longer is meant.
        shown.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
        Ok(Self {
            shown,
            replacements,
            // As logs have it; its date and time are no words of their own.
            moment: Regex::new(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")?,
            date: Regex::new(r"\b20\d\d-\d\d-\d\d\b")?,
            time: Regex::new(r"\b\d\d:\d\d:\d\d(\.\d+)?\b")?,
            port: Regex::new(r"(127\.0\.0\.1|\[::1\]|localhost):(\d{1,5})\b")?,
            ports: Vec::new(),
            same_ports: BTreeMap::new(),
        })
    }

    /// A line of a role.
    fn clean(&mut self, role: &str, text: &str) -> String {
        let mut text = text.to_owned();
        for (real, shown) in &self.shown {
            text = replace_whole(&text, real, shown);
        }
        for replacement in self.replacements {
            if replacement.role.as_ref().is_none_or(|whose| whose == role) {
                text = replace(&text, replacement);
            }
        }
        let moment = format!("{SHOWN_DATE}T{SHOWN_TIME}");
        let text = self.moment.replace_all(&text, moment);
        let text = self.date.replace_all(&text, SHOWN_DATE);
        let text = self.time.replace_all(&text, |found: &Captures| {
            let at = found.get(0).map_or(0..0, |found| found.range());
            // A part of a hardware address or of an IPv6 address is no time.
            let part = text[..at.start].ends_with(':')
                || text[at.end..].starts_with(':')
                    && text[at.end + 1..]
                        .starts_with(|next: char| next.is_ascii_hexdigit());
            if part { &found[0] } else { SHOWN_TIME }.to_owned()
        });
        let known = &self.shown;
        let ports = &mut self.ports;
        let same_ports = &self.same_ports;
        self.port
            .replace_all(&text, |found: &Captures| {
                let whole = &found[0];
                match found[2].parse::<u16>() {
                    Ok(port)
                        if port >= FIRST_CHANGING_PORT
                            && known
                                .iter()
                                .all(|(_, shown)| shown != whole) =>
                    {
                        let port = *same_ports.get(&port).unwrap_or(&port);
                        let place = ports.iter().position(|seen| *seen == port);
                        let place = place.unwrap_or_else(|| {
                            ports.push(port);
                            ports.len() - 1
                        });
                        format!("{}:{}", &found[1], FIRST_SHOWN_PORT + place)
                    }
                    _ => whole.to_owned(),
                }
            })
            .into_owned()
    }
}

/// Replaces `real` where it stands alone: port 2000 is not in 20001.
fn replace_whole(text: &str, real: &str, shown: &str) -> String {
    let joins = |one: Option<char>, other: Option<char>| {
        one.zip(other).is_some_and(|(one, other)| {
            one.is_ascii_digit() && other.is_ascii_digit()
        })
    };
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(real).filter(|_| !real.is_empty()) {
        let (before, found) = rest.split_at(at);
        let after = &found[real.len()..];
        let before_it = before.chars().last().or(replaced.chars().last());
        let part = joins(before_it, real.chars().next())
            || joins(real.chars().last(), after.chars().next());
        replaced.push_str(before);
        replaced.push_str(if part { real } else { shown });
        rest = after;
    }
    replaced + rest
}

fn replace(text: &str, replacement: &Replacement) -> String {
    replacement
        .pattern
        .replace_all(text, |found: &Captures| {
            let whole = found[0].to_owned();
            let Some((start, end)) =
                found.get(0).zip(found.get(1)).map(|(whole, group)| {
                    (group.start() - whole.start(), group.end() - whole.start())
                })
            else {
                return replacement.with.clone();
            };
            format!("{}{}{}", &whole[..start], replacement.with, &whole[end..])
        })
        .into_owned()
}

/// What the recorded files of a demo expect; `None` when there are none yet.
pub fn expected(script: &Script, folder: &Path) -> Result<Option<Expected>> {
    let mut expected = BTreeMap::new();
    for role in &script.roles {
        let path = folder.join(format!("{}.txt", role.name));
        if path.is_file() {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("reading {}", path.display()))?;
            let count = match role.actor {
                Actor::Raw(_) => count_raw_lines(&text),
                Actor::Program(_) | Actor::Python(_) => count_lines(&text),
            };
            expected.insert(role.name.clone(), count);
        }
    }
    Ok((!expected.is_empty()).then_some(expected))
}

/// For each start the lines on stdout and on stderr, until it is stopped.
fn count_lines(text: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut stopped = false;
    for line in text.lines() {
        if line.starts_with("$ ") {
            runs.push((0, 0));
            stopped = false;
        } else if line == "^C" || line.starts_with("[told to end") {
            stopped = true;
        } else if !line.starts_with('[')
            && !stopped
            && let Some((stdout, stderr)) = runs.last_mut()
        {
            *(if line.starts_with("! ") {
                stderr
            } else {
                stdout
            }) += 1;
        }
    }
    runs
}

/// The same for a raw peer: what it heard until it closed.
fn count_raw_lines(text: &str) -> Vec<(usize, usize)> {
    let starts = ["[connects to ", "[listens at ", "[sends to "];
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for line in text.lines() {
        if starts.iter().any(|start| line.starts_with(start)) {
            runs.push((0, 0));
        } else if line.starts_with("< ")
            && let Some((heard, _)) = runs.last_mut()
        {
            *heard += 1;
        }
    }
    runs
}

/// Compares a recording with the files of a demo.
///
/// # Errors
/// When a file differs, is missing, or should not be there; the error shows
/// the difference.
pub fn compare(folder: &Path, files: &[(String, String)]) -> Result<()> {
    let mut differences = String::new();
    for (name, found) in files {
        let path = folder.join(name);
        let recorded = match fs::read_to_string(&path) {
            Ok(text) => text.replace("\r\n", "\n"),
            Err(error) => {
                let _ = writeln!(differences, "{name}: {}", error.kind());
                continue;
            }
        };
        if recorded != *found {
            // One difference is enough to see; the HTML repeats the texts.
            if name.ends_with(".html") && !differences.is_empty() {
                continue;
            }
            let diff = similar::TextDiff::from_lines(&recorded, found);
            let _ = write!(
                differences,
                "{}",
                diff.unified_diff()
                    .header(&format!("{name} recorded"), "now")
            );
        }
    }
    for path in stale(folder, files)? {
        let _ = writeln!(
            differences,
            "{path}: nothing in the demo makes this file"
        );
    }
    ensure!(
        differences.is_empty(),
        "{differences}(if the new lines are right, `bless` records them)"
    );
    Ok(())
}

/// Writes the files of a recording and removes those of roles that are gone.
/// Says whether anything changed.
pub fn write(folder: &Path, files: &[(String, String)]) -> Result<bool> {
    let mut changed = false;
    for name in stale(folder, files)? {
        fs::remove_file(folder.join(name))?;
        changed = true;
    }
    for (name, text) in files {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(&path, text)
                .with_context(|| format!("writing {}", path.display()))?;
            changed = true;
        }
    }
    Ok(changed)
}

fn stale(folder: &Path, files: &[(String, String)]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for path in entries(folder)? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name != "demo.toml" && !files.iter().any(|(known, _)| *known == name)
        {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_section_are_named_from_the_root() {
        let files = ["zones", "one.txt"];
        assert_eq!(
            super::from_root(
                "just run x one.txt --zone zones/a b/zones zonesome",
                "dns",
                files.into_iter()
            ),
            "just run x crates/dns/one.txt --zone crates/dns/zones/a \
             b/zones zonesome"
        );
    }

    fn clean(shown: &[(&str, &str)], texts: &[&str]) -> Vec<String> {
        let shown: Vec<(String, String)> = shown
            .iter()
            .map(|(real, shown)| ((*real).to_owned(), (*shown).to_owned()))
            .collect();
        let mut cleaner = Cleaner::new(&shown, &[]).unwrap();
        texts
            .iter()
            .map(|text| cleaner.clean("one", text))
            .collect()
    }

    #[test]
    fn times_are_replaced_and_nothing_else() {
        let found = clean(
            &[],
            &[
                "at 23:59:58 and 01:02:03.456, on 2031-12-24",
                "2031-12-24T23:59:58.123456Z INFO",
                "2031-12-24 23:59:58: hello",
                "00:11:22:33:44:55 is a card, 1:2:3 a ratio",
                "no time: 12:34, 123456789",
            ],
        );
        let expected = [
            "at 12:00:00 and 12:00:00, on 2026-01-31",
            "2026-01-31T12:00:00Z INFO",
            "2026-01-31 12:00:00: hello",
            "00:11:22:33:44:55 is a card, 1:2:3 a ratio",
            "no time: 12:34, 123456789",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_replaced_for_a_role_stays_for_the_others() {
        let replacements = [Replacement {
            role: Some("one".to_owned()),
            pattern: Regex::new(r"id (\d+)").unwrap(),
            with: "7".to_owned(),
        }];
        let mut cleaner = Cleaner::new(&[], &replacements).unwrap();
        let found = ["one", "two"].map(|role| cleaner.clean(role, "id 5"));
        assert_eq!(found, ["id 7", "id 5"]);
    }

    #[test]
    fn ports_are_the_same_in_all_lines() {
        let found = clean(
            &[
                ("127.0.0.1:40000", "127.0.0.1:6789"),
                ("40000", "6789"),
                ("127.0.0.1:40001", "127.0.0.1:27017"),
            ],
            &[
                "127.0.0.1:45678 to 127.0.0.1:40000",
                "localhost:34567, [::1]:45678, 127.0.0.1:34567",
                "port 40000, not 140000 or 400001",
                "127.0.0.1:40001 and 127.0.0.1:6379",
            ],
        );
        let expected = [
            "127.0.0.1:50001 to 127.0.0.1:6789",
            "localhost:50002, [::1]:50001, 127.0.0.1:50002",
            "port 6789, not 140000 or 400001",
            "127.0.0.1:27017 and 127.0.0.1:6379",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_are_counted_as_they_are_marked() {
        let line = |kind, text: &str| Line {
            role: "one".to_owned(),
            kind,
            text: text.to_owned(),
            cause: None,
            unheard: false,
        };
        let (out, err) = (EntryKind::Stdout, EntryKind::Stderr);
        let lines = [
            line(EntryKind::Command, "$ one"),
            line(out, "plain"),
            line(out, "$ like a command"),
            line(out, "[like an exit]"),
            line(out, "! like stderr"),
            line(out, "^C"),
            line(out, r"\ a backslash"),
            line(out, ""),
            line(err, "plain"),
            line(err, "[exit 1]"),
            line(EntryKind::Typed, "x"),
            line(EntryKind::Stage, "paused"),
            line(EntryKind::Key, "^C"),
            line(out, "after it"),
            line(EntryKind::Exit, "exit 0"),
            line(EntryKind::Command, "$ one"),
            line(err, "again"),
        ];
        let text: String = lines
            .iter()
            .map(|line| format!("{}\n", line.marked()))
            .collect();
        assert_eq!(count_lines(&text), [(7, 2), (0, 1)]);
        let raw = "[connects to x]\n> a\n< b\n[closes]\n[sends to x]\n< c\n";
        assert_eq!(count_raw_lines(raw), [(1, 0), (1, 0)]);
    }
}
