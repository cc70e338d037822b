//! The programs, run as a person runs them: with each other, with peers that
//! speak ZMTP by hand, and with some that do not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

const SERVER: &str = env!("CARGO_BIN_EXE_zmq-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_zmq-client");

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_pair_over_both_versions_of_ip() {
    for endpoint in ["tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://localhost:0"]
    {
        if endpoint.contains('[') && !has_ipv6() {
            continue;
        }
        let (server, at) = Program::waiting(SERVER, &[endpoint]);
        let end = run(CLIENT, &[&at, "--requests", "2", "--name", "Tom\x1b"]);
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        assert_eq!(
            end.output,
            "Sending message #1 of Tom\\u{1b}\n\
             Sent message #1 of Tom\\u{1b}, \
             received Stop saying: message #1 of Tom\\u{1b}\n\
             Sending message #2 of Tom\\u{1b}\n\
             Sent message #2 of Tom\\u{1b}, \
             received Stop saying: message #2 of Tom\\u{1b}\n"
        );
        if cfg!(unix) {
            let end = stop(server);
            assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
            assert!(end.output.starts_with(
                "Request says: message #1 of Tom\\u{1b}\n\
                 Answering: Stop saying: message #1 of Tom\\u{1b}\n\
                 Request says: message #2"
            ));
        }
    }
}

#[test]
#[cfg(unix)]
fn the_pair_over_ipc_and_what_is_left_of_it() {
    let folder = Folder::new("ipc");
    let at = format!("ipc://{}", folder.0.join("talk").display());
    let (server, said) = Program::waiting(SERVER, &[&at]);
    assert_eq!(said, at);
    let end = run(CLIENT, &[&at]);
    assert_eq!((end.code, end.output.lines().count()), (Some(0), 10));
    // A server that ends as it should takes its file along,
    assert_eq!(stop(server).code, Some(0));
    assert!(!folder.0.join("talk").exists());
    // and one that is killed does not.
    let (server, _) = Program::waiting(SERVER, &[&at]);
    server.signal("-KILL");
    server.end();
    let end = run(SERVER, &[&at]);
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains(": address in use; "), "{end:?}");
    assert!(end.errors.contains("delete the file"), "{end:?}");
    let end = run(CLIENT, &[&at, "--retries", "0", "--timeout", "0.2"]);
    assert_eq!(end.code, Some(1), "{end:?}");
    // A file of the user's is no such file: nobody is told to delete it.
    let note = folder.0.join("note.txt");
    std::fs::write(&note, "milk").unwrap();
    let end = run(SERVER, &[&format!("ipc://{}", note.display())]);
    assert!(end.errors.contains("; this file is no socket: "), "{end:?}");
    assert!(!end.errors.contains("delete"), "{end:?}");
    assert_eq!(std::fs::read(note).unwrap(), b"milk");
    let far = format!("ipc:///{}", "far/".repeat(100));
    assert!(run(SERVER, &[&far]).errors.contains("too long"));
    let end = run(SERVER, &[&format!("{at}/none/talk")]);
    assert_eq!((end.code, end.errors.lines().count()), (Some(1), 1));
}

#[test]
fn endpoints_and_options_that_cannot_be_used() {
    for endpoint in [
        "127.0.0.1:6789",
        "",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:cat",
        "inproc://talk",
        "udp://127.0.0.1:6789",
        "ipc://",
        "ipc://*",
        "ipc://@talk",
        "\x1b[2J",
    ] {
        for program in [SERVER, CLIENT] {
            let end = run(program, &[endpoint]);
            assert_eq!((end.code, end.errors.lines().count()), (Some(1), 1));
            let name = program.rsplit(['/', '\\']).next().unwrap();
            let name = name.trim_end_matches(".exe");
            let said = format!("{name}: cannot use the endpoint ");
            assert!(end.errors.starts_with(&said), "{end:?}");
            assert!(end.errors.contains("; write it as "), "{end:?}");
            assert!(!end.errors.contains('\x1b'));
        }
    }
    assert!(
        run(CLIENT, &["tcp://*:1"])
            .errors
            .contains("only for binding")
    );
    let unknown = ["tcp://cat.invalid:6789", "--timeout", "9"];
    for program in [SERVER, CLIENT] {
        let end = run(program, &unknown);
        assert!(end.errors.contains("host name not found"), "{end:?}");
    }
    for options in [["--work=-1", "--timeout=1"], ["--work=0", "--timeout=0"]] {
        assert_eq!(run(SERVER, &options).code, Some(2));
    }
    for option in [
        "--retries=-1",
        "--timeout=soon",
        "--requests=0",
        "--longest=0",
    ] {
        assert_eq!(run(CLIENT, &[option]).code, Some(2));
    }
}

