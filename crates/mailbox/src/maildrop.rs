// ANCHOR: all
//! A Maildir as POP3 sees it: the letters that are there when the session
//! begins, in one order, with their sizes and names
//! (<https://cr.yp.to/proto/maildir.html>).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::dots::Dots;

/// RFC 1939, 7: an id has no more bytes.
const LONGEST_ID: usize = 70;

/// What a session says of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Bytes, as they are sent, without the dots put before them.
    pub size: u64,
    /// The same in every session, and of no other letter.
    pub id: String,
}

/// A letter's name without flags, and where it is.
type Place = (OsString, PathBuf);

/// The letters of one session. Their numbers are their places here, plus one.
#[derive(Debug)]
pub struct Maildrop {
    folder: PathBuf,
    /// Where they were at first.
    places: Vec<Place>,
    pub letters: Vec<Letter>,
}

impl Maildrop {
    /// Looks what is in the Maildir, and measures each letter, as long as that
    /// is wanted.
    pub fn open(
        folder: &Path,
        is_wanted: impl Fn() -> bool,
    ) -> io::Result<Self> {
        let mut found = BTreeMap::new();
        for part in ["new", "cur"] {
            found.extend(files(&folder.join(part))?);
        }
        let mut drop = Self {
            folder: folder.to_owned(),
            places: Vec::new(),
            letters: Vec::new(),
        };
        for place in found {
            let path = drop.find(&place);
            let size = match path.and_then(|path| measure(&path, &is_wanted)) {
                Ok(size) => size,
                // Somebody has removed it just now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            let id = id(place.0.as_encoded_bytes());
            drop.places.push(place);
            drop.letters.push(Letter { size, id });
        }
        Ok(drop)
    }

    /// Where a letter is now.
    pub fn path(&self, index: usize) -> io::Result<PathBuf> {
        let place = self.places.get(index);
        self.find(place.ok_or(io::ErrorKind::NotFound)?)
    }

    /// Removes a letter. One that is gone already is no error.
    pub fn remove(&self, index: usize) -> io::Result<()> {
        let removed = self.path(index).and_then(fs::remove_file);
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    // ANCHOR: find
    /// Other programs move letters from `new` to `cur`, and write flags behind
    /// a colon in their names. What stands before it stays.
    fn find(&self, (wanted, at_first): &Place) -> io::Result<PathBuf> {
        // A link could lead out of the Maildir.
        if fs::symlink_metadata(at_first).is_ok_and(|about| about.is_file()) {
            return Ok(at_first.clone());
        }
        let mut files = files(&self.folder.join("cur"))?.into_iter();
        let found = files.find(|(name, _)| name == wanted);
        found.map_or(Err(io::ErrorKind::NotFound.into()), |(_, path)| Ok(path))
    }
    // ANCHOR_END: find
}

/// The files of a folder that are letters: their names without flags, and
/// where they are. A folder that is not there holds none.
fn files(folder: &Path) -> io::Result<Vec<Place>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b".") || !entry.file_type()?.is_file() {
            continue;
        }
        found.push((without_flags(&name), entry.path()));
    }
    Ok(found)
}

fn without_flags(name: &OsStr) -> OsString {
    let text = name.to_string_lossy();
    match text.split_once(':') {
        // A name that is not UTF-8 is taken as it is.
        Some((unique, _)) if name.to_str().is_some() => unique.into(),
        _ => name.to_owned(),
    }
}

fn measure(path: &Path, is_wanted: impl Fn() -> bool) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let (mut dots, mut out) = (Dots::new(None), Vec::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            dots.end(&mut out);
            return Ok(dots.size);
        }
        dots.push(&buffer[..length], &mut out);
        out.clear();
        if !is_wanted() {
            return Err(io::ErrorKind::Other.into());
        }
    }
}

/// The name, if RFC 1939 allows it as an id, or else its FNV-1a hash.
fn id(name: &[u8]) -> String {
    let legal = (1..=LONGEST_ID).contains(&name.len())
        && name.iter().all(u8::is_ascii_graphic);
    if legal {
        return String::from_utf8_lossy(name).into_owned();
    }
    let hash = name.iter().fold(
        0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128,
        |hash, byte| {
            (hash ^ u128::from(*byte))
                .wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        },
    );
    format!("{hash:032x}")
}
// ANCHOR_END: all
