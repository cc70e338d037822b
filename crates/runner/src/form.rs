//! The form of a section that begins with short programs: what a reader meets
//! first is small, plain, and stands beside its Python partner.
//!
//! book/README.md says what the form is. Nothing here knows a section by
//! its name.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Result;
use regex_lite::Regex;

use crate::script::{Action, Actor, Script};
use crate::workspace::{Section, Workspace, entries, pages_of};

const LINES: usize = 40;
const STARTER_LINES: usize = 100;
const PYTHON_LINES: usize = 30;
/// Two programs of this width stand side by side.
const COLUMNS: usize = 60;
/// Lines of Rust that a page may show before its first terminal: of two
/// programs, and of more.
const BEFORE_TERMINALS: [usize; 2] = [80, 120];
/// Lines of the starter that mend one way of breaking.
const MENDING: usize = 25;
/// Demos of a section that stop and ask what comes next, at least.
const PREDICTIONS: usize = 2;

/// A page's parts, by the ids of their headings, in their order. Not every
/// lesson has a wire or needs a starter.
const PARTS: [&str; 9] = [
    "short", "wire", "breaks", "starter", "try", "rust", "yours", "python",
    "next",
];
const OPTIONAL: [&str; 2] = ["wire", "starter"];

/// What is wrong with a section's form, one sentence each.
pub fn problems(
    workspace: &Workspace,
    section: &Section,
) -> Result<Vec<String>> {
    let shorts: Vec<&str> = section
        .examples
        .iter()
        .filter(|example| example.starts_with("short-"))
        .map(String::as_str)
        .collect();
    let pages = pages_of(workspace, section)?;
    let page = pages
        .iter()
        .find(|(name, _)| *name == format!("{}.md", section.name))
        .map_or("", |(_, text)| text);
    let mut problems = Vec::new();
    let asking = |demo: &&String| {
        Script::read(section, demo).is_ok_and(|script| script.predict.is_some())
    };
    if section.demos.iter().filter(asking).count() < PREDICTIONS {
        problems.push(format!(
            "fewer than {PREDICTIONS} of its demos ask a question ([predict])"
        ));
    }
    match (&section.no_short, shorts.is_empty()) {
        (Some(reason), true) if !reason.trim().is_empty() => {
            let parts: Vec<&str> =
                PARTS.into_iter().filter(|part| *part != "short").collect();
            check_order(page, &parts, &mut problems);
            check_picture(page, &first_part(page), &mut problems);
        }
        (Some(_), true) => problems
            .push("'no-short' in its manifest gives no reason".to_owned()),
        (Some(_), false) => problems.push(
            "has short programs, and its manifest says 'no-short'".to_owned(),
        ),
        (None, true) => problems.push(
            "has no examples/short-….rs, and its manifest does not say why \
             (no-short = \"…\")"
                .to_owned(),
        ),
        (None, false) => {
            for short in &shorts {
                check_program(section, short, &mut problems)?;
            }
            check_partners(section, &shorts, &mut problems)?;
            check_demos(section, &shorts, &mut problems)?;
            check_order(page, &PARTS, &mut problems);
            check_picture(page, "{#short}", &mut problems);
            check_page(section, page, &mut problems)?;
            check_pairs(section, &shorts, &pages, &mut problems)?;
        }
    }
    check_starters(section, &mut problems)?;
    Ok(problems)
}

/// Each program of the starter is short enough to be read at once, or the
/// manifest says why not.
fn check_starters(section: &Section, problems: &mut Vec<String>) -> Result<()> {
    for file in entries(&section.folder.join("src/bin"))? {
        let Some(program) = file.file_stem().filter(|_| file.is_file()) else {
            continue;
        };
        let program = program.to_string_lossy();
        let lines = fs::read_to_string(&file)?.lines().count();
        let reason = section.long.get(&*program).map(|reason| reason.trim());
        match (lines > STARTER_LINES, reason) {
            (true, Some("")) => problems.push(format!(
                "'long' in its manifest gives no reason for {program}"
            )),
            (true, None) => problems.push(format!(
                "{program} has {lines} lines, more than {STARTER_LINES}, and \
                 its manifest does not say why (long = {{ {program} = \"…\" }})"
            )),
            (false, Some(_)) => problems.push(format!(
                "its manifest says 'long' of {program}, which has {lines} \
                 lines"
            )),
            (true, Some(_)) | (false, None) => {}
        }
    }
    for name in section.long.keys() {
        if !section.programs.contains(name) {
            problems.push(format!(
                "its manifest says 'long' of {name}, and there is no \
                 src/bin/{name}.rs"
            ));
        }
    }
    Ok(())
}

