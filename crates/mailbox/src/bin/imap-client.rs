//! Lists, reads and marks the letters of a mailbox by IMAP, which stay at the
//! server. Its partner is any IMAP server, such as dovecot.
//!
//! cargo run --bin imap-client [imap://USER:PASSWORD@HOST:PORT] [--search KEYS]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use mailbox::{Account, Imap, finish, printable, say, seconds, subject};

/// Lists, reads and marks the letters of a mailbox
#[derive(Parser)]
struct Options {
    /// Where the mailbox is; without a user it is bob's, who has a known
    /// password
    #[arg(env = "IMAP_URL", hide_env_values = true)]
    #[arg(default_value = "imap://127.0.0.1:1143")]
    url: String,
    /// Which letters to list, such as 'UNSEEN SUBJECT hat'
    #[arg(long, value_name = "KEYS", default_value = "ALL")]
    search: String,
    /// Show this letter
    #[arg(long, value_name = "UID")]
    read: Option<u32>,
    /// Mark this letter as seen
    #[arg(long, value_name = "UID")]
    seen: Option<u32>,
    /// Delete this letter
    #[arg(long, value_name = "UID")]
    delete: Option<u32>,
    /// Seconds that the server may take for each step of the login
    #[arg(long, default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("imap-client", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let account = Account::read(&options.url, "imap", 143)?;
    let done = work(&account, &options).await;
    done.with_context(|| account.to_string())
}

async fn work(account: &Account, options: &Options) -> anyhow::Result<()> {
    let mut mailbox = Imap::open(account, options.timeout).await?;
    if let Some(uid) = options.seen {
        say(format_args!("Mark: UID {uid} as \\Seen"))?;
        mailbox.flag(uid, "\\Seen").await?;
    }
    if let Some(uid) = options.delete {
        say(format_args!("Delete: UID {uid}"))?;
        mailbox.delete(uid).await?;
    }
    if let Some(uid) = options.read {
        say(format_args!("Fetch: UID {uid}"))?;
        let letter = mailbox.read(uid).await?;
        for line in letter.trim_ascii_end().split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            say(format_args!("| {}", printable(line)))?;
        }
        return mailbox.logout().await;
    }
    let uids = mailbox.search(&options.search).await?;
    say(format_args!("Letters found: {}", uids.len()))?;
    for letter in mailbox.headers(&uids).await? {
        say(format_args!(
            "{}: UID {} ({}), {} bytes, {}",
            letter.number,
            letter.uid,
            letter.flags.join(" "),
            letter.size,
            subject(&letter.text)
        ))?;
    }
    mailbox.logout().await
}
