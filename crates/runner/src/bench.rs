//! Measures a section's programs beside their peers.
//!
//! A section's benches/ holds cargo benches that print lines of the form
//! `job value unit`, and benches/peers/ the same jobs done by others: a Python
//! script, a shell script around a standard tool, a C program. Each is given
//! the server's URL in its usual variable and the server's process id in
//! `SERVER_PID`, the round in `BENCH_ROUND` (a job that is worth doing once is
//! done in round 1), and what was asked for by `--only` in `BENCH_ONLY`. What
//! a peer needs stands in its line `needs: …`, as in demo.toml; a C program
//! is linked with what stands there as `library:NAME`.
//!
//! Speeds of a busy machine drift, so all take turns, several rounds in one
//! run, and what is compared is the ratio within each round. More is better.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::book;
use crate::build::Programs;
use crate::process::{Process, Scratch};
use crate::server::running::Seat;
use crate::server::{Choice, Kind};
use crate::tools;
use crate::workspace::{Section, Workspace, entries};

/// A bench that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// Somebody who does the jobs.
struct Runner {
    name: String,
    command: PathBuf,
    arguments: Vec<PathBuf>,
}

/// How the programs are built: see the workspace's profile `release`.
const RUST: &str = "fat link-time optimisation and one codegen unit";
const C_FLAGS: [&str; 2] = ["-O3", "-flto"];

/// What was measured: by server, job and who did it, round by round.
type Figures = BTreeMap<(String, String), BTreeMap<String, Vec<f64>>>;

/// Measures the benches of a section, or of all.
pub fn bench(
    workspace: &Workspace,
    section: Option<&str>,
    rounds: usize,
    only: Option<&str>,
) -> Result<()> {
    ensure!(rounds > 0, "--rounds must be at least 1");
    if let Some(section) = section {
        workspace.section(section)?;
    }
    let mut measured = false;
    for found in &workspace.sections {
        let wanted = section.is_none_or(|name| name == found.name);
        if wanted && !bench_names(found)?.is_empty() {
            bench_section(workspace, found, rounds, only)?;
            measured = true;
        }
    }
    ensure!(measured, "no section of that name has a folder benches/");
    // The book's page of speeds is made from what was kept.
    book::write_generated(workspace)
}

