//! What email-server answers: each talk in cases/talks.txt, and what it has
//! kept afterwards.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use common::{Folder, Running, bytes, sections};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection};
use tokio_rustls::rustls::{RootCertStore, StreamOwned};

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

struct Client {
    socket: TcpStream,
    stream: Box<dyn Both>,
    heard: Vec<u8>,
}

impl Client {
    fn connect(address: &str) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        let limit = Some(Duration::from_secs(10));
        socket.set_read_timeout(limit).unwrap();
        let stream = Box::new(socket.try_clone().unwrap());
        Self {
            socket,
            stream,
            heard: Vec::new(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.heard.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).expect("an answer");
            assert!(length > 0, "the server hung up");
            self.heard.extend(&buffer[..length]);
        }
    }

    /// The last line of a reply.
    fn reply(&mut self) -> String {
        loop {
            let line = self.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    fn start_tls(&mut self, pem: &str) {
        assert!(self.heard.is_empty(), "nothing may come before TLS");
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(pem).unwrap();
        roots
            .add(CertificateDer::from_pem_slice(&pem).unwrap())
            .unwrap();
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = self.socket.try_clone().unwrap();
        self.stream = Box::new(StreamOwned::new(tls, socket));
    }

    fn play(&mut self, lines: &[&str], pem: &str) {
        for line in lines.iter().filter(|line| !line.starts_with('#')) {
            let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
            let times = rest.strip_prefix('*').and_then(|rest| {
                let (times, rest) = rest.split_once(' ')?;
                Some((times.parse().ok()?, rest))
            });
            let (times, rest) = times.unwrap_or((1, rest));
            for _ in 0..times {
                match what {
                    "C" => self.send(&bytes(rest)),
                    "CB" => bytes(rest).iter().for_each(|b| self.send(&[*b])),
                    "S" => {
                        let reply = self.reply();
                        assert!(fits(&reply, rest), "{line}: {reply}");
                    }
                    "TLS" => self.start_tls(pem),
                    "EOF" => {
                        let mut rest = Vec::new();
                        let _ = self.stream.read_to_end(&mut rest);
                        assert!(rest.is_empty(), "{rest:?}");
                    }
                    "NOREPLY" => {
                        // An answer that was too much would stand before this.
                        self.send(b"NOOP\r\n");
                        assert_eq!(self.reply(), "250 2.0.0 ok");
                    }
                    "CLOSE" => return,
                    _ => panic!("nobody knows {what}"),
                }
            }
        }
    }
}

/// Whether a reply begins with one of the codes, written `^250`, `^(501|5)`,
/// `^50[0-2]` or `^5\d\d`.
fn fits(reply: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_matches(['^', '(', ')']);
    let (head, tail) = wanted.split_once('(').unwrap_or(("", wanted));
    tail.split('|').any(|code| {
        let code = format!("{head}{code}").replace("\\d", "");
        let Some((begin, digits)) = code.split_once('[') else {
            return reply.starts_with(&code);
        };
        let next = reply
            .strip_prefix(begin)
            .and_then(|rest| rest.chars().next());
        let (low, high) = (digits.as_bytes()[0], digits.trim_end_matches(']'));
        let high = high.as_bytes()[high.len() - 1];
        next.is_some_and(|next| (low..=high).contains(&(next as u8)))
    })
}

#[test]
fn each_talk_goes_as_it_should() {
    for (name, lines) in sections(include_str!("cases/talks.txt")) {
        let folder = Folder::new();
        let pem = folder.path("certificate.pem");
        let mut options = vec!["--max-size", "100000"];
        let with_user = name.starts_with("73");
        if name.starts_with("87") || with_user {
            options.extend(["--certificate", &pem]);
        }
        if with_user {
            options.extend(["--user", "alice:secret"]);
        }
        let server = Running::server(&folder, &options);
        println!("{name}");
        let mut client = Client::connect(&server.address(0));
        if with_user {
            // Not before it is encrypted.
            client.play(
                &[
                    "S ^220",
                    "C EHLO c\\r\\n",
                    "S ^250",
                    "C AUTH PLAIN AGFsaWNlAHNlY3JldA==\\r\\n",
                    "S ^538",
                    "C MAIL FROM:<a@b.c>\\r\\n",
                    "S ^530",
                    "C STARTTLS\\r\\n",
                    "S ^220",
                    "TLS",
                ],
                &pem,
            );
            client.play(&lines[2..], &pem);
        } else {
            client.play(&lines, &pem);
        }
        let kept = folder.letters();
        let ends: &[&[u8]] = match &name[..2] {
            "61" | "74" | "87" | "88" => &[b"\r\n\r\nx\r\n"],
            "62" => &[b"\r\n\r\n1\r\n", b"\r\n\r\n2\r\n"],
            "68" => &[b"\r\n\r\n.\r\n.a\r\nb\r\n..\r\nend\r\n"],
            "69" => &[b"\r\n\r\na\r\n.\r\nb\r\n"],
            // Nothing but what the server wrote above it.
            "70" => &[b" +0000\r\n"],
            "84" => &[b"\r\n\r\na\0b \xff\xfe \xe4\r\n"],
            _ => &[],
        };
        assert_eq!(kept.len(), ends.len(), "{name}");
        for (letter, end) in kept.iter().zip(ends) {
            let shown = String::from_utf8_lossy(letter);
            assert!(letter.ends_with(end), "{name}: {shown}");
        }
    }
}

/// RFC 3207, 4.2: what somebody on the way wrote behind STARTTLS is no command.
#[test]
fn what_came_in_the_clear_does_not_count() {
    let folder = Folder::new();
    let pem = folder.path("certificate.pem");
    let server = Running::server(&folder, &["--certificate", &pem]);
    let mut client = Client::connect(&server.address(0));
    client.play(
        &[
            "S ^220",
            "C EHLO c\\r\\n",
            "S ^250",
            "C MAIL FROM:<a@b.c>\\r\\n",
            "S ^250",
            "C STARTTLS\\r\\nRCPT TO:<evil@b.c>\\r\\nNOOP\\r\\n",
            "S ^220",
            "TLS",
            "C RCPT TO:<d@b.c>\\r\\n",
            "S ^503",
            "C EHLO c\\r\\n",
            "S ^250",
            "C RCPT TO:<d@b.c>\\r\\n",
            "S ^503",
            "NOREPLY 1",
        ],
        &pem,
    );
}

#[test]
fn a_disk_error_is_not_a_250() {
    let folder = Folder::new();
    let server = Running::server(&folder, &[]);
    std::fs::remove_dir_all(folder.path("mail/new")).unwrap();
    let letter = [
        "C MAIL FROM:<a@b.c>\\r\\n",
        "S ^250",
        "C RCPT TO:<d@b.c>\\r\\n",
        "S ^250",
        "C DATA\\r\\n",
        "S ^354",
        "C x\\r\\n.\\r\\n",
    ];
    let mut client = Client::connect(&server.address(0));
    client.play(&["S ^220", "C EHLO c\\r\\n", "S ^250"], "");
    client.play(&letter, "");
    client.play(&["S ^452"], "");
    std::fs::create_dir(folder.path("mail/new")).unwrap();
    // The talk goes on, and nothing of the first letter is left.
    client.play(&letter, "");
    client.play(&["S ^250"], "");
    assert_eq!(folder.letters().len(), 1);
    assert!(common::files(&folder.0.join("mail/tmp")).is_empty());
}

#[test]
fn limits_hold() {
    let folder = Folder::new();
    let options = ["--max-size", "1000", "--patience", "0.5"];
    let server = Running::server(&folder, &options);
    let begin = [
        "S ^220",
        "C EHLO c\\r\\n",
        "S ^250",
        "C MAIL FROM:<>\\r\\n",
        "S ^250",
        "C RCPT TO:<Postmaster>\\r\\n",
        "S ^250",
        "C DATA\\r\\n",
        "S ^354",
    ];
    for (text, reply) in [
        (
            "C *20 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\r\\n",
            "S ^552",
        ),
        (
            "C *20 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "S ^5",
        ),
        ("C a\\rb", "S ^554"),
    ] {
        let mut client = Client::connect(&server.address(0));
        client.play(&begin, "");
        client.play(&[text, "C \\r\\n.\\r\\n", reply, "NOREPLY 1"], "");
    }
    // Slow, and too wrong too often.
    let mut client = Client::connect(&server.address(0));
    client.play(&["S ^220", "C EHL", "S ^421", "EOF"], "");
    let mut client = Client::connect(&server.address(0));
    client.play(
        &["S ^220", "C *31 BLAH\\r\\n", "S *30 ^500", "S ^421", "EOF"],
        "",
    );
    let clients: Vec<_> = (0..100)
        .map(|_| Client::connect(&server.address(0)))
        .collect();
    let mut client = Client::connect(&server.address(0));
    client.play(&["S ^421", "EOF"], "");
    drop(clients);
    assert!(folder.letters().is_empty());
}
