//! What reads POP3, without a socket: the same however the bytes are cut, and
//! never more than its limits. `FUZZ=10000000 cargo test --release --test
//! readers` tries ten million random inputs.

mod common;

use common::inputs;
use mailbox::{Dots, Event, Fault, Letter, Reply, Session};

/// What a reply came to.
type Read = (Result<(), Fault>, Vec<u8>, Vec<u8>, bool);

fn read(pieces: &[&[u8]], has_text: bool, largest: usize) -> Read {
    let mut reply = Reply::new(has_text, largest);
    for piece in pieces {
        if let Err(fault) = reply.feed(piece) {
            return (Err(fault), reply.line, reply.text, false);
        }
    }
    let done = reply.is_done();
    (Ok(()), reply.line, reply.text, done)
}

fn sent(letter: &[u8], lines: Option<u64>) -> (Vec<u8>, u64) {
    let (mut dots, mut out) = (Dots::new(lines), Vec::new());
    dots.push(letter, &mut out);
    dots.end(&mut out);
    (out, dots.size)
}

/// Bytes of which most mean something to one reader or another.
fn noise(random: &mut fastrand::Rng, words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.usize(0..12) {
        bytes.extend(words[random.usize(0..words.len())]);
    }
    bytes
}

fn cut<'a>(random: &mut fastrand::Rng, bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.usize(1..=rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

const ANSWERS: [&[u8]; 12] = [
    b"+OK",
    b"-ERR",
    b" ",
    b"\r\n",
    b"\n",
    b"\r",
    b".",
    b"..",
    b".\r\n",
    b"\r\n.\r\n",
    b"x",
    b"\xff\0",
];

/// An answer is the same in every cutting; a letter that was sent arrives; and
/// a server never says more than we keep.
#[test]
fn random_answers() {
    let mut random = fastrand::Rng::with_seed(1);
    let (mut whole, mut cut_off, mut faults) = (0_u64, 0_u64, 0_u64);
    for _ in 0..inputs(20_000) {
        let bytes = match random.bool() {
            true => [b"+OK\r\n", &noise(&mut random, &ANSWERS)[..]].concat(),
            false => noise(&mut random, &ANSWERS),
        };
        let has_text = random.bool();
        let once = read(&[&bytes], has_text, 16);
        let pieces = cut(&mut random, &bytes);
        assert_eq!(read(&pieces, has_text, 16), once, "{bytes:?}");
        assert!(once.2.len() <= 17, "{bytes:?}");
        match once {
            (Err(_), ..) => faults += 1,
            (.., true) => whole += 1,
            (.., false) => cut_off += 1,
        }
        // Any letter goes through, whole or nothing.
        let letter = noise(&mut random, &ANSWERS);
        let (wire, size) = sent(&letter, None);
        let answer = [b"+OK\r\n", &wire[..], b".\r\n"].concat();
        let (result, _, text, done) = read(&[&answer], true, 1000);
        assert!(result.is_ok() && done, "{letter:?}");
        assert_eq!(text.len() as u64, size, "{letter:?}");
        let flat = |mut bytes: Vec<u8>| {
            bytes.retain(|byte| !b"\r\n".contains(byte));
            bytes
        };
        assert_eq!(flat(text), flat(letter.clone()), "{letter:?}");
        let less = random.usize(0..answer.len());
        assert!(!read(&[&answer[..less]], true, 1000).3, "{letter:?}");
    }
    println!("whole {whole}, cut off {cut_off}, faults {faults}");
    assert!(whole > 0 && cut_off > 0 && faults > 0);
}

const COMMANDS: [&[u8]; 17] = [
    b"USER bob",
    b"PASS x",
    b"STAT",
    b"LIST",
    b"RETR",
    b"DELE",
    b"TOP",
    b"UIDL",
    b"RSET",
    b"QUIT",
    b"",
    b" 1",
    b" 2",
    b" 99999999999999999999",
    b"\r\n",
    b"\n",
    b"\xff\0",
];

/// All that a session says to these pieces.
fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let letter = |id: &str| Letter {
        size: 9,
        id: id.to_owned(),
    };
    let letters = [letter("a"), letter("b")];
    let mut session = Session::default();
    let mut said = Vec::new();
    for piece in pieces {
        session.feed(piece);
        while let Some(event) = session.event() {
            let ends = matches!(event, Event::Quit(_) | Event::Close(_));
            if matches!(event, Event::Login { .. }) {
                session.open(&letters);
            }
            said.push(event);
            if ends {
                return said;
            }
        }
    }
    said
}

