//! What the library leaves to a program: endpoints that are checked, socket
//! files that were left behind, a connect that does not give up, and an end
//! at which nothing is lost.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{anyhow, bail};
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use zeromq::{Endpoint, Socket, SocketOptions, ZmqError};

use crate::greeting::{self, broke_off};
use crate::printable;

/// How long one call of the library's `connect` may take, at first. It tries
/// at once, after 50 ms, 150 ms, 350 ms and so on, up to 30 s apart; calls
/// that end soon find a partner that comes late sooner. This time, and its
/// doubles, end far from each of these moments: else they would cut off an
/// attempt that has just begun.
const ATTEMPT: Duration = Duration::from_millis(120);

/// And in the end: where the way is long, connecting and greeting takes time.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(1);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// The options of all sockets here: time is limited by who connects.
pub fn socket_options() -> SocketOptions {
    let mut options = SocketOptions::default();
    options.no_connect_timeout();
    options
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
    let error = match socket.bind(&every).await {
        Ok(place) => return Ok(place),
        Err(error) => error,
    };
    let cause = cause(&error);
    let advice = match (cause.as_str(), is_ipc(endpoint)) {
        ("address in use", true) if is_left_behind(endpoint).await => {
            "; nobody listens there: a program that was killed has left \
             this file; delete it"
        }
        ("address in use", true) => {
            "; end what listens there, or give another path"
        }
        ("address in use", false) => {
            "; end what listens there, or give another endpoint"
        }
        ("address not available", _) => "; give an address of this machine",
        ("permission denied", false) => "; give a port above 1023",
        ("permission denied", true) => "; take a folder of your own",
        ("entity not found", true) => "; make its folder first",
        _ => "",
    };
    Err(anyhow!("cannot bind to {endpoint}: {cause}{advice}"))
}

// ANCHOR: left_behind
/// [`bind`], after deleting a socket file that was left behind. Between the
/// look and the deletion another program may bind there, and its file would
/// be deleted: use this where only one program ever binds.
pub async fn bind_over(
    socket: &mut impl Socket,
    endpoint: &str,
) -> anyhow::Result<Endpoint> {
    if is_left_behind(endpoint).await {
        // If that fails, `bind` says why.
        let _ = fs::remove_file(path_of(endpoint));
    }
    bind(socket, endpoint).await
}

// ANCHOR: is_left_behind
/// Whether the file of `endpoint` is a socket to which nobody listens. A
/// program that is killed leaves such a file, and only a connection tells.
#[cfg(unix)]
async fn is_left_behind(endpoint: &str) -> bool {
    use tokio::net::UnixStream;
    let (path, refused) = (path_of(endpoint), io::ErrorKind::ConnectionRefused);
    // tokio's does not wait for one who is too busy to accept.
    is_ipc(endpoint)
        && is_socket(path)
        && UnixStream::connect(path)
            .await
            .is_err_and(|error| error.kind() == refused)
}
// ANCHOR_END: is_left_behind
// ANCHOR_END: left_behind

#[cfg(unix)]
fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// On Windows the file is another kind of thing; there a person has to look.
#[cfg(not(unix))]
async fn is_left_behind(_endpoint: &str) -> bool {
    false
}

/// The file of an ipc endpoint that this program has bound. Dropping this
/// deletes it: the library does that only if it is given the time.
pub struct SocketFile(Option<PathBuf>);

impl SocketFile {
    pub fn of(endpoint: &Endpoint) -> Self {
        Self(match endpoint {
            Endpoint::Ipc(path) => path.clone(),
            _ => None,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The library may have been quicker.
            let _ = fs::remove_file(path);
        }
    }
}

// ANCHOR: connect
/// Connects `socket`, which was made with [`socket_options`], to
/// `endpoint`. A partner that is not there yet is waited for, but no longer
/// than `limit`.
pub async fn connect(
    socket: &mut impl Socket,
    endpoint: &str,
    limit: Duration,
) -> anyhow::Result<()> {
    check(endpoint)?;
    if endpoint.starts_with("tcp://*:") {
        bail!("cannot connect to {endpoint}: * is only for binding; {WRITE}");
    }
    // ANCHOR: attempts
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
    // ANCHOR_END: attempts
    match timeout(limit, attempts).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let cause = cause(&error);
            let advice = match cause.as_str() {
                "permission denied" => {
                    "; ask the file's owner for the right to write to it"
                }
                _ => "",
            };
            Err(anyhow!("cannot connect to {endpoint}: {cause}{advice}"))
        }
        Err(_) => {
            let cause = why_not(endpoint).await;
            Err(anyhow!("cannot connect to {endpoint}: {cause}"))
        }
    }
}

// ANCHOR_END: connect

