//! The kinds of server that sections need. Each has a file of its own here,
//! data and small functions, and its line in [`KINDS`].
//!
//! This is the one place where the runner knows more than the sections'
//! folders tell it. README.md says how to add one.

pub mod running;

mod dns;
mod email;
mod ftp;
mod imap;
mod pop3;
mod rabbitmq;
mod redis;
mod redis_streams;

use std::fmt;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::process::Process;
use crate::tools;

/// All kinds.
pub static KINDS: &[&Kind] = &[
    &email::KIND,
    &ftp::KIND,
    &imap::KIND,
    &pop3::KIND,
    &redis::KIND,
    &rabbitmq::KIND,
    &redis_streams::KIND,
    &dns::KIND,
    #[cfg(test)]
    &running::tests::LATE,
    #[cfg(test)]
    &running::tests::SHARED,
];

/// How long somebody at a server's address may take to answer. Only loopback
/// is asked, so one that is there answers in less than a millisecond.
const PROBE_WITHIN: Duration = Duration::from_secs(1);
/// How long what a server needs beside it may take to listen.
const LISTENING_WITHIN: Duration = Duration::from_secs(20);

/// A kind of server. At least one of `embedded` and `real` is there.
pub struct Kind {
    /// As the manifests' `[package.metadata.section]` names it.
    pub name: &'static str,
    /// The environment variable with the URL that programs use.
    pub variable: &'static str,
    pub scheme: &'static str,
    /// The port that everybody knows and that recordings show.
    pub port: u16,
    /// The section's own.
    pub embedded: Option<Embedded>,
    /// What people use.
    pub real: Option<Real>,
    /// Asks whoever is at an address for what the programs need; `false` if
    /// that is no such server.
    pub answers: fn(SocketAddr) -> io::Result<bool>,
}

/// A program or an example of the section, called with an address and the
/// demo's arguments; ready when it prints "ready at".
pub struct Embedded {
    pub program: &'static str,
    pub arguments: &'static [&'static str],
    /// How `run` starts one for the programs that meet there; `None` if people
    /// start it themselves.
    pub lent: Option<Lent>,
}

/// A server that `run` leaves behind, and that ends by itself.
pub struct Lent {
    /// [`Kind::port`], unless somebody who cannot do the same is often there.
    pub port: u16,
    /// The last one says how many seconds after its last client it ends.
    pub arguments: &'static [&'static str],
}

pub struct Real {
    /// In PATH or in one of the folders for servers; or a whole path.
    pub program: &'static str,
    /// Other programs without which it cannot be started.
    pub with: &'static [&'static str],
    /// How one gets it.
    pub how: &'static str,
    /// How it is started: alone, on loopback, writing only into the folder.
    pub launch: fn(&Place) -> Result<Launch>,
    pub ready: Ready,
    /// How long that may take on a busy machine.
    pub within: Duration,
    /// For a server too slow to be started for each demo: makes a name space
    /// (such as a virtual host) of the one that all share, called by the text
    /// given, and returns what the URL has behind the port.
    pub space: Option<fn(&Place, &str) -> Result<String>>,
    /// How many ports it needs beside the one that clients know.
    pub more_ports: usize,
}

/// Where a real server is to be.
pub struct Place<'a> {
    pub program: &'a Path,
    /// Its own, or the demo's, in which the demo's programs run, too.
    pub folder: &'a Path,
    /// The one that clients know, and those that it needs beside it.
    pub ports: &'a [u16],
    /// What demo.toml says.
    pub arguments: &'a [String],
}

/// A real server about to be started.
pub struct Launch {
    pub command: Command,
    /// What it needs beside it, started already. It ends after the server.
    pub beside: Vec<Process>,
}

/// How one sees that a real server is ready.
pub enum Ready {
    /// It prints a line with this on stdout.
    Line(&'static str),
    /// [`Kind::answers`] says so.
    Answers,
}

/// Which server plays: the section's own stand-in, or the real one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    Embedded,
    Real,
}

/// Who is at a server's address.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nobody,
    Server,
    /// A connection was taken and no answer came within the limit, or it was
    /// closed: a server that is busy or paused, or a port for TLS.
    Silent,
    /// Somebody who does not speak the protocol, or cannot do what is needed.
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
        KINDS
            .iter()
            .find(|kind| kind.name == name)
            .copied()
            .with_context(|| {
                format!(
                    "no kind of server is called '{name}': see the runner's \
                     server/mod.rs"
                )
            })
    }

    pub fn url(&self, port: u16) -> String {
        format!("{}://127.0.0.1:{port}", self.scheme)
    }

    /// Which of the two plays if `wanted` is asked for: the only one there is.
    pub fn choice(&self, wanted: Choice) -> Choice {
        match (&self.embedded, &self.real) {
            (None, _) => Choice::Real,
            (_, None) => Choice::Embedded,
            _ => wanted,
        }
    }

    /// What would be needed and is not here.
    pub fn missing(&self, choice: Choice) -> Option<&'static str> {
        let real = self.real.as_ref()?;
        if self.choice(choice) != Choice::Real {
            return None;
        }
        let needed = [&[real.program], real.with].concat();
        needed.into_iter().find(|name| tools::find(name).is_none())
    }

    /// Who is at a port of this machine.
    pub fn probe(&self, port: u16) -> Found {
        match (self.answers)((Ipv4Addr::LOCALHOST, port).into()) {
            Ok(true) => Found::Server,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Found::Nobody
            }
            Ok(false) => Found::Stranger,
            Err(_) => Found::Silent,
        }
    }
}

impl Real {
    /// Where its program is.
    pub fn find(&self) -> Option<PathBuf> {
        tools::find(self.program)
    }
}

impl From<Command> for Launch {
    fn from(command: Command) -> Self {
        Self {
            command,
            beside: Vec::new(),
        }
    }
}

/// A connection to ask somebody a question by. Whatever is in the way of one,
/// the error is `ConnectionRefused`.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PROBE_WITHIN)
        .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
    stream.set_read_timeout(Some(PROBE_WITHIN))?;
    stream.set_write_timeout(Some(PROBE_WITHIN))?;
    Ok(stream)
}

/// Likewise for datagrams.
pub fn connect_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(PROBE_WITHIN))?;
    Ok(socket)
}

/// Whether a server begins with these words.
pub fn greets(address: SocketAddr, words: &[u8]) -> io::Result<bool> {
    let mut stream = connect(address)?;
    let mut greeting = vec![0; words.len()];
    stream.read_exact(&mut greeting)?;
    Ok(greeting == words)
}

/// Waits until somebody listens at a port of this machine.
pub fn until_listening(port: u16) -> Result<()> {
    let until = Instant::now() + LISTENING_WITHIN;
    while connect((Ipv4Addr::LOCALHOST, port).into()).is_err() {
        ensure!(Instant::now() < until, "nobody listens at port {port}");
        std::thread::sleep(running::ASK_EVERY);
    }
    Ok(())
}
