//! The programs together: killed at random moments, with servers that break
//! off, with bad input, and beside postfix and aiosmtpd.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};

use common::{Folder, Running, files, inputs};

fn send(options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_email-send"));
    command
        .args(options)
        .env_remove("SMTP_URL")
        .output()
        .unwrap()
}

fn read(options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_email-read"));
    command.args(options).output().unwrap()
}

/// What it said, and its exit code.
fn told(output: &Output) -> (String, i32) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let code = output.status.code().expect("no signal ended it");
    (String::from_utf8(text).unwrap(), code)
}

/// 200 kills: KILLS=200 cargo test --release --test programs kills
#[test]
fn no_kill_loses_what_was_answered() {
    let mut random = fastrand::Rng::with_seed(1);
    let filler = "x".repeat(70) + "\r\n";
    let (mut answered, mut unfinished) = (0, 0);
    let folder = Folder::new();
    let mut safe = Vec::new();
    for round in 0..inputs("KILLS", 5) {
        let mut server = Running::server(&folder, &[]);
        let stream = TcpStream::connect(server.address(0)).unwrap();
        let body = filler.repeat(random.usize(1..2_000));
        let client = std::thread::spawn(move || {
            let mut safe = Vec::new();
            let mut lines = BufReader::new(&stream).lines();
            let mut reply = move |code: &str| {
                lines
                    .by_ref()
                    .map_while(Result::ok)
                    .find(|line| line.as_bytes().get(3) == Some(&b' '))
                    .is_some_and(|line| line.starts_with(code))
            };
            let mut writer = &stream;
            let mut say =
                |text: String| writer.write_all(text.as_bytes()).is_ok();
            if !(reply("220") && say("EHLO c\r\n".into()) && reply("250")) {
                return safe;
            }
            for number in 0.. {
                let name = format!("letter {round}.{number}.");
                let envelope =
                    "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n";
                let sent = say(envelope.into())
                    && reply("250")
                    && reply("250")
                    && reply("354")
                    && say(format!(
                        "Subject: {name}\r\n\r\n{body}end of {name}\r\n.\r\n"
                    ));
                if !(sent && reply("250")) {
                    break;
                }
                safe.push(name);
            }
            safe
        });
        // Any moment will do: after so many answers to somebody else.
        let other = TcpStream::connect(server.address(0)).unwrap();
        let mut replies = BufReader::new(&other).lines();
        for _ in 0..random.usize(..2_000) {
            (&other).write_all(b"NOOP\r\n").unwrap();
            replies.next().expect("an answer").unwrap();
        }
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        safe.extend(client.join().unwrap());
        answered = safe.len();
    }
    let kept = folder.letters();
    let kept: Vec<String> = kept
        .into_iter()
        .map(|raw| String::from_utf8(raw).unwrap())
        .collect();
    for letter in &kept {
        let name = letter.split("Subject: ").nth(1).expect("it is whole");
        let name = name.lines().next().unwrap();
        assert!(
            letter.ends_with(&format!("end of {name}\r\n")),
            "torn: {name}"
        );
    }
    for name in &safe {
        let subject = format!("Subject: {name}\r\n");
        let copies = kept.iter().filter(|one| one.contains(&subject)).count();
        assert_eq!(copies, 1, "{name} was answered 250");
    }
    unfinished += files(&folder.0.join("mail/tmp")).len();
    let unheard = kept.len() - answered;
    println!(
        "{answered} letters answered and kept, {unheard} kept whose answer \
         was lost, {unfinished} not finished"
    );
    assert!(answered > 0);
}

/// A server that says these lines, one after each line it hears (after DATA,
/// the whole letter), and then nothing more.
fn script(
    lines: &'static [&'static str],
) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("smtp://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut heard = String::new();
        for line in lines {
            // One byte after the other.
            for byte in format!("{line}\r\n").bytes() {
                if (&stream).write_all(&[byte]).is_err() {
                    return heard;
                }
            }
            let letter = line.starts_with("354");
            loop {
                let begin = heard.len();
                if reader.read_line(&mut heard).unwrap_or(0) == 0 {
                    return heard;
                }
                if !letter || &heard[begin..] == ".\r\n" {
                    break;
                }
            }
        }
        // Held open until the client has had enough.
        while reader.read_line(&mut heard).unwrap_or(0) > 0 {}
        heard
    });
    (address, server)
}

