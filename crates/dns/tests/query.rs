//! dns-query and what it is made of, against servers that misbehave.

mod common;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use common::{query, serve, text};
use dns::{AskError, Checked, check, read_name, read_type, show};
use domain::base::iana::Rtype;

/// Answers every datagram by what `answer` makes of it.
fn fake(answer: fn(&[u8]) -> Vec<u8>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            let answer = answer(&buffer[..length]);
            if !answer.is_empty() {
                socket.send_to(&answer, client).unwrap();
            }
        }
    });
    address
}

/// An answer to that question: its flags, how many records, and these.
fn made(query: &[u8], flags: u16, count: u8, records: &[u8]) -> Vec<u8> {
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    [
        &query[..2],
        &flags.to_be_bytes(),
        &[0, 1, 0, count, 0, 0, 0, 0],
        &query[12..end],
        records,
    ]
    .concat()
}

const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x50";

/// What it says on stderr, in one line, with exit code 1.
fn fails(server: SocketAddr, arguments: &[&str]) -> String {
    let output = query(server, arguments);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    errors
}

fn finds(server: SocketAddr, arguments: &[&str]) -> String {
    let output = query(server, arguments);
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), &*errors), (Some(0), ""));
    text(&output.stdout)
}

/// Responses to "www.net.example A" with the id 0x1234. The right values are
/// BIND's and dnspython's.
#[test]
fn odd_messages() {
    let name = read_name("www.net.example").unwrap();
    let accepted = [
        "plain",
        "ptr to ptr",
        "dot in label",
        "nul in label",
        "name 255 wire",
        "root name",
        "ttl high bit",
        "cname to self by ptr",
        // BIND and hickory take it, dnspython does not.
        "trailing junk",
    ];
    let mut seen = 0;
    for line in include_str!("messages.tsv").lines() {
        let (what, hex) = line.split_once('\t').unwrap();
        seen += 1;
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        match check(&bytes, 0x1234, (&name, Rtype::A)) {
            Ok(Checked::Reply(reply, false)) => {
                assert!(accepted.contains(&what), "{what}");
                let first = show::record(&reply.answer[0]);
                let expected = match what {
                    "dot in label" => r"ab\.cd.net.example. 60 A 127.0.0.80",
                    "nul in label" => r"a\000b.net.example. 60 A 127.0.0.80",
                    "root name" => ". 60 A 127.0.0.80",
                    "ttl high bit" => "www.net.example. 0 A 127.0.0.80",
                    "name 255 wire" => continue,
                    "cname to self by ptr" => {
                        "www.net.example. 60 CNAME www.net.example."
                    }
                    _ => "www.net.example. 60 A 127.0.0.80",
                };
                assert_eq!(first, expected, "{what}");
            }
            Err(AskError::Malformed(_)) => {
                assert!(!accepted.contains(&what), "{what}");
            }
            _ => panic!("{what}"),
        }
    }
    assert_eq!(seen, 23);
}

#[test]
fn each_no_has_its_own_words() {
    let no_soa = fails(fake(|query| made(query, 0x8403, 0, b"")), &["a.b"]);
    assert!(no_soa.contains("there is no name a.b. (NXDOMAIN; for how long"));
    let nothing = fails(fake(|query| made(query, 0x8400, 0, b"")), &["a.b"]);
    assert!(nothing.contains("a.b. exists, but has no A record"));
    let failed = fails(fake(|query| made(query, 0x8402, 0, b"")), &["a.b"]);
    assert!(failed.contains("(SERVFAIL)"));
    let refused = fails(fake(|query| made(query, 0x8405, 0, b"")), &["a.b"]);
    assert!(refused.contains("(REFUSED)"));
    // At once, although it could wait for 30 seconds.
    let began = Instant::now();
    let ring = fake(|query| {
        let mut record = ADDRESS.to_vec();
        record[1] = query.len() as u8; // to itself
        made(query, 0x8400, 1, &record)
    });
    let error = fails(ring, &["a.b", "--timeout", "30", "--largest", "512"]);
    assert!(error.contains("malformed"), "{error}");
    let half = fake(|query| made(query, 0x8400, 2, ADDRESS));
    assert!(fails(half, &["a.b", "--timeout", "30"]).contains("malformed"));
    assert!(began.elapsed() < Duration::from_secs(15));
}

#[test]
fn answers_of_others_do_not_count() {
    // The first datagram bears another id, the next another question, the
    // third is right; all come to the same question.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        let (length, client) = socket.recv_from(&mut buffer).unwrap();
        let right = made(&buffer[..length], 0x8400, 1, ADDRESS);
        let mut id = right.clone();
        id[0] ^= 1;
        let mut other = right.clone();
        other[13] = b'z';
        // From another port, with everything right: the system drops it.
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut lie = right.clone();
        *lie.last_mut().unwrap() = 66;
        stranger.send_to(&lie, client).unwrap();
        for answer in [&id, &other, &buffer[..length].to_vec(), &right] {
            socket.send_to(answer, client).unwrap();
        }
    });
    let output = finds(address, &["a.b"]);
    for ignored in ["with another id", "another question", "a question"] {
        assert!(output.contains(ignored), "{output}");
    }
    assert!(
        output.ends_with("Answer: a.b. 60 A 127.0.0.80\n"),
        "{output}"
    );
}

