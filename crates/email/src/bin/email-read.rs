// ANCHOR: all
//! Shows letters: who they are from, what they consist of, what they say, and
//! saves what is attached. It reads what email-server has kept.
//!
//! cargo run --bin email-read DIR_OR_FILE [--save DIR]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use email::{Letter, Part, finish, printable, say};

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

/// The files of a folder, oldest names first.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = folder.display();
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot read {shown}: is this a Maildir?"))?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn show(file: &Path, options: &Options) -> anyhow::Result<()> {
    let name = file.display();
    let size = fs::metadata(file)
        .with_context(|| format!("cannot read {name}"))?
        .len();
    ensure!(size <= MAX_FILE, "{name} is too large for a letter");
    let raw = fs::read(file).with_context(|| format!("cannot read {name}"))?;
    let letter = Letter::parse(&raw);
    for field in ["From", "To", "Cc"] {
        let people: Vec<String> = letter
            .addresses(field)
            .into_iter()
            .map(|(name, address)| match name.is_empty() {
                true => address,
                false => format!("{name} <{address}>"),
            })
            .collect();
        if !people.is_empty() {
            say(format_args!("{field}: {}", printable(people.join(", "))))?;
        }
    }
    say(format_args!(
        "Subject: {}",
        printable(letter.subject().unwrap_or_default())
    ))?;
    match letter.date() {
        Some(Some(date)) => say(format_args!("Date: {}", date.to_rfc3339()))?,
        Some(None) => say("Date: there is no such day or time")?,
        None => {}
    }
    let envelope = letter.texts("Return-Path");
    if let Some(from) = envelope.first() {
        let to = letter.texts("Delivered-To").join(", ");
        say(format_args!(
            "Envelope: from <{}> to {}",
            printable(from),
            printable(&to)
        ))?;
    }
    for part in &letter.parts {
        let indent = "  ".repeat(part.depth + 1);
        let name = part
            .name
            .as_deref()
            .map(|name| format!(" \"{}\"", printable(name)));
        let name = name.unwrap_or_default();
        say(format_args!("{indent}{}{name}", printable(&part.kind)))?;
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

// ANCHOR: name
/// A name for a file in the folder, whatever the letter's writer had in mind:
/// only the last part of a path, nothing hidden, nothing that a system
/// understands as something else.
fn file_name(part: &Part, number: usize) -> String {
    let wanted = part.name.as_deref().unwrap_or_default();
    let last = wanted.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last
        .chars()
        .filter(|char| is_shown(*char))
        .map(|char| {
            if r#"<>:"|?*"#.contains(char) {
                '_'
            } else {
                char
            }
        })
        .take(100)
        .collect();
    name = name.trim_matches(['.', ' ']).to_owned();
    let stem = name.split('.').next().unwrap_or_default().to_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && matches!(stem.get(..3), Some("COM" | "LPT")));
    if name.is_empty() || device {
        name = format!("attachment-{number}");
    }
    name
}

/// Neither a control character nor one that turns the reading direction.
fn is_shown(char: char) -> bool {
    !printable(char.to_string()).starts_with('\\')
}

/// Writes a new file; what is there already stays as it is.
fn save(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<String> {
    fs::create_dir_all(folder)?;
    for number in 1..1000 {
        let name = match number {
            1 => name.to_owned(),
            _ => format!("{number}-{name}"),
        };
        match fs::File::create_new(folder.join(&name)) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                return Ok(name);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            }
            Err(error) => {
                return Err(error).context(format!("cannot save {name}"));
            }
        }
    }
    bail!("there are 999 files called {name} already")
}
// ANCHOR_END: name
// ANCHOR_END: all