#[test]
fn servers_break_off_in_each_state() {
    const OK: &str = "250 ok";
    let cases: [(&[&str], &str); 11] = [
        (&[], "no answer to the connection in 0.3 s"),
        (
            &["421 too busy"],
            "the connection: the server refuses: 421 too busy",
        ),
        (&["220 x"], "no answer to the connection"),
        (
            &["220 x", "502 what", "221 bye"],
            "the connection: the server refuses: 502 what",
        ),
        (&["220 x", OK], "no answer to MAIL FROM"),
        (
            &["220 x", OK, "550 not you"],
            "MAIL FROM: the server refuses: 550 not you",
        ),
        (&["220 x", OK, OK], "no answer to RCPT TO bob@example.org"),
        (
            &["220 x", OK, OK, "550 not he"],
            "RCPT TO bob@example.org: the server refuses",
        ),
        (&["220 x", OK, OK, OK], "no answer to DATA"),
        (
            &["220 x", OK, OK, OK, "354 go"],
            "nobody knows whether the server has",
        ),
        (
            &["220 x", OK, OK, OK, "354 go", "452 full"],
            "the letter: the server refuses: 452 full",
        ),
    ];
    for (lines, words) in cases {
        let (url, server) = script(lines);
        let (told, code) = told(&send(&[&url, "--timeout", "0.3"]));
        assert!(told.contains(words) && code == 1, "{lines:?}: {told}");
        server.join().unwrap();
    }
    let (url, server) = script(&[
        "220-hello\r\n220-we log\r\n220 ready",
        "250-x\r\n250-SIZE 9999\r\n250 HELP",
        "250-ok\r\n250 ok",
        "250 ok",
        "354 go",
        "250-stored\r\n250 as 17",
    ]);
    let text = "Hello\n.\n.dot\rend";
    let (told, code) = told(&send(&[&url, "--text", text, "--timeout", "3"]));
    assert!(
        told.ends_with("The server has it: 250\n") && code == 0,
        "{told}"
    );
    let wire = server.join().unwrap();
    assert!(
        wire.contains("\r\nHello\r\n..\r\n..dot\r\nend\r\n.\r\n"),
        "{wire}"
    );
}

#[test]
fn what_is_typed_does_no_harm() {
    let folder = Folder::new();
    let server = Running::server(&folder, &[]);
    let url = format!("smtp://{}", server.address(0));
    let long = "x".repeat(1200);
    let odd = folder.path("a\"b.txt");
    std::fs::write(&odd, "bare\nlines\n").unwrap();
    let file = folder.path("sub/../résumé.pdf");
    std::fs::create_dir(folder.path("sub")).unwrap();
    std::fs::write(folder.path("résumé.pdf"), [0, 255]).unwrap();
    let starttls = format!("{url}?tls=required");
    let with_login = url.replace("//", "//alice:secret@") + "?tls=required";
    for (options, words) in [
        (&["--subject", &long][..], "more than 998 bytes"),
        (&["--from", "Doe, Jane <jane@example.com>"], "is no address"),
        (
            &["--from", "Jane\r\nBcc: x@example.org <jane@example.com>"],
            "is no address",
        ),
        (&["--to", "jörg@example.org"], "not ASCII"),
        (&["--to", "joerg@bücher.example"], "not ASCII"),
        (&["--text", "a\u{0}b"], "a NUL"),
        (&["--attach", "/none"], "cannot read /none"),
    ] {
        if options[1].contains('\0') {
            continue;
        }
        let (told, code) = told(&send(&[&[&url[..]], options].concat()));
        assert!(told.contains(words) && code == 1, "{told}");
    }
    for url in [&starttls, &with_login] {
        let (told, code) = told(&send(&[url]));
        assert!(told.contains("offers no TLS; nothing was sent"), "{told}");
        assert!(!told.contains("secret") && code == 1);
    }
    let (told, code) = told(&send(&["http://alice:secret@x"]));
    assert!(
        told.contains("smtps://HOST") && !told.contains("secret"),
        "{told}"
    );
    assert_eq!(code, 1);
    assert!(folder.letters().is_empty(), "nothing of this was sent");
    for options in [
        &["--subject", "with\r\nBcc: evil@example.org"][..],
        &["--subject", "lone\nLF"],
        &["--from", "\"Doe, Jane\" <jane@example.com>"],
        &["--text", "a\rb"],
        &["--text", &"y".repeat(1500)],
        &[
            "--attach",
            &file,
            "--attach",
            &odd,
            "--bcc",
            "secret@example.net",
        ],
    ] {
        assert_eq!(self::told(&send(&[&[&url[..]], options].concat())).1, 0);
    }
    let letters = folder.letters();
    assert_eq!(letters.len(), 6);
    for letter in &letters {
        let lines = letter.split(|byte| *byte == b'\n');
        assert!(lines.clone().all(|line| line.len() <= 999));
        let lines = lines.filter(|line| !line.is_empty());
        assert!(lines.clone().all(|line| line.ends_with(b"\r")));
        let named = |name: &[u8]| {
            lines.clone().filter(|line| line.starts_with(name)).count()
        };
        assert_eq!((named(b"Subject:"), named(b"Bcc:")), (1, 0));
    }
    let saved = folder.path("saved");
    let (told, _) =
        self::told(&read(&[&folder.path("mail"), "--save", &saved]));
    assert!(told.contains("Saved: résumé.pdf, 2 bytes"), "{told}");
    assert!(
        told.contains("\"a\"b.txt\"")
            && told.contains("Saved: a_b.txt, 11 bytes"),
        "{told}"
    );
    let envelope =
        "from <alice@example.com> to bob@example.org, secret@example.net";
    assert!(told.contains(envelope), "{told}");
    // A second time nothing is overwritten.
    let (told, _) =
        self::told(&read(&[&folder.path("mail"), "--save", &saved]));
    assert!(told.contains("Saved: 2-résumé.pdf, 2 bytes"), "{told}");
}

