//! Answers questions about the names of its zones, by UDP and TCP, until
//! Ctrl-C. Its partner is dns-query.
//!
//! cargo run --bin dns-server [HOST:PORT] [--zone FILE]

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use dns::{Server, Zone, finish, log, read_server, say, seconds};
use dns::{show, stop_signal};

/// The zone of this section, for whoever gives none.
const EXAMPLE: &str = include_str!("../../zones/net.example.zone");

/// An authoritative name server
#[derive(Parser)]
struct Options {
    /// Where to answer; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:5300")]
    address: String,
    /// A zone file; several may be given (the example zone without it)
    #[arg(long, value_name = "FILE")]
    zone: Vec<PathBuf>,
    /// End after so many seconds in which nobody asked
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    exit_when_idle: Option<Duration>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("dns-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let stop = pin!(stop_signal()?);
    let address = read_server(&options.address)?;
    let mut zones = Vec::new();
    for file in &options.zone {
        zones.push(read(file)?);
    }
    if zones.is_empty() {
        zones.push(Zone::read(EXAMPLE)?);
    }
    let names: Vec<String> = zones
        .iter()
        .map(|zone| {
            let name = show::name(&zone.origin);
            format!("{name} ({} records)", zone.records)
        })
        .collect();
    let server = Server::bind(zones, address).await?;
    say(format_args!(
        "Serving {}, by UDP and TCP, ready at {}",
        names.join(", "),
        server.address()?
    ))?;
    server.serve(stop, options.exit_when_idle).await;
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Zone> {
    let name = file.display();
    let text = std::fs::read(file)
        .with_context(|| format!("cannot read {name}; give a zone file"))?;
    let text = String::from_utf8(text).map_err(|_| {
        anyhow!("{name} is no text; write other bytes as \\DDD")
    })?;
    Zone::read(&text).map_err(|error| {
        anyhow!("{name}, {error}; mend that line and start again")
    })
}