#[test]
fn a_port_that_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let end = run(SERVER, &[&endpoint_of(&listener)]);
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains(": address in use; "), "{end:?}");
}

#[test]
fn nobody_there_and_somebody_who_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = endpoint_of(&listener);
    let impatient = [&at, "--timeout", "0.1", "--retries", "1"];
    // The system accepts for a listener that never does.
    let end = run(CLIENT, &impatient);
    assert_eq!((end.code, end.errors.lines().count()), (Some(1), 2));
    assert!(
        end.errors.contains("(attempt 2 of 2): timed out; "),
        "{end:?}"
    );
    // Nobody: bound, so that nobody else takes the port, but not listening.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = format!("tcp://{}", nobody.local_addr().unwrap());
    let impatient = [&at, "--timeout", "0.1", "--retries", "1"];
    let end = run(CLIENT, &impatient);
    assert_eq!(end.output, "Sending message #1\nSending message #1 again\n");
    assert!(
        end.errors
            .contains("(attempt 1 of 2): connection refused; try")
    );
    assert!(
        end.errors
            .contains("(attempt 2 of 2): connection refused; st")
    );
    assert_eq!(end.code, Some(1));
    let end = run(SERVER, &[&at, "--connect", "--timeout", "0.1"]);
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains(": connection refused; "), "{end:?}");
}

/// It may be a peer that just starts again.
#[test]
fn one_that_leaves_in_its_greeting_is_tried_again() {
    for (program, options, kind) in [
        (CLIENT, ["--requests", "1"].as_slice(), "REP"),
        (SERVER, &["--connect"], "DEALER"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = endpoint_of(&listener);
        let arguments = [&[at.as_str()], options].concat();
        let program = Program::start(program, &arguments);
        let mut leaves = accept(&listener);
        leaves.set_read_timeout(Some(LIMIT)).unwrap();
        // Unread bytes would make a reset of its end.
        leaves.read_exact(&mut [0; 64]).unwrap();
        leaves.write_all(&GREETING[..10]).unwrap();
        drop(leaves);
        let mut peer = greeted(accept(&listener), kind);
        if kind == "DEALER" {
            let waiting = format!("Waiting for requests at {at}");
            assert_eq!(program.line(), waiting);
            continue;
        }
        assert_eq!(peer.message(), ["", "message #1"]);
        peer.send(&[b"", b"miau"]);
        let end = program.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    }
}

#[test]
fn one_that_asks_for_encryption_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = endpoint_of(&listener);
    spawn(move || {
        let mut greeting = *GREETING;
        greeting[12..17].copy_from_slice(b"CURVE");
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(&greeting);
            spawn(move || until_closed(stream));
        }
    });
    for arguments in [
        [CLIENT, &at, "--timeout", "0.4", "--retries", "0"].as_slice(),
        &[SERVER, &at, "--timeout", "0.4", "--connect"],
    ] {
        let end = run(arguments[0], &arguments[1..]);
        assert_eq!(end.code, Some(1), "{end:?}");
        let why = "it greets with the mechanism CURVE; ";
        assert!(end.errors.contains(why), "{end:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_server_that_dies_at_work_and_comes_back() {
    let options = ["tcp://127.0.0.1:0", "--work", "60"];
    let (server, at) = Program::waiting(SERVER, &options);
    let client = Program::start(CLIENT, &[&at, "--timeout", "25"]);
    assert_eq!(client.line(), "Sending message #1");
    assert_eq!(server.line(), "Request says: message #1");
    server.signal("-KILL");
    server.end();
    assert_eq!(client.line(), "Sending message #1 again");
    let (server, _) = Program::waiting(SERVER, &[&at]);
    let end = client.end();
    assert_eq!((end.code, end.output.lines().count()), (Some(0), 9));
    assert!(end.errors.contains("(attempt 1 of 4): connection reset; "));
    assert_eq!(stop(server).output.lines().count(), 10);
}

/// The first answer comes when the client has long asked again, and is wrong
/// for whoever takes it for the second one.
#[test]
fn a_late_answer_is_never_taken_for_another() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = ["--requests", "1", "--timeout", "0.5"];
    let at = endpoint_of(&listener);
    let client =
        Program::start(CLIENT, &[&[at.as_str()], &options[..]].concat());
    let mut first = greeted(accept(&listener), "REP");
    assert_eq!(first.message(), ["", "message #1"]);
    let mut second = greeted(accept(&listener), "REP");
    assert_eq!(second.message(), ["", "message #1"]);
    let _ = first.stream.write_all(&message(&[b"", b"too late"]));
    second.send(&[b"", b"in time"]);
    let end = client.end();
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.output.ends_with(
        "Sending message #1 again\nSent message #1, received in time\n"
    ));
}

