//! The reader of SMTP under random input: no panic, the same events however
//! the bytes are cut, and the same letters as a reader that sees all at once.

mod common;

use std::sync::Arc;

use common::inputs;
use email::{DataReader, Event, Rules, Session};

/// Ten million: FUZZ_INPUTS=10000000 cargo test --release --test session
#[test]
fn noise_is_answered_however_it_is_cut() {
    let words: [&[u8]; 32] = [
        b"EHLO c\r\n",
        b"MAIL FROM:<a@b.c>\r\n",
        b"RCPT TO:<d@e.f>\r\n",
        b"DATA\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"STARTTLS\r\n",
        b"AUTH PLAIN\r\n",
        b"QUIT\r\n",
        b"AUTH LOGIN YWxpY2U=\r\n",
        b"c2VjcmV0\r\n",
        b"AGFsaWNlAHNlY3JldA==\r\n",
        b"x",
        b"\r",
        b"\n",
        b"\r\n",
        b".",
        b"\r\n.\r\n",
        b"\n.\n",
        b"..",
        b"\0",
        b" SIZE=9999999",
        b" BODY=8BITMIME",
        b"<\"a b\"@c.d>",
        b"MAIL FROM:<>\r\n",
        b"\xff",
        b"*\r\n",
        b"Subject: x\r\n",
        b"AUTH ",
        b"RCPT TO:<Postmaster>\r\n",
        b"BDAT 5 LAST\r\n",
        b"VRFY x\r\n",
    ];
    let login = Some(("alice".to_owned(), "secret".to_owned()));
    let mut random = fastrand::Rng::with_seed(3);
    let count = inputs("FUZZ_INPUTS", 10_000);
    let mut letters = 0;
    for number in 0..count {
        let mut input = Vec::new();
        if random.bool() {
            input.extend(words[..4].concat());
        }
        for _ in 0..random.usize(..24) {
            input.extend(words[random.usize(..words.len())]);
        }
        if number % 100 == 0 {
            input
                .splice(0..0, std::iter::repeat_n(b'y', random.usize(..5_000)));
        }
        let rules = Arc::new(Rules {
            name: "s".into(),
            max_size: 30,
            tls: number % 3 == 0,
            login: login.clone().filter(|_| number % 4 == 0),
        });
        let encrypted = number % 2 == 0;
        let whole = play(&rules, encrypted, &[&input]);
        let cut = random.usize(..=input.len());
        let (one, other) = input.split_at(cut);
        assert_eq!(play(&rules, encrypted, &[one, other]), whole);
        let single: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(play(&rules, encrypted, &single), whole);
        letters += whole.iter().filter(|one| one.starts_with("End")).count();
    }
    assert!(letters as u64 > count / 20, "only {letters} letters ended");
}

/// The events, with the text of each letter in one piece.
fn play(rules: &Arc<Rules>, encrypted: bool, pieces: &[&[u8]]) -> Vec<String> {
    let mut session = Session::new(rules.clone(), encrypted);
    let mut events = Vec::new();
    let mut text = Vec::new();
    for piece in pieces {
        session.feed(piece);
        while let Some(event) = session.event() {
            match event {
                Event::Begin(_) => {
                    session.accept();
                    events.push("Begin".into());
                }
                Event::Text(more) => text.extend(more),
                Event::StartTls(_) => return events,
                Event::End(fault) => {
                    // Of a refused letter, how much was kept does not matter.
                    let text = std::mem::take(&mut text);
                    let kept = fault.is_none().then_some(text);
                    events.push(format!("End {fault:?} {kept:?}"));
                }
                other => events.push(format!("{other:?}")),
            }
        }
    }
    events
}

#[test]
fn letters_end_at_the_only_end_there_is() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..inputs("FUZZ_INPUTS", 10_000) {
        let length = random.usize(..12);
        let mut wire: Vec<u8> = (0..length)
            .map(|_| *random.choice(b"\r\r\n\n..a").unwrap())
            .collect();
        wire.extend(b"\r\n.\r\n");
        // The first CR LF . CR LF, where the beginning counts as a line's.
        let marked = [b"\r\n", &wire[..]].concat();
        let end = marked.windows(5).position(|five| five == b"\r\n.\r\n");
        let end = end.unwrap();
        let inside = marked.get(2..end + 2).unwrap_or_default();
        let text = String::from_utf8(inside.to_vec()).unwrap();
        let clean = text.replace("\r\n", "");
        let alone = clean.contains(['\r', '\n']);
        let lines = text.split_inclusive("\r\n");
        let right: String = lines
            .map(|line| line.strip_prefix('.').unwrap_or(line))
            .collect();
        let mut reader = DataReader::new(1_000);
        let mut found = Vec::new();
        let read = reader.read(&wire, &mut found);
        assert_eq!(read, (end + 3, true), "{wire:?}");
        assert_eq!(reader.fault().is_some(), alone, "{wire:?}");
        if !alone {
            assert_eq!(String::from_utf8(found).unwrap(), right);
        }
    }
}
