//! The runner is told to end, or killed, while a demo plays, at any moment, and
//! leaves nothing behind.
//! `ENDINGS=200 cargo test --package runner --test endings` tells it so 200
//! times.

#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long the runner may take to print the next line, or to end.
const WITHIN: Duration = Duration::from_secs(60);
/// The demo prints more lines than this.
const LINES: usize = 95;

fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| common::copy_fixture("fixture-endings"))
}

fn runner(root: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command
        .args(["demo", "talk/endless"])
        .env("CARGO_MANIFEST_DIR", root)
        .env("TMPDIR", scratch)
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn nothing_is_left_behind() {
    let root = root();
    let endings = std::env::var("ENDINGS")
        .map_or(12, |number| number.parse().expect("ENDINGS is a number"));
    let signals = [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGKILL,
    ];
    for (number, signal) in (0..endings).zip(signals.into_iter().cycle()) {
        // The last lines come from a program that never ends.
        let lines = if number < signals.len() {
            LINES
        } else {
            fastrand::usize(1..=LINES)
        };
        end_after(root, lines, signal);
    }
}

/// Plays the demo, and tells the runner to end when it has printed so many
/// lines.
fn end_after(root: &Path, lines: usize, signal: Signal) {
    let what = format!("{signal} after {lines} lines");
    // The runner's scratch folders are made in here.
    let scratch = tempfile::tempdir().unwrap();
    let mut child = runner(root, scratch.path()).spawn().unwrap();
    let (sender, receiver) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || {
        for line in output.lines() {
            if sender.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    let mut errors = child.stderr.take().unwrap();
    let errors = thread::spawn(move || {
        std::io::read_to_string(&mut errors).unwrap_or_default()
    });
    let mut said: Vec<String> = Vec::new();
    while said.len() < lines {
        match receiver.recv_timeout(WITHIN) {
            Ok(line) => said.push(line),
            Err(_) => panic!(
                "{what}: only {said:#?}\n{}",
                child.kill().map_or_else(
                    |_| String::new(),
                    |()| errors.join().unwrap()
                )
            ),
        }
    }
    let id = i32::try_from(child.id()).unwrap();
    kill(Pid::from_raw(id), signal).unwrap();
    // Its output is closed when it has ended.
    loop {
        match receiver.recv_timeout(WITHIN) {
            Ok(line) => said.push(line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{what}: the runner does not end: {said:#?}")
            }
        }
    }
    let status = child.wait().unwrap();
    let errors = errors.join().unwrap();
    // Killed, it has no exit code.
    let code = (signal != Signal::SIGKILL).then_some(130);
    assert_eq!(status.code(), code, "{what}: {errors}");
    assert!(!errors.contains("runner:"), "{what}: {errors}");
    // Every process that was started in its scratch folder.
    assert!(
        common::becomes(|| processes_in(scratch.path()).is_empty()),
        "{what}: left are {:?} of {said:#?}",
        processes_in(scratch.path())
    );
    for id in said.iter().filter_map(|line| line.split_once("Processes ")) {
        for id in id.1.split(" and ") {
            let id = id.parse().unwrap();
            assert!(common::becomes(|| !common::is_alive(id)), "{what}: {id}");
        }
    }
    let left = || fs::read_dir(scratch.path()).unwrap().collect::<Vec<_>>();
    // When it was killed, somebody else removes them.
    let gone =
        signal == Signal::SIGKILL && common::becomes(|| left().is_empty());
    assert!(gone || left().is_empty(), "{what}: {:?}", left());
    for line in &said {
        if let Some((_, address)) = line.split_once("Ready at ") {
            let address = address.split(' ').next().unwrap();
            assert!(
                common::becomes(|| TcpListener::bind(address).is_ok()),
                "{what}: {address} is taken"
            );
        }
    }
}

/// The processes whose working folder is in `folder`, also when it was removed.
/// (Without /proc none are found: then the demo's own words must do.)
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|process| {
            let process = process.ok()?.path();
            let place = fs::read_link(process.join("cwd")).ok()?;
            place.starts_with(folder).then_some(process)
        })
        .collect()
}

/// Nobody reads any longer, as after `demo | head -n 3`.
#[test]
fn a_closed_pipe_ends_it_too() {
    let root = root();
    let scratch = tempfile::tempdir().unwrap();
    let mut child = runner(root, scratch.path()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("Processes") {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0);
    }
    drop(output);
    let errors = child.stderr.take().unwrap();
    let errors = std::io::read_to_string(errors).unwrap();
    assert!(child.wait().unwrap().success(), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    assert!(common::becomes(|| processes_in(scratch.path()).is_empty()));
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

/// Whoever has no Python still passes the tests: what plays in it is ignored,
/// whether or not its demo.toml names a module.
#[test]
fn without_python_its_demos_are_ignored() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    let command = command.args(["check", "tcp-echo/short-python-client"]);
    let output = command.env("PYTHON", "/no/python").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("no python here"), "{said}");
    assert!(output.status.success());
}
