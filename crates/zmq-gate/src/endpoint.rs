//! Endpoints, as ZeroMQ writes them, and the addresses of TCP.

use std::io;
use std::net::SocketAddr;

use anyhow::{anyhow, bail};

use crate::printable;

/// The HOST:PORT of the endpoint `tcp://HOST:PORT`. In `tcp://*:PORT` the
/// star stands for every address of this machine.
pub fn address(endpoint: &str) -> anyhow::Result<String> {
    let shown = printable(endpoint);
    let Some(address) = endpoint.strip_prefix("tcp://") else {
        bail!("cannot use {shown}: a gate is for TCP; write tcp://HOST:PORT");
    };
    let port = address
        .rsplit_once(':')
        .map(|(_, port)| port.parse::<u16>());
    let Some(Ok(_)) = port else {
        bail!("cannot use {shown}: no HOST:PORT in it; write tcp://HOST:PORT");
    };
    Ok(address.replacen("*:", "0.0.0.0:", 1))
}

/// The endpoint at an address.
pub fn endpoint(address: SocketAddr) -> String {
    format!("tcp://{address}")
}

/// Why nobody can be waited for at an endpoint, and what to do.
pub fn cannot_bind(endpoint: &str, error: &io::Error) -> anyhow::Error {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let advice = match error.kind() {
        AddrInUse => "end what listens there, or give another endpoint",
        AddrNotAvailable => "give an address of this machine",
        PermissionDenied => "give a port above 1023",
        _ if is_unknown_host(error) => "check the spelling",
        _ => "check the endpoint",
    };
    let (endpoint, cause) = (printable(endpoint), cause(error));
    anyhow!("cannot bind to {endpoint}: {cause}; {advice}")
}

/// Why something failed, in words that are the same on every system.
pub fn cause(error: &io::Error) -> String {
    if is_unknown_host(error) {
        return "host name not found".into();
    }
    match error.kind().to_string().as_str() {
        // Too many open files, for one.
        "uncategorized error" => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().into()
        }
        known => known.into(),
    }
}

/// Whether this came of looking up a host's name. No `ErrorKind` stands for
/// that, each system has its own words, and only Windows has numbers.
fn is_unknown_host(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, Other};
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && (11_001..=11_004).contains(&number),
        None => !matches!(error.kind(), InvalidInput | Other),
    }
}
