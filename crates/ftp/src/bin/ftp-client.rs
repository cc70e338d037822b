//! Lists, gets and puts files by FTP. Its partner is ftp-server.
//!
//! cargo run --bin ftp-client [ftp://HOST:PORT] list|get|put

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use ftp::{Client, Place, bar, finish, printable, say, seconds, trust};

/// Lists, gets and puts files
#[derive(Parser)]
struct Options {
    /// Where the server is; a user and a password may stand before the host
    #[arg(env = "FTP_URL", hide_env_values = true)]
    #[arg(default_value = "ftp://127.0.0.1:2121")]
    url: String,
    /// Seconds that the server may take for each step
    #[arg(long, global = true, default_value = "30", value_parser = seconds)]
    timeout: Duration,
    /// Go on where an earlier transfer ended; the file must be the same
    #[arg(long, global = true)]
    resume: bool,
    /// Speak TLS, and trust only the certificate in this file (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Prints what a folder holds
    List { folder: Option<String> },
    /// Gets a file into this folder
    Get { name: String },
    /// Puts a file there, under its own name or another
    Put { file: PathBuf, name: Option<String> },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("ftp-client", run(Options::parse()).await)
}

async fn run(options: Options) -> Result<()> {
    let place: Place = options.url.parse()?;
    let what = match &options.job {
        Job::List { .. } => "list",
        Job::Get { .. } => "get",
        Job::Put { .. } => "put",
    };
    let job = work(&options, &place).await;
    job.with_context(|| format!("{what} at {place}"))
}

async fn work(options: &Options, place: &Place) -> Result<()> {
    let trust = options.ca.as_deref().map(trust).transpose()?;
    let mut client = Client::connect(place, options.timeout, trust).await?;
    let mut bar = bar();
    match &options.job {
        Job::List { folder } => {
            for entry in client.list(folder.as_deref()).await? {
                let size = entry.size.map(|size| format!(": {size} bytes"));
                let name = printable(entry.name);
                say(format_args!("{name}{}", size.unwrap_or_default()))?;
            }
        }
        Job::Get { name } => {
            let file = name.rsplit('/').next().unwrap_or_default();
            say(format_args!("Get: {}", printable(name)))?;
            let (file, resume) = (file.as_ref(), options.resume);
            let length = client.get(name, file, resume, &mut bar).await?;
            say(format_args!("It is here: {length} bytes"))?;
        }
        Job::Put { file, name } => {
            let own = file.file_name().and_then(|name| name.to_str());
            let name = name.as_deref().or(own).context("give it a name")?;
            say(format_args!("Put: {}", printable(name)))?;
            let resume = options.resume;
            let length = client.put(file, name, resume, &mut bar).await?;
            say(format_args!("It is there: {length} bytes"))?;
        }
    }
    client.quit().await;
    Ok(())
}
