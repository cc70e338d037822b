//! What the book and the README take from the sections, and the checks that
//! mdBook does not make.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use regex_lite::Regex;

use crate::across;
use crate::form;
use crate::workspace::{Section, Workspace, entries, read};

const MAP_BEGINS: &str =
    "<!-- sections: written by `just bless`, do not edit -->";
const MAP_ENDS: &str = "<!-- end of sections -->";

/// The generated files, path and text: they are compared by the tests and
/// written by `bless`.
pub fn generated(workspace: &Workspace) -> Result<Vec<(PathBuf, String)>> {
    let fragments = workspace.root.join("book/generated");
    let readme_path = workspace.root.join("README.md");
    let readme = read(&readme_path)?;
    let (before, rest) = readme
        .split_once(MAP_BEGINS)
        .with_context(|| format!("README.md has no line '{MAP_BEGINS}'"))?;
    let (_, after) = rest
        .split_once(MAP_ENDS)
        .with_context(|| format!("README.md has no line '{MAP_ENDS}'"))?;
    let map = table(workspace, |section| {
        format!("[{}](crates/{})", section.title, section.name)
    })?;
    let rows = table(workspace, |section| {
        format!("[{}]({}.md)", section.title, section.name)
    })?;
    Ok(vec![
        (fragments.join("sections.md"), rows),
        (
            fragments.join("python.md"),
            across::python::page(workspace)?,
        ),
        (
            fragments.join("troubles.md"),
            across::troubles::page(workspace)?,
        ),
        (fragments.join("speed.md"), across::speed::page(workspace)?),
        (fragments.join("names.md"), across::search::page(workspace)?),
        (
            workspace.root.join("book/src/search.js"),
            across::search::script(workspace)?,
        ),
        (
            readme_path,
            format!("{before}{MAP_BEGINS}\n{map}{MAP_ENDS}{after}"),
        ),
    ])
}

/// Writes what is generated, and says which files changed.
pub fn write_generated(workspace: &Workspace) -> Result<()> {
    for (path, text) in generated(workspace)? {
        if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            fs::create_dir_all(path.parent().unwrap_or(&workspace.root))?;
            fs::write(&path, text)
                .with_context(|| format!("writing {}", path.display()))?;
            anstream::println!("{}: written", path.display());
        }
    }
    Ok(())
}

/// One row a section, in the order of the table of contents.
fn table(
    workspace: &Workspace,
    title: impl Fn(&Section) -> String,
) -> Result<String> {
    let mut table = String::from(
        "| section | start with | programs | what it shows |\n\
         |---|---|---|---|\n",
    );
    let code = |names: &[String]| {
        let names: Vec<String> =
            names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    for section in workspace.in_order()? {
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} |",
            title(section),
            code(&form::start_with(section)),
            code(&section.programs),
            section.description
        );
    }
    Ok(table)
}

/// All that is wrong with the book and the README, one sentence each.
pub fn problems(workspace: &Workspace) -> Result<Vec<String>> {
    let source = workspace.root.join("book/src");
    let mut pages = BTreeMap::new();
    for path in markdown_files(&source)? {
        pages.insert(path.clone(), read(&path)?);
    }
    let summary = source.join("SUMMARY.md");
    let summary_text = pages
        .get(&summary)
        .context("the book has no SUMMARY.md")?
        .clone();
    let mut problems = Vec::new();
    let mut included = BTreeSet::new();
    for (page, text) in &pages {
        check_includes(page, text, &mut included, &mut problems)?;
        check_links(page, text, &mut problems)?;
        if *page != summary
            && !summary_text.contains(&format!("({})", below(page, &source)))
        {
            problems
                .push(format!("{}: in no table of contents", page.display()));
        }
    }
    for picture in entries(&source.join("images"))? {
        let text = read(&picture)?;
        let told = ["role=\"img\"", "<title", "<desc", "aria-labelledby"];
        if told.iter().any(|part| !text.contains(part)) {
            problems.push(format!(
                "{}: a picture needs role=\"img\", a title and a desc",
                picture.display()
            ));
        }
    }
    let readme = workspace.root.join("README.md");
    check_links(&readme, &read(&readme)?, &mut problems)?;
    for section in &workspace.sections {
        check_section(workspace, section, &included, &mut problems)?;
    }
    for (path, text) in generated(workspace)? {
        if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            problems.push(format!(
                "{}: out of date, `bless` writes it",
                path.display()
            ));
        }
    }
    Ok(problems)
}

