//! Takes letters by SMTP into a Maildir, until Ctrl-C. Its partner is
//! email-send; email-read shows the letters.
//!
//! cargo run --bin email-server [HOST:PORT] [--maildir DIR]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use email::{Maildir, Post, Rules, certificate, listen, serve, serve_both};
use email::{finish, say, seconds, stop_signal};

/// Takes letters into a Maildir
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:2525")]
    address: String,
    /// Where the letters go
    #[arg(long, value_name = "DIR", default_value = "mail")]
    maildir: PathBuf,
    /// Offer TLS, and write the certificate, made now for localhost, here
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Listen here, too, for TLS from the first byte
    #[arg(long, value_name = "ADDRESS", requires = "certificate")]
    tls: Option<String>,
    /// Take letters from this user only, NAME:PASSWORD
    #[arg(long, env = "SMTP_USER", hide_env_values = true)]
    #[arg(requires = "certificate")]
    user: Option<String>,
    /// Bytes of the largest letter
    #[arg(long, value_name = "BYTES", default_value = "10485760")]
    max_size: usize,
    /// Seconds that a client may take for each command
    #[arg(long, default_value = "300", value_parser = seconds)]
    patience: Duration,
}

/// Done here, because clap would show what it does not take.
fn login(text: &str) -> anyhow::Result<(String, String)> {
    let login = text.split_once(':');
    let (name, password) =
        login.context("--user or SMTP_USER: write it as NAME:PASSWORD")?;
    Ok((name.to_owned(), password.to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("email-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let login = options.user.as_deref().map(login).transpose()?;
    let folder = options.maildir.display();
    let maildir = Maildir::create(&options.maildir)
        .with_context(|| format!("cannot keep letters in {folder}"))?;
    let mut tls = None;
    if let Some(file) = &options.certificate {
        let (pem, acceptor) = certificate("localhost")?;
        std::fs::write(file, pem)
            .with_context(|| format!("cannot write {}", file.display()))?;
        tls = Some(acceptor);
    }
    let rules = Rules {
        name: "localhost".into(),
        max_size: options.max_size,
        tls: tls.is_some(),
        login,
    };
    let post = Arc::new(Post {
        rules: Arc::new(rules),
        maildir,
        tls,
        patience: options.patience,
    });
    let listener = listen(&options.address).await?;
    let address = listener.local_addr()?;
    let Some(second) = &options.tls else {
        say(format_args!("Mail server ready at {address}"))?;
        serve(post, listener, false, stop).await;
        return Ok(());
    };
    let tls_listener = listen(second).await?;
    let tls_address = tls_listener.local_addr()?;
    say(format_args!(
        "Mail server ready at {address}, by TLS at {tls_address}"
    ))?;
    serve_both(post, listener, tls_listener, stop).await;
    Ok(())
}
