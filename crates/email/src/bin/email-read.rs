//! Shows letters: who they are from, what they consist of, what they say, and
//! saves what is attached. It reads what email-server has kept.
//!
//! cargo run --bin email-read DIR_OR_FILE [--save DIR]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Parser;
use email::{Letter, file_name, files, finish, printable, save, say};

/// A larger file is no letter.
const MAX_FILE: u64 = 64 << 20;

/// Shows letters
#[derive(Parser)]
struct Options {
    /// A Maildir, or a file with one letter
    path: PathBuf,
    /// Save what is attached in this folder
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

fn main() -> ExitCode {
    finish("email-read", run(&Options::parse()))
}

fn run(options: &Options) -> anyhow::Result<()> {
    let path = &options.path;
    let shown = path.display();
    if !path.is_dir() {
        return show(path, options);
    }
    let mut letters = files(&path.join("new"))?;
    letters.extend(files(&path.join("cur"))?);
    for (index, letter) in letters.iter().enumerate() {
        say(format_args!("Letter {} of {}:", index + 1, letters.len()))?;
        show(letter, options)?;
    }
    let unfinished = files(&path.join("tmp"))?.len();
    say(format_args!(
        "In {shown}: {}; not finished: {unfinished}",
        match letters.len() {
            1 => "1 letter".to_owned(),
            many => format!("{many} letters"),
        }
    ))?;
    Ok(())
}

fn show(file: &Path, options: &Options) -> anyhow::Result<()> {
    let name = file.display();
    let size = fs::metadata(file)
        .with_context(|| format!("cannot read {name}"))?
        .len();
    ensure!(size <= MAX_FILE, "{name} is too large for a letter");
    let raw = fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let letter = Letter::parse(&raw);
    for line in letter.summary() {
        say(line)?;
    }
    for line in letter.text().trim_end().lines() {
        say(format_args!("| {}", printable(line)))?;
    }
    let mut number = 0;
    for part in letter.attachments() {
        number += 1;
        let bytes = part.bytes();
        let name = file_name(part, number);
        match &options.save {
            None => {
                say(format_args!("Attached: {name}, {} bytes", bytes.len()))?
            }
            Some(folder) => {
                let saved = save(folder, &name, &bytes)?;
                say(format_args!("Saved: {saved}, {} bytes", bytes.len()))?;
            }
        }
    }
    Ok(())
}
