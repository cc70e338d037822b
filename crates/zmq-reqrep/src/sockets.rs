//! What the library leaves to a program: endpoints that are checked, a
//! connect that does not give up, and causes in words.

use std::fmt;
use std::fs;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{sleep, timeout};
use zeromq::{Endpoint, Socket, SocketOptions, ZmqError};

use crate::greeting::{self, broke_off};

/// How long one attempt to connect may take, at first. The library waits
/// longer and longer between the attempts that one call of `connect` makes,
/// up to 30 seconds; a call that ends soon, and another one, find a partner
/// that comes late at once. The library tries after 50, 150 and 350 ms: this
/// is far from each, else it would cut off an attempt that has just begun.
const ATTEMPT: Duration = Duration::from_millis(270);

/// And in the end: where the way is long, connecting and greeting takes time.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(1);

/// How long to look whether anybody is there. Windows tries three times,
/// and says only after two seconds that nobody is.
const LOOK: Duration =
    Duration::from_millis(if cfg!(windows) { 3000 } else { 150 });

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// The options of all sockets here: time is limited by who connects.
pub fn socket_options() -> SocketOptions {
    let mut options = SocketOptions::default();
    options.no_connect_timeout();
    options
}

/// Why something failed and what to do, and whether another attempt might
/// have more luck.
pub struct Failure {
    /// The cause, for a person.
    pub words: String,
    /// Nothing of this will be better the next time.
    pub is_final: bool,
}

impl Failure {
    /// It may be better the next time.
    pub fn passing(words: impl Into<String>) -> Self {
        let words = words.into();
        Self {
            words,
            is_final: false,
        }
    }

    /// Why it failed, without what to do.
    pub fn cause(&self) -> &str {
        self.words.split("; ").next().unwrap_or_default()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)
    }
}

/// Binds `socket` to `endpoint` and returns where it really is: the system
/// has chosen a port for `tcp://127.0.0.1:0`. `tcp://*:PORT` means every
/// address of this machine, as it does to libzmq.
pub async fn bind(
    socket: &mut impl Socket,
    endpoint: &str,
) -> anyhow::Result<Endpoint> {
    let every = endpoint.replacen("tcp://*:", "tcp://0.0.0.0:", 1);
    check(&every)?;
    socket.bind(&every).await.map_err(|error| {
        let cause = cause(&error);
        let advice = match (cause.as_str(), is_ipc(endpoint)) {
            ("address in use", true) if !is_socket(endpoint) => {
                "; this file is no socket: give another path"
            }
            ("address in use", true) => {
                "; end what listens there, or delete the file if nothing does"
            }
            ("address in use", false) => {
                "; end what listens there, or give another endpoint"
            }
            ("address not available", _) => "; give an address of this machine",
            ("permission denied", false) => "; give a port above 1023",
            ("entity not found", true) => "; make its folder first",
            _ => "",
        };
        anyhow!("cannot bind to {endpoint}: {cause}{advice}")
    })
}

/// Connects `socket`, which was made with [`socket_options`], to
/// `endpoint`. A partner that is not there yet is waited for, but no longer
/// than `limit`.
pub async fn connect(
    socket: &mut impl Socket,
    endpoint: &str,
    limit: Duration,
) -> Result<(), Failure> {
    let attempts = async {
        let mut attempt = ATTEMPT;
        loop {
            match timeout(attempt, socket.connect(endpoint)).await {
                Err(_) => attempt = (attempt * 2).min(LONGEST_ATTEMPT),
                // A peer that hangs up in the middle of the greeting may be
                // one that just ends: the next one may be there soon. It
                // may hang up at once, so there is a pause in between.
                Ok(Err(error)) if is_passing(&error) || ended_early(&error) => {
                    sleep(PAUSE).await;
                }
                Ok(result) => return result,
            }
        }
    };
    match timeout(limit, attempts).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure {
            words: cause(&error),
            is_final: true,
        }),
        Err(_) => Err(Failure::passing(why_not(endpoint).await)),
    }
}

const WRITE: &str = "write it as tcp://HOST:PORT or ipc://PATH";

