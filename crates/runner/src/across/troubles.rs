//! The page "When it does not work": what a person sees, why, and what to do,
//! as the demos say it that show it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use anyhow::Result;

use crate::script::{Script, Trouble};
use crate::workspace::{Section, Workspace, pages_of};

/// What every section shows is not linked from everywhere.
const MOST_LINKS: usize = 4;

/// A line by which a program told an error in a demo.
struct Line {
    demo: usize,
    /// As it stands in the terminal: `PROGRAM: …`, or `Error: …`.
    text: String,
    /// The program ended with it.
    is_last: bool,
}

/// A trouble, everything that shows it, and where.
struct Entry<'a> {
    trouble: &'a Trouble,
    lines: Vec<String>,
    links: Vec<String>,
    sections: BTreeSet<&'a str>,
}

/// All troubles, grouped by what one sees, the commonest first.
pub fn page(workspace: &Workspace) -> Result<String> {
    let mut told = Vec::new();
    for section in workspace.in_order()? {
        told.push(Told::read(workspace, section)?);
    }
    let mut groups: Vec<(&str, Vec<Entry>)> = Vec::new();
    for told in &told {
        for (demo, trouble) in told.troubles() {
            let known = groups.iter().position(|known| known.0 == trouble.sees);
            let place = known.unwrap_or_else(|| {
                groups.push((&trouble.sees, Vec::new()));
                groups.len() - 1
            });
            let entries = &mut groups[place].1;
            // What several sections say of the same thing is told once.
            let known = entries
                .iter()
                .position(|known| known.trouble.says_like(trouble));
            let place = known.unwrap_or_else(|| {
                entries.push(Entry {
                    trouble,
                    lines: Vec::new(),
                    links: Vec::new(),
                    sections: BTreeSet::new(),
                });
                entries.len() - 1
            });
            let entry = &mut entries[place];
            entry.sections.insert(told.section);
            add(&mut entry.links, &told.demos[demo].link);
            for line in &told.lines {
                if told.is_of(line, trouble) {
                    add(&mut entry.lines, &line.text);
                    add(&mut entry.links, &told.demos[line.demo].link);
                }
            }
        }
    }
    // What many sections show is what one meets first.
    let seen = |group: &(&str, Vec<Entry>)| {
        let entries = || group.1.iter();
        let sections: BTreeSet<&str> = entries()
            .flat_map(|one| one.sections.iter().copied())
            .collect();
        let demos: usize = entries().map(|one| one.links.len()).sum();
        (sections.len(), demos)
    };
    groups.sort_by_key(|group| std::cmp::Reverse(seen(group)));
    let mut text = String::new();
    for (sees, entries) in &groups {
        let id: Vec<String> = sees
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let _ = writeln!(text, "### {sees} {{#see-{}}}\n", id.join("-"));
        for entry in entries {
            if !entry.lines.is_empty() {
                let lines = entry.lines.join("\n");
                let _ = writeln!(text, "```text\n{lines}\n```\n");
            }
            let _ = writeln!(
                text,
                "Why\n: {}\n\nWhat to do\n: {}\n\nSee it\n: {}\n",
                entry.trouble.cause,
                entry.trouble.cure,
                entry.links[..entry.links.len().min(MOST_LINKS)].join("; ")
            );
        }
    }
    Ok(text)
}

/// Errors with which a program ends and of which no demo says why; one
/// sentence each. A section that says it of none is not asked yet.
pub fn problems(
    workspace: &Workspace,
    section: &Section,
) -> Result<Vec<String>> {
    let told = Told::read(workspace, section)?;
    if told.troubles().next().is_none() {
        return Ok(Vec::new());
    }
    let untold = told.lines.iter().filter(|line| {
        // A short program prints what the system says: that is a lesson of its
        // page, and no error of ours.
        line.is_last
            && !line.text.starts_with("Error: ")
            && !told
                .troubles()
                .any(|(_, trouble)| told.is_of(line, trouble))
    });
    Ok(untold
        .map(|line| {
            format!(
                "demos/{}/demo.toml, or another demo of this section: \
                 [[troubles]] says nothing of '{}'",
                told.demos[line.demo].name, line.text
            )
        })
        .chain(told.empty())
        .collect())
}

/// What a section's demos say of their troubles, and the lines that show them.
struct Told<'a> {
    section: &'a str,
    demos: Vec<Demo>,
    lines: Vec<Line>,
}

