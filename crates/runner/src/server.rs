//! The kinds of server that sections need, and how each is started.
//!
//! This is the one place where the runner knows more than the sections'
//! folders tell it. A new kind is one more entry of [`KINDS`].

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::build::Programs;
use crate::doctor;
use crate::process::{Process, Signal};

/// How long a server may take until it is ready, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long somebody at a server's address may take to answer. Only loopback
/// is asked, so one that is there answers in less than a millisecond.
const PROBE_WITHIN: Duration = Duration::from_secs(1);

/// A kind of server.
pub struct Kind {
    /// As the manifests' `[package.metadata.section]` names it.
    pub name: &'static str,
    /// The environment variable with the URL that programs use.
    pub variable: &'static str,
    pub scheme: &'static str,
    /// The port that everybody knows and that recordings show.
    pub port: u16,
    /// The example that stands in for the real server.
    pub embedded: &'static str,
    /// The real server's program.
    pub real: &'static str,
    /// Its arguments: alone, on loopback, nothing written to disk.
    real_arguments: fn(port: u16) -> Vec<String>,
    /// What the real server prints on stdout when it is ready.
    real_ready: &'static str,
    /// Asks whoever accepted the connection whether it is such a server.
    answers: fn(&mut TcpStream) -> std::io::Result<bool>,
}

/// All kinds.
pub static KINDS: &[Kind] = &[Kind {
    name: "redis",
    variable: "REDIS_URL",
    scheme: "redis",
    port: 6379,
    embedded: "redis-server",
    real: "redis-server",
    real_arguments: |port| {
        let port = port.to_string();
        [
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        .map(str::to_owned)
        .to_vec()
    },
    real_ready: "Ready to accept connections",
    answers: |stream| {
        stream.write_all(b"PING\r\n")?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply)?;
        // One that wants a password first, or is still loading, says so by an
        // error, which begins with a word in capitals.
        let error = reply.split_first().is_some_and(|(first, word)| {
            *first == b'-' && word[..4].iter().all(u8::is_ascii_uppercase)
        });
        Ok(&reply == b"+PONG\r\n" || error)
    },
}];

/// Which server plays: the section's own stand-in, or the real one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Embedded,
    Real,
}

/// Who is at a server's usual address.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nobody,
    Server,
    /// Somebody who does not speak the protocol.
    Stranger,
}

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Embedded => "embedded",
            Self::Real => "real",
        })
    }
}

impl std::str::FromStr for Choice {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "real" => Ok(Self::Real),
            _ => bail!("the server is 'embedded' or 'real', not '{text}'"),
        }
    }
}

impl Kind {
    pub fn find(name: &str) -> Result<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name).with_context(|| {
            format!("no kind of server is called '{name}': see the runner's server.rs")
        })
    }

    pub fn url(&self, port: u16) -> String {
        format!("{}://127.0.0.1:{port}", self.scheme)
    }

    /// Who is at the usual address.
    pub fn probe(&self) -> Found {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(mut stream) = TcpStream::connect_timeout(&address, PROBE_WITHIN)
        else {
            return Found::Nobody;
        };
        let asked = stream
            .set_read_timeout(Some(PROBE_WITHIN))
            .and_then(|()| stream.set_write_timeout(Some(PROBE_WITHIN)))
            .and_then(|()| (self.answers)(&mut stream));
        match asked {
            Ok(true) => Found::Server,
            Ok(false) | Err(_) => Found::Stranger,
        }
    }

    /// The command that starts it at a port, and the line it says when ready.
    fn command(
        &self,
        choice: Choice,
        programs: &Programs,
        port: u16,
    ) -> Result<(Command, &'static str)> {
        Ok(match choice {
            Choice::Embedded => {
                let mut command = Command::new(programs.path(self.embedded)?);
                command.arg(format!("127.0.0.1:{port}"));
                (command, "ready at")
            }
            Choice::Real => {
                let program = doctor::find(self.real).with_context(|| {
                    format!(
                        "no {} here: `doctor` says how to get it",
                        self.real
                    )
                })?;
                let mut command = Command::new(program);
                command.args((self.real_arguments)(port));
                (command, self.real_ready)
            }
        })
    }
}

/// A private server, which ends with this value.
#[derive(Debug)]
pub struct Server {
    process: Process,
    /// Closed when the server has closed its stdout.
    output: Receiver<()>,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub fn start(
        kind: &Kind,
        choice: Choice,
        programs: &Programs,
        port: u16,
        arguments: &[String],
        folder: &Path,
    ) -> Result<Self> {
        let (mut command, ready) = kind.command(choice, programs, port)?;
        command
            .args(arguments)
            .current_dir(folder)
            .env_remove("RUST_LOG");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = Process::start(&mut command)
            .with_context(|| format!("cannot start {command:?}"))?;
        let stdout = process
            .child()
            .stdout
            .take()
            .context("a server without stdout")?;
        let output = wait_for_line(stdout, ready).with_context(|| {
            format!(
                "the {choice} {} server at port {port} is not ready",
                kind.name
            )
        })?;
        Ok(Self { process, output })
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(self.process.signal(signal)?)
    }

    /// Ends it, and waits until it has ended.
    pub fn stop(mut self, signal: Signal, until: Instant) -> Result<()> {
        self.process.signal(signal)?;
        let left = until.saturating_duration_since(Instant::now());
        match self.output.recv_timeout(left) {
            Err(RecvTimeoutError::Disconnected) => {
                self.process.wait()?;
                Ok(())
            }
            _ => bail!("the server does not end"),
        }
    }

    /// The id of its process, which memory is read by.
    pub fn id(&mut self) -> u32 {
        self.process.child().id()
    }
}

/// Starts the embedded server of `kind` at its usual address, belonging to no
/// terminal: it ends by itself when nobody has used it for a while.
///
/// # Errors
/// When it does not get ready, for instance because another one was quicker.
pub fn start_shared(kind: &Kind, programs: &Programs) -> Result<()> {
    let (mut command, ready) =
        kind.command(Choice::Embedded, programs, kind.port)?;
    command
        .args(["--exit-when-idle", "10"])
        .current_dir(std::env::temp_dir());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // A session of its own: neither Ctrl-C in this terminal nor its end is for
    // it.
    #[cfg(unix)]
    // SAFETY: between fork and exec only one system call is made, and setsid
    // is on the list of those that may be made there.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, || {
            nix::unistd::setsid().map(|_| ()).map_err(io::Error::from)
        });
    }
    #[cfg(windows)]
    {
        const DETACHED_PROCESS: u32 = 0x0000_0008;
        std::os::windows::process::CommandExt::creation_flags(
            &mut command,
            DETACHED_PROCESS,
        );
    }
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let stdout = child.stdout.take().context("a server without stdout")?;
    wait_for_line(stdout, ready)?;
    Ok(())
}

/// Waits for a line with `text` in it, and reads on afterwards so that the
/// other side never waits for us. What it returns is closed at the end.
fn wait_for_line(
    stdout: impl Read + Send + 'static,
    text: &'static str,
) -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines();
        let mut ready = false;
        while let Some(Ok(line)) = lines.next() {
            if !ready && line.contains(text) {
                ready = true;
                let _ = sender.send(());
            }
        }
    });
    match receiver.recv_timeout(READY_WITHIN) {
        Ok(()) => Ok(receiver),
        Err(RecvTimeoutError::Timeout) => {
            bail!(
                "it did not say '{text}' within {} s",
                READY_WITHIN.as_secs()
            )
        }
        Err(RecvTimeoutError::Disconnected) => {
            bail!("it ended before it said '{text}'")
        }
    }
}
