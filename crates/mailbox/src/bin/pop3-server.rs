//! Serves the letters of a Maildir by POP3, until Ctrl-C. Its partner is
//! pop3-client.
//!
//! cargo run --bin pop3-server [HOST:PORT] [--maildir DIR]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use mailbox::{Mailbox, finish, furnish, log, say, serve, stop_signal};
use tokio::net::TcpListener;

/// For each command. RFC 1939 wants ten minutes at least.
const PATIENCE: Duration = Duration::from_secs(600);
/// Strangers take a place from others.
const LOGIN_WITHIN: Duration = Duration::from_secs(60);

/// Serves the letters of a Maildir
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:1100")]
    address: String,
    /// Where the letters are; a folder that is not there is made, with three
    #[arg(long, value_name = "DIR", default_value = "mail")]
    maildir: PathBuf,
    /// Who may come in, NAME:PASSWORD
    #[arg(long, env = "POP3_USER", hide_env_values = true)]
    #[arg(default_value = "bob:secret")]
    user: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("pop3-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let stop = stop_signal()?;
    // clap would show what it does not take.
    let user = options.user.split_once(':');
    let (user, password) =
        user.context("--user or POP3_USER: write it as NAME:PASSWORD")?;
    let (folder, address) = (options.maildir, &options.address);
    let shown = folder.display();
    furnish(&folder).with_context(|| format!("cannot make {shown}"))?;
    folder.join("new").read_dir().with_context(|| {
        format!("{shown} is no Maildir: a folder 'new' must be in it")
    })?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        anyhow!("cannot listen at {address}: {error}; give another address")
    })?;
    say(format_args!(
        "POP3 server ready at {}",
        listener.local_addr()?
    ))?;
    let mailbox = Mailbox {
        folder,
        user: user.to_owned(),
        password: password.to_owned(),
        login_within: LOGIN_WITHIN,
        patience: PATIENCE,
        lock: Arc::default(),
    };
    serve(Arc::new(mailbox), listener, stop).await;
    Ok(())
}
