//! Talks with pop3-server, and where it matters with dovecot.
//! `cargo test -- --ignored` needs dovecot and Python, and is for root.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use common::{Folder, LIMIT, Person, Running, imap_client, pop3_client, run};
use mailbox::{Mailbox, serve};
use tokio::net::TcpListener;

/// The sections of the file: their names and their lines.
fn talks() -> Vec<(&'static str, Vec<&'static str>)> {
    let file = include_str!("cases/talks.txt");
    let sections = file.split("\n=== ").skip(1).map(|section| {
        let mut lines = section.lines();
        (lines.next().expect("a name"), lines.collect())
    });
    sections.collect()
}

fn play(lines: &[&str], address: &str, folder: &Folder) {
    let mut person = Person::new(address);
    for line in lines.iter().filter(|line| !line.is_empty()) {
        if let Some(command) = line.strip_prefix("> ") {
            person.send(format!("{command}\r\n").as_bytes());
        } else if let Some(bytes) = line.strip_prefix("send ") {
            let bytes = bytes.replace("\\r", "\r").replace("\\n", "\n");
            person.send(bytes.as_bytes());
        } else if let Some(wanted) = line.strip_prefix("< ") {
            let said = person.line();
            assert!(said.starts_with(wanted.trim_end()), "{line}: {said}");
        } else if let Some(wanted) = line.strip_prefix("text ") {
            // dovecot sends an empty line behind a header without one.
            let said = person.text().join("|");
            match wanted.strip_prefix("...") {
                Some(end) => assert!(said.ends_with(end), "{line}: {said}"),
                None => assert_eq!(said.trim_end_matches('|'), {
                    wanted.trim_end_matches('|')
                }),
            }
        } else if let Some(name) = line.strip_prefix("remove ") {
            // dovecot may have moved it or changed its flags.
            let (name, _) = name.rsplit_once(':').expect("flags");
            let cur = folder.0.join("mail/cur");
            for entry in fs::read_dir(cur).expect("a folder") {
                let path = entry.expect("a file").path();
                if path.display().to_string().contains(&name[4..]) {
                    fs::remove_file(path).expect("it is there");
                }
            }
        } else {
            assert_eq!(*line, "hang up");
            person = Person::new(address);
            // The server may not know yet that the other one has gone.
            while person.ask("USER bob").starts_with("+OK")
                && person.ask("PASS secret").contains("[IN-USE]")
            {}
            // This session is over before its answer comes.
            assert!(person.ask("QUIT").starts_with("+OK"));
            person = Person::new(address);
        }
    }
}

#[test]
fn talks_as_they_must_be() {
    let talks = talks();
    assert_eq!(talks.len(), 9);
    for (name, lines) in talks {
        println!("{name}");
        let folder = Folder::with_letters();
        let server = Running::pop3(&folder, &[]);
        play(&lines, &server.address, &folder);
    }
}

#[test]
fn a_long_command_is_refused_once() {
    let folder = Folder::with_letters();
    let server = Running::pop3(&folder, &[]);
    let mut person = Person::new(&server.address);
    person.send(&b"y".repeat(100_000));
    assert!(person.ask("").starts_with("-ERR"));
    person.login();
    assert!(person.ask("STAT").starts_with("+OK 6 "));
}

/// All that stands behind `PASS ` is the password.
#[test]
fn a_password_may_have_blanks() {
    let folder = Folder::with_letters();
    let server = Running::pop3(&folder, &["--user", "carol:two words "]);
    let mut person = Person::new(&server.address);
    assert!(person.ask("USER carol").starts_with("+OK"));
    assert!(person.ask("PASS two words").starts_with("-ERR [AUTH]"));
    assert!(person.ask("USER carol").starts_with("+OK"));
    assert!(person.ask("PASS two words ").starts_with("+OK"));
    drop(person);
    let url = format!("pop3://carol:two%20words%20@{}", server.address);
    while pop3_client(&[&url]).1.contains("[IN-USE]") {}
    assert_eq!(pop3_client(&[&url]).2, Some(0));
}

/// The files go at QUIT, not before, and the lock goes with a session.
#[test]
fn quit_deletes_and_nothing_else() {
    let folder = Folder::with_letters();
    let server = Running::pop3(&folder, &[]);
    let mut person = Person::new(&server.address);
    person.login();
    assert!(person.ask("DELE 1").starts_with("+OK"));
    assert!(person.ask("DELE 2").starts_with("+OK"));
    let mut other = Person::new(&server.address);
    assert!(other.ask("USER bob").starts_with("+OK"));
    assert!(other.ask("PASS secret").starts_with("-ERR [IN-USE]"));
    assert_eq!(folder.count(), 6);
    assert_eq!(person.ask("QUIT"), "+OK 2 letters deleted");
    assert_eq!(folder.count(), 4);
    other.login();
    assert!(other.ask("STAT").starts_with("+OK 4 "));
}

