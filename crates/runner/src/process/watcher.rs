//! A second process, which ends what the runner leaves behind when it is killed
//! and can do nothing itself.
//!
//! The runner tells it through a pipe what is there. Each child reports itself
//! before it becomes its program, so there is no moment at which it is unknown.
//! The pipe is closed when the runner is gone, however it ended.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use nix::unistd::{ForkResult, close, fork, setsid};

use super::{Alive, clean_up};

static TO_WATCHER: OnceLock<PipeWriter> = OnceLock::new();

/// A message is one of these, four bytes, and for a folder its path.
const LEADER: u8 = b'L';
const MEMBER: u8 = b'M';
const ENDED: u8 = b'E';
const FOLDER: u8 = b'F';
const REMOVED: u8 = b'R';
/// The child that reported itself last, and did not become a program.
const NEVER_WAS: u32 = 0;

/// Call it while this process has one thread.
pub fn start() -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    // SAFETY: with one thread, the child may do whatever this process may.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => {
            let _ = TO_WATCHER.set(writer);
            Ok(())
        }
        ForkResult::Child => {
            drop(writer);
            // Neither this terminal nor its signals are for it, and nobody is
            // to wait for the end of its output.
            let _ = setsid();
            for standard in 0..3 {
                let _ = close(standard);
            }
            clean_up(watch(reader));
            std::process::exit(0)
        }
    }
}

/// Takes down what is there until the runner is gone.
fn watch(mut reader: PipeReader) -> Alive {
    let mut alive = Alive::default();
    let mut head = [0; 5];
    let mut last = NEVER_WAS;
    while reader.read_exact(&mut head).is_ok() {
        let number = u32::from_ne_bytes([head[1], head[2], head[3], head[4]]);
        let mut path = Vec::new();
        if matches!(head[0], FOLDER | REMOVED) {
            path.resize(usize::try_from(number).unwrap_or(0), 0);
            if reader.read_exact(&mut path).is_err() {
                break;
            }
        }
        let path = Path::new(OsStr::from_bytes(&path));
        match head[0] {
            LEADER | MEMBER => {
                last = number;
                alive.children.insert(number, head[0] == LEADER);
            }
            ENDED => {
                let number = if number == NEVER_WAS { last } else { number };
                alive.children.remove(&number);
            }
            FOLDER => {
                alive.folders.insert(path.to_owned());
            }
            _ => {
                alive.folders.remove(path);
            }
        }
    }
    alive
}

fn message(tag: u8, number: u32) -> [u8; 5] {
    let [one, two, three, four] = number.to_ne_bytes();
    [tag, one, two, three, four]
}

/// Has a child report itself.
pub fn register(command: &mut Command, leads: bool) {
    let Some(pipe) = TO_WATCHER.get().map(AsRawFd::as_raw_fd) else {
        return;
    };
    let report = move || {
        let tag = if leads { LEADER } else { MEMBER };
        write_all(pipe, &message(tag, std::process::id()))
    };
    // SAFETY: between fork and exec it makes two system calls, getpid and
    // write, both of which may be made there. The pipe is still open: only exec
    // closes it.
    unsafe {
        command.pre_exec(report);
    }
}

/// The last child was none: there is no such program.
pub fn never_was() {
    ended(NEVER_WAS);
}

fn write_all(pipe: RawFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the pipe is open as long as the runner lives, in its children
    // until they are another program; and it is not closed by this value.
    let mut file = std::mem::ManuallyDrop::new(unsafe {
        <File as std::os::fd::FromRawFd>::from_raw_fd(pipe)
    });
    file.write_all(bytes)
}

/// A child was waited for: its number may soon be another's.
pub fn ended(id: u32) {
    tell(&message(ENDED, id));
}

/// A folder is about to be made, or was removed.
pub fn folder(path: &Path, there: bool) {
    let path = path.as_os_str().as_bytes();
    let tag = if there { FOLDER } else { REMOVED };
    let length = u32::try_from(path.len()).unwrap_or(0);
    tell(&[&message(tag, length), path].concat());
}

fn tell(message: &[u8]) {
    if let Some(mut pipe) = TO_WATCHER.get() {
        // Less than a pipe takes in one piece. If the watcher was killed,
        // the runner does without.
        let _ = pipe.write_all(message);
    }
}
