//! What the benches share: a server in a process of its own.

#![allow(dead_code, reason = "each bench uses a part")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that is killed when dropped.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// Starts tcp-echo-server, or the program in `ECHO_SERVER` instead of it:
    /// so the same client measures both.
    pub fn start(options: &[&str]) -> Self {
        Self::start_with(options, &[])
    }

    /// The same with more in its environment.
    pub fn start_with(options: &[&str], settings: &[(&str, &str)]) -> Self {
        let program = std::env::var("ECHO_SERVER");
        let program = program
            .unwrap_or_else(|_| env!("CARGO_BIN_EXE_tcp-echo-server").into());
        let mut child = Command::new(program)
            .arg("127.0.0.1:0")
            .args(options)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it was asked for"))
            .read_line(&mut line)
            .expect("the server says where it is");
        let address = line.rsplit(' ').next().expect("there is one");
        Self {
            child,
            address: address.trim().to_owned(),
        }
    }

    /// Resident memory in bytes; 0 where /proc does not tell.
    pub fn memory(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let kilobytes: Option<f64> = text
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|line| line.split_whitespace().next()?.parse().ok());
        kilobytes.unwrap_or_default() * 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a job is wanted, or all those whose names begin so: BENCH_ONLY may
/// name a part of a job's name.
pub fn wanted(job: &str) -> bool {
    match std::env::var("BENCH_ONLY") {
        Ok(only) => job.contains(&only) || only.contains(job),
        Err(_) => true,
    }
}

/// The same for a job that takes long and is compared with nobody: in the
/// first round only.
pub fn wanted_once(job: &str) -> bool {
    setting("BENCH_ROUND", 1) == 1 && wanted(job)
}

/// A number from the environment, so that a short trial is possible.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

pub fn seconds(name: &str, default: usize) -> Duration {
    Duration::from_secs(setting(name, default) as u64)
}
