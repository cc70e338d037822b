//! Records demos anew, and writes what is generated for README and book.

use anyhow::{Context, Result, ensure};

use crate::book;
use crate::build::Programs;
use crate::check;
use crate::recording;
use crate::script::Script;
use crate::server::Choice;
use crate::workspace::Workspace;

/// Plays the demos that `pattern` names, writes their files, and plays each
/// once more to see that it says the same again.
pub fn bless(
    workspace: &Workspace,
    pattern: Option<&str>,
    choice: Choice,
) -> Result<()> {
    let mut built: Option<(&str, Programs)> = None;
    for (section, demo) in workspace.demos(pattern)? {
        let name = format!("{}/{demo}", section.name);
        let script = Script::read(section, demo)?;
        if let Some(reason) = check::missing(&script, choice)? {
            anstream::println!("{name}: kept as it was, {reason}");
            continue;
        }
        let programs = match built.take() {
            Some((name, programs)) if name == section.name => programs,
            _ => Programs::of_section(&workspace.root, &section.name)?,
        };
        let folder = section.demo_folder(demo);
        let record = || -> Result<_> {
            // Without expectations: new lines must have the time to come.
            let recording =
                check::record(section, &script, &programs, choice, None)?;
            Ok(recording.files(&script, section, demo))
        };
        let first = record().with_context(|| format!("recording {name}"))?;
        let second =
            record().with_context(|| format!("recording {name} again"))?;
        ensure!(
            first == second,
            "{name} prints something else each time; demo.toml must wait for \
             what changes, or replace it:\n{}",
            difference(&first, &second)
        );
        built = Some((&section.name, programs));
        let changed = recording::write(&folder, &first)?;
        anstream::println!(
            "{name}: {}",
            if changed { "written" } else { "unchanged" }
        );
    }
    book::write_generated(workspace)
}

fn difference(
    first: &[(String, String)],
    second: &[(String, String)],
) -> String {
    first
        .iter()
        .zip(second)
        .filter(|(one, other)| one.1 != other.1 && !one.0.ends_with(".html"))
        .map(|(one, other)| {
            similar::TextDiff::from_lines(&one.1, &other.1)
                .unified_diff()
                .header(&one.0, "again")
                .to_string()
        })
        .collect()
}
