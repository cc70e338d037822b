// ANCHOR: all
//! A Maildir: a folder in which each letter is a file, written in `tmp` and
//! moved to `new` when it is whole (<https://cr.yp.to/proto/maildir.html>).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

#[derive(Debug)]
pub struct Maildir(PathBuf);

impl Maildir {
    /// The Maildir in this folder, made if it is not there.
    pub fn create(folder: &Path) -> io::Result<Self> {
        for name in ["tmp", "new", "cur"] {
            fs::create_dir_all(folder.join(name))?;
        }
        sync_folder(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// Begins a letter, in `tmp`.
    pub async fn begin(&self) -> io::Result<Incoming> {
        let name = unique_name();
        let tmp = self.0.join("tmp").join(&name);
        let file = File::create_new(&tmp).await?;
        let new = self.0.join("new").join(name);
        Ok(Incoming {
            file,
            tmp: Remove(tmp),
            new,
        })
    }
}

/// The files of a folder, oldest names first.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
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

/// A letter that is being written. Unless it is kept, nothing of it stays.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    tmp: Remove,
    new: PathBuf,
}

impl Incoming {
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    // ANCHOR: keep
    /// Moves it to `new`. When this returns, the letter is on the disk: both
    /// what it says and where it is. Before that it is not there at all.
    pub async fn keep(mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        tokio::fs::rename(&self.tmp.0, &self.new).await?;
        let folder = self.new.parent().map(Path::to_owned);
        let folder = folder.unwrap_or_default();
        tokio::task::spawn_blocking(move || sync_folder(&folder)).await?
    }
    // ANCHOR_END: keep
}

/// Removes a file in the end. After the move there is none.
#[derive(Debug)]
struct Remove(PathBuf);

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A name that no other file has: the time, this process, and a number.
fn unique_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.unwrap_or_default();
    let (seconds, micros) = (time.as_secs(), time.subsec_micros());
    let process = std::process::id();
    format!("{seconds}.M{micros:06}P{process}Q{number}.localhost")
}

/// Names are written to the disk by themselves. Windows has no such call.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
// ANCHOR_END: all
