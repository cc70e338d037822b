//! The page "Coming from Python": what each section takes from it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;
use regex_lite::Regex;

use crate::workspace::{Section, Workspace, entries, pages_of, read};

/// The modules and crates of each section, and its table of names.
pub fn page(workspace: &Workspace) -> Result<String> {
    let mut overview = String::from(
        "| section | Python modules | crates here |\n|---|---|---|\n",
    );
    let mut tables = String::new();
    for section in workspace.in_order()? {
        let page = format!("{}.md", section.name);
        let _ = writeln!(
            overview,
            "| [{}]({page}#python) | {} | {} |",
            section.title,
            code(&modules(section)?),
            code(&crates(section)?)
        );
        // Of its pages the first, if there is one.
        let pages = pages_of(workspace, section)?;
        let table = pages
            .first()
            .map_or_else(String::new, |(_, text)| python_table(text));
        if !table.is_empty() {
            let table = table.replace("](#", &format!("]({page}#"));
            let _ = writeln!(
                tables,
                "\n## {0} {{#from-python-{1}}}\n\n\
                 Run in [{0}]({page}#python), which has the Python programs, \
                 too.\n\n{table}",
                section.title, section.name,
            );
        }
    }
    Ok(format!("{overview}{tables}"))
}

/// The table under a page's heading "Coming from Python".
pub fn python_table(page: &str) -> String {
    page.lines()
        .skip_while(|line| {
            !(line.starts_with("## ") && line.ends_with("{#python}"))
        })
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .skip_while(|line| !line.starts_with("| Python"))
        .take_while(|line| line.starts_with('|'))
        .fold(String::new(), |table, line| table + line + "\n")
}

/// What the Python partners import, other than each other.
fn modules(section: &Section) -> Result<BTreeSet<String>> {
    let import = Regex::new(r"(?m)^(?:import|from) ([\w.]+)")?;
    let mut own = BTreeSet::new();
    let mut modules = BTreeSet::new();
    for path in entries(&section.folder.join("python"))? {
        if path.extension().is_some_and(|ending| ending == "py") {
            let stem = path.file_stem().unwrap_or_default();
            own.insert(stem.to_string_lossy().into_owned());
            for found in import.captures_iter(&read(&path)?) {
                modules.insert(found[1].to_owned());
            }
        }
    }
    // Of a package and its parts, the package is what a reader knows.
    let parts: BTreeSet<String> = modules
        .iter()
        .filter(|name| {
            name.split_once('.')
                .is_some_and(|(package, _)| modules.contains(package))
        })
        .cloned()
        .collect();
    Ok(&(&modules - &own) - &parts)
}

fn crates(section: &Section) -> Result<BTreeSet<String>> {
    let text = read(&section.folder.join("Cargo.toml"))?;
    let manifest: toml::Table = toml::from_str(&text)?;
    Ok(manifest
        .get("dependencies")
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default())
}

fn code(names: &BTreeSet<String>) -> String {
    let names: Vec<String> =
        names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
