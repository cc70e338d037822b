//! What the tests share: a Maildir, servers that are running, and servers that
//! keep to a script.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Nobody needs as long to answer.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Letters of every kind: their files, and what is in them.
pub const LETTERS: [(&str, &str); 9] = [
    (
        "cur/1700000001.M1P1.mx.example.com:2,S",
        "Subject: dots\r\n\r\nfirst\r\n.\r\n..\r\n.a\r\nlast\r\n",
    ),
    (
        "new/1700000002.M1P1.mx.example.com",
        "Subject: LF only\n\nfirst\n.\n.b\nlast\n",
    ),
    (
        "cur/1700000003.M1P1.mx.example.com:2,FRS",
        "Subject: no newline at the end\r\n\r\nline\r\n.",
    ),
    (
        "new/1700000004.M1P1.mx.example.com",
        "Subject: header only\r\n",
    ),
    ("cur/1700000005.M1P1.mx.example.com,U=5:2,", "LONG"),
    (
        "cur/1700000006.M1P1.mx.example.com:2,T",
        "Subject: marked T\r\n\r\nt\r\n",
    ),
    // These two are none.
    ("cur/.hidden", "not a letter"),
    (
        "tmp/1700000007.M1P1.mx.example.com",
        "Subject: unfinished\r\n",
    ),
    ("new/.also-hidden", ""),
];

/// A folder of its own, removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mailbox-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        for part in ["mail/new", "mail/cur", "mail/tmp"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        Self(folder)
    }

    /// With the letters above.
    pub fn with_letters() -> Self {
        let folder = Self::new();
        for (name, text) in LETTERS {
            let long = "x".repeat(3000);
            let long = format!("Subject: long\r\n\r\n{long}\r\n");
            folder.put(name, if text == "LONG" { &long } else { text });
        }
        folder
    }

    pub fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.join("mail").join(name), text).expect("a letter");
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// How many letters are in its Maildir.
    pub fn count(&self) -> usize {
        let files = |part: &str| {
            let entries = fs::read_dir(self.0.join(part)).expect("a folder");
            let names = entries.map(|entry| entry.expect("a file").file_name());
            names
                .filter(|name| name.as_encoded_bytes()[0] == b'1')
                .count()
        };
        files("mail/new") + files("mail/cur")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that is ready. It is killed in the end.
pub struct Running {
    pub child: Child,
    pub address: String,
}

impl Running {
    /// pop3-server with the Maildir in the folder.
    pub fn pop3(folder: &Folder, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pop3-server"));
        command.args(["127.0.0.1:0", "--maildir", &folder.path("mail")]);
        command.args(options).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.next().expect("a line").expect("text");
        // Read on, so that it never waits for us.
        thread::spawn(move || lines.for_each(drop));
        let address = ready.rsplit(' ').next().expect("an address");
        Self {
            child,
            address: address.to_owned(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server of a script does.
pub enum Step {
    Say(Vec<u8>),
    /// Waits for a line with this, and keeps the word before the first blank.
    Hear(&'static str),
    /// As `Say`, with that word in place of `{tag}`.
    SayTagged(&'static str),
}

pub fn say(text: impl AsRef<[u8]>) -> Step {
    Step::Say(text.as_ref().to_vec())
}

/// A server that does this for one client, and hangs up. Returns its address.
pub fn scripted(steps: Vec<Step>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut lines =
            BufReader::new(stream.try_clone().expect("a clone")).lines();
        let mut tag = String::new();
        for step in steps {
            let sent = match step {
                Step::Say(bytes) => stream.write_all(&bytes),
                Step::SayTagged(text) => {
                    stream.write_all(text.replace("{tag}", &tag).as_bytes())
                }
                Step::Hear(wanted) => loop {
                    let Some(Ok(line)) = lines.next() else { return };
                    if line.contains(wanted) {
                        tag = line.split(' ').next().unwrap_or("").to_owned();
                        break Ok(());
                    }
                },
            };
            if sent.is_err() {
                return;
            }
        }
        // What is still to be read would turn the end into a reset.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        lines.for_each(drop);
    });
    address
}

pub fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_remove("POP3_URL");
    command.env_remove("IMAP_URL").output().expect("it runs")
}

pub fn pop3_client(arguments: &[&str]) -> (String, String, Option<i32>) {
    told(run(env!("CARGO_BIN_EXE_pop3-client"), arguments))
}

pub fn imap_client(arguments: &[&str]) -> (String, String, Option<i32>) {
    told(run(env!("CARGO_BIN_EXE_imap-client"), arguments))
}

fn told(output: Output) -> (String, String, Option<i32>) {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

/// A person who types to a POP3 server, and reads its answers line by line.
pub struct Person(pub BufReader<TcpStream>);

impl Person {
    pub fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a server");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut person = Self(BufReader::new(stream));
        assert!(person.line().starts_with("+OK"), "a greeting");
        person
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("it is sent");
    }

    /// A line without its end; empty at the end of all.
    pub fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).expect("a line");
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// Sends a command, and returns the line that answers it.
    pub fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.line()
    }

    /// The text that follows an answer, line by line.
    pub fn text(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line() {
                end if end == "." => return lines,
                line => lines.push(line),
            }
        }
    }

    pub fn login(&mut self) {
        assert_eq!(&self.ask("USER bob")[..3], "+OK");
        assert_eq!(&self.ask("PASS secret")[..3], "+OK");
    }
}

/// How many random inputs a test tries.
pub fn inputs(usual: u64) -> u64 {
    let text = std::env::var("FUZZ").ok();
    text.map_or(usual, |text| text.parse().expect("a number"))
}