fn bench_names(section: &Section) -> Result<Vec<String>> {
    Ok(entries(&section.folder.join("benches"))?
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .filter_map(|path| path.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect())
}

fn bench_section(
    workspace: &Workspace,
    section: &Section,
    rounds: usize,
    only: Option<&str>,
) -> Result<()> {
    let scratch = Scratch::new()?;
    // No bench starts a short program, and each would take its time to link.
    let mut release =
        vec!["build", "--release", "--package", &section.name, "--bins"];
    for name in &section.examples {
        if !name.starts_with("short-") {
            release.extend(["--example", name]);
        }
    }
    let programs = Programs::build(&workspace.root, &release)?;
    let names = bench_names(section)?;
    // By name: `--benches` would build the programs' own tests, too.
    let mut benches = vec!["bench", "--no-run", "--package", &section.name];
    for name in &names {
        benches.extend(["--bench", name]);
    }
    let built = Programs::build(&workspace.root, &benches)?;
    let mut ours = Vec::new();
    for name in names {
        ours.push(Runner {
            command: built.path(&name)?.to_owned(),
            name: "ours".to_owned(),
            arguments: Vec::new(),
        });
    }
    let (peers, mut absent) = peers(section, &scratch)?;
    let mut choices = Vec::new();
    // Measured on the first kind that the manifest names.
    let kind = section.servers.kinds().first();
    let kind = kind.map(|name| Kind::find(name)).transpose()?;
    // Where the server is itself a program of the section, and no stand-in, it
    // is what is measured, and its bench starts it.
    let is_program = |kind: &&Kind| {
        let embedded = kind.embedded.as_ref();
        let file = embedded.map(|one| format!("src/bin/{}.rs", one.program));
        file.is_some_and(|file| section.folder.join(file).exists())
    };
    let kind = kind.filter(|kind| !is_program(kind));
    if let Some(kind) = kind {
        match (kind.missing(Choice::Real), &kind.real) {
            (None, Some(_)) => choices.push(Some(Choice::Real)),
            (missing, _) => absent.extend(missing.map(str::to_owned)),
        }
        if kind.embedded.is_some() {
            choices.push(Some(Choice::Embedded));
        }
    } else {
        choices.push(None);
    }
    let mut figures = Figures::new();
    let mut units = BTreeMap::new();
    for round in 1..=rounds {
        for choice in &choices {
            let server_name = match (choice, kind.map(|kind| &kind.real)) {
                // It may be called by its path.
                (Some(Choice::Real), Some(Some(real))) => {
                    real.program.rsplit('/').next().unwrap_or_default()
                }
                (Some(_), _) => "stand-in",
                (None, _) => "",
            };
            let mut seat = match (choice, kind) {
                (Some(choice), Some(kind)) => {
                    let mut seat = Seat::new(kind, *choice, false)?;
                    seat.start(&programs, scratch.path(), &[])?;
                    Some(seat)
                }
                _ => None,
            };
            // Whoever comes first in one round comes last in the next.
            let mut all: Vec<&Runner> = ours.iter().chain(&peers).collect();
            if round % 2 == 0 {
                all.reverse();
            }
            for runner in all {
                anstream::eprintln!(
                    "round {round}/{rounds} {server_name}: {}",
                    runner.name
                );
                let mut command = Command::new(&runner.command);
                command.args(&runner.arguments).current_dir(scratch.path());
                if let Some(seat) = &mut seat {
                    let url = seat.kind.url(seat.port());
                    command.env(
                        seat.kind.variable,
                        format!("{url}{}", seat.space),
                    );
                    let id = seat.id().context("no server")?;
                    command.env("SERVER_PID", id.to_string());
                }
                command.env("BENCH_ROUND", round.to_string());
                if let Some(only) = only {
                    command.env("BENCH_ONLY", only);
                }
                let measured = measure(command, &runner.name)?;
                // Later, or when only some jobs are wanted, it may have none.
                ensure!(
                    !measured.is_empty() || round > 1 || only.is_some(),
                    "{} printed no line 'job value unit'",
                    runner.name
                );
                for (job, value, unit) in measured {
                    if only.is_none_or(|only| job.contains(only)) {
                        units.insert(job.clone(), unit);
                        figures
                            .entry((job, server_name.to_owned()))
                            .or_default()
                            .entry(runner.name.clone())
                            .or_default()
                            .push(value);
                    }
                }
            }
        }
    }
    ensure!(
        !figures.is_empty(),
        "no job of {} has '{}' in its name",
        section.name,
        only.unwrap_or_default()
    );
    let report = report(section, rounds, &figures, &units, &absent);
    anstream::print!("{report}");
    if only.is_none() {
        let path = section.folder.join("benches/results.md");
        fs::write(&path, report)
            .with_context(|| format!("writing {}", path.display()))?;
        anstream::eprintln!("kept in {}", path.display());
    }
    Ok(())
}

/// The peers that can run here, and the names of those that cannot.
fn peers(
    section: &Section,
    scratch: &Scratch,
) -> Result<(Vec<Runner>, Vec<String>)> {
    let mut peers = Vec::new();
    let mut absent = Vec::new();
    for path in entries(&section.folder.join("benches/peers"))? {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path)?;
        let needs = text
            .lines()
            .find_map(|line| line.split_once("needs: "))
            .map_or("", |(_, needs)| needs);
        let mut is_here = true;
        let mut libraries = Vec::new();
        for need in needs.split_whitespace() {
            is_here &= match need.split_once(':') {
                Some(("program", program)) => tools::find(program).is_some(),
                Some(("python", module)) => tools::python_has(module),
                Some(("library", library)) => {
                    libraries.push(library);
                    can_link(library, scratch.path())?
                }
                _ => bail!(
                    "{}: needs: '{need}' is neither program:NAME nor \
                     python:MODULE nor library:NAME",
                    path.display()
                ),
            };
        }
        if !is_here {
            absent.push(name);
            continue;
        }
        let (command, arguments) = match path
            .extension()
            .and_then(|ending| ending.to_str())
        {
            Some("py") => (PathBuf::from(tools::python()), vec![path]),
            Some("sh") => (PathBuf::from("sh"), vec![path]),
            Some("c") => {
                (compile(&path, &libraries, scratch.path())?, Vec::new())
            }
            _ => bail!("{}: a peer is a .py, .sh or .c file", path.display()),
        };
        peers.push(Runner {
            name,
            command,
            arguments,
        });
    }
    Ok((peers, absent))
}

