//! What email-read makes of letters: each case in cases/letters.txt, and noise.

mod common;

use std::time::{Duration, Instant};

use common::{bytes, inputs, sections};
use email::Letter;

const LETTERS: &str = include_str!("cases/letters.txt");

#[test]
fn each_letter_is_read_rightly() {
    let mut wrong = Vec::new();
    for (name, lines) in sections(LETTERS) {
        let (right, raw) = taken_apart(&lines);
        let letter = Letter::parse(&raw);
        for line in right {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            let value = String::from_utf8(bytes(value)).unwrap();
            let found = look(&letter, key);
            let same = match key {
                "contains" => found.contains(&value),
                "att" => found.lines().any(|one| one == value),
                _ => plain(&found) == plain(&value),
            };
            if !same {
                wrong
                    .push(format!("{name}: {key} is {found:?}, not {value:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn taken_apart<'a>(lines: &[&'a str]) -> (Vec<&'a str>, Vec<u8>) {
    let split = lines.iter().position(|line| *line == "---").unwrap();
    let right = lines[..split].iter().filter(|line| !line.starts_with('#'));
    let raw = lines[split + 1..].iter().flat_map(|line| bytes(line));
    (right.copied().collect(), raw.collect())
}

/// Line ends and what is blank at the end do not count.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

fn look(letter: &Letter, key: &str) -> String {
    let whole = |field: &str| {
        let all = letter.addresses(field).into_iter();
        all.map(|(name, at)| format!("{name} <{at}>"))
            .collect::<Vec<_>>()
    };
    let only = |field: &str| {
        let all = letter.addresses(field).into_iter();
        all.map(|(_, at)| at).collect::<Vec<_>>().join(",")
    };
    match key {
        "subject" => letter.subject().unwrap_or_default().to_owned(),
        "from" => whole("From").join(","),
        "to" => whole("To").join(","),
        "to_addr" => only("To"),
        "cc_addr" => only("Cc"),
        "to_name0" => letter.addresses("To")[0].0.clone(),
        "text" | "contains" => letter.text(),
        "natt" => letter.attachments().count().to_string(),
        "inner_subject" => {
            let attached = letter.attachments().next().unwrap().bytes();
            Letter::parse(&attached).subject().unwrap().to_owned()
        }
        "att" => {
            let all = letter.attachments().map(|part| {
                let name = part.name.as_deref().unwrap_or_default();
                format!("{name}, {} bytes", part.bytes().len())
            });
            all.collect::<Vec<_>>().join("\n")
        }
        _ => panic!("nobody knows {key}"),
    }
}

#[test]
fn dates_are_dates() {
    let dates = include_str!("cases/dates.tsv");
    let mut wrong = Vec::new();
    for line in dates.lines().filter(|line| !line.starts_with('#')) {
        let (text, right) = line.split_once('\t').unwrap();
        let raw = format!("Date: {text}\r\n\r\n");
        let letter = Letter::parse(raw.as_bytes());
        let found = letter.date().flatten().map(|date| date.to_timestamp());
        let same = match right.parse::<i64>() {
            Ok(right) => found == Some(right),
            Err(_) => found.is_none() || right.contains("or any"),
        };
        if !same {
            wrong.push(format!("{text:?} is {found:?}, not {right}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Within a second, on a thread with a small stack.
fn soon(raw: Vec<u8>, check: fn(&Letter)) {
    let begin = Instant::now();
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    let read = thread.spawn(move || check(&Letter::parse(&raw))).unwrap();
    read.join().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "it took too long");
}

#[test]
fn deep_letters_do_not_overflow() {
    let mut parts = String::from("Subject: deep\r\n");
    let mut letters = parts.clone();
    for number in 0..4_000 {
        let kind = "Content-Type: multipart/mixed; boundary=b";
        parts += &format!("{kind}{number}\r\n\r\n--b{number}\r\n");
        letters += "Content-Type: message/rfc822\r\n\r\n";
    }
    for deep in [parts, letters] {
        soon((deep + "\r\ndeep").into_bytes(), |letter| {
            assert_eq!(letter.subject(), Some("deep"));
        });
    }
}

#[test]
fn a_name_in_many_sections_takes_no_time() {
    for count in [4_000, 20_000] {
        let mut raw = String::from(
            "Subject: Sections\r\nContent-Type: multipart/mixed; \
             boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\
             Content-Disposition: attachment",
        );
        for number in 0..count {
            raw += &format!(";\r\n filename*{number}=a");
        }
        raw += "\r\n\r\nx\r\n--b--\r\n";
        soon(raw.into_bytes(), |letter| {
            assert_eq!(letter.text().trim_end(), "hello");
            let part = letter.attachments().next().unwrap();
            assert!(part.name.as_ref().unwrap().len() >= 4_000);
        });
    }
}

/// What the library alone gets wrong, and this crate does not.
#[test]
fn parts_end_where_they_end() {
    let missing_end = b"Content-Type: multipart/mixed; boundary=out\n\n\
        --out\nContent-Type: multipart/alternative; boundary=in\n\n\
        --in\n\nhello\n\
        --out\nContent-Disposition: attachment; filename=a.bin\n\ndata\n\
        --out--\n";
    let letter = Letter::parse(missing_end);
    assert_eq!(letter.text(), "hello");
    let part = letter.attachments().next().unwrap();
    assert_eq!(
        (part.name.as_deref(), part.bytes()),
        (Some("a.bin"), b"data".to_vec())
    );
    let in_a_line = b"Content-Type: multipart/mixed; boundary=b\n\n\
        --b\n\nsee --b for more\n--b--\n";
    assert_eq!(Letter::parse(in_a_line).text(), "see --b for more");
}

/// Noise made of what letters are made of: no panic, and no long time. Ten
/// million: FUZZ_INPUTS=10000000 cargo test --release --test letters
#[test]
fn noise_is_read_too() {
    let words = [
        "Content-Type: ",
        "multipart/mixed",
        "message/rfc822",
        "text/html",
        "; boundary=b",
        "; boundary=\"b\"",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "--b",
        "--b--",
        "Subject: ",
        "=?utf-8?B?",
        "4pyT",
        "?=",
        "=?gb2312?Q?=CE",
        "From: ",
        "<a@b>",
        "(",
        "\"",
        "\\",
        ",",
        "group: ",
        ";",
        "Content-Transfer-Encoding: base64",
        "quoted-printable",
        "=3D=\r\n",
        "charset=utf-16",
        "charset=iso-2022-jp",
        "\x1b$B",
        " filename*0*=utf-8''%e2",
        " filename*1*=%9c",
        "name=x",
        "\0",
        "Content-Disposition: attachment",
        "<p>",
        "&amp;",
        "<style>",
        "Date: ",
        "Thu, 31 Feb 2026 25:61:61 +9999",
        "\u{ff}",
        "99999999999999999999",
    ];
    let letters = sections(LETTERS);
    let letters: Vec<_> = letters
        .iter()
        .map(|(_, lines)| taken_apart(lines).1)
        .collect();
    let mut random = fastrand::Rng::with_seed(7);
    let begin = Instant::now();
    let count = inputs("FUZZ_INPUTS", 20_000);
    for _ in 0..count {
        let mut raw = Vec::new();
        if random.bool() {
            raw.clone_from(&letters[random.usize(..letters.len())]);
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..=raw.len());
                let end = (at + random.usize(..20)).min(raw.len());
                let word = words[random.usize(..words.len())];
                raw.splice(at..end, word.bytes());
            }
        } else {
            for _ in 0..random.usize(..40) {
                raw.extend(words[random.usize(..words.len())].bytes());
            }
        }
        let letter = Letter::parse(&raw);
        std::hint::black_box((
            letter.subject(),
            letter.date(),
            letter.text().len(),
            letter.addresses("From"),
            letter.texts("Return-Path"),
            letter
                .attachments()
                .map(|part| part.bytes().len())
                .sum::<usize>(),
        ));
    }
    println!("{count} inputs in {:?}", begin.elapsed());
}
