//! The pages that gather something from all sections: what each takes from
//! Python, the errors its programs print, how fast they are. All of it stands
//! in the sections already, so a new section adds itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};
use regex_lite::Regex;

use crate::book::{in_order, read};
use crate::recording::escape;
use crate::script::Script;
use crate::workspace::{Section, Workspace, entries};

/// The modules and crates of each section, and its table of names.
pub fn python(workspace: &Workspace) -> Result<String> {
    let mut overview = String::from(
        "| section | Python modules | crates here |\n|---|---|---|\n",
    );
    let mut tables = String::new();
    for section in in_order(workspace)? {
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

/// An error that a program printed in a demo.
struct Trouble {
    programs: BTreeSet<String>,
    /// What it printed after its name.
    line: String,
    /// What happened, in the words of the first demo that has it.
    about: String,
    /// It did not end with this line.
    went_on: bool,
    section: String,
    /// Where it can be seen.
    links: Vec<String>,
}

impl Trouble {
    /// Why it failed: what stands between the last colon and the advice.
    fn cause(&self) -> String {
        let (said, _) = self.parts();
        let cause = said.rsplit_once(": ").map_or(said, |(_, cause)| cause);
        // Of two errors that differ in a number only, both are meant. What
        // is left of an address would be no cause.
        let mut text = String::new();
        for letter in cause.chars() {
            match letter {
                '0'..='9' | '.' if text.ends_with('…') => {}
                '0'..='9' => text.push('…'),
                _ => text.push(letter),
            }
        }
        match text.split_once(" to redis://") {
            Some((before, after)) => {
                let after = after.split_once(' ').map_or("", |(_, end)| end);
                format!("{before} {after}")
            }
            None => text,
        }
    }

    fn words(&self) -> String {
        let mut text = format!("What happened\n: {}\n\n", self.about);
        let (_, advice) = self.parts();
        if let Some(advice) = advice {
            let mut letters = advice.chars();
            let first = letters.next().unwrap_or_default();
            let (what, end) = match advice.ends_with('?') {
                true => ("What to check", ""),
                false => ("What to do", "."),
            };
            let _ = writeln!(
                text,
                "{what}\n: {}{}{end}\n",
                first.to_uppercase(),
                letters.as_str()
            );
        } else if self.went_on {
            text.push_str(
                "What to do\n: Nothing on this side: the program goes on. Look \
                 at the other end.\n\n",
            );
        }
        let _ = writeln!(text, "More\n: {}\n", self.links.join("; "));
        text
    }

    /// What failed and why, and what the program says to do about it.
    fn parts(&self) -> (&str, Option<&str>) {
        match self.line.rsplit_once("; ") {
            // Two clauses that state, and do not advise.
            Some((said, rest)) if rest.starts_with("the limit is") => {
                (said, None)
            }
            Some((said, "trying again")) => (said, None),
            Some((said, advice)) => {
                let said = said.split("; ").next().unwrap_or(said);
                (said, Some(advice))
            }
            None => (&self.line, None),
        }
    }
}

/// Every error line of every demo, by its cause.
pub fn troubles(workspace: &Workspace) -> Result<String> {
    let troubles = recorded_troubles(workspace)?;
    let mut causes: Vec<(String, Vec<&Trouble>)> = Vec::new();
    for trouble in &troubles {
        let cause = trouble.cause();
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, same)) => same.push(trouble),
            None => causes.push((cause, vec![trouble])),
        }
    }
    causes.sort_by(|one, other| one.0.cmp(&other.0));
    let mut text = String::new();
    for (cause, troubles) in causes {
        let id: Vec<String> = cause
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let _ = writeln!(text, "### {cause} {{#error-{}}}\n", id.join("-"));
        // What several programs say of the same thing is told once.
        let mut told: Vec<(String, String)> = Vec::new();
        for trouble in troubles {
            let lines: String = trouble
                .programs
                .iter()
                .map(|program| format!("{program}: {}\n", trouble.line))
                .collect();
            let words = trouble.words();
            match told.iter_mut().find(|(_, known)| *known == words) {
                Some((known, _)) => known.push_str(&lines),
                None => told.push((lines, words)),
            }
        }
        for (lines, words) in told {
            let _ = writeln!(text, "```text\n{lines}```\n\n{words}");
        }
    }
    Ok(text)
}

