//! Says which port a service has, and which service a port has, by TCP and by
//! UDP.
//!
//! cargo run --bin dns-services NAME_OR_PORT

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser;
use dns::system::{Filter, ask, service};
use dns::{finish, printable, say};

/// Looks into the system's list of services
#[derive(Parser)]
struct Options {
    /// The name of a service such as domain, or a port such as 53
    service: String,
}

fn main() -> ExitCode {
    finish("dns-services", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    let asked = options.service.as_str();
    let shown = printable(asked);
    let number = asked.parse::<u64>().ok();
    let mut known = false;
    // The list has lines for each: 514 is shell by TCP and syslog by UDP.
    for (by, filter) in [("tcp", Filter::stream()), ("udp", Filter::datagram())]
    {
        let port = match number {
            Some(number) => match u16::try_from(number) {
                Ok(port) => port,
                Err(_) => bail!("{shown} is no port; ports go up to 65535"),
            },
            None => match ask(None, Some(asked), filter) {
                Ok(found) if !found.is_empty() => found[0].sockaddr.port(),
                _ => {
                    say(format_args!("{by}: {shown} is unknown"))?;
                    continue;
                }
            },
        };
        // Back again: a service may have more than one name.
        let name = service(port, by == "udp")?;
        known |= name.is_some() || number.is_none();
        match name.as_deref().map(printable) {
            None => say(format_args!("{by}: {port} has no name"))?,
            Some(name) if number.is_some() || name == shown => {
                say(format_args!("{by}: {port} is {name}"))?;
            }
            Some(name) => {
                say(format_args!("{by}: {port} is {name}, alias {shown}"))?;
            }
        }
    }
    if !known {
        let advice = match number {
            Some(_) => "that need not mean that nobody uses it",
            None => "write it as there, capitals and small letters too",
        };
        bail!("{shown} is not in this system's list of services; {advice}");
    }
    Ok(())
}