/// Includes that resolve to nothing, in whole or in part.
fn check_includes(
    page: &Path,
    text: &str,
    included: &mut BTreeSet<PathBuf>,
    problems: &mut Vec<String>,
) -> Result<()> {
    let include =
        Regex::new(r"\{\{#(\w+)\s+([^}:\s]+)(?::([^}\s]+))?[^}]*\}\}")?;
    for (number, line) in text.lines().enumerate() {
        for found in include.captures_iter(line) {
            // A backslash before it shows the braces to the reader.
            if found
                .get(0)
                .is_some_and(|whole| line[..whole.start()].ends_with('\\'))
            {
                continue;
            }
            let place = format!("{}:{}", page.display(), number + 1);
            if !matches!(&found[1], "include" | "rustdoc_include") {
                problems.push(format!(
                    "{place}: '#{}' is not used in this book",
                    &found[1]
                ));
                continue;
            }
            let path = resolve(page, &found[2]);
            let Ok(source) = fs::read_to_string(&path) else {
                problems
                    .push(format!("{place}: there is no {}", path.display()));
                continue;
            };
            let has = |mark: &str, anchor: &str| {
                source.lines().any(|line| {
                    line.split_once(mark).is_some_and(|(_, name)| {
                        name.split_whitespace().next() == Some(anchor)
                    })
                })
            };
            match found.get(3).map(|anchor| anchor.as_str()) {
                Some(anchor)
                    if anchor
                        .starts_with(|first: char| first.is_ascii_digit()) =>
                {
                    problems.push(format!(
                        "{place}: includes by line number; use an anchor"
                    ));
                }
                Some(anchor)
                    if !has("ANCHOR:", anchor)
                        || !has("ANCHOR_END:", anchor) =>
                {
                    problems.push(format!(
                        "{place}: {} has no anchor '{anchor}'",
                        path.display()
                    ));
                }
                None if source.contains("ANCHOR:") => {
                    problems.push(format!(
                        "{place}: the whole of {} would show its ANCHOR lines",
                        path.display()
                    ));
                }
                _ => {
                    included.insert(path);
                }
            }
        }
    }
    Ok(())
}

/// Links to files and headings that are not there.
fn check_links(
    page: &Path,
    text: &str,
    problems: &mut Vec<String>,
) -> Result<()> {
    let link = Regex::new(r"\]\(([^)\s]+)\)")?;
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for found in link.captures_iter(line) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) =
                target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                page.to_owned()
            } else {
                resolve(page, file)
            };
            let place = format!("{}:{}", page.display(), number + 1);
            if !path.exists() {
                problems.push(format!(
                    "{place}: the link '{target}' leads nowhere"
                ));
            } else if !fragment.is_empty()
                && path.extension().is_some_and(|ending| ending == "md")
                && !headings(&whole(&path)?).contains(fragment)
            {
                problems.push(format!(
                    "{place}: no heading '#{fragment}' in {}",
                    path.display()
                ));
            }
        }
    }
    Ok(())
}

