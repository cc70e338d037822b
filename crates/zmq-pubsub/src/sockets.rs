// ANCHOR: all
//! What the library leaves to a program: endpoints that are checked, a
//! connect that does not give up, and an end at which nothing is lost.

use std::fs;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use zeromq::{Endpoint, Socket, SocketOptions, SocketSend, XPubSocket};
use zeromq::{ZmqError, ZmqMessage};

use crate::greeting::{self, broke_off};

/// How long one call of the library's `connect` may take, at first. It tries
/// at once, after 50 ms, 150 ms, 350 ms, 750 ms and so on, up to 30 s apart;
/// calls that end soon find a partner that comes late sooner. The ends, after
/// 270, 540 and 1000 ms, are far from each of these moments: else they would
/// cut off an attempt that has just begun.
const ATTEMPT: Duration = Duration::from_millis(270);

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
) -> anyhow::Result<()> {
    check(endpoint)?;
    // ANCHOR: attempts
    let attempts = async {
        let mut attempt = ATTEMPT;
        loop {
            match timeout(attempt, socket.connect(endpoint)).await {
                Err(_) => attempt = (attempt * 2).min(LONGEST_ATTEMPT),
                // A peer that hangs up in the middle of the greeting may be
                // one that just ends: the next one may be there soon. It
                // may hang up at once, so there is a pause in between.
                Ok(Err(error)) if is_passing(&error) => sleep(PAUSE).await,
                Ok(result) => return result,
            }
        }
    };
    // ANCHOR_END: attempts
    match timeout(limit, attempts).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let cause = cause(&error);
            Err(anyhow!("cannot connect to {endpoint}: {cause}"))
        }
        Err(_) => {
            let cause = why_not(endpoint).await;
            Err(anyhow!("cannot connect to {endpoint}: {cause}"))
        }
    }
}

/// Sends a message to all who have subscribed to it.
///
/// # Errors
/// Says, for a person, why it is not sent.
pub async fn send(
    publisher: &mut XPubSocket,
    message: ZmqMessage,
    limit: Duration,
) -> Result<(), String> {
    match timeout(limit, publisher.send(message)).await {
        Ok(result) => result.map_err(|error| cause(&error)),
        // Which subscriber it is cannot be found out; those whose turn comes
        // after it would wait for ever. So this publisher ends.
        Err(_) => {
            Err("timed out; end the subscriber that does not read".into())
        }
    }
}

/// Closes `socket` when all that was sent is with the system, or after
/// `limit`; says whether all of it is. Sending only puts a message into a
/// queue, which dies with the process. So does `Socket::close` leave it: it
/// waits for those who are being accepted, not for those who write. They
/// hold what the monitor reports to, so the end of the monitor is theirs.
// ANCHOR: close
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

/// Whether the library can take `endpoint`; it has little to say about one
/// that it cannot, and panics at `ipc://*`.
pub fn check(endpoint: &str) -> anyhow::Result<()> {
    let shown = super::printable(endpoint);
    let refuse = |why: &str| {
        Err(anyhow!(
            "the endpoint {shown} cannot be used: {why}; {WRITE}"
        ))
    };
    let Some((transport, place)) = endpoint.split_once("://") else {
        return refuse("it names no transport");
    };
    match transport {
        "tcp" if place.starts_with("*:") => refuse("* is only for binding"),
        "tcp" if endpoint.parse::<Endpoint>().is_ok() => Ok(()),
        "tcp" => refuse("a host and a port up to 65535 must follow tcp://"),
        "ipc" if place == "*" || place.is_empty() => {
            refuse("the path of a file must follow ipc://")
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

fn is_passing(error: &ZmqError) -> bool {
    use io::ErrorKind::*;
    match error {
        ZmqError::ConnectTimeout(_) => true,
        ZmqError::Other(text) => {
            matches!(*text, "Failed Greeting exchange" | "No reply from server")
        }
        _ => matches!(
            io_error(error).map(io::Error::kind),
            // NotConnected: it had gone before we asked for its address.
            // UnexpectedEof: it went in the middle of its greeting.
            Some(
                ConnectionReset
                    | ConnectionAborted
                    | BrokenPipe
                    | NotConnected
                    | UnexpectedEof
            )
        ),
    }
}

/// The library only says that the time is over.
async fn why_not(endpoint: &str) -> String {
    if is_ipc(endpoint) {
        return "timed out; start zmq-pub there, or give another endpoint"
            .into();
    }
    let address = endpoint.trim_start_matches("tcp://");
    greeting::why_not(address, "zmq-pub", LONGEST_ATTEMPT).await
}

/// Why something failed, in words for a person, the same on every system.
pub fn cause(error: &ZmqError) -> String {
    use io::ErrorKind::*;
    if let Some(error) = io_error(error) {
        let kind = match error.kind() {
            // Which of these a vanished peer leaves is a matter of timing.
            BrokenPipe | ConnectionAborted | UnexpectedEof => ConnectionReset,
            kind => kind,
        };
        return match kind {
            InvalidInput => "the path is too long for a socket; \
                 take a shorter one"
                .into(),
            _ if is_unknown_host(error) => {
                "host name not found; check the spelling".into()
            }
            _ => kind.to_string(),
        };
    }
    if let Some(why) = broke_off(error) {
        return why.into();
    }
    match error {
        ZmqError::ConnectTimeout(_) => "timed out".into(),
        ZmqError::Codec(_) | ZmqError::UnsupportedVersion(_) => {
            "what answers there does not speak ZMTP 3; is it the right port?"
                .into()
        }
        ZmqError::Other("Provided sockets combination is not compatible") => {
            "the types of the two sockets do not go together; \
             is it the right port?"
                .into()
        }
        other => other.to_string(),
    }
}

/// Whether the connection was lost, rather than used for something wrong.
pub fn has_hung_up(error: &ZmqError) -> bool {
    io_error(error).is_some()
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
// ANCHOR_END: all
