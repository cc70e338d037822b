//! Connects a socket of each type to a socket of each type and prints which
//! of them come to terms.
//!
//! cargo run --bin zmq-pairs [--with FOLDER]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use zmq_transports::{KINDS, finish, say, seconds, stop_signal};

/// Tries which types of sockets can be connected to which
#[derive(Parser)]
struct Options {
    /// Connect to what somebody else has bound in this folder: one socket of
    /// each type, at ipc://FOLDER/REQ and so on [default: our own, over TCP]
    #[arg(long, value_name = "FOLDER")]
    with: Option<PathBuf>,
    /// Seconds to wait for each of the sockets
    #[arg(long, default_value = "5", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-pairs", run(&Options::parse()).await)
}

async fn run(options: &Options) -> Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = try_all(options) => result,
    }
}

async fn try_all(options: &Options) -> Result<()> {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    say(format_args!("bound   {}", names.join(" ")))?;
    let mut count = 0;
    for bound in &KINDS {
        // The socket stays bound for as long as it is kept.
        let (place, _kept) = match &options.with {
            None => (bound.bind)().await?,
            Some(folder) => {
                let path = folder.join(bound.name);
                (format!("ipc://{}", path.display()), Box::new(()) as _)
            }
        };
        let mut row = format!("{:7}", bound.name);
        for kind in &KINDS {
            let fits = (kind.fits)(place.clone(), options.timeout).await?;
            let width = kind.name.len();
            let mark = if fits { "yes" } else { "-" };
            row.push_str(&format!(" {mark:^width$}"));
            count += u32::from(fits);
        }
        say(row.trim_end())?;
    }
    say(format_args!("{count} of 100 pairs come to terms"))?;
    Ok(())
}