#[test]
fn what_a_client_cannot_use() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = endpoint_of(&listener);
    let options = [at.as_str(), "--timeout", "20", "--retries", "0"];
    let options = [&options[..], &["--longest", "9"]].concat();
    for (answer, why) in [
        (&[&b""[..], b"a", b"b"][..], "2 parts instead of one"),
        (&[b"", b"\xff"], "not UTF-8"),
        (&[b"", b""], "nothing in it"),
        (&[b"", b"0123456789"], "10 bytes, the limit is 9 bytes"),
        (&[b"bare"], "too few frames"),
        (&[b"no", b"delimiter"], "missing delimiter"),
    ] {
        let client = Program::start(CLIENT, &options);
        let mut peer = greeted(accept(&listener), "REP");
        peer.message();
        peer.send(answer);
        let end = client.end();
        assert_eq!((end.code, end.errors.lines().count()), (Some(1), 1));
        assert!(end.errors.contains(why), "{end:?}");
    }
    // Some are no use at all, and are told at once.
    for (bytes, why) in [
        (b"HTTP/1.1 400 Bad Request\r\n".repeat(3), "speak ZMTP 3"),
        (
            [&GREETING[..], &ready("PUB")].concat(),
            "do not go together",
        ),
    ] {
        let client = Program::start(CLIENT, &[&at, "--timeout", "20"]);
        let mut stream = accept(&listener);
        stream.write_all(&bytes).unwrap();
        let end = client.end();
        assert_eq!((end.code, end.errors.lines().count()), (Some(1), 1));
        assert!(end.errors.contains(why), "{end:?}");
    }
}

