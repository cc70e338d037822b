//! The file in which lines are collected.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use zeromq::{ZmqMessage, ZmqResult};

use crate::{LogLine, cause, printable, say, warn};

/// The file, and what came of the messages.
pub struct Collected {
    path: PathBuf,
    file: BufWriter<File>,
    longest: usize,
    show: bool,
    pub count: u64,
    pub skipped: u64,
}

impl Collected {
    /// A line may have `longest` bytes; `show` prints each, too.
    pub fn open(path: &Path, longest: u32, show: bool) -> anyhow::Result<Self> {
        let opened = OpenOptions::new().append(true).create(true).open(path);
        let file = opened.map_err(|error| cannot("open", path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            longest: longest.try_into().unwrap_or(usize::MAX),
            show,
            count: 0,
            skipped: 0,
        })
    }

    /// Appends the line that a message is, or skips the message.
    pub fn append(
        &mut self,
        received: ZmqResult<ZmqMessage>,
    ) -> anyhow::Result<()> {
        let message = match received {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!("a peer broke off: {}", cause(&error));
                return Ok(());
            }
        };
        let LogLine { name, text } = match LogLine::read(&message, self.longest)
        {
            Ok(line) => line,
            Err(why) => {
                self.skipped += 1;
                warn(format_args!("zmq-log-collector: message skipped: {why}"));
                return Ok(());
            }
        };
        // Escaped, whatever a program says is one line.
        let line = format!("{}: {}", printable(name), printable(text));
        if self.show {
            say(&line)?;
        }
        self.count += 1;
        let written = writeln!(self.file, "{line}");
        written.map_err(|error| cannot("write to", &self.path, &error))
    }

    /// Hands all lines to the system.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        let flushed = self.file.flush();
        flushed.map_err(|error| cannot("write to", &self.path, &error))
    }
}

/// Why the file cannot be used, and what to do.
fn cannot(what: &str, path: &Path, error: &io::Error) -> anyhow::Error {
    use io::ErrorKind::*;
    let advice = match error.kind() {
        IsADirectory => "; give a file in it (see --to)",
        NotFound => "; make its folder first",
        PermissionDenied => "; give a file that you may write to (see --to)",
        StorageFull => "; make room, and start this again",
        _ => "",
    };
    let path = path.display();
    anyhow!("cannot {what} {path}: {}{advice}", error.kind())
}
