//! Asks one name server for one name, and shows all that it answers. Its
//! partner is dns-server.
//!
//! cargo run --bin dns-query NAME [TYPE] [@SERVER]

use std::net::IpAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Parser, value_parser};
use dns::{Ask, LARGEST_UDP, PLAIN_UDP, Reply, Verdict, chase, finish};
use dns::{read_name, read_server, read_type, reverse, say, seconds, show};
use domain::base::iana::Rtype;

/// Asks a name server directly: neither hosts file nor search list play a part
#[derive(Parser)]
struct Options {
    /// A name (or an address, whose name is wanted); a type such as MX (A
    /// without it, PTR for an address); and @SERVER (@127.0.0.1:5300)
    #[arg(value_name = "NAME TYPE @SERVER", required = true)]
    #[arg(num_args = 1..=3)]
    words: Vec<String>,
    /// Seconds for the whole of it
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
    /// Bytes of an answer that may come by UDP; 512 asks without EDNS
    #[arg(long, value_name = "BYTES", default_value_t = LARGEST_UDP)]
    #[arg(value_parser = value_parser!(u16).range(i64::from(PLAIN_UDP)..))]
    largest: u16,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("dns-query", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = pin!(dns::stop_signal()?);
    // In any order, as dig takes them.
    let is_server = |word: &&String| word.starts_with('@');
    let server = options.words.iter().find(is_server);
    let server = server.map_or("@127.0.0.1:5300", String::as_str);
    let server = read_server(&server[1..])?;
    let mut words = options.words.iter().filter(|word| !is_server(word));
    let name = words.next().context("say which name")?;
    let kind = words.next().map(|word| read_type(word)).transpose()?;
    let (name, kind) = match name.parse::<IpAddr>() {
        Ok(address) => (reverse(address)?, kind.unwrap_or(Rtype::PTR)),
        Err(_) => (read_name(name)?, kind.unwrap_or(Rtype::A)),
    };
    let shown = show::name(&name);
    say(format_args!("Asking {server} for {shown} {kind}"))?;
    let ask = Ask {
        server,
        timeout: options.timeout,
        largest: options.largest,
    };
    let verdict = tokio::select! {
        () = &mut stop => return Ok(()),
        verdict = chase(&ask, &name, kind, |note| say(note), show_reply) => {
            let why = |error| anyhow!("no answer from {server}: {error}");
            verdict.map_err(why)?
        }
    };
    if let Verdict::Referred { zone } = &verdict {
        let zone = show::name(zone);
        say(format_args!("Referred: ask the servers of {zone}"))?;
    }
    match dns::explain_verdict(&verdict, kind) {
        Some(why) => Err(anyhow!(why)),
        None => Ok(()),
    }
}

fn show_reply(reply: &Reply) -> std::io::Result<()> {
    for (section, records) in [
        ("Answer", &reply.answer),
        ("Authority", &reply.authority),
        ("Additional", &reply.additional),
    ] {
        for record in show::in_order(records) {
            say(format_args!("{section}: {}", show::record(record)))?;
        }
    }
    Ok(())
}
