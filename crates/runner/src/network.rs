//! A network of a demo's own: a name space of Linux with nothing in it but a
//! loopback interface and the demo's roles. In it, every user may do what
//! else only root may, such as capture packets.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::Process;
use crate::tools;

/// How a user gets a name space of users in which it is root, and with it a
/// name space of networks.
const OWN: [&str; 3] = ["--user", "--map-root-user", "--net"];
const UP: &str = "ip link set lo up";
/// Why demos that need one are not played, where users may have none.
pub const REFUSED: &str =
    "'unshare --user --map-root-user --net' is not allowed here";

/// The network, as long as this value is there.
pub struct Network {
    /// A process that does nothing in it but wait for its input to end.
    holder: Process,
}

/// Why there can be none on this machine.
pub fn missing() -> Option<String> {
    for program in ["unshare", "nsenter", "ip"] {
        if tools::find(program).is_none() {
            return Some(format!("no program {program} here"));
        }
    }
    let made = shell(UP)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let made = made.is_ok_and(|status| status.success());
    (!made).then(|| REFUSED.to_owned())
}

/// A line of the shell in a network of its own.
fn shell(line: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(OWN).args(["sh", "-c", line]);
    // Not every user has `ip` there.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", path + ":/usr/sbin:/sbin");
    command
}

impl Network {
    pub fn new() -> Result<Self> {
        let mut command = shell(&format!("{UP} && echo ready && exec cat"));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut holder = Process::start(&mut command)
            .context("cannot start unshare, for a network of its own")?;
        let said = holder.child().stdout.as_mut().context("no stdout")?;
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        ensure!(line.trim_end() == "ready", "{REFUSED}");
        Ok(Self { holder })
    }

    /// The same command, in this network. It becomes the same process, so
    /// signals reach it.
    pub fn inside(&mut self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside
            .arg(format!("--target={}", self.holder.child().id()))
            .args(["--user", "--preserve-credentials", "--net", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }
}