/// A session never panics, names no letter that there is not, and says the
/// same in every cutting.
#[test]
fn random_commands() {
    let mut random = fastrand::Rng::with_seed(2);
    let (mut sent, mut deleted) = (0_u64, 0_u64);
    for _ in 0..inputs(20_000) {
        let mut bytes = Vec::new();
        if random.u8(..) > 50 {
            bytes.extend(b"USER a\r\nPASS b\r\n");
        }
        for _ in 0..random.usize(0..6) {
            // Mostly a command with what may stand behind it, or only noise.
            match random.u8(..) > 50 {
                true => bytes.extend(
                    &[
                        COMMANDS[random.usize(..10)],
                        COMMANDS[random.usize(10..14)],
                        b"\r\n",
                    ]
                    .concat(),
                ),
                false => bytes.extend(noise(&mut random, &COMMANDS)),
            }
        }
        if random.u8(..) == 0 {
            bytes.extend([b'y'; 300]);
        }
        bytes.extend(b"\r\n");
        let once = events(&[&bytes]);
        let pieces = cut(&mut random, &bytes);
        assert_eq!(events(&pieces), once, "{bytes:?}");
        for event in once {
            match event {
                Event::Send(index, _) => {
                    assert!(index < 2);
                    sent += 1;
                }
                Event::Quit(indexes) => {
                    assert!(indexes.iter().all(|index| *index < 2));
                    deleted += indexes.len() as u64;
                }
                _ => {}
            }
        }
    }
    println!("letters sent {sent}, deleted {deleted}");
    assert!(sent > 0 && deleted > 0);
}

#[test]
fn how_an_answer_ends() {
    let read = |bytes: &[u8]| read(&[bytes], true, 100);
    for (answer, text) in [
        ("+OK\r\n.\r\n", ""),
        ("+OK\r\n..\r\n.\r\n", ".\r\n"),
        ("+OK\r\n...\r\n.a\r\n.\r\n", "..\r\na\r\n"),
        // A LF alone ends no line, so no letter either.
        ("+OK\r\na\n.\n.b\r\n.\r\n", "a\n.\n.b\r\n"),
        ("+OK\r\na\n.\r\n\r\n.\r\n", "a\n.\r\n\r\n"),
        ("+OK more\n.\r\n", ""),
    ] {
        let (result, _, found, done) = read(answer.as_bytes());
        assert!(result.is_ok() && done, "{answer:?}");
        assert_eq!(found, text.as_bytes(), "{answer:?}");
    }
    for answer in ["+OK\r\nhalf\r\n", "+OK\r\n.", "+OK\r\n.\r", "+O", ""] {
        let (result, .., done) = read(answer.as_bytes());
        assert!(result.is_ok() && !done, "{answer:?}");
    }
    assert_eq!(
        read(b"-ERR [IN-USE] no\x1b\r\n").0,
        Err(Fault::Refused("[IN-USE] no\\u{1b}".into()))
    );
    assert_eq!(
        read(b"220 smtp\r\n").0,
        Err(Fault::Stranger("220 smtp".into()))
    );
    let endless = [b"+OK", &[b'x'; 5000][..]].concat();
    assert_eq!(read(&endless).0, Err(Fault::TooLarge(4096)));
    let large = [b"+OK\r\n", &[b'x'; 200][..]].concat();
    assert_eq!(read(&large).0, Err(Fault::TooLarge(100)));
}

/// What is left over belongs to the next answer.
#[test]
fn an_answer_takes_no_more_than_its_own() {
    let mut reply = Reply::new(true, 100);
    assert_eq!(reply.feed(b"+OK\r\nx\r\n.\r\n+OK"), Ok(3));
    let mut reply = Reply::new(false, 0);
    assert_eq!(reply.feed(b"+OK\r\n+OK\r\n"), Ok(5));
}

#[test]
fn top_sends_the_header_and_so_many_lines() {
    for (letter, lines, wire) in [
        ("a: b\n\n1\n2\n", 0, "a: b\r\n\r\n"),
        ("a: b\n\n1\n2\n", 1, "a: b\r\n\r\n1\r\n"),
        ("a: b\r\n\r\n.\n2", 9, "a: b\r\n\r\n..\r\n2\r\n"),
        ("a: b\n", 5, "a: b\r\n"),
        ("", 0, ""),
    ] {
        assert_eq!(sent(letter.as_bytes(), Some(lines)).0, wire.as_bytes());
    }
}