#[test]
fn peers_that_do_not_behave() {
    let options = ["tcp://127.0.0.1:0", "--longest", "99"];
    let (server, at) = Program::waiting(SERVER, &options);
    let connect =
        || TcpStream::connect(at.strip_prefix("tcp://").unwrap()).unwrap();
    let serves = || {
        let end = run(CLIENT, &[&at, "--requests", "1", "--timeout", "20"]);
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    };
    // Two that stay for all the test.
    let _silent = connect();
    let mut half = connect();
    half.write_all(&GREETING[..20]).unwrap();
    serves();
    // No ZMTP at all: closed.
    let noise: Vec<u8> = (0..200u32).map(|n| (n * n * 7 % 251) as u8).collect();
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\
        User-Agent: curl/8\r\n\r\n";
    for bytes in [&noise, &http[..], &[b'\n'; 64]] {
        let mut stream = connect();
        stream.write_all(bytes).unwrap();
        until_closed(stream);
        let error = server.error();
        assert!(error.ends_with("does not speak ZMTP 3"), "{error}");
        serves();
    }
    // Sockets that do not pair with REP: closed.
    for kind in ["SUB", "PUB", "PUSH", "PULL", "REP", "XSUB", "PAIR"] {
        let mut stream = connect();
        stream.write_all(GREETING).unwrap();
        stream.write_all(&ready(kind)).unwrap();
        until_closed(stream);
        let error = server.error();
        assert!(error.ends_with("do not go together"), "{error}");
    }
    // Greeted, and then: a length that cannot be, a command that nobody
    // knows, a command without a name, a message that breaks off.
    for (bytes, why) in [
        (&b"\x02\xff\xff\xff\xff\xff\xff\xff\xff"[..], "capacity"),
        (b"\x04\x05\x04PING", "such as the PING of a heartbeat"),
        (b"\x04\x00", "Missing command length"),
        (b"\x01\x00\x00\x0aabc", "in the middle of a message"),
        (
            b"\x01\x00\x02\x00\x00\x00\x00\x00\x0f\x42\x40abc",
            "of a message",
        ),
    ] {
        let mut peer = greeted(connect(), "REQ");
        peer.stream.write_all(bytes).unwrap();
        if bytes.ends_with(b"abc") {
            drop(peer);
        } else {
            until_closed(peer.stream);
        }
        let error = server.error();
        assert!(error.contains("dropped a peer: "), "{error}");
        assert!(error.ends_with(why), "{error}");
        serves();
    }
    // A DEALER that does as it likes: no delimiter, no parts after it,
    // several, none that is text. What can be answered is.
    let mut dealer = greeted(connect(), "DEALER");
    dealer.send(&[b"bare"]);
    let error = server.error();
    assert!(error.ends_with("skipped a message: no envelope"), "{error}");
    for (request, why) in [
        (&[&b"a"[..], b""][..], "0 parts instead of one"),
        (&[b"", b"a", b"b"], "2 parts instead of one"),
        (&[b"", b"a", b"b", b"c"], "3 parts instead of one"),
        (&[b"", b"\xc3\x28"], "not UTF-8"),
        (&[b"", b""], "nothing in it"),
        (&[b"", &[b'x'; 100]], "100 bytes, the limit is 99 bytes"),
    ] {
        dealer.send(request);
        let answer = dealer.message();
        assert_eq!(answer.last().unwrap(), &format!("Bad request: {why}"));
        assert!(server.error().ends_with(&format!("bad request: {why}")));
    }
    // What stands before the delimiter comes back as it was.
    dealer.send(&[b"one", b"two", b"", b"Hello"]);
    assert_eq!(dealer.message(), ["one", "two", "", "Stop saying: Hello"]);
    serves();
    if cfg!(unix) {
        let end = stop(server);
        // Each was told once: nothing went round in circles.
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    }
}

/// The library tries to accept without a pause; who looks at stderr is told
/// now and then.
#[test]
#[cfg(target_os = "linux")]
fn no_file_descriptor_is_left() {
    let line = "ulimit -n 24 && exec \"$0\" tcp://127.0.0.1:0";
    let (server, at) = Program::waiting("sh", &["-c", line, SERVER]);
    let address = at.strip_prefix("tcp://").unwrap();
    let peers: Vec<_> = (0..30)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let error = server.error();
    assert!(
        error.ends_with("cannot accept: Too many open files"),
        "{error}"
    );
    drop(peers);
    let end = run(CLIENT, &[&at]);
    assert_eq!((end.code, end.output.lines().count()), (Some(0), 10));
    let end = stop(server);
    assert!(end.errors.lines().count() < 9, "{end:?}");
}

