//! What the ZeroMQ library leaves to a program: a connect with an end, and
//! errors in words.

use std::io;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use tokio::time::timeout;
use zeromq::{Endpoint, Socket, ZmqError};

/// Binds `socket` and returns where it really is: the system has chosen a
/// port for `tcp://127.0.0.1:0`.
///
/// # Errors
///
/// Nobody can listen there.
pub async fn bind(
    socket: &mut impl Socket,
    endpoint: &str,
) -> anyhow::Result<Endpoint> {
    check(endpoint)?;
    socket.bind(endpoint).await.map_err(|error| {
        let why = cause(&error);
        let advice = match why.as_str() {
            "address in use" => {
                "; end what listens there, or give another endpoint"
            }
            "address not available" => "; give an address of this machine",
            "permission denied" => "; give a port above 1023",
            _ => "",
        };
        anyhow!("cannot bind to {endpoint}: {why}{advice}")
    })
}

/// Connects `socket`; a server that comes late is waited for until `limit`.
///
/// # Errors
///
/// Nobody is there, or somebody who speaks another language.
pub async fn connect(
    socket: &mut impl Socket,
    endpoint: &str,
    limit: Duration,
) -> anyhow::Result<()> {
    check(endpoint)?;
    let why = match timeout(limit, socket.connect(endpoint)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => cause(&error),
        Err(_) => "timed out".into(),
    };
    Err(anyhow!(
        "cannot connect to {endpoint}: {why}; start a server there, or give \
         another endpoint"
    ))
}

/// The library panics at `ipc://*`, and waits for ever for `tcp://*:PORT`.
fn check(endpoint: &str) -> anyhow::Result<()> {
    let place = endpoint.split_once("://").map_or("", |(_, place)| place);
    ensure!(
        endpoint.parse::<Endpoint>().is_ok()
            && !place.starts_with('*')
            && !place.is_empty(),
        "cannot use the endpoint {}; write it as tcp://HOST:PORT or \
         ipc://PATH",
        crate::words::printable(endpoint)
    );
    Ok(())
}

/// Why something failed, in words that are the same on every system.
pub fn cause(error: &ZmqError) -> String {
    match error {
        ZmqError::Network(error) if is_unknown_host(error) => {
            "host name not found".into()
        }
        ZmqError::Network(error) => error.kind().to_string(),
        ZmqError::NoMessage => "the connection has ended".into(),
        other => other.to_string(),
    }
}

/// No `ErrorKind` stands for a name that nobody knows, each system has its
/// own words for it, and only Windows has numbers.
fn is_unknown_host(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, NotFound, Other};
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && (11_001..=11_004).contains(&number),
        None => !matches!(error.kind(), InvalidInput | NotFound | Other),
    }
}
