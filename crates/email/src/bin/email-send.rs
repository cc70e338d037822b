//! Writes a letter and hands it to a server. Its partner is email-server.
//!
//! cargo run --bin email-send [smtps://HOST:PORT] [--attach FILE]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use email::{Draft, Server, Trust, finish, is_legal, printable, read};
use email::{say, seconds, warn};

/// Sends a letter
#[derive(Parser)]
struct Options {
    /// Where the server is: smtps:// for TLS, smtp:// without it
    #[arg(env = "SMTP_URL", hide_env_values = true)]
    #[arg(default_value = "smtp://127.0.0.1:2525")]
    url: String,
    #[command(flatten)]
    draft: Draft,
    /// The only certificate to trust, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Trust any certificate: whoever is on the way can read along
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
    /// Seconds that the server may take for each step
    #[arg(long, default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("email-send", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let server: Server = options.url.parse()?;
    let message = options.draft.compose().context("cannot write the letter")?;
    let letter = message.formatted();
    is_legal(&letter)
        .map_err(|why| anyhow!("cannot write the letter: {why}"))?;
    let trust = match (&options.ca, options.insecure) {
        (Some(file), _) => Trust::Only(read(file)?),
        (None, true) => {
            warn("email-send: the server's certificate is not checked");
            Trust::Anybody
        }
        (None, false) => Trust::Public,
    };
    let envelope = message.envelope();
    for to in envelope.to() {
        say(format_args!(
            "Send: {} to {to}",
            printable(&options.draft.subject)
        ))?;
    }
    let sent = server
        .send(envelope, &letter, &trust, options.timeout)
        .await;
    let reply = sent.with_context(|| format!("cannot send by {server}"))?;
    say(format_args!("The server has it: {}", reply.code()))?;
    Ok(())
}