/// Whether the C compiler finds a library.
fn can_link(library: &str, folder: &Path) -> Result<bool> {
    if tools::find("cc").is_none() {
        return Ok(false);
    }
    let source = folder.join("empty.c");
    fs::write(&source, "int main(void) { return 0; }\n")?;
    let status = Command::new("cc")
        .args(["-o"])
        .arg(folder.join("empty"))
        .arg(&source)
        .arg(format!("-l{library}"))
        .stderr(Stdio::null())
        .status()?;
    Ok(status.success())
}

fn compile(
    source: &Path,
    libraries: &[&str],
    folder: &Path,
) -> Result<PathBuf> {
    let program = folder.join(source.file_stem().unwrap_or_default());
    let status = Command::new("cc")
        .args(C_FLAGS)
        .args(["-Wall", "-o"])
        .arg(&program)
        .arg(source)
        .args(libraries.iter().map(|library| format!("-l{library}")))
        .status()
        .context("cannot start the C compiler cc")?;
    ensure!(status.success(), "cc does not compile {}", source.display());
    Ok(program)
}

/// Runs a bench or a peer and reads its lines.
fn measure(
    mut command: Command,
    name: &str,
) -> Result<Vec<(String, f64, String)>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Process::start(&mut command)
        .with_context(|| format!("cannot start {command:?}"))?;
    let stdout = process.child().stdout.take().context("no stdout")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = sender.send(std::io::read_to_string(stdout));
    });
    let text = receiver.recv_timeout(LONGEST).with_context(|| {
        format!("{name} takes longer than {} s", LONGEST.as_secs())
    })??;
    ensure!(
        process.wait()?.success(),
        "{name} failed: it says above why"
    );
    let mut figures = Vec::new();
    for line in text.lines() {
        // Cargo's harness may add lines of its own; a figure has three words.
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [job, value, unit] = words[..]
            && let Ok(value) = value.parse()
        {
            figures.push((job.to_owned(), value, unit.to_owned()));
        }
    }
    Ok(figures)
}

fn report(
    section: &Section,
    rounds: usize,
    figures: &Figures,
    units: &BTreeMap<String, String>,
    absent: &[String],
) -> String {
    let mut text = format!(
        "Measured by `just bench {} --rounds {rounds}` on {}; \
         Rust with {RUST}, C with `{}`.\n",
        section.name,
        machine(),
        C_FLAGS.join(" ")
    );
    if !absent.is_empty() {
        let _ = writeln!(text, "Absent: {}.", absent.join(", "));
    }
    text.push_str(
        "\n| job | server | who | median | least to most | \
         ours / theirs, median (least to most) |\n\
         |---|---|---|---|---|---|\n",
    );
    for ((job, server), by_runner) in figures {
        let ours = by_runner.get("ours");
        let unit = units.get(job).map_or("", String::as_str);
        for (name, values) in by_runner {
            let ratio = match ours {
                Some(ours) if name != "ours" => {
                    let ratios: Vec<f64> = ours
                        .iter()
                        .zip(values)
                        .map(|(ours, theirs)| ours / theirs)
                        .collect();
                    let (least, median, most) = spread(&ratios);
                    format!("{median:.2} ({least:.2} to {most:.2})")
                }
                _ => String::new(),
            };
            let (least, median, most) = spread(values);
            let range = match values.len() {
                1 => "once".to_owned(),
                _ => format!("{} to {}", number(least), number(most)),
            };
            let _ = writeln!(
                text,
                "| {job} | {server} | {name} | {} {unit} | {range} | {ratio} |",
                number(median)
            );
        }
    }
    text
}

/// The least, the median and the greatest of some values.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = match sorted.len() {
        0 => return (f64::NAN, f64::NAN, f64::NAN),
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    };
    (sorted[0], median, sorted[sorted.len() - 1])
}

/// Whole numbers with spaces between thousands; small ones with a fraction.
fn number(value: f64) -> String {
    if value.abs() < 100.0 && value.fract() != 0.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// What it was measured on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map(|(_, model)| format!(" of {}", model.trim()))
    });
    format!(
        "{cores} cores{} ({})",
        model.unwrap_or_default(),
        std::env::consts::OS
    )
}

#[cfg(test)]
mod tests {
    use super::{number, spread};

    #[test]
    fn medians_and_spreads() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (1.0, 2.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), (1.0, 2.5, 4.0));
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(number(1_234_567.8), "1\u{202f}234\u{202f}568");
        assert_eq!(number(0.257), "0.26");
        assert_eq!(number(100.0), "100");
    }
}