/// What a reader starts with: the programs of the demo `short`, in the order
/// in which it starts them.
pub fn start_with(section: &Section) -> Vec<String> {
    // One that cannot be read fails as a demo.
    let Ok(script) = Script::read(section, "short") else {
        let first = section.programs.first().cloned();
        return first
            .filter(|_| section.no_short.is_some())
            .into_iter()
            .collect();
    };
    let mut programs: Vec<String> = Vec::new();
    for step in &script.steps {
        if let Action::Start(role) = &step.action
            && let Some(role) = script.role(role)
            && let Actor::Program(program) = &role.actor
            && !programs.contains(program)
        {
            programs.push(program.clone());
        }
    }
    programs
}

/// The size and the plainness of a short program.
fn check_program(
    section: &Section,
    short: &str,
    problems: &mut Vec<String>,
) -> Result<()> {
    let file = format!("examples/{short}.rs");
    let Ok(text) = fs::read_to_string(section.folder.join(&file)) else {
        problems.push(format!("{file}: a short program is one file"));
        return Ok(());
    };
    let mut problem = |what: String| problems.push(format!("{file} {what}"));
    check_size(&text, LINES, &mut problem);
    let header: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect();
    let partner = format!("python/{}.py", short.replace('-', "_"));
    let told = header.len() == 3
        && header[1].contains(&format!("cargo run --example {short}"))
        && header[2].contains(&partner);
    if !told {
        problem(format!(
            "needs a header of three lines: what it does, \
             'cargo run --example {short}', '{partner}'"
        ));
    }
    // Of the code, without its comments.
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let library = section.name.replace('-', "_");
    for (pattern, what) in [
        (r"\bclap\b".to_owned(), "uses clap"),
        (format!(r"\b{library}::"), "uses the crate's own library"),
        (r"\.(unwrap|expect)\(".to_owned(), "calls unwrap or expect"),
    ] {
        if Regex::new(&pattern)?.is_match(&code) {
            problem(what.to_owned());
        }
    }
    let main = Regex::new(
        r#"(?m)^(#\[tokio::main\(flavor = "current_thread"\)\]\nasync )?fn main\(\) -> (anyhow|io|std::io)::Result<\(\)> \{$"#,
    )?;
    if !main.is_match(&code) {
        problem(
            "needs 'fn main() -> anyhow::Result<()>' or '-> io::Result<()>', \
             if async on tokio's current_thread"
                .to_owned(),
        );
    }
    Ok(())
}

fn check_size(text: &str, most: usize, problem: &mut impl FnMut(String)) {
    let lines = text.lines().count();
    if lines > most {
        problem(format!("has {lines} lines, more than {most}"));
    }
    if let Some(line) = text.lines().find(|line| line.chars().count() > COLUMNS)
    {
        problem(format!("has more than {COLUMNS} columns: '{line}'"));
    }
}

/// Each short program has a Python partner that stands alone, and each short
/// partner a program.
fn check_partners(
    section: &Section,
    shorts: &[&str],
    problems: &mut Vec<String>,
) -> Result<()> {
    let files = entries(&section.folder.join("python"))?;
    let stems: Vec<String> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "py"))
        .filter_map(|path| path.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect();
    for short in shorts {
        if !stems.contains(&short.replace('-', "_")) {
            problems.push(format!("{short} has no Python partner"));
        }
    }
    let import = Regex::new(r"(?m)^\s*(?:import|from) (\w+)")?;
    for stem in stems.iter().filter(|stem| stem.starts_with("short_")) {
        let file = format!("python/{stem}.py");
        let mut problem =
            |what: String| problems.push(format!("{file} {what}"));
        if !shorts.contains(&stem.replace('_', "-").as_str()) {
            problem("is the partner of no short program".to_owned());
        }
        let text = fs::read_to_string(section.folder.join(&file))?;
        check_size(&text, PYTHON_LINES, &mut problem);
        for found in import.captures_iter(&text) {
            if stems.contains(&found[1].to_owned()) {
                problem(format!("imports {}: it must stand alone", &found[1]));
            }
        }
    }
    Ok(())
}

/// Who plays in a demo: short programs in Rust, and short Python partners
/// under the names of the programs that they are partners of.
struct Cast {
    demo: String,
    rust: Vec<String>,
    python: Vec<String>,
    others: bool,
}

