//! What is in the workspace: sections, their programs and their demos.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// The folder that holds `crates/` and `book/`.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub root: PathBuf,
    /// The demo that `demo` plays when it is told none: `section/demo`.
    pub default_demo: Option<String>,
    /// In alphabetical order.
    pub sections: Vec<Section>,
}

/// One example crate.
#[derive(Clone, Debug)]
pub struct Section {
    /// The package's name, the folder's and the page's.
    pub name: String,
    pub title: String,
    pub description: String,
    /// Why it has no short programs, where it has none.
    pub no_short: Option<String>,
    /// Programs of the starter that are longer than others, and why.
    pub long: BTreeMap<String, String>,
    pub servers: Servers,
    pub folder: PathBuf,
    /// What stands in src/bin, in alphabetical order.
    pub programs: Vec<String>,
    /// What stands in examples, in alphabetical order.
    pub examples: Vec<String>,
    /// The folders in demos, in alphabetical order.
    pub demos: Vec<String>,
}

/// The kinds of server that a section's programs need.
#[derive(Clone, Debug)]
pub enum Servers {
    /// `server = "KIND"`: each demo plays on it.
    Each(String),
    /// `servers = ["KIND", …]`: a demo plays on those that it names.
    Named(Vec<String>),
}

#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
    workspace: Option<WorkspaceTable>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    description: String,
    metadata: Option<PackageMetadata>,
}

#[derive(Deserialize)]
struct PackageMetadata {
    section: Option<SectionTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionTable {
    title: String,
    server: Option<String>,
    #[serde(default)]
    servers: Vec<String>,
    #[serde(rename = "no-short")]
    no_short: Option<String>,
    #[serde(default)]
    long: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct WorkspaceTable {
    metadata: Option<WorkspaceMetadata>,
}

#[derive(Deserialize)]
struct WorkspaceMetadata {
    runner: Option<RunnerTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunnerTable {
    demo: Option<String>,
}

impl Workspace {
    /// Looks upwards from `start` for the workspace and reads it.
    pub fn find(start: &Path) -> Result<Self> {
        let root = start
            .ancestors()
            .find(|folder| {
                folder.join("crates").is_dir()
                    && folder.join("Cargo.toml").is_file()
            })
            .with_context(|| {
                format!(
                    "no workspace at or above {}: go into the checkout first",
                    start.display()
                )
            })?;
        Self::read(root)
    }

    /// The workspace that cargo was called in: `cargo run` and `cargo test`
    /// say where the runner's own manifest is, and else it is around here.
    pub fn here() -> Result<Self> {
        match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => Self::find(Path::new(&folder)),
            None => Self::find(&std::env::current_dir()?),
        }
    }

    fn read(root: &Path) -> Result<Self> {
        let manifest = read_manifest(&root.join("Cargo.toml"))?;
        let runner = manifest
            .workspace
            .and_then(|workspace| workspace.metadata)
            .and_then(|metadata| metadata.runner);
        let mut sections = Vec::new();
        for folder in folders(&root.join("crates"))? {
            if let Some(section) = Section::read(&folder)? {
                sections.push(section);
            }
        }
        Ok(Self {
            root: root.to_owned(),
            default_demo: runner.and_then(|runner| runner.demo),
            sections,
        })
    }

    /// # Errors
    /// When there is none of that name; the error names the nearest.
    pub fn section(&self, name: &str) -> Result<&Section> {
        let names = self.sections.iter().map(|section| section.name.as_str());
        match self.sections.iter().find(|section| section.name == name) {
            Some(section) => Ok(section),
            None => {
                bail!("there is no section '{name}'; {}", nearest(name, names))
            }
        }
    }

    /// The sections in the order of the book's table of contents.
    pub fn in_order(&self) -> Result<Vec<&Section>> {
        let summary = read(&self.root.join("book/src/SUMMARY.md"))?;
        let mut sections: Vec<&Section> = self.sections.iter().collect();
        // One that is in no table yet comes last; a check complains about it.
        sections.sort_by_key(|section| {
            summary
                .find(&format!("({}.md)", section.name))
                .unwrap_or(usize::MAX)
        });
        Ok(sections)
    }

    /// The section that a program belongs to.
    ///
    /// # Errors
    /// When there is no such program; the error names the nearest.
    pub fn program(&self, name: &str) -> Result<&Section> {
        let has = |section: &&Section| {
            section
                .programs
                .iter()
                .chain(&section.examples)
                .any(|program| program == name)
        };
        if let Some(section) = self.sections.iter().find(has) {
            return Ok(section);
        }
        let names = self.sections.iter().flat_map(|section| {
            section.programs.iter().chain(&section.examples)
        });
        // A URL in the wrong place may hold a password.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        ensure!(
            name.chars().all(plain),
            "a program's name comes first: `list` shows them"
        );
        bail!(
            "there is no program '{name}'; {}",
            nearest(name, names.map(String::as_str))
        )
    }

    /// The demos that a pattern names: nothing for all, a section for all of
    /// its demos, `section/demo` for one.
    ///
    /// # Errors
    /// When it names none; the error names the nearest.
    pub fn demos(
        &self,
        pattern: Option<&str>,
    ) -> Result<Vec<(&Section, &str)>> {
        let all = || {
            self.sections.iter().flat_map(|section| {
                section
                    .demos
                    .iter()
                    .map(move |demo| (section, demo.as_str()))
            })
        };
        let Some(pattern) = pattern else {
            return Ok(all().collect());
        };
        let chosen: Vec<_> = match pattern.split_once('/') {
            Some((section, demo)) => all()
                .filter(|found| found.0.name == section && found.1 == demo)
                .collect(),
            None => all().filter(|found| found.0.name == pattern).collect(),
        };
        if chosen.is_empty() {
            let names: Vec<String> = all()
                .map(|(section, demo)| format!("{}/{demo}", section.name))
                .chain(self.sections.iter().map(|section| section.name.clone()))
                .collect();
            bail!(
                "there is no demo '{pattern}'; {}",
                nearest(pattern, names.iter().map(String::as_str))
            );
        }
        Ok(chosen)
    }
}

impl Default for Servers {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

impl Servers {
    pub fn kinds(&self) -> &[String] {
        match self {
            Self::Each(kind) => std::slice::from_ref(kind),
            Self::Named(kinds) => kinds,
        }
    }
}

impl Section {
    /// The section in a folder; `None` when its manifest does not say that it
    /// is one (the runner itself does not).
    fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join("Cargo.toml");
        if !path.is_file() {
            return Ok(None);
        }
        let Some(package) = read_manifest(&path)?.package else {
            return Ok(None);
        };
        let Some(table) =
            package.metadata.and_then(|metadata| metadata.section)
        else {
            return Ok(None);
        };
        let mut demos = Vec::new();
        for demo in folders(&folder.join("demos"))? {
            // Without a demo.toml, too: it is to fail, not to be forgotten.
            demos.push(file_name(&demo));
        }
        Ok(Some(Self {
            name: package.name,
            title: table.title,
            description: package.description,
            no_short: table.no_short,
            long: table.long,
            servers: match table.server {
                Some(kind) if table.servers.is_empty() => Servers::Each(kind),
                Some(_) => bail!(
                    "{}: 'server' and 'servers' exclude each other",
                    path.display()
                ),
                None => Servers::Named(table.servers),
            },
            programs: targets(&folder.join("src/bin"))?,
            examples: targets(&folder.join("examples"))?,
            demos,
            folder: folder.to_owned(),
        }))
    }

