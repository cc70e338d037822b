//! What the tests share: files with cases, and programs that are running.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// No program takes longer to say something, however busy the machine is.
const WITHIN: Duration = Duration::from_secs(30);

/// The sections of a file with cases: their names and their lines.
pub fn sections(file: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found = Vec::new();
    for section in file.split("\n=== ").skip(1) {
        let mut lines = section.lines();
        let name = lines.next().expect("a name");
        found.push((name, lines.collect()));
    }
    assert!(found.len() > 10, "there are cases");
    found
}

/// The bytes that a text with `\r`, `\n`, `\t`, `\0` and `\xNN` stands for.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let (b'\\', [kind, after @ ..]) = (first, after) else {
            out.push(*first);
            continue;
        };
        rest = after;
        out.push(match kind {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'x' => {
                let (hex, after) = rest.split_at(2);
                rest = after;
                let hex = std::str::from_utf8(hex).expect("two digits");
                u8::from_str_radix(hex, 16).expect("hexadecimal")
            }
            other => *other,
        });
    }
    out
}

/// A folder of its own, removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("email-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// The letters in its Maildir, in the order of their names.
    pub fn letters(&self) -> Vec<Vec<u8>> {
        files(&self.0.join("mail/new"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> =
        entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("a file"))
        .collect()
}

/// A program that said that it is ready. It is killed in the end.
pub struct Running {
    pub child: Child,
    /// Its first line.
    pub ready: String,
    /// The others, as they come.
    lines: Receiver<String>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.next().expect("a line").expect("text");
        // Read on, so that it never waits for us.
        let (sender, others) = mpsc::channel();
        std::thread::spawn(move || {
            let sent = lines.map_while(Result::ok);
            let _ = sent.map(|line| sender.send(line)).all(|sent| sent.is_ok());
        });
        Self {
            child,
            ready,
            lines: others,
        }
    }

    /// Waits for a line with this text.
    pub fn until(&self, text: &str) {
        let line = || self.lines.recv_timeout(WITHIN).ok();
        let found = std::iter::from_fn(line).any(|line| line.contains(text));
        assert!(found, "it never says '{text}'");
    }

    /// email-server with a Maildir in the folder, and these options.
    pub fn server(folder: &Folder, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_email-server"));
        command.args(["127.0.0.1:0", "--maildir", &folder.path("mail")]);
        Self::start(command.args(options))
    }

    /// The addresses in its first line.
    pub fn address(&self, index: usize) -> String {
        let words = self.ready.split([' ', ',']);
        let mut addresses = words.filter(|word| word.contains("127.0.0.1:"));
        addresses.nth(index).expect("an address").to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many random inputs a test tries.
pub fn inputs(variable: &str, usual: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.map_or(usual, |text| text.parse().expect("a number"))
}
