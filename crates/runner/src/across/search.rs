//! The search of the book, and its index page. Both are made from what the
//! pages say: prose and headings, without sources and terminals, and the words
//! that a page names in a comment, `<!-- search: pub sub, broker -->`, below
//! the heading that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result};
use regex_lite::Regex;
use serde::Serialize;

use super::python::python_table;
use crate::workspace::{Section, Workspace, read};

/// What a search finds: the part of a page under one heading.
#[derive(Default, Serialize)]
struct Part {
    url: String,
    title: String,
    /// What people may search for that the text does not say.
    words: String,
    body: String,
    breadcrumbs: String,
    #[serde(skip)]
    named: Vec<String>,
}

/// The script that the search loads: all parts of all pages, and how much a
/// word counts where.
pub fn script(workspace: &Workspace) -> Result<String> {
    let mut parts = String::new();
    for part in parts_of_all(workspace)? {
        let _ = writeln!(parts, "{},", serde_json::to_string(&part)?);
    }
    Ok(format!(
        "// Written by `just bless` (crates/runner/src/across/search.rs).\n\
         (() => {{\n\
         const parts = [\n{parts}];\n\
         const index = elasticlunr(function () {{\n\
         \x20   for (const field of [\"title\", \"words\", \"body\", \
         \"breadcrumbs\"]) this.addField(field);\n\
         \x20   this.setRef(\"url\");\n\
         }});\n\
         for (const part of parts) index.addDoc(part);\n\
         Object.assign(window.search, {{\n\
         \x20   index: index.toJSON(),\n\
         \x20   doc_urls: \
         Object.fromEntries(parts.map(({{ url }}) => [url, url])),\n\
         \x20   results_options: \
         {{ limit_results: 20, teaser_word_count: 24 }},\n\
         \x20   search_options: {{\n\
         \x20       bool: \"AND\", expand: true,\n\
         \x20       fields: {{ title: {{ boost: 8 }}, words: {{ boost: 8 }}, \
         body: {{ boost: 1 }}, breadcrumbs: {{ boost: 1 }} }},\n\
         \x20   }},\n\
         }});\n\
         }})();\n"
    ))
}

/// The index page: each word beside the places that it leads to.
pub fn page(workspace: &Workspace) -> Result<String> {
    let mut plain: BTreeMap<String, (String, BTreeSet<String>)> =
        BTreeMap::new();
    let mut python = plain.clone();
    let add = |words: &mut BTreeMap<String, (String, BTreeSet<String>)>,
               word: &str,
               place: String| {
        let entry = words.entry(word.to_lowercase());
        entry
            .or_insert_with(|| (word.to_owned(), BTreeSet::new()))
            .1
            .insert(place);
    };
    for part in parts_of_all(workspace)? {
        let url = part.url.replace(".html", ".md");
        for word in &part.named {
            add(&mut plain, word, format!("[{}]({url})", part.breadcrumbs));
        }
    }
    for section in workspace.in_order()? {
        let page = format!("{}.md", section.name);
        for name in python_names(workspace, section)? {
            let place = format!("[{}]({page}#python)", section.title);
            add(&mut python, &name, place);
        }
    }
    let table = |words: &BTreeMap<String, (String, BTreeSet<String>)>,
                 code: bool| {
        let mut rows = String::new();
        for (word, places) in words.values() {
            let places: Vec<&str> = places.iter().map(String::as_str).collect();
            let mark = if code { "`" } else { "" };
            let places = places.join(", ");
            let _ = writeln!(rows, "| {mark}{word}{mark} | {places} |");
        }
        rows
    };
    Ok(format!(
        "## Words {{#words}}\n\n| word | where |\n|---|---|\n{}\n\
         ## Names in Python {{#python-names}}\n\n\
         | name | where |\n|---|---|\n{}",
        table(&plain, false),
        table(&python, true),
    ))
}

/// The parts of all pages, in the order of the table of contents.
fn parts_of_all(workspace: &Workspace) -> Result<Vec<Part>> {
    let source = workspace.root.join("book/src");
    let summary = read(&source.join("SUMMARY.md"))?;
    let mut parts = Vec::new();
    for found in Regex::new(r"\(([\w-]+)\.md\)")?.captures_iter(&summary) {
        let name = &found[1];
        let mut of_page =
            parts_of(name, &read(&source.join(format!("{name}.md")))?)?;
        let section = workspace.sections.iter().find(|one| one.name == name);
        if let (Some(section), Some(first)) = (section, of_page.first_mut()) {
            let mut words = vec![name.to_owned(), name.replace('-', " ")];
            words.extend(section.programs.iter().cloned());
            words.extend(section.examples.iter().cloned());
            words.extend(python_names(workspace, section)?);
            let _ =
                write!(first.words, " {} {}", section.title, words.join(" "));
        }
        parts.extend(of_page);
    }
    Ok(parts)
}

/// A page at its headings, down to the third level.
fn parts_of(name: &str, text: &str) -> Result<Vec<Part>> {
    let heading = Regex::new(r"^(#{1,3}) (.+?) \{#([\w-]+)\}\s*$")?;
    let search = Regex::new(r"^<!-- search: (.+?) -->$")?;
    let html = Regex::new("<[^>]*>")?;
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)")?;
    let mut parts: Vec<Part> = Vec::new();
    let mut page = String::new();
    let mut above = String::new();
    let mut in_fence = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        } else if in_fence || line.starts_with("{{#") {
        } else if let Some(found) = heading.captures(line) {
            let title = found[2].replace('`', "");
            let breadcrumbs = match found[1].len() {
                1 => {
                    page = title.clone();
                    title.clone()
                }
                2 => {
                    above = format!("{page} » {title}");
                    above.clone()
                }
                _ => format!("{above} » {title}"),
            };
            parts.push(Part {
                url: match found[1].len() {
                    1 => format!("{name}.html"),
                    _ => format!("{name}.html#{}", &found[3]),
                },
                title,
                breadcrumbs,
                ..Part::default()
            });
        } else if let Some(part) = parts.last_mut() {
            if let Some(found) = search.captures(line) {
                part.named = found[1].split(", ").map(str::to_owned).collect();
                part.words = part.named.join(" ");
                continue;
            }
            let plain = link.replace_all(line, "$1");
            let plain = html.replace_all(&plain, "");
            let plain = plain.replace(['`', '*', '|'], " ");
            for word in plain.split_whitespace() {
                if word.chars().any(char::is_alphanumeric) {
                    part.body.push_str(word);
                    part.body.push(' ');
                }
            }
        }
    }
    parts
        .first()
        .with_context(|| format!("{name}.md has no heading with an id"))?;
    Ok(parts)
}

/// What the first column of a section's table "Python, Rust" names.
fn python_names(
    workspace: &Workspace,
    section: &Section,
) -> Result<BTreeSet<String>> {
    let path = format!("book/src/{}.md", section.name);
    let Ok(text) = read(&workspace.root.join(path)) else {
        return Ok(BTreeSet::new());
    };
    let code = Regex::new("`([^`]+)`")?;
    let name = Regex::new(r"[A-Za-z_][\w.]*[\w]")?;
    let mut names = BTreeSet::new();
    for row in python_table(&text).lines().skip(2) {
        let cell = row.split('|').nth(1).unwrap_or_default();
        for found in code.captures_iter(cell) {
            // The name that is called, or else the first one.
            let called = found[1].split('(').next().unwrap_or_default();
            let last = name.find_iter(called).last();
            if let Some(called) = last.filter(|name| name.as_str().len() > 2) {
                names.insert(called.as_str().to_owned());
            }
        }
    }
    Ok(names)
}