/// A connection that broke off is dropped without those beside it.
#[test]
fn one_that_breaks_off_takes_nobody_along() {
    let (server, at) = Program::waiting(SERVER, &["tcp://127.0.0.1:0"]);
    let connect =
        || TcpStream::connect(at.strip_prefix("tcp://").unwrap()).unwrap();
    let mut good = greeted(connect(), "REQ");
    for _ in 0..20 {
        let mut bad = greeted(connect(), "REQ");
        bad.stream.write_all(b"\x01\x00\x00\x0aabc").unwrap();
        drop(bad);
        assert!(server.error().ends_with("in the middle of a message"));
        good.send(&[b"", b"Hello"]);
        assert_eq!(good.message(), ["", "Stop saying: Hello"]);
    }
}

/// Requests without end from a peer that reads no answer: it costs the
/// others some time for each, and no more.
#[test]
fn a_client_that_does_not_read() {
    let options = ["tcp://127.0.0.1:0", "--longest", "1000000"];
    let options = [&options[..], &["--timeout", "0.1"]].concat();
    let (server, at) = Program::waiting(SERVER, &options);
    let stream = TcpStream::connect(at.strip_prefix("tcp://").unwrap());
    let mut deaf = greeted(stream.unwrap(), "DEALER");
    let sender = spawn(move || {
        let text = vec![b'x'; 1_000_000];
        for _ in 0..40 {
            let request = message(&[b"", &text]);
            if deaf.stream.write_all(&request).is_err() {
                break;
            }
        }
        deaf
    });
    let error = server.error();
    assert!(error.ends_with("cannot answer: timed out"), "{error}");
    let end = run(CLIENT, &[&at, "--timeout", "25"]);
    assert_eq!((end.code, end.output.lines().count()), (Some(0), 10));
    drop(server);
    sender.join().unwrap();
}

#[test]
#[cfg(unix)]
fn a_broker_that_goes_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = endpoint_of(&listener);
    let options = [at.as_str(), "--connect", "--timeout", "20"];
    let server = Program::start(SERVER, &options);
    for ending in [&b""[..], b"\x01\x00\x00\x0aabc"] {
        let mut broker = greeted(accept(&listener), "DEALER");
        assert!(server.line().ends_with(&at));
        broker.send(&[b"who", b"", b"Hello"]);
        assert_eq!(broker.message(), ["who", "", "Stop saying: Hello"]);
        server.line();
        server.line();
        broker.stream.write_all(ending).unwrap();
        drop(broker);
        let error = server.error();
        assert!(error.ends_with("lost; trying again"), "{error}");
    }
    let mut broker = greeted(accept(&listener), "DEALER");
    assert_eq!(server.line(), format!("Waiting again for requests at {at}"));
    broker.send(&[b"who", b"", b"Hello"]);
    assert_eq!(broker.message(), ["who", "", "Stop saying: Hello"]);
    let end = stop(server);
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

#[test]
#[cfg(unix)]
fn the_end_at_any_time() {
    let (server, at) =
        Program::waiting(SERVER, &["tcp://127.0.0.1:0", "--work", "60"]);
    let client = Program::start(CLIENT, &[&at, "--timeout", "60"]);
    assert_eq!(server.line(), "Request says: message #1");
    for (program, signal) in [(client, "-INT"), (server, "-TERM")] {
        program.signal(signal);
        let end = program.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    }
    // A server that still looks for its broker.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = endpoint_of(&listener);
    let server = Program::start(SERVER, &[&at, "--connect"]);
    let _silent = accept(&listener);
    assert_eq!(stop(server).code, Some(0));
}

const GREETING: &[u8; 64] = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The command READY of a socket of this kind (RFC 23/ZMTP).
fn ready(kind: &str) -> Vec<u8> {
    let mut body = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
    body.push(kind.len() as u8);
    body.extend(kind.as_bytes());
    [&[4, body.len() as u8][..], &body].concat()
}