/// A page with the generated fragments that it includes.
fn whole(page: &Path) -> Result<String> {
    let include = Regex::new(r"^\{\{#include (\S+\.md)\}\}$")?;
    let mut text = String::new();
    for line in read(page)?.lines() {
        match include.captures(line).map(|found| resolve(page, &found[1])) {
            Some(fragment) if fragment.is_file() => {
                text.push_str(&read(&fragment)?);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    Ok(text)
}

/// The ids of a page's headings: explicit ones, or as mdBook makes them.
fn headings(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim();
            match title
                .rsplit_once("{#")
                .and_then(|(_, id)| id.strip_suffix('}'))
            {
                Some(id) => id.to_owned(),
                None => title
                    .to_lowercase()
                    .chars()
                    .filter_map(|letter| match letter {
                        ' ' => Some('-'),
                        '-' | '_' => Some(letter),
                        _ if letter.is_alphanumeric() => Some(letter),
                        _ => None,
                    })
                    .collect(),
            }
        })
        .collect()
}

/// What the design asks of every section.
fn check_section(
    workspace: &Workspace,
    section: &Section,
    included: &BTreeSet<PathBuf>,
    problems: &mut Vec<String>,
) -> Result<()> {
    let mut problem =
        |text: String| problems.push(format!("{}: {text}", section.name));
    let page = workspace.root.join(format!("book/src/{}.md", section.name));
    if !page.is_file() {
        problem(format!("has no page book/src/{}.md", section.name));
    }
    if let Ok(page) = fs::read_to_string(&page) {
        let source = format!("Source of this crate: `crates/{}`", section.name);
        if !page.contains(&source) {
            problem(format!("its page has no line '{source}'"));
        }
        if across::python::python_table(&page).is_empty() {
            problem(
                "its page has no table 'Python, Rust' under {#python}".into(),
            );
        }
    }
    let mut to_show = Vec::new();
    for folder in ["src/bin", "examples", "python"] {
        for path in entries(&section.folder.join(folder))? {
            let main = path.join("main.rs");
            if path.is_file() {
                to_show.push(path);
            } else if main.is_file() {
                to_show.push(main);
            }
        }
    }
    for demo in &section.demos {
        let folder = section.demo_folder(demo);
        to_show.push(folder.join("terminals.html"));
        to_show.extend(
            Some(folder.join("wire.html")).filter(|wire| wire.is_file()),
        );
    }
    for path in to_show {
        if !included.contains(&path) {
            problem(format!("no page shows {}", below(&path, &section.folder)));
        }
    }
    for text in form::problems(workspace, section)? {
        problem(text);
    }
    let readme = section.folder.join("README.md");
    match fs::read_to_string(&readme) {
        Ok(text) if text.contains("Before production") => {}
        Ok(_) => problem(
            "its README.md does not say what it lacks 'Before production'"
                .into(),
        ),
        Err(_) => problem("has no README.md".into()),
    }
    for text in across::troubles::problems(workspace, section)? {
        problem(text);
    }
    for path in entries(&section.folder.join("demos"))? {
        if !path.join("demo.toml").is_file() {
            problem(format!(
                "{} has no demo.toml",
                below(&path, &section.folder)
            ));
        }
    }
    Ok(())
}

/// What would keep a section from being copied out, and what would make two
/// sections differ without a reason; one sentence each.
pub fn islands(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let lock: toml::Table =
        toml::from_str(&read(&workspace.root.join("Cargo.lock"))?)?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    for package in packages.into_iter().flatten() {
        let text = |key: &str| {
            package.get(key).and_then(toml::Value::as_str).unwrap_or("")
        };
        let held = text("version").starts_with("1.1.");
        if text("name") == "idna_adapter" && !held {
            problems.push(
                "Cargo.lock: idna_adapter brings 17 crates unless it is held: \
                 `cargo update -p idna_adapter --precise 1.1.0`"
                    .to_owned(),
            );
        }
    }
    let mut programs: BTreeMap<&String, &String> = BTreeMap::new();
    let mut versions: BTreeMap<String, (String, String)> = BTreeMap::new();
    for section in &workspace.sections {
        for program in section.programs.iter().chain(&section.examples) {
            if let Some(other) = programs.insert(program, &section.name) {
                problems.push(format!(
                    "{other} and {} both have {program}",
                    section.name
                ));
            }
        }
        let text = read(&section.folder.join("Cargo.toml"))?;
        let manifest: toml::Table = toml::from_str(&text)?;
        if contains_key(&manifest, "workspace") {
            problems
                .push(format!("{}: inherits from the workspace", section.name));
        }
        for (name, dependency) in dependencies(&manifest) {
            let version = match dependency {
                toml::Value::String(version) => version.as_str(),
                toml::Value::Table(table) => {
                    if table.contains_key("path") || table.contains_key("git") {
                        problems.push(format!(
                            "{}: {name} comes from a path or from git",
                            section.name
                        ));
                    }
                    table
                        .get("version")
                        .and_then(toml::Value::as_str)
                        .unwrap_or_default()
                }
                _ => "",
            };
            let first = versions
                .entry(name.clone())
                .or_insert_with(|| (section.name.clone(), version.to_owned()));
            if first.1 != version {
                problems.push(format!(
                    "{name} is '{version}' in {} and '{}' in {}",
                    section.name, first.1, first.0
                ));
            }
        }
    }
    Ok(problems)
}

/// Every dependency of every kind, also those of one system only.
fn dependencies(table: &toml::Table) -> Vec<(&String, &toml::Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        let Some(inner) = value.as_table() else {
            continue;
        };
        if key.ends_with("dependencies") {
            found.extend(inner);
        } else if key != "features" && key != "package" {
            found.extend(dependencies(inner));
        }
    }
    found
}

fn contains_key(table: &toml::Table, wanted: &str) -> bool {
    table.iter().any(|(key, value)| {
        key == wanted
            || value
                .as_table()
                .is_some_and(|inner| contains_key(inner, wanted))
    })
}

fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            files.extend(markdown_files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            files.push(path);
        }
    }
    Ok(files)
}

/// A path that a page names, without its `..`.
fn resolve(page: &Path, target: &str) -> PathBuf {
    let mut resolved = page.parent().unwrap_or(Path::new("")).to_owned();
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    resolved
}

/// A path as seen from a folder, with `/` on every system.
fn below(path: &Path, folder: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    path.components()
        .map(|component| component.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}
