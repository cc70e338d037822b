//! What the four programs share: an address to talk to, errors a person can
//! act on, a clean end. What the echo server and its client are made of is in
//! modules of their own, and so ready to be lifted out.

mod asked;
pub mod log;
mod server;
pub mod stop;
mod talk;
pub mod words;

use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::net::{ToSocketAddrs, UdpSocket};
use std::time::SystemTime;

use anyhow::{anyhow, bail};
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

pub use log::log;
pub use server::{Counts, Faults, Limits, serve};
pub use stop::stop_signal;
pub use talk::{Answer, Due, Plan, Talk, Tally};
pub use words::{finish, printable, say, seconds, warn};

// ANCHOR: largest
/// The most bytes that one datagram carries: its length field counts to
/// 65,535, and 8 of them are UDP's own header (RFC 768). Over IPv4, whose
/// length field counts its header of 20 bytes as well, it is 20 fewer.
pub const LARGEST: u16 = 65_527;
// ANCHOR_END: largest

// ANCHOR: resolve
/// The first of the addresses that `HOST:PORT` stands for to which this
/// machine has a way: one without IPv6 may still know the `[::1]` of a name.
pub fn resolve(text: &str) -> anyhow::Result<SocketAddr> {
    let shown = printable(text);
    let found = text.to_socket_addrs().map(Vec::from_iter);
    let usable = found.map(|found| {
        found
            .iter()
            .copied()
            .find(has_a_way)
            .or(found.first().copied())
    });
    match usable {
        Ok(Some(address)) => Ok(address),
        Err(error) if error.kind() == ErrorKind::InvalidInput => bail!(
            "cannot read the address {shown}: {error}; \
             write HOST:PORT, such as 127.0.0.1:6789 or [::1]:6789"
        ),
        // The system's own words for this differ from system to system.
        _ => bail!(
            "cannot find {shown}: no address is known for that name; \
             check its spelling, or give a number such as 127.0.0.1:6789"
        ),
    }
}

/// Whether a socket can be made for an address. To connect it is to note the
/// address: nothing goes over the wire.
fn has_a_way(address: &SocketAddr) -> bool {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((any, 0))
        .is_ok_and(|socket| socket.connect(address).is_ok())
}

/// Warns of what 0.0.0.0 and `[::]` cost a server with a plain socket.
pub fn warn_of_all_addresses(program: &str, bound: SocketAddr) {
    if bound.ip().is_unspecified() {
        warn(format_args!(
            "{program}: at {bound} an answer leaves from the address that \
             the system picks, which need not be the one that was asked; \
             name one address"
        ));
    }
}

/// Where to reach a server that is bound there: "all addresses of this
/// machine" (0.0.0.0, [::]) is none that an answer could come from.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
// ANCHOR_END: resolve

/// As `resolve`, on a thread of its own: asking for a name can take seconds.
pub async fn look_up(text: &str) -> anyhow::Result<SocketAddr> {
    let text = text.to_owned();
    spawn_blocking(move || resolve(&text)).await?
}

// ANCHOR: explain
/// Says why something failed and what to do, for a person.
pub fn explain(error: &io::Error) -> String {
    use ErrorKind::*;
    let advice = match error.kind() {
        // The system heard (by ICMP) that nobody has that port. It passes
        // this on to a connected socket; Windows calls it a reset.
        ConnectionRefused | ConnectionReset => {
            let kind = ConnectionRefused;
            return format!(
                "{kind}; start a server there, or give another address"
            );
        }
        TimedOut => "is a server running there?",
        AddrInUse => "stop who has it, or give another address",
        AddrNotAvailable => "give an address of this machine",
        PermissionDenied => {
            "a port below 1024 takes special rights, and a broadcast \
             address the socket option SO_BROADCAST; give another address"
        }
        NetworkUnreachable | HostUnreachable => {
            "is this machine connected to that network?"
        }
        _ if error.raw_os_error() == Some(TOO_LONG) => {
            return format!(
                "too long for one datagram; \
                 at most {} bytes fit over IPv4, 20 more over IPv6",
                LARGEST - 20
            );
        }
        _ if error.raw_os_error() == Some(TOO_MANY) => {
            return "too many open files; allow this program more \
                    (ulimit -n)"
                .into();
        }
        _ => return error.to_string(),
    };
    format!("{}; {advice}", error.kind())
}

/// For `map_err`: the error of what was tried here.
pub fn cannot(what: &str) -> impl Fn(io::Error) -> anyhow::Error {
    move |error| anyhow!("cannot {what}: {}", explain(&error))
}

/// Why a talk with a server ended. Also a send may bring the news that an
/// earlier datagram met nobody.
pub fn cannot_talk(server: SocketAddr, error: &io::Error) -> anyhow::Error {
    use ErrorKind::*;
    let what = match error.kind() {
        ConnectionRefused | ConnectionReset => "no answer from",
        _ => "cannot send to",
    };
    anyhow!("{what} {server}: {}", explain(error))
}

/// The system's number for "too many open files": no `ErrorKind` either.
const TOO_MANY: i32 = if cfg!(windows) { 10_024 } else { 24 };

/// The system's number for "message too long": no `ErrorKind` stands for it.
pub const TOO_LONG: i32 = if cfg!(windows) {
    10_040
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    90
} else {
    40
};
// ANCHOR_END: explain

/// The time of day and the date, in UTC and as RFC 3339 has it.
pub fn now() -> impl fmt::Display {
    humantime::format_rfc3339_seconds(SystemTime::now())
}

/// A socket that takes datagrams from this server only.
pub async fn connect(
    server: SocketAddr,
) -> anyhow::Result<tokio::net::UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = tokio::net::UdpSocket::bind((any, 0)).await;
    let socket = socket.map_err(cannot("create a socket"))?;
    let connected = socket.connect(server).await;
    connected.map_err(cannot(&format!("use {server}")))?;
    Ok(socket)
}

/// For programs that block: Ctrl-C or SIGTERM (on Windows: Ctrl-C or
/// Ctrl-Break) ends the program with exit code 0 from here on. Nothing is
/// lost by that: each line is flushed, and a datagram is sent at once.
pub fn end_on_stop_signal() -> anyhow::Result<()> {
    let set = ctrlc::set_handler(|| std::process::exit(0));
    set.map_err(|error| match error {
        ctrlc::Error::System(error) => cannot("catch Ctrl-C")(error),
        other => anyhow!("cannot catch Ctrl-C: {other}"),
    })
}

/// Runs a program that awaits.
pub fn block_on(
    program: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(cannot("start tokio"))?;
    let result = runtime.block_on(program);
    // A look-up of a name cannot be broken off. Do not wait for it.
    runtime.shutdown_background();
    result
}
