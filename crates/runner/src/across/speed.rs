//! The page "How fast": what was measured, section by section.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use regex_lite::Regex;

use crate::html::escape;
use crate::workspace::{Section, Workspace, entries, read};

/// A row of a section's benches/results.md.
struct Row {
    job: String,
    server: String,
    who: String,
    /// Median, least and most of ours / theirs.
    ratio: Option<(f64, f64, f64)>,
}

/// What was measured, section by section: a plot of the ratios and all rows.
pub fn page(workspace: &Workspace) -> Result<String> {
    let ratio = Regex::new(r"^([\d.]+) \(([\d.]+) to ([\d.]+)\)$")?;
    let mut text = String::new();
    for section in workspace.in_order()? {
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
                "<text x=\"{:.1}\" y=\"16\" \
                 text-anchor=\"middle\">{name}</text>",
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
