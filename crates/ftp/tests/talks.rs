//! Plays tests/cases/talks.txt against ftp-server, byte by byte.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{Folder, Running};

/// A reply that takes longer does not come.
const WITHIN: Duration = Duration::from_secs(20);

#[test]
fn talks() {
    let folder = Folder::new();
    for (name, text) in [
        ("root/sub/s.txt", "s"),
        ("root/two words/in.txt", "in"),
        ("root/ leading", "1"),
        ("root/a  b.txt", "2"),
        ("root/grüße.txt", "3"),
        ("root/text.txt", "one\ntwo\n"),
        ("root/ten.bin", "0123456789"),
    ] {
        folder.write(name, text);
    }
    std::fs::create_dir(folder.root().join("empty")).unwrap();
    let server = Running::server(&folder.root(), &[]);
    let file = include_str!("cases/talks.txt");
    let mut count = 0;
    for talk in file.split("\n=== ").skip(1) {
        let (name, lines) = talk.split_once('\n').expect("a name");
        let mut session = Session::new(&server.address);
        session.hear("220", name);
        if !name.ends_with('*') {
            session.say(b"USER anonymous");
            session.hear("331", name);
            session.say(b"PASS guest");
            session.hear("230", name);
        }
        for line in lines.lines() {
            session.play(line, name);
        }
        count += 1;
    }
    assert!(count > 12, "there are talks");
    assert!(!folder.0.join("escaped").exists());
}

struct Session {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
    data: Option<TcpStream>,
}

impl Session {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        Self {
            replies: BufReader::new(stream.try_clone().unwrap()),
            stream,
            data: None,
        }
    }

    fn play(&mut self, line: &str, name: &str) {
        let (kind, text) = line.split_at_checked(1).unwrap_or((line, ""));
        let text = text.strip_prefix(' ').unwrap_or(text);
        match kind {
            "C" => match text.strip_prefix('*') {
                Some(times) => {
                    self.say(&b"x".repeat(times.parse().unwrap()));
                }
                None => self.say(&bytes(text)),
            },
            "S" => self.hear(text, name),
            "P" => {
                self.say(b"EPSV");
                let reply = self.reply(name);
                let port = reply.split('|').nth(3).expect("a port");
                let host = self.stream.peer_addr().unwrap().ip();
                let port: u16 = port.parse().unwrap();
                let data = TcpStream::connect((host, port)).unwrap();
                data.set_read_timeout(Some(WITHIN)).unwrap();
                self.data = Some(data);
            }
            "U" => {
                let mut data = self.data.take().expect("a connection");
                data.write_all(&bytes(text)).unwrap();
            }
            "E" => {
                let mut rest = String::new();
                let read = self.replies.read_line(&mut rest);
                assert!(matches!(read, Ok(0) | Err(_)), "{name}: {rest}");
            }
            "X" => drop(self.data.take()),
            "D" | "A" => {
                let mut found = Vec::new();
                let mut data = self.data.take().expect("a connection");
                data.read_to_end(&mut found).unwrap();
                let wanted = bytes(text);
                let shown = String::from_utf8_lossy(&found);
                match kind {
                    "D" => assert_eq!(found, wanted, "{name}: {shown}"),
                    _ => assert!(
                        found.windows(wanted.len()).any(|some| some == wanted),
                        "{name}: {shown}"
                    ),
                }
            }
            _ => assert_eq!(line, "", "{name}"),
        }
    }

    fn say(&mut self, line: &[u8]) {
        self.stream.write_all(&[line, b"\r\n"].concat()).unwrap();
    }

    fn reply(&mut self, name: &str) -> String {
        let first = self.line(name);
        if first.get(3..4) != Some("-") {
            return first;
        }
        loop {
            let line = self.line(name);
            if line.starts_with(&format!("{} ", &first[..3])) {
                return first;
            }
        }
    }

    fn line(&mut self, name: &str) -> String {
        let mut line = String::new();
        let count = self.replies.read_line(&mut line).expect(name);
        assert!(count > 0, "{name}: it has hung up");
        line
    }

    fn hear(&mut self, codes: &str, name: &str) {
        let reply = self.reply(name);
        assert!(
            codes.split(' ').any(|code| reply.starts_with(code)),
            "{name}: {codes}, not {reply}"
        );
    }
}

/// The bytes that a text with `\r`, `\n`, `\\` and `\xNN` stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b'x') => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                let hex = std::str::from_utf8(&hex).unwrap();
                u8::from_str_radix(hex, 16).unwrap()
            }
            other => other.expect("something escaped"),
        });
    }
    out
}
