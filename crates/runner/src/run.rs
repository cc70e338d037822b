//! Runs one program as if it had been typed, with a server for it to meet.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::Programs;
use crate::server::{self, Found, Kind};
use crate::workspace::{Section, Workspace};

/// Runs `program` with `arguments`; returns its exit code. (On Unix it does
/// not return: the program takes the runner's place, with its terminal, its
/// process id and its signals.)
pub fn run(
    workspace: &Workspace,
    program: &str,
    arguments: &[String],
) -> Result<i32> {
    let section = workspace.program(program)?;
    let programs = Programs::of_section(&workspace.root, &section.name)?;
    if let Some(kind) = wants_server(section, program, arguments)? {
        meet(kind, &programs)?;
    }
    replace_by(programs.path(program)?, arguments)
}

/// The kind of server that has to be there, if one has.
fn wants_server(
    section: &Section,
    program: &str,
    arguments: &[String],
) -> Result<Option<&'static Kind>> {
    let Some(name) = &section.server else {
        return Ok(None);
    };
    let kind = Kind::find(name)?;
    // Whoever asks for help, is the server, or names another one needs none.
    let help = ["-h", "--help", "-V", "--version"];
    let needs_none = program == kind.embedded
        || arguments.iter().any(|argument| {
            argument.contains("://") || help.contains(&argument.as_str())
        });
    Ok((!needs_none).then_some(kind))
}

/// Finds the server that the program is going to use, or starts it; one line
/// on stderr says which.
fn meet(kind: &Kind, programs: &Programs) -> Result<()> {
    let (name, url) = (kind.name, kind.url(kind.port));
    if std::env::var_os(kind.variable).is_some_and(|url| !url.is_empty()) {
        // It may hold a password, so it is not shown.
        eprintln!("Using the {name} server of {}", kind.variable);
        return Ok(());
    }
    for _ in 0..2 {
        match kind.probe() {
            Found::Server => {
                eprintln!("Using the {name} server at {url}");
                return Ok(());
            }
            Found::Stranger => bail!(
                "somebody at 127.0.0.1:{} does not answer like a {name} server; \
                 end that program, or set {} to the URL of a server",
                kind.port,
                kind.variable
            ),
            Found::Nobody => {}
        }
        if server::start_shared(kind, programs).is_ok() {
            eprintln!(
                "Started the {name} stand-in at {url}; it ends 10 s after its last client"
            );
            return Ok(());
        }
        // Somebody else was quicker to start one: look again.
    }
    bail!(
        "cannot start the {name} stand-in at {url}: try `run {}` to see why",
        kind.embedded
    )
}

#[cfg(unix)]
fn replace_by(program: &Path, arguments: &[String]) -> Result<i32> {
    let error = std::os::unix::process::CommandExt::exec(
        Command::new(program).args(arguments),
    );
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

#[cfg(not(unix))]
fn replace_by(program: &Path, arguments: &[String]) -> Result<i32> {
    // Ctrl-C reaches the program by itself; we only wait for its end.
    ctrlc::set_handler(|| {}).context("cannot handle Ctrl-C")?;
    let status = Command::new(program)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(status.code().unwrap_or(1))
}
