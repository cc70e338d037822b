//! Every demo of every section is one test, on the embedded servers.
//!
//! `cargo test --package runner --test demos redis-pubsub/` plays those of one
//! section. A demo that cannot be played here is ignored; its reason stands
//! before its name.

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use runner::build::Programs;
use runner::check;
use runner::process;
use runner::script::Script;
use runner::server::Choice;
use runner::workspace::Workspace;

fn main() {
    let arguments = Arguments::from_args();
    match trials(&arguments) {
        Ok(trials) => {
            let conclusion = libtest_mimic::run(&arguments, trials);
            // And with it the servers that all demos share.
            process::end(if conclusion.has_failed() { 101 } else { 0 })
        }
        Err(error) => {
            eprintln!("the demos cannot be played: {error:#}");
            std::process::exit(101);
        }
    }
}

fn trials(arguments: &Arguments) -> anyhow::Result<Vec<Trial>> {
    process::end_children_with_runner()?;
    let workspace = Arc::new(Workspace::here()?);
    // `cargo test` builds a program only for the tests of its own crate.
    let programs = Arc::new(if arguments.list {
        Programs::default()
    } else {
        Programs::of_workspace(&workspace.root)?
    });
    let mut trials = Vec::new();
    for (section, demo) in workspace.demos(None)? {
        let name = format!("{}/{demo}", section.name);
        let missing = Script::read(section, demo)
            .and_then(|script| check::missing(&script, Choice::Embedded));
        let (section, demo) = (section.clone(), demo.to_owned());
        let programs = Arc::clone(&programs);
        let play = move || {
            check::check_demo(&section, &demo, &programs, Choice::Embedded)
                .map_err(|error| Failed::from(format!("{error:#}")))
        };
        trials.push(match missing {
            Ok(None) => Trial::test(name, play),
            Ok(Some(reason)) => Trial::test(name, play)
                .with_kind(reason)
                .with_ignored_flag(true),
            // Played all the same: it fails with its own error.
            Err(_) => Trial::test(name, play),
        });
    }
    Ok(trials)
}
