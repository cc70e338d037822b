//! Looks up a name as most programs do: asks the system.
//! Run: cargo run --example short-dns-lookup [NAME]
//! The same in Python: python/short_dns_lookup.py

use std::net::ToSocketAddrs;
use std::{env, io};

fn main() -> io::Result<()> {
    let name = env::args().nth(1);
    let name = name.unwrap_or("localhost".into());

    // One call. The system reads its hosts file, and asks a
    // name server if need be. It wants a port, too: any.
    println!("Looking up {name}");
    let mut found = (name.as_str(), 0).to_socket_addrs()?;

    // There may be several, of both kinds: take the first
    // IPv4 one, as gethostbyname always did.
    if let Some(first) = found.find(|one| one.is_ipv4()) {
        println!("Address: {}", first.ip());
    }
    Ok(())
}