    /// What CONTRIBUTING.md limits: demos, lines of Rust without and with
    /// those of a stand-in (a folder in `examples`), and files.
    pub fn size(&self) -> Result<[usize; 4]> {
        let (mut lines, mut stand_in, mut files) = (0, 0, 0);
        let examples = self.folder.join("examples");
        for path in files_below(&self.folder)? {
            files += 1;
            if path.extension().is_some_and(|ending| ending == "rs") {
                let count = read(&path)?.lines().count();
                let inner = path.strip_prefix(&examples);
                if inner.is_ok_and(|path| path.components().count() > 1) {
                    stand_in += count;
                } else {
                    lines += count;
                }
            }
        }
        Ok([self.demos.len(), lines, lines + stand_in, files])
    }

    pub fn demo_folder(&self, demo: &str) -> PathBuf {
        self.folder.join("demos").join(demo)
    }
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

/// A text file, with the same line ends on every system.
pub fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("reading {}", path.display()))?;
    Ok(text.replace("\r\n", "\n"))
}

/// The programs in a folder, as cargo finds them: `name.rs` or `name/main.rs`.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for path in entries(folder)? {
        if path.join("main.rs").is_file() {
            names.push(file_name(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            names.extend(
                path.file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned()),
            );
        }
    }
    Ok(names)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .collect())
}

/// A folder's entries in alphabetical order; none where there is no folder.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)
        .with_context(|| format!("reading {}", folder.display()))?
    {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn read_manifest(path: &Path) -> Result<Manifest> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

/// "did you mean …" with the up to three most similar names.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut scored: Vec<(f64, &str)> = names
        .map(|name| {
            let within = !wanted.is_empty() && name.contains(wanted);
            let near = strsim::jaro_winkler(wanted, name);
            (if within { near.max(0.9) } else { near }, name)
        })
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0));
    let similar: Vec<&str> = scored
        .iter()
        .take_while(|(score, _)| *score > 0.7)
        .take(3)
        .map(|(_, name)| *name)
        .collect();
    if similar.is_empty() {
        "`just list` shows what there is".to_owned()
    } else {
        format!("did you mean {}?", similar.join(" or "))
    }
}