/// The demo `short` is played in Rust alone; and each program's partner plays
/// in its place, with those that the program talks to.
fn check_demos(
    section: &Section,
    shorts: &[&str],
    problems: &mut Vec<String>,
) -> Result<()> {
    let mut casts = Vec::new();
    for demo in &section.demos {
        // One that cannot be read fails as a demo.
        let Ok(script) = Script::read(section, demo) else {
            continue;
        };
        let mut cast = Cast {
            demo: demo.clone(),
            rust: Vec::new(),
            python: Vec::new(),
            others: false,
        };
        for role in &script.roles {
            match &role.actor {
                Actor::Program(name) if name.starts_with("short-") => {
                    cast.rust.push(name.clone());
                }
                Actor::Python(file) if file.starts_with("short_") => {
                    let stem = file.trim_end_matches(".py");
                    cast.python.push(stem.replace('_', "-"));
                }
                _ => cast.others = true,
            }
        }
        casts.push(cast);
    }
    match casts.iter().find(|cast| cast.demo == "short") {
        None => problems.push("has no demo 'short'".to_owned()),
        Some(cast)
            if cast.rust.is_empty()
                || !cast.python.is_empty()
                || cast.others =>
        {
            problems.push(
                "its demo 'short' must be played by short programs in Rust \
                 alone"
                    .to_owned(),
            );
        }
        Some(_) => {}
    }
    for short in shorts {
        let of = |names: &[String]| names.iter().any(|name| name == short);
        // Whoever plays with it, in Rust.
        let partners: Vec<&String> = casts
            .iter()
            .filter(|cast| cast.python.is_empty() && of(&cast.rust))
            .flat_map(|cast| &cast.rust)
            .filter(|name| name != short)
            .collect();
        if !casts.iter().any(|cast| of(&cast.rust)) {
            problems.push(format!("no demo plays {short}"));
        }
        let mixed = casts.iter().any(|cast| {
            of(&cast.python)
                && (partners.is_empty()
                    || cast.rust.iter().any(|name| partners.contains(&name)))
        });
        if !mixed {
            problems.push(format!(
                "no demo plays {short}'s Python partner{}",
                if partners.is_empty() {
                    ""
                } else {
                    " with a short program in Rust"
                }
            ));
        }
    }
    Ok(())
}

/// The ids of the headings of the second level.
fn headings(page: &str) -> Vec<&str> {
    page.lines()
        .filter(|line| line.starts_with("## "))
        .filter_map(|line| line.trim_end().strip_suffix('}'))
        .filter_map(|line| line.rsplit_once("{#"))
        .map(|(_, id)| id)
        .collect()
}

/// Where a page goes from the idea to how it is done.
fn first_part(page: &str) -> String {
    let found = headings(page);
    let first = found.into_iter().find(|id| PARTS.contains(id));
    format!("{{#{}}}", first.unwrap_or(PARTS[0]))
}

fn check_order(page: &str, parts: &[&str], problems: &mut Vec<String>) {
    let found = headings(page);
    let mut last = 0;
    for part in parts {
        match found.iter().position(|id| id == part) {
            Some(at) if at < last => problems
                .push(format!("its page has the part {{#{part}}} too early")),
            Some(at) => last = at,
            None if OPTIONAL.contains(part) => {}
            None => problems
                .push(format!("its page has no part '## … {{#{part}}}'")),
        }
    }
}

/// Who talks to whom comes before how it is done.
fn check_picture(page: &str, mark: &str, problems: &mut Vec<String>) {
    match page.split_once(mark) {
        Some((idea, _)) if idea.contains("{{#include images/") => {}
        Some(_) => problems
            .push(format!("its page has no picture before its part {mark}")),
        None => problems.push(format!(
            "its page has no part {mark}, so no picture stands before it"
        )),
    }
}

/// A listing of a page: what a fence includes, or holds.
struct Listing {
    language: String,
    /// The included file, below the section's folder.
    file: Option<String>,
    lines: usize,
    folded: bool,
    /// Which `<div class="pair">` it stands in, counted from 1.
    pair: Option<usize>,
    /// The part that it stands in.
    part: String,
    /// Whether a terminal stands before it.
    after_terminals: bool,
}

fn check_page(
    section: &Section,
    page: &str,
    problems: &mut Vec<String>,
) -> Result<()> {
    let source = format!("Source of this crate: `crates/{}`", section.name);
    let short_part = part(page, "short");
    if !short_part.contains(&source) {
        problems
            .push(format!("its page has no line '{source}' under {{#short}}"));
    }
    let terminals = Regex::new(r"/demos/([^/]+)/terminals\.html\}\}")?;
    let first = terminals.captures(page).map(|found| found[1].to_owned());
    if first.as_deref() != Some("short") {
        problems.push(
            "the first terminals of its page are not those of the demo 'short'"
                .to_owned(),
        );
    }
    let listings = listings(section, page)?;
    let open: Vec<&Listing> = listings
        .iter()
        .filter(|listing| listing.language == "rust" && !listing.folded)
        .collect();
    let (mut before, mut programs) = (0, BTreeSet::new());
    for listing in open.iter().filter(|listing| !listing.after_terminals) {
        before += listing.lines;
        programs.insert(&listing.file);
        let of_short = listing
            .file
            .as_ref()
            .is_some_and(|file| file.starts_with("examples/short-"));
        if !of_short {
            problems.push(format!(
                "before the first terminals its page shows {} open: only short \
                 programs stand there",
                listing.file.as_deref().unwrap_or("Rust of its own")
            ));
        }
    }
    let most = BEFORE_TERMINALS[usize::from(programs.len() > 2)];
    if before > most {
        problems.push(format!(
            "its page shows {before} lines of Rust before the first terminals, \
             more than {most}"
        ));
    }
    for listing in open.iter().filter(|listing| listing.part == "breaks") {
        if listing.lines > MENDING {
            problems.push(format!(
                "under {{#breaks}} its page shows {} lines of {}, more than \
                 {MENDING}",
                listing.lines,
                listing.file.as_deref().unwrap_or("Rust")
            ));
        }
    }
    Ok(())
}

