//! Plays a demo for a person: every line as it comes, behind its role's name.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};

use crate::build::Programs;
use crate::check;
use crate::play::{self, Stage};
use crate::played::{Entry, EntryKind};
use crate::process;
use crate::recording;
use crate::script::Script;
use crate::server::Choice;
use crate::workspace::Workspace;

const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// Plays the demos that `pattern` names, one after the other; without a
/// pattern the workspace's default demo.
pub fn demo(
    workspace: &Workspace,
    pattern: Option<&str>,
    choice: Choice,
) -> Result<()> {
    let pattern = pattern.or(workspace.default_demo.as_deref()).context(
        "no demo is named in the workspace's metadata: say which to play",
    )?;
    let demos = workspace.demos(Some(pattern))?;
    let Some((section, _)) = demos.first() else {
        bail!("{pattern} has no demos");
    };
    let programs = match &demos[..] {
        [(section, demo)] => {
            let script = Script::read(section, demo)?;
            Programs::of_demo(&workspace.root, section, &script.programs()?)?
        }
        _ => Programs::of_section(&workspace.root, &section.name)?,
    };
    for (section, demo) in &demos {
        let script = Script::read(section, demo)?;
        if let Some(reason) = check::missing(&script, choice)? {
            if demos.len() == 1 {
                bail!("{}/{demo} cannot be played: {reason}", section.name);
            }
            anstream::println!("{}/{demo}: skipped, {reason}\n", section.name);
            continue;
        }
        let bold = Style::new().bold();
        anstream::println!(
            "{bold}{}/{demo}{bold:#}: {}",
            section.name,
            script.about
        );
        let expected =
            recording::expected(&script, &section.demo_folder(demo))?;
        let stage = Stage {
            section,
            programs: &programs,
            choice,
            expected: expected.as_ref(),
            tapped: false,
        };
        let mut printer = Printer::new(&script);
        play::play(&script, &stage, &mut |entry| printer.print(entry))?;
        if demos.len() > 1 {
            anstream::println!();
        }
    }
    Ok(())
}

struct Printer {
    names: Vec<String>,
    width: usize,
}

impl Printer {
    fn new(script: &Script) -> Self {
        let names: Vec<String> = script
            .roles
            .iter()
            .map(|role| role.name.clone())
            .chain(script.servers.iter().map(|server| server.kind.clone()))
            .collect();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        Self { names, width }
    }

    fn print(&mut self, entry: &Entry) {
        if entry.kind == EntryKind::Typed && entry.text.is_empty() {
            return;
        }
        let place = self
            .names
            .iter()
            .position(|name| *name == entry.role)
            .unwrap_or(0);
        let name = COLOURS[place % COLOURS.len()].on_default();
        let line = match entry.kind {
            EntryKind::Command => Style::new().bold(),
            EntryKind::Stdout => Style::new(),
            EntryKind::Stderr => AnsiColor::Red.on_default(),
            _ => Style::new().dimmed(),
        };
        let printed = writeln!(
            anstream::stdout(),
            "{name}{:width$} |{name:#} {line}{}{line:#}",
            entry.role,
            entry.text,
            width = self.width
        );
        // Nobody is looking any longer, as after `demo | head`.
        if printed.is_err() {
            process::end(0);
        }
    }
}
