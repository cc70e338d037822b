//! What is only scaffolding is the same in every section, and does its work in
//! every program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use runner::workspace::Workspace;

/// The same bytes wherever a section has them.
const FILES: [&str; 5] =
    ["words.rs", "stop.rs", "log.rs", "greeting.rs", "keys.rs"];

/// What stands in these files and therefore nowhere else.
const THEIRS: [&str; 8] = [
    "fn enter_keys(",
    "fn finish(",
    "fn log(",
    "fn printable(",
    "fn say(",
    "fn seconds(",
    "fn stop_signal(",
    "fn warn(",
];

#[test]
fn scaffolding_is_the_same_in_every_section() {
    let workspace = Workspace::here().unwrap();
    let folders = workspace.sections.iter().map(|section| &section.folder);
    let problems = differences(folders.map(|folder| folder.join("src")));
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn copies_that_differ_and_second_ones_are_found() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scaffolding");
    let sources = ["one", "two"].map(|name| scratch.join(name));
    for folder in &sources {
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("words.rs"), "pub fn say() {}\n").unwrap();
        fs::write(folder.join("bin/talk.rs"), "fn main() {}\n").unwrap();
    }
    assert!(differences(sources.clone()).is_empty());
    fs::write(sources[1].join("words.rs"), "pub fn say( ) {}\n").unwrap();
    fs::write(sources[1].join("bin/talk.rs"), "fn warn() {}\n").unwrap();
    assert_eq!(differences(sources).len(), 2);
}

/// A newcomer's machine may have a shell and no program `kill`: tests send
/// signals by the shell's own.
#[test]
fn tests_need_no_program_kill() {
    let workspace = Workspace::here().unwrap();
    let folders = workspace.sections.iter().map(|section| &section.folder);
    let found: Vec<String> = folders
        .flat_map(|folder| killers(&folder.join("tests")))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));

    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("killers");
    fs::create_dir_all(scratch.join("common")).unwrap();
    let text = "Command::new(\"kill\")";
    fs::write(scratch.join("common/mod.rs"), text).unwrap();
    assert_eq!(killers(&scratch).len(), 1);
}

fn killers(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(killers(&path));
        } else if fs::read_to_string(&path)
            .is_ok_and(|text| text.contains("(\"kill\""))
        {
            found.push(format!("{} starts 'kill'", path.display()));
        }
    }
    found
}

fn differences<P: AsRef<Path>>(
    sources: impl IntoIterator<Item = P>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut first: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for source in sources {
        let source = source.as_ref();
        for file in FILES {
            let path = source.join(file);
            let Ok(text) = fs::read_to_string(&path) else {
                continue; // A section may do without.
            };
            let path = path.display().to_string();
            let (other, words) =
                first.entry(file).or_insert((path.clone(), text.clone()));
            if *words != text {
                problems.push(format!("{path} differs from {other}"));
            }
        }
        for path in [source.to_owned(), source.join("bin")]
            .iter()
            .flat_map(|folder| fs::read_dir(folder).into_iter().flatten())
            .map(|entry| entry.unwrap().path())
        {
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() || FILES.contains(&&*name) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for function in THEIRS.iter().filter(|name| text.contains(**name)) {
                let path = path.display();
                problems.push(format!("{path} has its own {function}"));
            }
        }
    }
    problems
}
