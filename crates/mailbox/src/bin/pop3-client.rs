// ANCHOR: all
//! Lists the letters of a mailbox by POP3, and collects them. Its partner is
//! pop3-server.
//!
//! cargo run --bin pop3-client [pop3://USER:PASSWORD@HOST:PORT] [--save DIR]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use mailbox::{Account, LARGEST, Pop3};
use mailbox::{finish, place, printable, save, say, seconds, subject};

/// Lists the letters of a mailbox, or collects them
#[derive(Parser)]
struct Options {
    /// Where the mailbox is; without a user it is bob's, who has a known
    /// password
    #[arg(env = "POP3_URL", hide_env_values = true)]
    #[arg(default_value = "pop3://127.0.0.1:1100")]
    url: String,
    /// Save the letters that are not there yet in this folder, which is for
    /// this mailbox only
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Delete at the server what is saved here
    #[arg(long, requires = "save")]
    delete: bool,
    /// Seconds that the server may take for each step
    #[arg(long, default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("pop3-client", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let account = Account::read(&options.url, "pop3", 110)?;
    let collected = collect(&account, &options).await;
    collected.with_context(|| account.to_string())
}

async fn collect(account: &Account, options: &Options) -> anyhow::Result<()> {
    let mut mailbox = Pop3::open(account, options.timeout).await?;
    let letters = mailbox.list().await?;
    say(format_args!("Letters: {}", letters.len()))?;
    let mut deleted = 0;
    for letter in letters {
        let number = letter.number;
        let header = mailbox.header(number).await?;
        say(format_args!(
            "{number}: {}, {} bytes, {}",
            printable(&letter.id),
            letter.size,
            subject(&header)
        ))?;
        let Some(folder) = &options.save else {
            continue;
        };
        if letter.size > LARGEST as u64 {
            say(format_args!("Too large, left there: letter {number}"))?;
            continue;
        }
        // ANCHOR: collect
        if place(folder, &letter.id).is_file() {
            say(format_args!("Here already: letter {number}"))?;
        } else {
            say(format_args!("Fetch: letter {number}"))?;
            let text = mailbox.retrieve(number).await?;
            std::fs::create_dir_all(folder)
                .and_then(|()| save(folder, &letter.id, &text))
                .with_context(|| format!("cannot save letter {number}"))?;
        }
        // Only now, when it is on this disk.
        if options.delete {
            say(format_args!("Delete: letter {number}"))?;
            mailbox.delete(number).await?;
            deleted += 1;
        }
        // ANCHOR_END: collect
    }
    mailbox.quit().await?;
    if deleted > 0 {
        say(format_args!("The server has deleted {deleted}"))?;
    }
    Ok(())
}
// ANCHOR_END: all
