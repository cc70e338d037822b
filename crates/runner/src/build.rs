//! Builds programs with cargo and learns from its messages where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process::Process;
use crate::workspace::Section;

/// What cargo built: the path of each program by its name.
#[derive(Clone, Debug, Default)]
pub struct Programs(BTreeMap<String, PathBuf>);

#[derive(Deserialize)]
struct Message {
    reason: String,
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Programs {
    /// Runs `cargo build` (or another cargo command) with `arguments` in
    /// `root`. Cargo's own progress and errors go to this process's stderr.
    pub fn build(root: &Path, arguments: &[&str]) -> Result<Self> {
        // The cargo that called us, so that a toolchain chosen with
        // `cargo +name` is the one that builds the programs too.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(arguments)
            .arg("--message-format=json-render-diagnostics")
            .current_dir(root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut cargo = Process::start_in_our_group(&mut command)
            .context("cannot start cargo: is it in PATH?")?;
        let stdout = cargo
            .child()
            .stdout
            .take()
            .context("cargo without stdout")?;
        let mut programs = BTreeMap::new();
        for line in BufReader::new(stdout).lines() {
            // Lines that are no JSON are not cargo's.
            let Ok(message) = serde_json::from_str::<Message>(&line?) else {
                continue;
            };
            if message.reason == "compiler-artifact"
                && let (Some(target), Some(executable)) =
                    (message.target, message.executable)
            {
                programs.insert(target.name, executable);
            }
        }
        if !cargo.wait()?.success() {
            bail!("the build failed: cargo says above why");
        }
        Ok(Self(programs))
    }

    /// The programs and examples of one section.
    pub fn of_section(root: &Path, section: &str) -> Result<Self> {
        Self::build(
            root,
            &["build", "--package", section, "--bins", "--examples"],
        )
    }

    /// What one demo needs, and nothing else: somebody waits for it.
    pub fn of_demo(
        root: &Path,
        section: &Section,
        names: &BTreeSet<&str>,
    ) -> Result<Self> {
        let mut arguments = vec!["build", "--package", &section.name];
        for &name in names {
            let example = section.examples.iter().any(|one| one == name);
            arguments
                .extend([if example { "--example" } else { "--bin" }, name]);
        }
        Self::build(root, &arguments)
    }

    /// The programs and examples of all sections.
    pub fn of_workspace(root: &Path) -> Result<Self> {
        Self::build(
            root,
            &[
                "build",
                "--workspace",
                "--exclude",
                "runner",
                "--bins",
                "--examples",
            ],
        )
    }

    pub fn path(&self, name: &str) -> Result<&Path> {
        self.0
            .get(name)
            .map(PathBuf::as_path)
            .with_context(|| format!("cargo built no program '{name}'"))
    }

    /// Every program, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.0
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_path()))
    }
}
