//! Runs one program as if it had been typed, with a server for it to meet.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::Programs;
use crate::server::running::start_lent;
use crate::server::{Embedded, Found, Kind, Lent};
use crate::workspace::Workspace;

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
    let mut variables = Vec::new();
    for name in section.servers.kinds() {
        let kind = Kind::find(name)?;
        if let Some(embedded) = &kind.embedded
            && let Some(lent) = &embedded.lent
            && wants_server(embedded, program, arguments)
            && meet(kind, embedded, lent, &programs)? != kind.port
        {
            variables.push((kind.variable, kind.url(lent.port)));
        }
    }
    replace_by(
        Command::new(programs.path(program)?)
            .args(arguments)
            .envs(variables),
    )
}

/// Whoever asks for help, is the server, or names another one needs none.
fn wants_server(
    embedded: &Embedded,
    program: &str,
    arguments: &[String],
) -> bool {
    let help = ["-h", "--help", "-V", "--version"];
    program != embedded.program
        && !arguments.iter().any(|argument| {
            is_url(argument) || help.contains(&argument.as_str())
        })
}

/// Such as `redis://host` or `unix:/path`.
fn is_url(argument: &str) -> bool {
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    argument.split_once(":/").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(in_scheme)
    })
}

/// Finds the server that the program is going to use, or starts it; one line
/// on stderr says which. Returns its port.
fn meet(
    kind: &Kind,
    embedded: &Embedded,
    lent: &Lent,
    programs: &Programs,
) -> Result<u16> {
    let name = kind.name;
    if std::env::var_os(kind.variable).is_some_and(|url| !url.is_empty()) {
        // It may hold a password, so it is not shown.
        eprintln!("Using the {name} server of {}", kind.variable);
        return Ok(kind.port);
    }
    let url = kind.url(lent.port);
    // Where the stand-in has a port of its own, a stranger at the usual one is
    // in nobody's way.
    let mut ports = vec![kind.port, lent.port];
    ports.dedup();
    let mut why = String::new();
    for _ in 0..2 {
        for &port in &ports {
            match kind.probe(port) {
                Found::Server => {
                    eprintln!("Using the {name} server at {}", kind.url(port));
                    return Ok(port);
                }
                // It may be the user's own server at work: nothing is done
                // to it, and the program sees for itself.
                Found::Silent if port == lent.port => {
                    eprintln!(
                        "127.0.0.1:{port} takes connections and does not \
                         answer yet; the program is started all the same. To \
                         use another {name} server, set {} to its URL",
                        kind.variable
                    );
                    return Ok(port);
                }
                Found::Stranger if port == lent.port => bail!(
                    "what answers at 127.0.0.1:{port} is no {name} server; \
                     set {} to the URL of one",
                    kind.variable
                ),
                Found::Silent | Found::Stranger | Found::Nobody => {}
            }
        }
        match start_lent(kind, programs, lent.port, lent.arguments) {
            Ok(()) => {
                let [.., idle] = lent.arguments else {
                    bail!("this kind of server does not say when it ends");
                };
                eprintln!(
                    "Started the {name} stand-in at {url}; it ends {idle} s \
                     after its last client"
                );
                return Ok(lent.port);
            }
            // Somebody else may have been quicker to start one: look again.
            Err(error) => why = format!("{error:#}"),
        }
    }
    bail!(
        "cannot start the {name} stand-in at {url}: {why}; try `run {}`",
        embedded.program
    )
}

#[cfg(unix)]
fn replace_by(command: &mut Command) -> Result<i32> {
    let error = std::os::unix::process::CommandExt::exec(command);
    Err(error).with_context(|| cannot_start(command))
}

#[cfg(not(unix))]
fn replace_by(command: &mut Command) -> Result<i32> {
    // Ctrl-C reaches the program by itself; we only wait for its end.
    ctrlc::set_handler(|| {}).context("cannot handle Ctrl-C")?;
    let status = command.status().with_context(|| cannot_start(command))?;
    Ok(status.code().unwrap_or(1))
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start {}", command.get_program().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::is_url;

    #[test]
    fn what_names_a_server() {
        for url in ["redis://h", "unix:/run/r.sock", "a+b://x"] {
            assert!(is_url(url), "{url}");
        }
        for other in ["--seed", "7", "C:\\x", "/run/x", "what: /x", "://"] {
            assert!(!is_url(other), "{other}");
        }
    }
}