#[test]
fn servers_that_are_a_little_different() {
    // Small letters, though it was asked in mixed ones.
    let lower = fake(|query| {
        let small = query[12..].to_ascii_lowercase();
        made(&[&query[..12], &small].concat(), 0x8400, 1, ADDRESS)
    });
    let output = finds(lower, &["WwW.nEt.ExAmPlE"]);
    assert!(output.contains("Answer: www.net.example. 60 A"), "{output}");
    // It knows no EDNS.
    let old = fake(|query| match query[11] {
        0 => made(query, 0x8400, 1, ADDRESS),
        _ => made(query, 0x8401, 0, b""),
    });
    assert!(finds(old, &["a.b"]).contains("asking again without"));
    // Bytes behind the end are taken for nothing.
    let junk =
        fake(|query| [made(query, 0x8400, 1, ADDRESS), vec![0; 3]].concat());
    assert!(finds(junk, &["a.b"]).ends_with("Answer: a.b. 60 A 127.0.0.80\n"));
    // Cut short, and nobody there for TCP.
    let cut = fake(|query| made(query, 0x8600, 0, b""));
    assert!(fails(cut, &["a.b"]).contains("nobody has that port"));
}

#[test]
fn aliases_one_by_one() {
    // Each is an alias of the next: x, yx, yyx ...
    let endless = fake(|query| {
        let length = query[12];
        let label = [&[length + 1, b'y'], &query[13..13 + usize::from(length)]];
        let record = [
            b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0",
            &[length + 4][..],
            &label.concat(),
            b"\xc0",
            &[13 + length],
        ];
        made(query, 0x8400, 1, &record.concat())
    });
    let error = fails(endless, &["x.test"]);
    assert!(error.contains("more than 16 times over"), "{error}");
}

#[test]
fn the_time_that_is_given_is_kept() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();
    let server = silent.local_addr().unwrap();
    let error = fails(server, &["a.b", "--timeout", "0.5"]);
    assert!(error.contains("timed out"), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(500));
    assert!(began.elapsed() < Duration::from_secs(5));
    // It says "cut short" by UDP, and then nothing by TCP.
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    let server = udp.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        let (length, client) = udp.recv_from(&mut buffer).unwrap();
        let answer = made(&buffer[..length], 0x8600, 0, b"");
        udp.send_to(&answer, client).unwrap();
    });
    let error = fails(server, &["a.b", "--timeout", "0.5"]);
    assert!(error.contains("timed out"), "{error}");
    drop(tcp);
}

#[test]
fn names_as_people_write_them() {
    let a = |byte: char, count| String::from(byte).repeat(count);
    let long = [a('a', 63), a('b', 63), a('c', 63), a('d', 61)].join(".");
    assert_eq!(read_name(&long).unwrap().len(), 255);
    for (name, error) in [
        (a('a', 64) + ".net", "a label has 64 bytes; at most 63"),
        (
            long.clone() + "d",
            "it has 256 bytes on the wire; at most 255",
        ),
        ("a..net".into(), "a label of it is empty"),
        (String::new(), "the name is empty"),
        ("a b\u{202e}.net".into(), "is no name"),
    ] {
        let found = read_name(&name).unwrap_err().to_string();
        assert!(found.contains(error), "{name}: {found}");
    }
    for (name, shown) in [
        ("bücher.net.example", "xn--bcher-kva.net.example."),
        ("BÜCHER.net.example.", "xn--bcher-kva.net.example."),
        ("☃.test", "xn--n3h.test."),
        ("ß.test", "xn--zca.test."),
        (r"a\046b.test", r"a\.b.test."),
        (r"a\.b.test", r"a\.b.test."),
        (".", "."),
        ("_sip._tcp.Test", "_sip._tcp.Test."),
    ] {
        assert_eq!(show::name(&read_name(name).unwrap()), shown);
    }
    assert_eq!(read_type("mx").unwrap(), Rtype::MX);
    assert_eq!(read_type("TYPE15").unwrap(), Rtype::MX);
    assert!(read_type("FOO").is_err());
}

/// The whole way: TCP for what does not fit, and every address of it.
#[test]
fn a_hundred_addresses() {
    let (_server, address) = serve("compare.zone");
    let output = finds(address, &["many.net.example"]);
    assert!(output.contains("asking again by TCP"));
    assert_eq!(output.matches("Answer: ").count(), 100);
    let output = finds(address, &["big.net.example", "TXT"]);
    assert!(!output.contains("TCP"));
    let output =
        finds(address, &["big.net.example", "TXT", "--largest", "512"]);
    assert!(output.contains("asking again by TCP"));
}