/// One of the pages shows each program and its partner side by side.
fn check_pairs(
    section: &Section,
    shorts: &[&str],
    pages: &[(String, String)],
    problems: &mut Vec<String>,
) -> Result<()> {
    let mut paired = Vec::new();
    for (page, text) in pages {
        for listing in listings(section, text)? {
            if let Some((pair, file)) = listing.pair.zip(listing.file) {
                paired.push((page, pair, file));
            }
        }
    }
    for short in shorts {
        let python = format!("python/{}.py", short.replace('-', "_"));
        let rust = format!("examples/{short}.rs");
        let together = paired.iter().any(|(page, pair, file)| {
            *file == rust && paired.contains(&(*page, *pair, python.clone()))
        });
        if !together {
            problems.push(format!(
                "no page shows {short} and its Python partner side by side, in \
                 a <div class=\"pair\">"
            ));
        }
    }
    Ok(())
}

/// The text of a part: from its heading to the next one.
fn part<'a>(page: &'a str, id: &str) -> &'a str {
    let Some((_, text)) = page.split_once(&format!("{{#{id}}}")) else {
        return "";
    };
    text.split("\n## ").next().unwrap_or_default()
}

/// All listings of a page, in their order.
fn listings(section: &Section, page: &str) -> Result<Vec<Listing>> {
    let include = Regex::new(
        r"\{\{#include \.\./\.\./crates/([^/]+)/([^:}\s]+)(?::([^}\s]+))?\}\}",
    )?;
    let mut listings: Vec<Listing> = Vec::new();
    let mut in_fence = false;
    let (mut folded, mut pairs, mut in_pair) = (0_usize, 0, false);
    let (mut at_part, mut after_terminals) = (String::new(), false);
    for line in page.lines() {
        if let Some(language) = line.trim().strip_prefix("```") {
            in_fence = !in_fence;
            if in_fence {
                listings.push(Listing {
                    language: language
                        .split(',')
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    file: None,
                    lines: 0,
                    folded: folded > 0,
                    pair: in_pair.then_some(pairs),
                    part: at_part.clone(),
                    after_terminals,
                });
            }
        } else if in_fence {
            let Some(listing) = listings.last_mut() else {
                continue;
            };
            match include.captures(line) {
                Some(found) if found[1] == section.name => {
                    let path = section.folder.join(&found[2]);
                    // What is not there is another check's business.
                    let text = fs::read_to_string(path).unwrap_or_default();
                    let anchor = found.get(3).map(|anchor| anchor.as_str());
                    listing.lines += count(&text, anchor);
                    listing.file = Some(found[2].to_owned());
                }
                _ => listing.lines += 1,
            }
        } else if let Some(title) = line.strip_prefix("## ") {
            at_part = title
                .trim_end_matches('}')
                .rsplit_once("{#")
                .map_or_else(String::new, |(_, id)| id.to_owned());
        } else if line.starts_with("<details") {
            folded += 1;
        } else if line.starts_with("</details>") {
            folded = folded.saturating_sub(1);
        } else if line == "<div class=\"pair\">" {
            (pairs, in_pair) = (pairs + 1, true);
        } else if line == "</div>" {
            in_pair = false;
        } else if line.contains("/terminals.html}}") {
            after_terminals = true;
        }
    }
    Ok(listings)
}

/// The lines that an include shows: of the whole, or of an anchor.
fn count(text: &str, anchor: Option<&str>) -> usize {
    let named = |line: &str, mark: &str, name: &str| {
        line.split_once(mark).is_some_and(|(_, rest)| {
            rest.split_whitespace().next() == Some(name)
        })
    };
    let mut inside = anchor.is_none();
    let mut lines = 0;
    for line in text.lines() {
        if line.contains("ANCHOR:") || line.contains("ANCHOR_END:") {
            if let Some(name) = anchor {
                inside |= named(line, "ANCHOR:", name);
                inside &= !named(line, "ANCHOR_END:", name);
            }
        } else if inside {
            lines += 1;
        }
    }
    lines
}