fn recorded_troubles(workspace: &Workspace) -> Result<Vec<Trouble>> {
    let mut troubles: Vec<Trouble> = Vec::new();
    for section in in_order(workspace)? {
        let pages = pages_of(workspace, section)?;
        for demo in &section.demos {
            let script = Script::read(section, demo)?;
            let place = pages.iter().find_map(|(page, text)| {
                heading_above(text, demo)
                    .map(|(id, title)| format!("[{title}]({page}#{id})"))
            });
            let link = match place {
                Some(link) => format!("{link} in {}", section.title),
                None => format!("[{}]({}.md)", section.title, section.name),
            };
            for role in &script.roles {
                let path = section
                    .demo_folder(demo)
                    .join(format!("{}.txt", role.name));
                // Not recorded yet: nothing to gather.
                let text = fs::read_to_string(path).unwrap_or_default();
                let mut lines = text.lines().peekable();
                while let Some(line) = lines.next() {
                    let Some((program, line)) = line
                        .strip_prefix("! ")
                        .and_then(|line| line.split_once(": "))
                    else {
                        continue;
                    };
                    let ours = section.programs.iter().chain(&section.examples);
                    if !ours.into_iter().any(|ours| ours == program) {
                        continue;
                    }
                    let known = troubles.iter_mut().find(|known| {
                        known.line == line && known.section == section.name
                    });
                    let trouble = match known {
                        Some(known) => known,
                        None => {
                            troubles.push(Trouble {
                                programs: BTreeSet::new(),
                                line: line.to_owned(),
                                about: script.about.clone(),
                                went_on: lines.peek().is_none_or(|next| {
                                    !next.starts_with("[exit ")
                                }),
                                section: section.name.clone(),
                                links: Vec::new(),
                            });
                            troubles.last_mut().context("just pushed")?
                        }
                    };
                    trouble.programs.insert(program.to_owned());
                    if !trouble.links.contains(&link) {
                        trouble.links.push(link.clone());
                    }
                }
            }
        }
    }
    Ok(troubles)
}

/// A row of a section's benches/results.md.
struct Row {
    job: String,
    server: String,
    who: String,
    /// Median, least and most of ours / theirs.
    ratio: Option<(f64, f64, f64)>,
}

/// What was measured, section by section: a plot of the ratios and all rows.
pub fn speed(workspace: &Workspace) -> Result<String> {
    let ratio = Regex::new(r"^([\d.]+) \(([\d.]+) to ([\d.]+)\)$")?;
    let mut text = String::new();
    for section in in_order(workspace)? {
        let folder = section.folder.join("benches");
        let path = folder.join("results.md");
        if !path.is_file() {
            continue;
        }
        let results = read(&path)?;
        let mut rows = Vec::new();
        for line in results.lines().filter(|line| line.starts_with('|')) {
            let cells: Vec<&str> =
                line.trim_matches('|').split('|').map(str::trim).collect();
            let [job, server, who, _, _, ratios] = cells[..] else {
                continue;
            };
            let number = |found: &regex_lite::Captures, group: usize| {
                found[group].parse().unwrap_or(f64::NAN)
            };
            rows.push(Row {
                job: job.to_owned(),
                server: server.to_owned(),
                who: who.to_owned(),
                ratio: ratio.captures(ratios).map(|found| {
                    (number(&found, 1), number(&found, 2), number(&found, 3))
                }),
            });
        }
        let _ = writeln!(
            text,
            "## {} {{#speed-{}}}\n",
            section.title, section.name
        );
        for (bench, about) in jobs(section)? {
            let _ = writeln!(text, "`{bench}`\n: {about}\n");
        }
        let (measured, table) = results
            .split_once("\n\n")
            .with_context(|| format!("{} has no table", path.display()))?;
        let compared: Vec<&Row> = rows
            .iter()
            .filter(|row| {
                row.ratio.is_some_and(|(median, least, most)| {
                    least > 0.0 && least <= median && median <= most
                })
            })
            .collect();
        if !compared.is_empty() {
            text.push_str(&plot(section, &compared));
        }
        let _ = writeln!(
            text,
            "{measured}\n\n<details>\n<summary>All that was measured</summary>\
             \n\n{table}\n</details>\n\n\
             The programs: [{}]({}.md).\n",
            section.title, section.name
        );
    }
    Ok(text)
}

/// What each bench says that it measures: the first paragraph of its header.
fn jobs(section: &Section) -> Result<Vec<(String, String)>> {
    let mut jobs = Vec::new();
    for path in entries(&section.folder.join("benches"))? {
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let about: Vec<String> = read(&path)?
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .take_while(|line| !line.trim().is_empty())
            .map(|line| line.trim().to_owned())
            .collect();
        // How its output looks is the runner's business.
        let about = about
            .join(" ")
            .replace(" Prints `job value unit`.", "")
            .replace(" Prints `job value unit`; more is better.", "");
        let stem = path.file_stem().unwrap_or_default();
        jobs.push((stem.to_string_lossy().into_owned(), about));
    }
    Ok(jobs)
}

/// Width of the drawing, its margins, and the height of a bar's two lines.
const WIDTH: f64 = 360.0;
const LEFT: f64 = 8.0;
const RIGHT: f64 = 352.0;
const ROW: f64 = 46.0;

