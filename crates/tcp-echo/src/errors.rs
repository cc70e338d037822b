//! Errors that say to a person what to do.

use std::fmt;
use std::io;

use anyhow::anyhow;

/// Why an address could not be listened at, and what to do.
pub fn cannot_listen(address: &str, error: &io::Error) -> anyhow::Error {
    use io::ErrorKind::*;
    let advice = match error.kind() {
        AddrInUse => "; end what listens there, or give another address",
        AddrNotAvailable => "; give an address of this machine",
        PermissionDenied => "; give a port above 1023",
        _ => "",
    };
    anyhow!("cannot listen at {address}: {}{advice}", cause(error))
}

// ANCHOR: cannot_connect
/// Why an address could not be connected to, and what to do.
pub fn cannot_connect(address: &str, error: &io::Error) -> anyhow::Error {
    use io::ErrorKind::*;
    let advice = match error.kind() {
        ConnectionRefused => "; start a server there, or give another address",
        TimedOut => "; is that machine on, and the address right?",
        _ => "",
    };
    anyhow!("cannot connect to {address}: {}{advice}", cause(error))
}
// ANCHOR_END: cannot_connect

/// Why a talk with a peer ended too early, and what to do.
pub fn cannot_talk(
    peer: impl fmt::Display,
    error: &io::Error,
) -> anyhow::Error {
    let cause = cause(error);
    let advice = match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "; it closed before its message was whole"
        }
        io::ErrorKind::InvalidData => "; does it speak this protocol?",
        _ if cause.starts_with("timed out") => {
            "; nothing more came (see --timeout)"
        }
        _ if cause == "connection reset" => "; has its program ended?",
        _ => "",
    };
    anyhow!("cannot talk with {peer}: {cause}{advice}")
}

/// The cause in the same words on every system.
fn cause(error: &io::Error) -> String {
    use io::ErrorKind::*;
    let kind = match error.kind() {
        // Unix calls it so when a socket's time limit is over.
        WouldBlock => TimedOut,
        // Which of these a vanished peer leaves is a matter of timing.
        BrokenPipe | ConnectionAborted => ConnectionReset,
        kind => kind,
    };
    // A text of our own (the kinds of those are used for nothing else), or
    // a rare error that the standard library has no kind for.
    let ours = matches!(kind, InvalidInput | InvalidData | NotFound)
        || kind == TimedOut && error.get_ref().is_some();
    if ours || kind.to_string() == "uncategorized error" {
        return error.to_string();
    }
    kind.to_string()
}
