//! `cargo run --package runner -- COMMAND`: what the justfile calls.

use anyhow::Result;
use clap::{Parser, Subcommand};

use runner::server::Choice;
use runner::wire::live;
use runner::workspace::Workspace;
use runner::{bench, bless, check, demo, doctor, process, run};

/// Runs, checks, records and measures the sections of this workspace.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists sections, their programs and their demos
    List,
    /// Runs one program, with a server for it to meet
    // Its --help is the program's.
    #[command(disable_help_flag = true)]
    Run {
        program: String,
        /// Passed to the program as they are
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Plays a demo in this terminal (by default the workspace's first one)
    Demo {
        /// SECTION or SECTION/DEMO
        demo: Option<String>,
        /// embedded or real
        #[arg(long, default_value_t)]
        server: Choice,
    },
    /// Plays demos and compares every line with what is recorded
    Check {
        /// SECTION or SECTION/DEMO; all without it
        demo: Option<String>,
        /// embedded or real
        #[arg(long, default_value_t)]
        server: Choice,
        /// How often each demo is played
        #[arg(long, default_value_t = 1)]
        times: usize,
        /// How many demos are played at a time
        #[arg(long, default_value_t = 4)]
        jobs: usize,
        /// A demo that cannot be played here is a failure
        #[arg(long)]
        strict: bool,
    },
    /// Records demos anew, and writes what is generated for README and book
    Bless {
        /// SECTION or SECTION/DEMO; all without it
        demo: Option<String>,
        /// embedded or real
        #[arg(long, default_value_t)]
        server: Choice,
    },
    /// Measures a section's programs beside their peers
    Bench {
        /// SECTION; all without it
        section: Option<String>,
        /// How often each job is measured
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Only jobs whose name contains this; nothing is kept then
        #[arg(long)]
        only: Option<String>,
    },
    /// Sits between two programs and explains every message that passes
    #[command(after_help = live::protocols())]
    Wire(live::Options),
    /// Says which servers and tools are here, and how to get the others
    Doctor,
}

fn main() {
    let code = command(Arguments::parse().command).unwrap_or_else(|error| {
        anstream::eprintln!("runner: {error:#}");
        1
    });
    // And with it the servers that all demos share.
    process::end(code)
}

fn command(command: Command) -> Result<i32> {
    if let Command::Wire(options) = &command {
        live::wire(options)?;
        return Ok(0);
    }
    let workspace = Workspace::here()?;
    // All but `run` start programs that must not outlive them.
    if !matches!(command, Command::Run { .. }) {
        process::end_children_with_runner()?;
    }
    match command {
        Command::List => list(&workspace)?,
        Command::Run { program, arguments } => {
            return run::run(&workspace, &program, &arguments);
        }
        Command::Demo { demo, server } => {
            demo::demo(&workspace, demo.as_deref(), server)?
        }
        Command::Check {
            demo,
            server,
            times,
            jobs,
            strict,
        } => {
            let options = check::Options {
                choice: server,
                times,
                jobs,
                strict,
            };
            let well = check::check(&workspace, demo.as_deref(), options)?;
            return Ok(i32::from(!well));
        }
        Command::Bless { demo, server } => {
            bless::bless(&workspace, demo.as_deref(), server)?
        }
        Command::Bench {
            section,
            rounds,
            only,
        } => {
            bench::bench(
                &workspace,
                section.as_deref(),
                rounds,
                only.as_deref(),
            )?;
        }
        Command::Doctor => doctor::doctor(&workspace)?,
        Command::Wire(_) => {}
    }
    Ok(0)
}

fn list(workspace: &Workspace) -> Result<()> {
    for section in &workspace.sections {
        anstream::println!("{}: {}", section.name, section.description);
        anstream::println!("  programs: {}", section.programs.join(", "));
        if !section.examples.is_empty() {
            anstream::println!("  examples: {}", section.examples.join(", "));
        }
        if !section.demos.is_empty() {
            anstream::println!("  demos:    {}", section.demos.join(", "));
        }
        let [demos, lines, all, files] = section.size()?;
        anstream::println!(
            "  size:     {demos} demos, {lines} lines of Rust ({all} with a \
             stand-in), {files} files"
        );
    }
    Ok(())
}