/// Whether the library can take `endpoint`; it has little to say about one
/// that it cannot, and panics at `ipc://*`.
pub fn check(endpoint: &str) -> anyhow::Result<()> {
    let shown = super::printable(endpoint);
    let refuse = |why: &str| {
        Err(anyhow!("cannot use the endpoint {shown}: {why}; {WRITE}"))
    };
    let Some((transport, place)) = endpoint.split_once("://") else {
        return refuse("it names no transport");
    };
    match transport {
        "tcp" if place.starts_with("*:") => refuse("* is only for binding"),
        "tcp" if endpoint.parse::<Endpoint>().is_ok() => Ok(()),
        "tcp" => refuse("a host and a port up to 65535 must follow tcp"),
        "ipc" if place == "*" || place.is_empty() => {
            refuse("the path of a file must follow ipc")
        }
        // To libzmq this is a name without a file, which only Linux has.
        "ipc" if place.starts_with('@') => {
            refuse("this library knows no abstract names")
        }
        "ipc" => Ok(()),
        "inproc" => refuse("inside one process this library connects nothing"),
        _ => refuse("this library knows the transports tcp and ipc"),
    }
}

fn is_ipc(endpoint: &str) -> bool {
    endpoint.starts_with("ipc://")
}

/// Whether the file of an ipc endpoint can be one that a program has left
/// behind, and not one of the user's.
fn is_socket(endpoint: &str) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let path = endpoint.trim_start_matches("ipc://");
        fs::symlink_metadata(path)
            .is_ok_and(|file| file.file_type().is_socket())
    }
    // There it is another kind of thing; a person has to look.
    #[cfg(not(unix))]
    true
}

/// Whether this is what a peer leaves that came or went at a bad moment.
pub fn is_passing(error: &ZmqError) -> bool {
    use io::ErrorKind::*;
    match error {
        ZmqError::ConnectTimeout(_) => true,
        ZmqError::Other(text) => {
            matches!(*text, "Failed Greeting exchange" | "No reply from server")
        }
        _ => matches!(
            io_error(error).map(io::Error::kind),
            // The last one: it had gone before we asked for its address.
            Some(
                ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected
            )
        ),
    }
}

/// The library only says that the time is over.
async fn why_not(endpoint: &str) -> String {
    if is_ipc(endpoint) {
        return "timed out; start its partner, or give another endpoint".into();
    }
    let address = endpoint.trim_start_matches("tcp://");
    greeting::why_not(address, "its partner", LOOK).await
}

/// Why something failed, in words for a person, the same on every system.
pub fn cause(error: &ZmqError) -> String {
    use io::ErrorKind::*;
    if let Some(error) = io_error(error) {
        let kind = match error.kind() {
            // Which of these a vanished peer leaves is a matter of timing.
            BrokenPipe | ConnectionAborted => ConnectionReset,
            kind => kind,
        };
        return match kind {
            UnexpectedEof => "the peer left in the middle of a message".into(),
            InvalidInput => "the path is too long for a socket; \
                 take a shorter one"
                .into(),
            _ if is_unknown_host(error) => {
                "host name not found; check the spelling".into()
            }
            // Too many open files, for one.
            _ if kind.to_string() == "uncategorized error" => {
                let text = error.to_string();
                text.split(" (os error").next().unwrap_or_default().into()
            }
            _ => kind.to_string(),
        };
    }
    if let Some(why) = broke_off(error) {
        return why.into();
    }
    match error {
        ZmqError::ConnectTimeout(_) => "timed out".into(),
        // The words are the library's, of a part that has no public name.
        ZmqError::Codec(error) => match error.to_string().as_str() {
            "Bad first byte of greeting" | "Failed to parse greeting" => {
                NO_ZMTP.into()
            }
            other => other.into(),
        },
        ZmqError::UnsupportedVersion(_) => NO_ZMTP.into(),
        ZmqError::Other("Provided sockets combination is not compatible") => {
            "the types of the two sockets do not go together; \
             is it the right port?"
                .into()
        }
        ZmqError::Other(
            "Failed Greeting exchange" | "No reply from server",
        ) => "the peer left in the middle of the handshake".into(),
        other => other.to_string(),
    }
}

const NO_ZMTP: &str = "the peer does not speak ZMTP 3; is it the right port?";

/// Whether a peer ended in the middle of what it said.
fn ended_early(error: &ZmqError) -> bool {
    io_error(error)
        .is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
}

fn io_error(error: &ZmqError) -> Option<&io::Error> {
    match error {
        ZmqError::Network(error) => Some(error),
        // The codec's own type cannot be named, but it knows its cause.
        ZmqError::Codec(error) => {
            std::error::Error::source(error)?.downcast_ref()
        }
        _ => None,
    }
}

/// Whether this came of looking up a host's name. No `ErrorKind` stands for
/// that, each system has its own words, and only Windows has numbers.
fn is_unknown_host(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotFound, Other};
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && (11_001..=11_004).contains(&number),
        None => !matches!(error.kind(), InvalidInput | NotFound | Other),
    }
}
