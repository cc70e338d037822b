//! What becomes of every program whose output nobody takes: it goes into a
//! full pipe, or onto a full disk. Each program that a demo starts without
//! needing another one is tried, with that demo's arguments.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runner::build::Programs;
use runner::network;
use runner::script::{Actor, Script};
use runner::workspace::{Section, Workspace};

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(20);

/// Each program that says by itself when it is ready, and its arguments.
fn programs() -> Vec<(String, PathBuf, Vec<String>)> {
    let workspace = Workspace::here().unwrap();
    let built = Programs::of_workspace(&workspace.root).unwrap();
    let mut found = BTreeMap::new();
    // The others need a server.
    let alone = |section: &&Section| section.servers.kinds().is_empty();
    for section in workspace.sections.iter().filter(alone) {
        for demo in &section.demos {
            let script = Script::read(section, demo).unwrap();
            let own = script.own_network;
            if own && network::missing().is_some() {
                continue; // Its programs may not do here what they do.
            }
            for role in &script.roles {
                let Actor::Program(name) = &role.actor else {
                    continue;
                };
                // The short programs have no handler and no words.
                if role.ready.is_none() || !section.programs.contains(name) {
                    continue;
                }
                let all = role.hidden.iter().chain(&role.arguments);
                let arguments: Vec<String> = all.cloned().collect();
                if arguments.iter().any(|argument| argument.contains('{')) {
                    continue; // It needs somebody else.
                }
                found.entry(name.clone()).or_insert((own, arguments));
            }
        }
    }
    let path = |name: &str| built.path(name).unwrap().to_owned();
    let found = found.into_iter();
    found
        .map(|(name, (own, arguments))| {
            let program = path(&name);
            if !own {
                return (name, program, arguments);
            }
            // It becomes the program, with the same process id.
            let own = ["--user", "--map-root-user", "--net", "--"];
            let mut all: Vec<String> = own.map(str::to_owned).into();
            all.push(program.display().to_string());
            all.extend(arguments);
            (name, PathBuf::from("unshare"), all)
        })
        .collect()
}

fn start(
    name: &str,
    path: &Path,
    arguments: &[String],
    stdout: impl Into<Stdio>,
    stderr: Stdio,
) -> (Child, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new(path);
    command
        .args(arguments)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr);
    (command.spawn().unwrap(), folder)
}

/// How it ended, if it did within the limit.
fn end(child: &mut Child) -> Option<i32> {
    let begin = Instant::now();
    while begin.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().unwrap_or(-1));
        }
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// A pipe that takes nothing more: what is written into it waits for ever.
fn full() -> (UnixStream, Stdio) {
    let (reader, mut writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    loop {
        match writer.write(&[b'-'; 64]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    writer.set_nonblocking(false).unwrap();
    (reader, OwnedFd::from(writer).into())
}

/// Whether the process has a handler for SIGTERM by now.
fn catches_sigterm(child: &Child) -> bool {
    let path = format!("/proc/{}/status", child.id());
    let status = fs::read_to_string(path).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.map(|mask| u64::from_str_radix(mask.trim(), 16));
    caught.is_some_and(|mask| mask.unwrap() & (1 << 14) != 0)
}

#[test]
fn a_full_pipe_makes_no_program_deaf() {
    let programs = programs();
    assert!(programs.len() >= 8, "{programs:?}");
    for (name, path, arguments) in programs {
        let (_reader, stdout) = full();
        let (mut child, _) =
            start(&name, &path, &arguments, stdout, Stdio::inherit());
        let begin = Instant::now();
        while !catches_sigterm(&child) {
            assert!(begin.elapsed() < LIMIT, "{name} catches no SIGTERM");
            thread::yield_now();
        }
        let id = Pid::from_raw(child.id().try_into().unwrap());
        kill(id, Signal::SIGTERM).unwrap();
        assert_eq!(end(&mut child), Some(0), "{name} {arguments:?}");
    }
}

#[test]
fn a_full_disk_is_told_as_what_it_is() {
    for (name, path, arguments) in programs() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (mut child, _) =
            start(&name, &path, &arguments, full, Stdio::piped());
        assert_eq!(end(&mut child), Some(1), "{name} {arguments:?}");
        let mut words = String::new();
        child.stderr.unwrap().read_to_string(&mut words).unwrap();
        let why = format!(
            "{name}: cannot write to stdout: no storage space; send it \
             elsewhere\n"
        );
        assert_eq!(words, why);
    }
}