/// The ratios as bars that begin at 1, which is "as fast". The scale is a
/// logarithm's: twice as fast is as far from 1 as half as fast.
fn plot(section: &Section, rows: &[&Row]) -> String {
    let id = format!("speed-plot-{}", section.name);
    let ratios = || rows.iter().filter_map(|row| row.ratio);
    let lowest = ratios().map(|ratio| ratio.1).fold(0.5, f64::min);
    let highest = ratios().map(|ratio| ratio.2).fold(2.0, f64::max);
    let (low, high) = (lowest.ln() - 0.1, highest.ln() + 0.1);
    let x =
        |ratio: f64| LEFT + (ratio.ln() - low) / (high - low) * (RIGHT - LEFT);
    let mut height = 34.0;
    let mut bars = String::new();
    let mut words = String::new();
    let mut said = Vec::new();
    for row in rows {
        let Some((median, least, most)) = row.ratio else {
            continue;
        };
        let on = match row.server.as_str() {
            "" => String::new(),
            server => format!(" on {server}"),
        };
        let who = match row.who.as_str() {
            "c" => "C",
            "python" => "Python",
            who => who,
        };
        let label = format!("{}{on}, beside {who}", row.job);
        let (from, to) = (x(1.0).min(x(median)), x(1.0).max(x(median)));
        let class = if median < 1.0 { "wait" } else { "answer" };
        let (top, middle) = (height + 20.0, height + 28.0);
        let _ = writeln!(
            bars,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{top:.0}\" \
             width=\"{:.1}\" height=\"16\" stroke-width=\"1\"/>\n\
             <path d=\"M{:.1} {middle:.0}H{:.1}\" stroke-width=\"2\"/>",
            to - from,
            x(least),
            x(most)
        );
        let _ = writeln!(
            words,
            "<text x=\"{LEFT:.0}\" y=\"{:.0}\">{}</text>\n\
             <text x=\"{RIGHT:.0}\" y=\"{:.0}\" text-anchor=\"end\">\
             {median:.2}</text>",
            height + 14.0,
            escape(&label),
            height + 14.0
        );
        said.push(format!("{label}: {median:.2} ({least:.2} to {most:.2})"));
        height += ROW;
    }
    let mut axis = String::new();
    for (tick, name) in [
        (0.1, "1/10"),
        (0.2, "1/5"),
        (0.5, "1/2"),
        (1.0, "1"),
        (2.0, "2"),
        (5.0, "5"),
        (10.0, "10"),
        (50.0, "50"),
    ] {
        if (low..=high).contains(&f64::ln(tick)) {
            let dashes = if tick == 1.0 { "none" } else { "2 4" };
            // Not through the words above the bars.
            let marks: String = (0u16..)
                .zip(rows)
                .map(|(row, _)| {
                    let top = 34.0 + ROW * f64::from(row) + 18.0;
                    format!("M{:.1} {top:.0}v20", x(tick))
                })
                .collect();
            let _ = writeln!(
                axis,
                "<path d=\"M{:.1} 20v8{marks}\" stroke-width=\"1\" \
                 stroke-dasharray=\"{dashes}\"/>",
                x(tick)
            );
            let _ = writeln!(
                words,
                "<text x=\"{:.1}\" y=\"16\" text-anchor=\"middle\">{name}</text>",
                x(tick).clamp(LEFT + 14.0, RIGHT - 14.0)
            );
        }
    }
    format!(
        "<figure class=\"picture\">\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} \
         {:.0}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
         fill=\"none\" stroke=\"currentColor\" font-size=\"13\">\n\
         <title id=\"{id}-title\">Our speed divided by theirs</title>\n\
         <desc id=\"{id}-desc\">{}.</desc>\n\
         {axis}{bars}<g fill=\"currentColor\" stroke=\"none\">\n{words}</g>\n\
         </svg>\n\
         <figcaption>Our speed divided by theirs: to the right of 1 ours is \
         faster, to the left theirs. The thin line reaches from the least to \
         the most of all rounds.</figcaption>\n</figure>\n\n",
        height + 8.0,
        escape(&said.join("; "))
    )
}

/// A section's pages, name and text: its own, and then its further ones, which
/// are called `SECTION-….md`.
pub fn pages_of(
    workspace: &Workspace,
    section: &Section,
) -> Result<Vec<(String, String)>> {
    let mut pages = Vec::new();
    for path in entries(&workspace.root.join("book/src"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".md").unwrap_or_default();
        // The longest name that fits: `redis-streams` is no page of `redis`.
        let owner = workspace
            .sections
            .iter()
            .filter(|section| {
                stem.strip_prefix(&section.name).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('-')
                })
            })
            .max_by_key(|section| section.name.len());
        if owner.is_some_and(|owner| owner.name == section.name) {
            pages.push((name.into_owned(), read(&path)?));
        }
    }
    pages.sort_by_key(|(name, _)| name.len());
    Ok(pages)
}
