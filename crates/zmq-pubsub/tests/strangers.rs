//! Who else may be at the other end: peers that speak no ZMTP, or speak it
//! and then misbehave.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use common::{LIMIT, Program, SUB, publisher, run, wanted};

mod common;

/// The greeting of ZMTP 3.0 (RFC 23): signature, version, mechanism, filler.
fn greeting() -> Vec<u8> {
    let mut bytes = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL".to_vec();
    bytes.resize(64, 0);
    bytes
}

/// The READY command of a socket type.
fn ready(socket_type: &str) -> Vec<u8> {
    let length = u8::try_from(socket_type.len()).unwrap();
    let mut body = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
    body.push(length);
    body.extend(socket_type.as_bytes());
    let mut bytes = vec![4, u8::try_from(body.len()).unwrap()];
    bytes.extend(body);
    bytes
}

/// A message of short parts.
fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        bytes.push(u8::from(index + 1 < parts.len()));
        bytes.push(u8::try_from(part.len()).unwrap());
        bytes.extend(*part);
    }
    bytes
}

fn connect(endpoint: &str) -> TcpStream {
    let address = endpoint.strip_prefix("tcp://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Reads until the other side closes, whatever comes before.
fn closed(mut stream: &TcpStream) {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn strangers_are_turned_away_and_the_others_go_on() {
    let (publisher, endpoint) = publisher(&["--seed", "7"]);
    let mut random = fastrand::Rng::with_seed(7);
    let mut noise = vec![0; 10_000];
    random.fill(&mut noise);
    noise[0] = b'?';
    // Each of these is known to be wrong; they are dropped at once.
    let http = format!("GET / HTTP/1.1\r\nHost: {endpoint:>50}\r\n\r\n");
    let old = [&b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\0"[..], &[0; 52]].concat();
    let no_ready = [&greeting()[..], &message(&[b"catA"])].concat();
    let no_type = [&greeting()[..], b"\x04\x06\x05READY"].concat();
    let unknown = [greeting(), ready("CAT")].concat();
    let other = [greeting(), ready("REQ")].concat();
    let same = [greeting(), ready("XPUB")].concat();
    for bytes in [
        &noise[..],
        http.as_bytes(),
        &old,
        &no_ready,
        &no_type,
        &unknown,
        &other,
        &same,
    ] {
        let mut stream = connect(&endpoint);
        stream.write_all(bytes).unwrap();
        closed(&stream);
        let line = publisher.errors.recv_timeout(LIMIT).unwrap();
        let begin = "zmq-pub: somebody was turned away: ";
        assert!(line.starts_with(begin), "{line}");
    }
    // These hang up in the middle. Nobody needs to know.
    for bytes in [&b""[..], b"\xff", &greeting()] {
        connect(&endpoint).write_all(bytes).unwrap();
    }
    // And these stay: nobody can know whether more is coming.
    let mut waiting = Vec::new();
    for bytes in [&b""[..], b"GET /\r\n\r\n", &greeting()[..63], &greeting()] {
        let mut stream = connect(&endpoint);
        stream.write_all(bytes).unwrap();
        waiting.push(stream);
    }
    let sub = subscriber(&endpoint);
    let end = publisher.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    for line in wanted(&end.output).lines() {
        assert_eq!(sub.line(), line);
    }
}

#[test]
fn a_subscriber_that_misbehaves_is_lost_and_the_others_go_on() {
    let (publisher, endpoint) = publisher(&["--seed", "7", "--expect", "8"]);
    let hello = [greeting(), ready("SUB")].concat();
    let strange: [&[u8]; 6] = [
        // No subscription, and nothing to mind.
        &message(&[b""]),
        &message(&[b"\x07cat"]),
        &message(&[b"\x01", b"catA"]),
        // An end of what has not begun.
        &message(&[b"\x00catX"]),
        // A frame longer than any memory: more than an isize can say.
        b"\x02\xff\xff\xff\xff\xff\xff\xff\xff",
        // A command that nobody knows.
        b"\x04\x04\x03CAT",
    ];
    let mut streams = Vec::new();
    for bytes in strange {
        let mut stream = connect(&endpoint);
        stream.write_all(&hello).unwrap();
        stream.write_all(bytes).unwrap();
        streams.push(stream);
    }
    for _ in 0..2 {
        let line = publisher.errors.recv_timeout(LIMIT).unwrap();
        assert!(line.contains("a subscriber was cut off: "), "{line}");
    }
    // One that ends in the middle of a frame.
    let mut stream = connect(&endpoint);
    stream.write_all(&hello).unwrap();
    stream.write_all(b"\x00\x10\x01cat").unwrap();
    drop(stream);
    let subs = [(); 4].map(|()| subscriber(&endpoint));
    let end = publisher.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""), "{end:?}");
    for sub in subs {
        for line in wanted(&end.output).lines() {
            assert_eq!(sub.line(), line);
        }
    }
}

#[test]
fn a_subscriber_that_does_not_read_holds_the_publisher_up_to_its_limit() {
    let options = ["--count", "100000000", "--timeout", "0.3", "--expect", "1"];
    let (publisher, endpoint) = publisher(&options);
    let mut stream = connect(&endpoint);
    stream.write_all(&greeting()).unwrap();
    stream.write_all(&ready("SUB")).unwrap();
    stream.write_all(&message(&[b"\x01"])).unwrap();
    let end = publisher.end();
    end.assert_error(": timed out; end the subscriber that does not read (");
    drop(stream);
}

/// The system throws away what is on its way if a connection is closed with
/// something unread.
#[test]
fn who_subscribes_again_in_the_middle_and_reads_late_loses_nothing() {
    // Fits into the buffers of a system that allows little.
    const COUNT: usize = 15_000;
    let options = ["--count", &COUNT.to_string(), "--expect", "1"];
    let (publisher, endpoint) = publisher(&options);
    let mut stream = connect(&endpoint);
    stream.write_all(&greeting()).unwrap();
    stream.write_all(&ready("SUB")).unwrap();
    stream.write_all(&message(&[b"\x01cat"])).unwrap();
    assert_eq!(publisher.line(), "Subscriptions: cat");
    stream.write_all(&message(&[b"\x01catA"])).unwrap();
    assert_eq!(publisher.end().code, Some(0));
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    // Before the messages of 12 bytes: a greeting and READY.
    assert_eq!(bytes.len(), 64 + 28 + COUNT * 12);
}

/// A publisher that can say anything.
struct Anything {
    listener: TcpListener,
    endpoint: String,
}

impl Anything {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        Self { listener, endpoint }
    }

    /// Greets as a socket type, and returns when one subscription has come.
    fn accept(&self, socket_type: &str) -> TcpStream {
        let (mut stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(&greeting()).unwrap();
        stream.write_all(&ready(socket_type)).unwrap();
        let mut bytes = vec![0; 64 + 27 + 3];
        stream.read_exact(&mut bytes).unwrap();
        stream
    }
}

#[test]
fn messages_of_a_wrong_form_are_reported_and_skipped() {
    let publisher = Anything::new();
    let endpoint = publisher.endpoint.clone();
    let sub = Program::start(SUB, &[&endpoint, "--prefix", ""]);
    let mut stream = publisher.accept("PUB");
    for (parts, why) in [
        (&[&b"catA"[..]][..], "its number of parts is 1"),
        (&[b""], "its number of parts is 1"),
        (&[b"catA", b"hatA", b"hatB"], "its number of parts is 3"),
        (&[b"", b"", b"", b"", b""], "its number of parts is 5"),
        (&[b"", b"hatA"], "its cat is empty"),
        (&[b"catA", b""], "its hat is empty"),
        (&[b"cat\xff", b"hatA"], r"its cat is no text: cat\xff"),
        (&[b"catA", b"\x1b\xc3"], r"its hat is no text: \u{1b}\xc3"),
    ] {
        stream.write_all(&message(parts)).unwrap();
        let line = sub.errors.recv_timeout(LIMIT).unwrap();
        assert_eq!(line, format!("zmq-sub: skipped a message: {why}"));
    }
    // What is text is shown, and cannot play with the terminal.
    for (parts, shown) in [
        (&[&b"catA"[..], b"hatA"][..], "catA wears a hatA"),
        (&[b"cat\n", b"\x1b[31m\\"], r"cat\n wears a \u{1b}[31m\\"),
        (
            &["Kätzchen".as_bytes(), "Mütze".as_bytes()],
            "Kätzchen wears a Mütze",
        ),
    ] {
        stream.write_all(&message(parts)).unwrap();
        let line = loop {
            let line = sub.line();
            if line.starts_with("Subscribe:") {
                break line;
            }
        };
        assert_eq!(line, format!("Subscribe: {shown}"));
    }
}

#[test]
fn a_publisher_that_misbehaves_is_left_and_found_again() {
    for nonsense in [
        // It closes, in the middle of a message too.
        &b""[..],
        b"\x01\x04catA\x00\x10hat",
        // A frame longer than an isize can say.
        b"\x02\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x04\x04\x03CAT",
    ] {
        let publisher = Anything::new();
        let endpoint = publisher.endpoint.clone();
        let sub = Program::start(SUB, &[&endpoint, "--prefix", ""]);
        let mut stream = publisher.accept("PUB");
        while sub.line() != "Subscribed to everything" {}
        stream.write_all(nonsense).unwrap();
        drop(stream);
        if nonsense.starts_with(b"\x04") {
            let why = sub.errors.recv_timeout(LIMIT).unwrap();
            assert!(why.contains("such as the PING of a heartbeat"), "{why}");
        }
        let lost =
            format!("zmq-sub: connection to {endpoint} lost; trying again");
        assert_eq!(sub.errors.recv_timeout(LIMIT).unwrap(), lost);
        let mut stream = publisher.accept("XPUB");
        let again = format!("Subscribed again to everything at {endpoint}");
        assert_eq!(sub.line(), again);
        stream.write_all(&message(&[b"catB", b"hatA"])).unwrap();
        assert_eq!(sub.line(), "Subscribe: catB wears a hatA");
    }
}

#[test]
fn a_socket_of_another_type_is_no_publisher() {
    for socket_type in ["REP", "SUB", "XSUB", "PUSH", "ROUTER", "PAIR"] {
        let other = Anything::new();
        let endpoint = other.endpoint.clone();
        let answers = std::thread::spawn(move || {
            let (mut stream, _) = other.listener.accept().unwrap();
            stream.write_all(&greeting()).unwrap();
            stream.write_all(&ready(socket_type)).unwrap();
            closed(&stream);
        });
        run(SUB, &[&endpoint]).assert_error("do not go together");
        answers.join().unwrap();
    }
}

#[test]
fn a_server_of_another_kind_is_no_publisher() {
    for answer in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n".repeat(2),
        "220 mail.example.com ESMTP ready\r\n".repeat(2),
        "\0".repeat(64),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let answers = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            closed(&stream);
        });
        run(SUB, &[&endpoint]).assert_error("does not speak ZMTP 3");
        answers.join().unwrap();
    }
}

#[test]
fn a_server_that_goes_in_the_middle_of_its_greeting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Unread bytes would make a reset of its end.
            let read = stream.read_exact(&mut [0; 64]);
            if read.is_ok() {
                let _ = stream.write_all(&greeting()[..10]);
            }
        }
    });
    run(SUB, &[&endpoint, "--patience", "0.4"])
        .assert_error("timed out; something listens there, but it does not");
}

#[test]
fn a_publisher_that_asks_for_encryption_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut greeting = greeting();
        greeting[12..17].copy_from_slice(b"CURVE");
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(&greeting);
            std::thread::spawn(move || closed(&stream));
        }
    });
    run(SUB, &[&endpoint, "--patience", "0.4"])
        .assert_error("it greets with the mechanism CURVE; ");
}

/// Starts zmq-sub and returns when it has subscribed.
fn subscriber(endpoint: &str) -> Program {
    let sub = Program::start(SUB, &[endpoint]);
    while !sub.line().starts_with("Subscribed to ") {}
    sub
}