struct Demo {
    name: String,
    troubles: Vec<Trouble>,
    /// To where it is shown.
    link: String,
}

impl<'a> Told<'a> {
    fn read(workspace: &Workspace, section: &'a Section) -> Result<Self> {
        let pages = pages_of(workspace, section)?;
        let mut told = Self {
            section: &section.name,
            demos: Vec::new(),
            lines: Vec::new(),
        };
        for (index, demo) in section.demos.iter().enumerate() {
            let script = Script::read(section, demo)?;
            let place = pages.iter().find_map(|(page, text)| {
                heading_above(text, demo)
                    .map(|(id, title)| format!("[{title}]({page}#{id})"))
            });
            for role in &script.roles {
                let file = format!("{}.txt", role.name);
                // Not recorded yet: nothing to gather.
                let text =
                    fs::read_to_string(section.demo_folder(demo).join(file))
                        .unwrap_or_default();
                told.add_lines(section, index, &text);
            }
            told.demos.push(Demo {
                name: demo.clone(),
                troubles: script.troubles,
                link: match place {
                    Some(link) => format!("{link} in {}", section.title),
                    None => format!("[{}]({}.md)", section.title, section.name),
                },
            });
        }
        Ok(told)
    }

    fn add_lines(&mut self, section: &Section, demo: usize, text: &str) {
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(line) = line.strip_prefix("! ") else {
                continue;
            };
            let says = |program: &str| {
                program == "Error"
                    || section.programs.iter().any(|ours| ours == program)
                    || section.examples.iter().any(|ours| ours == program)
            };
            // A cause that Rust adds to "Error: …" is no error of its own.
            while lines
                .next_if(|next| {
                    next.starts_with("!  ")
                        || *next == "! "
                        || *next == "!"
                        || *next == "! Caused by:"
                })
                .is_some()
            {}
            if line.split_once(": ").is_some_and(|(who, _)| says(who)) {
                self.lines.push(Line {
                    demo,
                    text: line.to_owned(),
                    is_last: lines.peek().is_some_and(|next| {
                        next.starts_with("[exit ") && *next != "[exit 0]"
                    }),
                });
            }
        }
    }

    fn troubles(&self) -> impl Iterator<Item = (usize, &Trouble)> {
        let demos = self.demos.iter().enumerate();
        demos.flat_map(|(index, demo)| {
            demo.troubles.iter().map(move |trouble| (index, trouble))
        })
    }

    /// Whether a line shows this trouble: the first that its own demo tells of
    /// it, else the first of the section.
    fn is_of(&self, line: &Line, trouble: &Trouble) -> bool {
        let own = self.demos[line.demo].troubles.iter();
        own.chain(self.troubles().map(|(_, trouble)| trouble))
            .find(|known| {
                known
                    .line
                    .as_ref()
                    .is_some_and(|known| known.is_match(&line.text))
            })
            .is_some_and(|known| std::ptr::eq(known, trouble))
    }

    /// Troubles whose pattern matches nothing.
    fn empty(&self) -> impl Iterator<Item = String> {
        self.troubles().filter_map(|(demo, trouble)| {
            let pattern = trouble.line.as_ref()?;
            let shown = self.lines.iter().any(|line| self.is_of(line, trouble));
            (!shown).then(|| {
                format!(
                    "demos/{}/demo.toml: [[troubles]] with the line '{}' that \
                     no error shows, or only such as another tells of",
                    self.demos[demo].name,
                    pattern.as_str()
                )
            })
        })
    }
}

/// Where a demo is shown: the id and the title of the heading above it.
fn heading_above(page: &str, demo: &str) -> Option<(String, String)> {
    let include = format!("/demos/{demo}/terminals.html");
    let mut heading = None;
    for line in page.lines() {
        if line.starts_with('#') {
            heading = line
                .trim_start_matches('#')
                .trim()
                .strip_suffix('}')
                .and_then(|line| line.rsplit_once(" {#"))
                .map(|(title, id)| (id.to_owned(), title.to_owned()));
        } else if line.contains(&include) {
            return heading;
        }
    }
    None
}

fn add(texts: &mut Vec<String>, text: &str) {
    if !texts.iter().any(|known| known == text) {
        texts.push(text.to_owned());
    }
}
