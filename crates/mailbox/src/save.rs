// ANCHOR: all
//! Letters on this side: listed, and saved on its disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::words::printable;

// ANCHOR: save
/// Keeps a letter as a file of this folder. When this returns, it is on the
/// disk as a whole; before that no file has its name.
pub fn save(folder: &Path, id: &str, letter: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(".unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(letter)?;
    file.sync_all()?;
    fs::rename(unfinished, place(folder, id))?;
    // Its name must be on the disk, too. Windows has no such call.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}
// ANCHOR_END: save

/// The file for a letter with this id. The server chooses ids: they must not
/// lead out of the folder.
pub fn place(folder: &Path, id: &str) -> PathBuf {
    let mut name = String::new();
    for byte in id.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_=,".contains(&byte);
        if plain || (byte == b'.' && !name.is_empty()) {
            name.push(char::from(byte));
        } else {
            name += &format!("%{byte:02X}");
        }
    }
    folder.join(name)
}

/// The subject in a letter's header, on one line. What is encoded (RFC 2047)
/// stays so.
pub fn subject(letter: &[u8]) -> String {
    let mut subject = Vec::new();
    let mut is_in = false;
    for line in letter.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let goes_on = line.starts_with(b" ") || line.starts_with(b"\t");
        let (name, value) = line.split_at(line.len().min(8));
        if is_in && goes_on {
            subject.extend(line);
        } else if name.eq_ignore_ascii_case(b"subject:") && subject.is_empty() {
            subject.extend(value);
            is_in = true;
            continue;
        }
        is_in &= goes_on;
    }
    printable(subject.trim_ascii())
}
// ANCHOR_END: all

#[cfg(test)]
mod tests {
    use super::{place, subject};
    use std::path::Path;

    #[test]
    fn no_id_leads_out_of_the_folder() {
        let folder = Path::new("mail");
        for (id, name) in [
            ("1700000001.desk", "1700000001.desk"),
            ("../../x", "%2E.%2F..%2Fx"),
            ("..", "%2E."),
            ("a:b", "a%3Ab"),
            ("C:\\x", "C%3A%5Cx"),
        ] {
            assert_eq!(place(folder, id), folder.join(name));
            assert_eq!(place(folder, id).parent(), Some(folder));
        }
    }

    #[test]
    fn a_subject_is_one_line_wherever_it_stands() {
        for (letter, expected) in [
            ("Subject: a hat\r\n\r\nSubject: no", "a hat"),
            (
                "From: x\r\nSUBJECT: long\r\n and longer\r\n",
                "long and longer",
            ),
            (
                "Subject:\r\n\ton the next\r\nTo: y\r\n z\r\n",
                "on the next",
            ),
            ("Subject: \x1b[2J\r\n", "\\u{1b}[2J"),
            ("From: x\n\nSubject: none", ""),
            ("", ""),
        ] {
            assert_eq!(subject(letter.as_bytes()), expected);
        }
    }
}
