//! Gives a folder away by FTP, and takes files into it, until Ctrl-C. Its
//! partner is ftp-client.
//!
//! cargo run --bin ftp-server [HOST:PORT] [--root DIR]

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Parser;
use ftp::{Rules, certificate, finish, printable, say, serve, stop_signal};
use tokio::net::TcpListener;

/// Gives a folder away, and takes files into it
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:2121")]
    address: String,
    /// The folder, made if it is missing; whoever comes in can read, write
    /// and delete all of it
    #[arg(long, value_name = "DIR", default_value = "public")]
    root: PathBuf,
    /// The only one who may come in, instead of anybody
    #[arg(long, value_name = "NAME:PASSWORD")]
    #[arg(env = "FTP_USER", hide_env_values = true)]
    user: Option<String>,
    /// What PASV tells, if clients see the server at another address
    #[arg(long, value_name = "ADDRESS")]
    announce: Option<Ipv4Addr>,
    /// Insist on TLS, and write the certificate, made now for localhost, here
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

/// Done here, because clap would show what it does not take.
fn login(text: &str) -> anyhow::Result<(String, String)> {
    let login = text.split_once(':');
    let (name, password) =
        login.context("--user or FTP_USER: write it as NAME:PASSWORD")?;
    Ok((name.to_owned(), password.to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("ftp-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let user = options.user.as_deref().map(login).transpose()?;
    let shown = printable(options.root.as_os_str().as_encoded_bytes());
    let what = || format!("cannot give away {shown}; choose with --root");
    std::fs::create_dir_all(&options.root).with_context(what)?;
    let mut identity = None;
    if let Some(file) = &options.certificate {
        let (pem, made) = certificate("localhost")?;
        std::fs::write(file, pem).context("cannot write the certificate")?;
        identity = Some(made);
    }
    let address = &options.address;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        anyhow!("cannot listen at {address}: {error}; give another address")
    })?;
    say(format_args!(
        "FTP server ready at {}",
        listener.local_addr()?
    ))?;
    let rules = Rules {
        root: options.root,
        user,
        announce: options.announce,
        identity,
    };
    serve(rules, listener, stop).await;
    Ok(())
}
