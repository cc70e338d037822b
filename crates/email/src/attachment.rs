// ANCHOR: all
//! What is attached, as a file.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, bail};

use crate::{Part, printable};

// ANCHOR: name
/// A name for a file in the folder, whatever the letter's writer had in mind:
/// only the last part of a path, nothing hidden, nothing that a system
/// understands as something else.
pub fn file_name(part: &Part, number: usize) -> String {
    let wanted = part.name.as_deref().unwrap_or_default();
    let last = wanted.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last
        .chars()
        .filter(|char| is_shown(*char))
        .map(|char| match r#"<>:"|?*"#.contains(char) {
            true => '_',
            false => char,
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
// ANCHOR_END: name

/// Neither a control character nor one that turns the reading direction.
fn is_shown(char: char) -> bool {
    !printable(char.to_string()).starts_with('\\')
}

// ANCHOR: save
/// Writes a new file; what is there already stays as it is.
pub fn save(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<String> {
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
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).context(format!("cannot save {name}"));
            }
        }
    }
    bail!("there are 999 files called {name} already")
}
// ANCHOR_END: save
// ANCHOR_END: all
