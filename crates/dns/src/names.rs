//! Names and addresses as people write them.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, anyhow, bail, ensure};
use domain::base::Name as BaseName;
use domain::base::iana::Rtype;

use crate::{Name, printable};

/// The longest label and the longest name in bytes, the name's own length
/// bytes and its last 0 among them (RFC 1035 section 2.3.4).
pub const LONGEST_LABEL: usize = 63;
pub const LONGEST_NAME: usize = 255;

/// Reads a name that a person typed. It is taken as a whole one, with or
/// without the dot at its end. Letters beyond ASCII become what DNS carries
/// for them (`bücher` is `xn--bcher-kva`, RFC 5891); `\DDD` is the byte with
/// that decimal number (RFC 1035 section 5.1).
///
/// # Errors
/// A label that is empty or too long, a name that is too long.
pub fn read_name(text: &str) -> anyhow::Result<Name> {
    let shown = printable(text);
    let ascii = to_ascii(text)?;
    ensure!(!ascii.is_empty(), "the name is empty; a dot is the root");
    if !ascii.contains('\\') {
        let whole = ascii.strip_suffix('.').unwrap_or(&ascii);
        for label in whole.split('.').filter(|_| ascii != ".") {
            let length = label.len();
            ensure!(length > 0, "{shown} is no name: a label of it is empty");
            ensure!(
                length <= LONGEST_LABEL,
                "{shown} is no name: a label has {length} bytes; \
                 at most {LONGEST_LABEL} are allowed"
            );
        }
        let length = if ascii == "." { 1 } else { whole.len() + 2 };
        ensure!(
            length <= LONGEST_NAME,
            "{shown} is no name: it has {length} bytes on the wire; \
             at most {LONGEST_NAME} are allowed"
        );
    }
    BaseName::bytes_from_str(&ascii)
        .map_err(|error| anyhow!("{shown} is no name: {error}"))
}

/// Letters beyond ASCII become what DNS carries for them; all else stays.
///
/// # Errors
/// It has characters that no name has.
pub fn to_ascii(text: &str) -> anyhow::Result<String> {
    if text.is_ascii() {
        return Ok(text.to_owned());
    }
    idna::domain_to_ascii(text).map_err(|_| {
        let shown = printable(text);
        anyhow!("{shown} is no name: it has characters that no name has")
    })
}

/// The name under which the name of an address is kept, such as
/// `80.0.0.127.in-addr.arpa.` (RFC 1035 section 3.5, RFC 3596 section 2.5).
pub fn reverse(address: IpAddr) -> anyhow::Result<Name> {
    BaseName::reverse_from_addr(address).context("no name for this address")
}

/// Reads a type such as `MX`, or `TYPE15`.
pub fn read_type(text: &str) -> anyhow::Result<Rtype> {
    text.to_ascii_uppercase().parse().map_err(|_| {
        let shown = printable(text);
        anyhow!("{shown} is no type; write one such as A, AAAA, MX or TXT")
    })
}

/// Reads the address of a server: `HOST:PORT` or `[HOST]:PORT`, or a bare
/// address, whose port is 53 then. A name would have to be looked up first.
pub fn read_server(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((address, 53).into());
    }
    match text.parse() {
        Ok(address) => Ok(address),
        Err(_) => bail!(
            "cannot read the address {}; write one such as 127.0.0.1:5300 \
             or [::1]:5300",
            printable(text)
        ),
    }
}
