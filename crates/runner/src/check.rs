//! Plays demos and compares what was printed with what is recorded.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::build::Programs;
use crate::network;
use crate::play::{self, Stage};
use crate::played::Expected;
use crate::recording::{self, Recording};
use crate::script::{self, Actor, Script};
use crate::server::{Choice, Kind};
use crate::tools;
use crate::workspace::{Section, Workspace};

/// Why a demo cannot be played on this machine; `None` when it can.
pub fn missing(script: &Script, choice: Choice) -> Result<Option<String>> {
    let system = std::env::consts::OS;
    let here =
        |name: &String| name == system || name == std::env::consts::FAMILY;
    if !script.systems.is_empty() && !script.systems.iter().any(here) {
        return Ok(Some(format!("only on {}", script.systems.join(", "))));
    }
    for need in &script.needs {
        let found = match need.split_once(':') {
            Some(("program", name)) => tools::find(name).is_some(),
            Some(("python", module)) => tools::python_has(module),
            Some(("file", path)) => Path::new(path).exists(),
            _ => bail!(
                "needs: '{need}' is neither program:NAME, python:MODULE nor \
                 file:PATH"
            ),
        };
        if !found {
            return Ok(Some(format!("no {} here", need.replace(':', " "))));
        }
    }
    let is_python =
        |role: &script::Role| matches!(role.actor, Actor::Python(_));
    if script.roles.iter().any(is_python) && !tools::has_python() {
        return Ok(Some("no python here".to_owned()));
    }
    if script.own_network
        && let Some(reason) = network::missing()
    {
        return Ok(Some(reason));
    }
    for server in &script.servers {
        let choice = server.only.unwrap_or(choice);
        if let Some(program) = Kind::find(&server.kind)?.missing(choice) {
            return Ok(Some(format!("no {program} here")));
        }
    }
    Ok(None)
}

fn plays_real(server: &script::Server) -> bool {
    let wanted = server.only.unwrap_or(Choice::Real);
    Kind::find(&server.kind)
        .is_ok_and(|kind| kind.choice(wanted) == Choice::Real)
}

/// Plays a demo and returns its recording; once more to record the wire, if
/// the demo asks for it.
pub fn record(
    section: &Section,
    script: &Script,
    programs: &Programs,
    choice: Choice,
    expected: Option<&Expected>,
) -> Result<Recording> {
    let mut stage = Stage {
        section,
        programs,
        choice,
        expected,
        tapped: false,
    };
    let played = play::play(script, &stage, &mut |_| {})?;
    let mut recording = Recording::new(script, &played)?;
    // Real servers of different versions answer differently.
    if script.wire.is_some() && choice == Choice::Embedded {
        stage.tapped = true;
        let played = play::play(script, &stage, &mut |_| {})
            .context("playing it again, to record the wire")?;
        let again = Recording::new(script, &played)?;
        // Else the bytes would be those of another play.
        ensure!(
            again == recording,
            "it prints something else while the wire is recorded:\n{}",
            similar::TextDiff::from_lines(&recording.text(), &again.text())
                .unified_diff()
                .header("without", "with it")
        );
        recording.wire = Some(played.wire.conversations);
    }
    Ok(recording)
}

/// Plays a demo and compares it with its files.
pub fn check_demo(
    section: &Section,
    demo: &str,
    programs: &Programs,
    choice: Choice,
) -> Result<()> {
    let script = Script::read(section, demo)?;
    let folder = section.demo_folder(demo);
    let expected = recording::expected(&script, &folder)?
        .context("nothing is recorded yet: `bless` does it")?;
    let recording =
        record(section, &script, programs, choice, Some(&expected))?;
    recording::compare(&folder, &recording.files(&script, section, demo))
}

/// How `check` is to go about it.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub choice: Choice,
    /// How often each demo is played.
    pub times: usize,
    /// How many are played at a time.
    pub jobs: usize,
    /// Whether a demo that cannot be played here is a failure.
    pub strict: bool,
}

/// Checks the demos that `pattern` names, prints a line for each, and says
/// whether all is well.
pub fn check(
    workspace: &Workspace,
    pattern: Option<&str>,
    options: Options,
) -> Result<bool> {
    ensure!(options.times > 0, "--times must be at least 1");
    let mut demos = workspace.demos(pattern)?;
    // Where no real server plays, nothing changes.
    let one = pattern.is_some_and(|pattern| pattern.contains('/'));
    if options.choice == Choice::Real && !one {
        demos.retain(|(section, demo)| {
            Script::read(section, demo)
                .is_ok_and(|script| script.servers.iter().any(plays_real))
        });
    }
    let programs = match demos.first() {
        Some((section, _))
            if demos.iter().all(|(other, _)| other.name == section.name) =>
        {
            Programs::of_section(&workspace.root, &section.name)?
        }
        Some(_) => Programs::of_workspace(&workspace.root)?,
        None => Programs::default(),
    };
    let begin = Instant::now();
    let all: Vec<_> = (0..options.times).flat_map(|_| demos.iter()).collect();
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    let ignored = AtomicUsize::new(0);
    let printing = Mutex::new(());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, all.len().max(1)) {
            scope.spawn(|| {
                while let Some((section, demo)) =
                    all.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let result = Script::read(section, demo)
                        .and_then(|script| missing(&script, options.choice))
                        .and_then(|missing| match missing {
                            // What the system forbids, no package mends.
                            Some(reason)
                                if !options.strict
                                    || reason == network::REFUSED =>
                            {
                                Ok(Some(reason))
                            }
                            Some(reason) => bail!("{reason}"),
                            None => check_demo(
                                section,
                                demo,
                                &programs,
                                options.choice,
                            )
                            .map(|()| None),
                        });
                    let _one_at_a_time = printing.lock();
                    let name = format!("{}/{demo}", section.name);
                    match result {
                        Ok(None) => anstream::println!("{name} ... ok"),
                        Ok(Some(reason)) => {
                            ignored.fetch_add(1, Ordering::Relaxed);
                            anstream::println!("{name} ... ignored: {reason}");
                        }
                        Err(error) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            anstream::println!("{name} ... FAILED\n{error:#}");
                        }
                    }
                }
            });
        }
    });
    let (failed, ignored) = (failed.into_inner(), ignored.into_inner());
    anstream::println!(
        "{} passed, {failed} failed, {ignored} ignored on the {} servers, \
         in {:.1} s",
        all.len() - failed - ignored,
        options.choice,
        begin.elapsed().as_secs_f64()
    );
    Ok(failed == 0)
}