#[test]
fn a_user_without_a_password_is_not_shown() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_email-server"));
    server.args(["--user", "hush", "--certificate", "none.pem"]);
    let (told, code) = told(&server.output().unwrap());
    assert!(told.contains("NAME:PASSWORD") && code == 1, "{told}");
    assert!(!told.contains("hush"), "{told}");
}

/// The same letter, as postfix, aiosmtpd and email-server receive it. It needs
/// root, postfix, and a Python (PYTHON) that has aiosmtpd.
#[test]
#[ignore = "needs root, postfix and aiosmtpd: cargo test -- --ignored"]
fn all_servers_receive_the_same_letter() {
    let attached = Folder::new();
    let file = attached.path("hats.bin");
    std::fs::write(&file, (0..=255).collect::<Vec<u8>>()).unwrap();
    let mut received = Vec::new();
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let peers = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
    for peer in ["email-server", "aiosmtpd", "postfix"] {
        let folder = Folder::new();
        let server = match peer {
            "email-server" => Running::server(&folder, &[]),
            "aiosmtpd" => Running::start(
                Command::new(&python)
                    .arg(format!("{peers}/aiosmtpd_maildir.py"))
                    .arg(folder.path("mail")),
            ),
            _ => Running::start(
                Command::new("sh")
                    .arg(format!("{peers}/postfix-private.sh"))
                    .arg(&folder.0),
            ),
        };
        let url = format!("smtp://{}", server.address(0));
        let text = "Hello\n.\n.dot\n\nnaïve ☃\nFrom here on\n";
        let (told, _) = told(&send(&[
            &url,
            "--subject",
            "Grüße ☃",
            "--text",
            text,
            "--html",
            "<p>☃</p>",
            "--attach",
            &file,
            "--bcc",
            "carol@example.org",
        ]));
        assert!(told.contains("has it: 250"), "{peer}: {told}");
        if peer == "postfix" {
            // It delivers after it said 250, to Bob and to Carol.
            server.until("status=sent");
            server.until("status=sent");
        }
        let raw = String::from_utf8(folder.letters().remove(0)).unwrap();
        let raw = raw.replace("\r\n", "\n");
        // What the servers write above the letter is theirs; what chance made
        // differs each time.
        let letter = raw.split_once("From: Alice").expect("the letter").1;
        let mut letter = letter.trim_end().to_owned();
        for (number, piece) in
            letter.clone().split("boundary=\"").skip(1).enumerate()
        {
            let boundary = piece.split('"').next().unwrap();
            letter = letter.replace(boundary, &format!("boundary-{number}"));
        }
        let kept = letter.lines().filter(|line| {
            !["Date: ", "Message-ID: ", "X-"]
                .iter()
                .any(|name| line.starts_with(name))
        });
        received.push((peer, kept.collect::<Vec<_>>().join("\n")));
        drop(server);
    }
    for (peer, letter) in &received[1..] {
        assert_eq!(*letter, received[0].1, "{peer}");
    }
}
