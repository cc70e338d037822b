// ANCHOR: all
//! What the operating system says: of names, and of services.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::anyhow;
use dns_lookup::{AddrFamily, AddrInfo, AddrInfoHints, LookupError, SockType};
use dns_lookup::{LookupErrorKind, getaddrinfo, getnameinfo};

use crate::printable;

/// Flags of the C library, by their numbers on this system.
const AI_CANONNAME: i32 = 2;
const NI_DGRAM: i32 = 16;
const NI_NAMEREQD: i32 = if cfg!(target_os = "linux") { 8 } else { 4 };
const NI_NUMERICHOST: i32 = if cfg!(target_os = "linux") { 1 } else { 2 };

/// What to ask for; 0 is anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub family: i32,
    pub kind: i32,
}

impl Filter {
    pub fn ipv4() -> Self {
        let family = AddrFamily::Inet.into();
        Self {
            family,
            ..Self::stream()
        }
    }

    pub fn ipv6() -> Self {
        let family = AddrFamily::Inet6.into();
        Self { family, kind: 0 }
    }

    /// Without a kind, each address comes once for each there is.
    pub fn stream() -> Self {
        Self {
            family: 0,
            kind: SockType::Stream.into(),
        }
    }

    pub fn datagram() -> Self {
        Self {
            family: 0,
            kind: SockType::DGram.into(),
        }
    }
}

// ANCHOR: ask
/// All that getaddrinfo says; the first has the canonical name.
///
/// # Errors
/// In words, as [`explain`] has them.
pub fn ask(
    name: Option<&str>,
    service: Option<&str>,
    filter: Filter,
) -> anyhow::Result<Vec<AddrInfo>> {
    let hints = AddrInfoHints {
        flags: if name.is_some() { AI_CANONNAME } else { 0 },
        address: filter.family,
        socktype: filter.kind,
        ..AddrInfoHints::default()
    };
    let subject = name.or(service).unwrap_or_default();
    let service_shown = service.unwrap_or_default();
    let found = getaddrinfo(name, service, Some(hints))
        .map_err(|error| explain(error, subject, service_shown))?;
    Ok(found.collect::<Result<_, _>>()?)
}
// ANCHOR_END: ask

/// The name of an address; `None` if it has none.
///
/// # Errors
/// Nobody could be asked.
pub fn reverse(address: IpAddr) -> anyhow::Result<Option<String>> {
    match getnameinfo(&(address, 0).into(), NI_NAMEREQD) {
        Ok((name, _)) => Ok(Some(name)),
        Err(error) => match error.kind() {
            LookupErrorKind::NoName | LookupErrorKind::NoData => Ok(None),
            _ => Err(explain(error, &address.to_string(), "")),
        },
    }
}

/// The name of a port, by which it is called where datagrams carry it, or
/// streams; `None` if it has none.
///
/// # Errors
/// The system fails.
pub fn service(port: u16, datagrams: bool) -> anyhow::Result<Option<String>> {
    let flags = NI_NUMERICHOST | if datagrams { NI_DGRAM } else { 0 };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (_, name) = getnameinfo(&address, flags)
        .map_err(|error| explain(error, "", &port.to_string()))?;
    Ok((name != port.to_string()).then_some(name))
}

/// Says why, and what to do, for a person. The system's own words differ from
/// system to system.
fn explain(error: LookupError, name: &str, service: &str) -> anyhow::Error {
    use LookupErrorKind::*;
    let (name, service) = (printable(name), printable(service));
    match error.kind() {
        NoName => anyhow!(
            "no address is known for {name} (EAI_NONAME); check its spelling"
        ),
        NoData => anyhow!(
            "{name} exists, but has no address of that kind (EAI_NODATA)"
        ),
        Again => anyhow!(
            "no name server has an answer for {name} (EAI_AGAIN); try later"
        ),
        Service => anyhow!(
            "the service {service} is unknown for that kind of socket \
             (EAI_SERVICE); give its port as a number"
        ),
        _ => anyhow!(std::io::Error::from(error))
            .context(format!("cannot look up {name}")),
    }
}
// ANCHOR_END: all
