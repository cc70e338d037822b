//! Addresses: from what a person types to a listening socket.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// The socket addresses that `HOST:PORT` stands for, never none. HOST is a
/// name, an IPv4 address, or an IPv6 address in brackets (RFC 3986, section
/// 3.2.2). A name is looked up, which blocks for as long as the system's
/// resolver takes.
///
/// # Errors
/// With a text of its own, since each system has other words for it.
pub fn lookup(address: &str) -> io::Result<Vec<SocketAddr>> {
    let unreadable = || {
        let text = "this is no address; write it as HOST:PORT";
        io::Error::new(ErrorKind::InvalidInput, text)
    };
    if let Ok(address) = address.parse() {
        return Ok(vec![address]);
    }
    let (host, port) = address.rsplit_once(':').ok_or_else(unreadable)?;
    let port: u16 = port.parse().map_err(|_| unreadable())?;
    // What has brackets or another colon would be an IPv6 address, and that
    // was tried above.
    if host.is_empty() || host.contains([':', '[', ']', '/', ' ']) {
        return Err(unreadable());
    }
    let unknown = || {
        let text = format!("no address is known for {host}; check the name");
        io::Error::new(ErrorKind::NotFound, text)
    };
    let found = (host, port).to_socket_addrs().map_err(|_| unknown())?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() {
        return Err(unknown());
    }
    Ok(found)
}

/// [`lookup`] for an async program. The resolver cannot be interrupted, so it
/// works in a thread that nobody waits for: whoever drops this can end.
pub async fn look_up(address: &str) -> io::Result<Vec<SocketAddr>> {
    let (sender, found) = oneshot::channel();
    let address = address.to_owned();
    thread::Builder::new().spawn(move || {
        // Nobody may want to know it any more.
        let _ = sender.send(lookup(&address));
    })?;
    let lost = |_| io::Error::from(ErrorKind::Interrupted);
    found.await.map_err(lost)?
}

/// Connects to the first of the addresses that answers: `localhost` is often
/// `[::1]` and `127.0.0.1`, and the server listens at one of them. Each has
/// its share of the time, so one that swallows what comes does not use it up
/// (RFC 8305 in short).
///
/// # Errors
/// That of the last address, or `TimedOut`.
pub async fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
) -> io::Result<TcpStream> {
    let deadline = Instant::now() + limit;
    let mut result = Err(ErrorKind::NotFound.into());
    let mut left = addresses.len() as u32;
    for address in addresses {
        let share = (deadline - Instant::now()) / left;
        left -= 1;
        result = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Err(error),
            Err(late) => Err(late.into()),
        };
    }
    result
}

/// Listens at an address. `backlog` clients can wait there before they are
/// accepted; the system may allow fewer.
pub fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Unix this allows a restart while old connections are in TIME_WAIT.
    // On Windows that needs nothing, and this would let two programs listen
    // at one address.
    socket.set_reuseaddr(cfg!(unix))?;
    socket.bind(address)?;
    socket.listen(backlog)
}

#[cfg(test)]
mod tests {
    use super::lookup;

    #[test]
    fn addresses_and_what_is_none() {
        for (text, found) in
            [("127.0.0.1:80", "127.0.0.1:80"), ("[::1]:80", "[::1]:80")]
        {
            assert_eq!(lookup(text).unwrap(), [found.parse().unwrap()]);
        }
        assert!(lookup("localhost:80").unwrap().iter().all(|address| {
            address.ip().is_loopback() && address.port() == 80
        }));
        for text in [
            "",
            "6789",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            ":6789",
            "::1:6789",
            "[::1]",
            "[cat]:6789",
            "tcp://127.0.0.1:6789",
            "one two:6789",
        ] {
            let error = lookup(text).unwrap_err().to_string();
            assert!(error.starts_with("this is no address"), "{text}");
        }
        let error = lookup("cat.invalid:6789").unwrap_err().to_string();
        let expected = "no address is known for cat.invalid; check the name";
        assert_eq!(error, expected);
    }
}