/// Flags change, and a letter moves from `new` to `cur`: it is still the same.
#[test]
fn a_letter_that_moves_is_found() {
    let folder = Folder::with_letters();
    let server = Running::pop3(&folder, &[]);
    let mut person = Person::new(&server.address);
    person.login();
    let id = person.ask("UIDL 2");
    assert_eq!(id, "+OK 2 1700000002.M1P1.mx.example.com");
    let name = "1700000002.M1P1.mx.example.com";
    let mail = folder.0.join("mail");
    let cur = mail.join("cur").join(format!("{name}:2,S"));
    fs::rename(mail.join("new").join(name), cur).expect("it moves");
    assert!(person.ask("RETR 2").starts_with("+OK"));
    assert_eq!(person.text().last().map(String::as_str), Some("last"));
    assert_eq!(person.ask("UIDL 2"), id);
    assert!(person.ask("DELE 2").starts_with("+OK"));
    assert_eq!(person.ask("QUIT"), "+OK 1 letters deleted");
    assert_eq!(folder.count(), 5);
}

/// Each stranger takes one of the places, so none stays, however much it says.
#[tokio::test]
async fn strangers_must_go_and_nobody_waits_for_a_huge_letter() {
    let folder = Folder::new();
    let mailbox = Mailbox {
        folder: folder.0.join("mail"),
        user: "bob".into(),
        password: "secret".into(),
        login_within: Duration::from_millis(200),
        patience: LIMIT,
        lock: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let talk = tokio::task::spawn_blocking(move || {
        let mut person = Person::new(&address);
        // In the end the server hangs up, perhaps with a command unread: then
        // reading fails.
        let mut line = String::new();
        while person.0.get_mut().write_all(b"USER bob\r\n").is_ok()
            && person.0.read_line(&mut line).is_ok_and(|length| length > 0)
        {
        }
    });
    let done = async { talk.await.expect("it was let go") };
    serve(Arc::new(mailbox), listener, done).await;

    let huge = folder.0.join("mail/new/1700000001.huge");
    let file = fs::File::create(huge).expect("a letter");
    file.set_len(1 << 40).expect("a file with a hole");
    let mut server = Running::pop3(&folder, &[]);
    let mut person = Person::new(&server.address);
    person.ask("USER bob");
    person.send(b"PASS secret\r\n");
    // When another one is refused, the server counts that letter's bytes.
    let mut other = Person::new(&server.address);
    other.ask("USER bob");
    assert!(other.ask("PASS secret").starts_with("-ERR [IN-USE]"));
    let id = server.child.id().to_string();
    // The shell has its own: the program may not be installed.
    run("sh", &["-c", &format!("kill {id}")]);
    assert!(server.child.wait().expect("it ends").success());
}

/// Whoever may write in the Maildir may not show other files.
#[test]
fn a_link_is_no_letter() {
    let folder = Folder::with_letters();
    let server = Running::pop3(&folder, &[]);
    let mut person = Person::new(&server.address);
    person.login();
    let letter = folder.0.join("mail/new/1700000002.M1P1.mx.example.com");
    fs::remove_file(&letter).expect("it was there");
    std::os::unix::fs::symlink("/etc/passwd", letter).expect("a link");
    assert!(person.ask("RETR 2").starts_with("-ERR [SYS/TEMP]"));
}

#[test]
fn a_user_without_a_password_is_not_shown() {
    let output = run(env!("CARGO_BIN_EXE_pop3-server"), &["--user", "hush"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("NAME:PASSWORD") && !error.contains("hush"));
    assert_eq!(output.status.code(), Some(1));
}

/// A password cannot be guessed at leisure.
#[test]
fn too_many_errors_end_the_talk() {
    let folder = Folder::new();
    let server = Running::pop3(&folder, &[]);
    let mut person = Person::new(&server.address);
    for _ in 1..20 {
        assert!(person.ask("NOOP").starts_with("-ERR"));
    }
    assert_eq!(person.ask("NOOP"), "-ERR too many errors");
    assert_eq!(person.line(), "");
}

/// 20 MB of lines that begin with dots, out of a Maildir and back into a file.
fn large() -> Vec<u8> {
    let mut letter = b"Subject: large\r\n\r\n".to_vec();
    while letter.len() < 20_000_000 {
        letter.extend(b".\r\n..x\r\n\r\n0123456789abcdef0123456789abcdef\r\n");
    }
    letter
}

#[test]
fn a_large_letter_arrives_whole_and_takes_little_memory() {
    let folder = Folder::new();
    let letter = large();
    folder.put("new/1700000001.large", &letter);
    let server = Running::pop3(&folder, &[]);
    let url = format!("pop3://{}", server.address);
    let saved = folder.path("saved");
    let (out, error, code) = pop3_client(&[&url, "--save", &saved]);
    assert_eq!(code, Some(0), "{out}{error}");
    let kept = fs::read(folder.path("saved/1700000001.large"));
    assert!(kept.expect("a letter") == letter, "it is the same");
    if let Some(peak) = peak(server.child.id()) {
        println!("the server took at most {peak} kB");
        assert!(peak < 16_384, "{peak} kB");
    }
}

/// The most memory that a process has had, in kB, where the system tells.
fn peak(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The server is killed while it sends. The client must see it.
#[test]
fn killed_in_the_middle_of_a_letter() {
    let folder = Folder::new();
    folder.put("new/1700000001.large", large());
    let mut server = Running::pop3(&folder, &[]);
    let mut person = Person::new(&server.address);
    person.login();
    assert!(person.ask("RETR 1").starts_with("+OK"));
    assert_eq!(person.line(), "Subject: large");
    // It waits for us to read on: 20 MB fit into no buffer in between.
    server.child.kill().expect("it is there");
    server.child.wait().expect("it ends");
    let mut rest = Vec::new();
    let _ = person.0.read_to_end(&mut rest);
    assert!(!rest.ends_with(b"\r\n.\r\n"), "no end was sent");
    assert_eq!(folder.count(), 1);
}

/// What one server of another make says.
struct Dovecot(Running, String);

impl Dovecot {
    /// Started alone, on the letters in the folder, as tests/peers/dovecot.sh
    /// does it.
    fn start(folder: &Folder) -> Self {
        let script = "tests/peers/dovecot.sh";
        let mut command = Command::new("sh");
        command.arg(script).arg(folder.0.join("mail"));
        command.stdout(Stdio::piped());
        let mut child = command.spawn().expect("sh is there");
        let stdout = child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.next().expect("it is ready").expect("text");
        let (pop3, imap) = ready.split_once(' ').expect("two addresses");
        let (address, imap) = (pop3.to_owned(), imap.to_owned());
        Self(Running { child, address }, imap)
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // To the master itself, which the script has become: it ends the
        // others.
        let line = format!("kill {}", self.0.child.id());
        let _ = Command::new("sh").args(["-c", &line]).status();
        let _ = self.0.child.wait();
    }
}

#[test]
#[ignore = "needs dovecot, and root"]
fn dovecot_says_the_same() {
    for (name, lines) in talks() {
        println!("{name}");
        let folder = Folder::with_letters();
        let server = Dovecot::start(&folder);
        play(&lines, &server.0.address, &folder);
    }
}

/// Python's libraries, on both servers; the script checks every answer.
#[test]
#[ignore = "needs Python, dovecot, and root"]
fn poplib_and_imaplib_agree() {
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let tried = |script: &str, address: &str| {
        let output = run(&python, &[script, address]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {text}");
        assert!(text.contains("checks passed"), "{text}");
    };
    let folder = Folder::with_letters();
    let server = Running::pop3(&folder, &[]);
    tried("tests/peers/by_poplib.py", &server.address);
    let folder = Folder::with_letters();
    let dovecot = Dovecot::start(&folder);
    tried("tests/peers/by_poplib.py", &dovecot.0.address);
    let folder = Folder::with_letters();
    let dovecot = Dovecot::start(&folder);
    tried("tests/peers/by_imaplib.py", &dovecot.1);
}

/// Our clients against dovecot, with a letter of 20 MB.
#[test]
#[ignore = "needs dovecot, and root"]
fn our_clients_and_dovecot() {
    let folder = Folder::with_letters();
    let letter = large();
    folder.put("new/1700000009.large", &letter);
    let dovecot = Dovecot::start(&folder);
    let pop3 = format!("pop3://{}", dovecot.0.address);
    let imap = format!("imap://{}", dovecot.1);
    let saved = folder.path("saved");
    let (out, error, code) = pop3_client(&[&pop3, "--save", &saved]);
    assert_eq!(code, Some(0), "{out}{error}");
    let kept = fs::read(folder.path("saved/1700000009.large"));
    assert!(kept.expect("a letter") == letter, "it is the same");
    assert_eq!(fs::read_dir(&saved).expect("a folder").count(), 7);
    let begin = std::time::Instant::now();
    let (out, error, code) = imap_client(&[&imap, "--read", "7"]);
    assert_eq!(code, Some(0), "{error}");
    println!("20 MB by IMAP took {:?}", begin.elapsed());
    assert!(begin.elapsed() < LIMIT);
    let lines = letter.split(|byte| *byte == b'\n').count();
    assert!(out.lines().count().abs_diff(lines) <= 2, "it is all there");
    let (out, error, code) = imap_client(&[&imap, "--search", "NONSENSE"]);
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert!(error.contains("says BAD"), "{error}");
    let (out, ..) = imap_client(&[&imap, "--search", "SUBJECT dots"]);
    assert!(out.starts_with("Letters found: 1\n1: UID 1 ("), "{out}");
}