fn message(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let more = u8::from(index + 1 < parts.len());
        match u8::try_from(part.len()) {
            Ok(length) => bytes.extend([more, length]),
            Err(_) => {
                bytes.push(more | 2);
                bytes.extend((part.len() as u64).to_be_bytes());
            }
        }
        bytes.extend(*part);
    }
    bytes
}

/// A peer that speaks ZMTP by hand.
struct Peer {
    stream: TcpStream,
}

fn greeted(mut stream: TcpStream, kind: &str) -> Peer {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(GREETING).unwrap();
    stream.read_exact(&mut [0; 64]).unwrap();
    stream.write_all(&ready(kind)).unwrap();
    let mut peer = Peer { stream };
    assert_eq!(peer.frame().0, 4);
    peer
}

impl Peer {
    fn send(&mut self, parts: &[&[u8]]) {
        self.stream.write_all(&message(parts)).unwrap();
    }

    fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).unwrap();
        assert_eq!(head[0] & 2, 0, "a long frame");
        let mut body = vec![0; head[1].into()];
        self.stream.read_exact(&mut body).unwrap();
        (head[0], body)
    }

    fn message(&mut self) -> Vec<String> {
        let mut parts = Vec::new();
        loop {
            let (flags, body) = self.frame();
            parts.push(String::from_utf8(body).unwrap());
            if flags & 1 == 0 {
                return parts;
            }
        }
    }
}

fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let begin = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                return stream;
            }
            Err(_) if begin.elapsed() < LIMIT => std::thread::yield_now(),
            Err(error) => panic!("nobody came: {error}"),
        }
    }
}

fn until_closed(mut stream: TcpStream) {
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                return;
            }
        }
    }
}

fn endpoint_of(listener: &TcpListener) -> String {
    format!("tcp://{}", listener.local_addr().unwrap())
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[cfg(unix)]
struct Folder(std::path::PathBuf);

#[cfg(unix)]
impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("zmq-reqrep-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

#[cfg(unix)]
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Program {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

/// How a program ended, and what it printed that was not asked for before.
#[derive(Debug)]
struct End {
    code: Option<i32>,
    output: String,
    errors: String,
}

fn run(program: &str, arguments: &[&str]) -> End {
    Program::start(program, arguments).end()
}

/// As Ctrl-C does. On Windows nobody can press it for another process.
fn stop(server: Program) -> End {
    server.signal("-INT");
    server.end()
}

impl Program {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            lines: lines_of(child.stdout.take()),
            errors: lines_of(child.stderr.take()),
            child,
        }
    }

    /// Starts a server and returns it with the endpoint it has.
    fn waiting(program: &str, arguments: &[&str]) -> (Self, String) {
        let server = Self::start(program, arguments);
        let line = server.line();
        let at = line.strip_prefix("Waiting for requests at ").unwrap();
        (server, at.to_owned())
    }

    fn line(&self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(error) => {
                let errors: Vec<_> = self.errors.try_iter().collect();
                panic!("{error} instead of a line; {errors:?}")
            }
        }
    }

    fn error(&self) -> String {
        self.errors.recv_timeout(LIMIT).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        // The shell has its own: the program may not be installed.
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill \"$@\"", "kill"]);
        assert!(kill.args([signal, &id]).status().unwrap().success());
    }

    /// Waits for the end; what is printed until then is in the result.
    fn end(mut self) -> End {
        let output = all(&self.lines);
        let errors = all(&self.errors);
        let code = self.child.wait().unwrap().code();
        End {
            code,
            output,
            errors,
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(stream) = stream {
        spawn(move || {
            for line in BufReader::new(stream).lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// All lines until the stream ends.
fn all(lines: &Receiver<String>) -> String {
    let mut text = String::new();
    loop {
        match lines.recv_timeout(LIMIT) {
            Ok(line) => text += &(line + "\n"),
            Err(RecvTimeoutError::Disconnected) => return text,
            Err(error) => panic!("{error}; until then: {text}"),
        }
    }
}
