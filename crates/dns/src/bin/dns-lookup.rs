//! Says what the system says of a name: its hosts file, its search list, its
//! name servers.
//!
//! cargo run --bin dns-lookup NAME [SERVICE] [--family 4]

use std::net::IpAddr;
use std::process::ExitCode;

use clap::{Parser, value_parser};
use dns::system::{Filter, ask, reverse};
use dns::{finish, printable, say, to_ascii, warn};

/// Asks for a name as programs do, in the three ways that C has for it
#[derive(Parser)]
struct Options {
    /// A name, or an address whose name is wanted, too
    name: String,
    /// A service or a port that programs want to reach there
    service: Option<String>,
    /// Only addresses of this family: 4 or 6
    #[arg(long, value_parser = value_parser!(u8).range(4..=6))]
    family: Option<u8>,
}

fn main() -> ExitCode {
    finish("dns-lookup", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    let name = to_ascii(&options.name)?;
    let name = name.as_str();
    let service = options.service.as_deref();
    say(format_args!("Looking up {}", printable(name)))?;
    // An address is looked up the other way round.
    if let Ok(address) = name.parse::<IpAddr>() {
        let found = reverse(address)?;
        let found = found.as_deref().map_or("none".into(), printable);
        say(format_args!("gethostbyaddr: {found}"))?;
    }
    match ask(Some(name), None, Filter::ipv4()) {
        Ok(found) => {
            let addresses: Vec<String> = found
                .iter()
                .map(|one| one.sockaddr.ip().to_string())
                .collect();
            say(format_args!("gethostbyname: {}", addresses[0]))?;
            let canonical = found[0].canonname.as_deref().unwrap_or(name);
            say(format_args!(
                "gethostbyname_ex: {}, {}",
                printable(canonical),
                addresses.join(", ")
            ))?;
        }
        // It may have others.
        Err(_) => say("gethostbyname: none")?,
    }
    let family = match options.family {
        Some(4) => Filter::ipv4().family,
        Some(_) => Filter::ipv6().family,
        None => 0,
    };
    let streams = Filter {
        family,
        ..Filter::stream()
    };
    for one in ask(Some(name), service, streams)? {
        say(format_args!("getaddrinfo: {}", one.sockaddr))?;
    }
    if let Some(number) = service.and_then(|text| text.parse::<u64>().ok())
        && number > u16::MAX.into()
    {
        warn(format_args!(
            "dns-lookup: {number} is no port, but this system made one of \
             it; ports go up to 65535"
        ));
    }
    Ok(())
}