/// Whether `socket` comes to terms with who is at `endpoint`: each says in
/// the handshake of which type it is.
pub async fn connect_if_it_fits(
    socket: &mut impl Socket,
    endpoint: &str,
    limit: Duration,
) -> anyhow::Result<bool> {
    match connect(socket, endpoint, limit).await {
        Ok(()) => Ok(true),
        Err(error) if error.to_string().ends_with(NO_PAIR) => Ok(false),
        Err(error) => Err(error),
    }
}

// ANCHOR: close
/// Closes `socket` when all that was sent is with the system, or after
/// `limit`; says whether all of it is. Sending only puts a message into a
/// queue, which dies with the process. So does `Socket::close` leave it: it
/// waits for those who are being accepted, not for those who write. They
/// hold what the monitor reports to, so the end of the monitor is theirs.
pub async fn close(mut socket: impl Socket, limit: Duration) -> bool {
    let mut monitor = socket.monitor();
    let all = async {
        socket.close().await;
        while monitor.next().await.is_some() {}
    };
    timeout(limit, all).await.is_ok()
}
// ANCHOR_END: close

const WRITE: &str = "write it as tcp://HOST:PORT or ipc://PATH";

const STRANGER: &str = "timed out; something listens there, but it does not \
                        greet as ZeroMQ does";

const NO_ZMTP: &str = "what answers there does not speak ZMTP 3; \
                       is it the right port?";

const NO_PAIR: &str = "the types of the two sockets do not go together; \
                       is it the right endpoint?";

/// How many bytes the path of a socket file may have.
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

// ANCHOR: check
/// Whether the library can take `endpoint`; it has little to say about one
/// that it cannot, and panics at `ipc://*`.
pub fn check(endpoint: &str) -> anyhow::Result<()> {
    let refuse = |why: &str, what_to_do: &str| {
        let shown = printable(endpoint);
        Err(anyhow!(
            "the endpoint {shown} cannot be used: {why}; {what_to_do}"
        ))
    };
    let Some((transport, place)) = endpoint.split_once("://") else {
        return refuse("it names no transport", WRITE);
    };
    match transport {
        "tcp" if endpoint.parse::<Endpoint>().is_ok() => Ok(()),
        "tcp" => {
            refuse("a host and a port up to 65535 must follow tcp://", WRITE)
        }
        "ipc" if place == "*" || place.is_empty() => {
            refuse("the path of a file must follow ipc://", WRITE)
        }
        // To libzmq this is a name without a file, which only Linux has.
        "ipc" if place.starts_with('@') => {
            refuse("this library knows no abstract names", WRITE)
        }
        "ipc" if place.len() > LONGEST_PATH => {
            let (has, may) = (place.len(), LONGEST_PATH);
            let why = format!("its path has {has} bytes, {may} are allowed");
            refuse(&why, "take a shorter path")
        }
        "ipc" => Ok(()),
        "inproc" => refuse(
            "this library has no inproc",
            "take tokio's channels inside one process",
        ),
        _ => refuse("this library knows only tcp and ipc", WRITE),
    }
}
// ANCHOR_END: check

fn is_ipc(endpoint: &str) -> bool {
    endpoint.starts_with("ipc://")
}

fn path_of(endpoint: &str) -> &Path {
    Path::new(endpoint.trim_start_matches("ipc://"))
}

/// Whether this is what a peer leaves that came or went at a bad moment.
fn is_passing(error: &ZmqError) -> bool {
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

/// The library only says that the time is over. Whether nobody is there, or
/// somebody who does not greet, a plain connection tells.
async fn why_not(endpoint: &str) -> String {
    if is_ipc(endpoint) {
        let path = path_of(endpoint);
        let why = match fs::symlink_metadata(path) {
            Err(_) => "there is no such file",
            _ if is_left_behind(endpoint).await => {
                "connection refused, nobody listens at this file any more"
            }
            _ => return STRANGER.into(),
        };
        return format!("{why}; start its partner there");
    }
    let address = endpoint.trim_start_matches("tcp://");
    greeting::why_not(address, "its partner", ATTEMPT).await
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
            UnexpectedEof => "it ended in the middle of a message".into(),
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
            NO_PAIR.into()
        }
        other => other.to_string(),
    }
}

/// Whether `recv` gives this error again and again, without end. A connection
/// that was reset is forgotten; one that ended or went wrong in the middle of
/// a message is not.
pub fn repeats(error: &ZmqError) -> bool {
    matches!(error, ZmqError::Codec(_)) && !is_passing(error)
}

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
    use io::ErrorKind::{InvalidInput, NotFound, Other, UnexpectedEof};
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && (11_001..=11_004).contains(&number),
        None => !matches!(
            error.kind(),
            InvalidInput | NotFound | Other | UnexpectedEof
        ),
    }
}
