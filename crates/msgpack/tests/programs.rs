//! The programs, run as a person runs them, and with peers that are none.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SERVER: &str = env!("CARGO_BIN_EXE_msgpack-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_msgpack-client");

/// The greeting of ZMTP 3.0, and the READY of a REQ.
fn greeting() -> Vec<u8> {
    let mut bytes = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL".to_vec();
    bytes.resize(64, 0);
    bytes.extend(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REQ");
    bytes
}

/// A server at a port of its own. It is killed when this is dropped.
struct Server {
    child: Child,
    address: String,
    lines: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(SERVER)
            .arg("tcp://127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let address = line
            .trim_end()
            .strip_prefix("Waiting for requests at tcp://")
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned();
        Self {
            child,
            address,
            lines,
        }
    }

    fn serves_a_client(&self) {
        let end = run(CLIENT, &[&format!("tcp://{}", self.address)]);
        assert_eq!((end.0, end.2.as_str()), (Some(0), ""), "{end:?}");
        assert!(
            end.1.ends_with("Reply: hats of catA so far: 2\n"),
            "{end:?}"
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Exit code, stdout and stderr.
fn run(program: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let end = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (end.status.code(), text(end.stdout), text(end.stderr))
}

/// One line on stderr that says this, and exit 1.
fn fails(program: &str, endpoint: &str, words: &str) {
    let end = run(program, &[endpoint]);
    assert_eq!((end.0, end.2.lines().count()), (Some(1), 1), "{end:?}");
    assert!(end.2.contains(words), "{end:?}");
    assert!(!end.2.contains('\x1b'), "{end:?}");
}

#[test]
fn a_pair_and_its_end() {
    let mut server = Server::start();
    server.serves_a_client();
    for line in ["ping", "catA wears a hatB", "catA wears a hatD"] {
        let mut said = String::new();
        server.lines.read_line(&mut said).unwrap();
        assert_eq!(said, format!("Request: {line}\n"));
    }
    if cfg!(unix) {
        // The shell has its own: the program may not be installed.
        let line = format!("kill -TERM {}", server.child.id());
        Command::new("sh").args(["-c", &line]).status().unwrap();
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn endpoints_that_cannot_be_used() {
    for endpoint in [
        "",
        "127.0.0.1:6789",
        "tcp://",
        "tcp://127.0.0.1:x",
        "udp://127.0.0.1:1",
        "tcp://*:6789",
        "ipc://*",
        "ipc://",
        "\x1b[2J",
    ] {
        for program in [SERVER, CLIENT] {
            fails(program, endpoint, "; write it as tcp://HOST:PORT or ");
        }
    }
    fails(SERVER, "tcp://cat.invalid:6789", "host name not found");
    assert_eq!(run(CLIENT, &["--cat"]).0, Some(2));
    let server = Server::start();
    let at = format!("tcp://{}", server.address);
    fails(SERVER, &at, "address in use; end what listens there, or ");
}

#[test]
fn servers_that_are_none() {
    // Nobody: bound, so that nobody else takes the port, but not listening.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let at = format!("tcp://{}", nobody.local_addr().unwrap());
    fails(CLIENT, &at, "timed out; start a server there, or give ");
    // Somebody who is silent: the system accepts for a listener.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", listener.local_addr().unwrap());
    fails(CLIENT, &at, "timed out; start a server there, or give ");
    // Somebody who speaks HTTP.
    let web = std::thread::spawn(move || {
        // The first is the one from before.
        for stream in [listener.accept(), listener.accept()] {
            let (mut stream, _) = stream.unwrap();
            let _ =
                stream.write_all(&b"HTTP/1.1 400 Bad Request\r\n".repeat(3));
        }
    });
    fails(CLIENT, &at, "cannot connect to ");
    web.join().unwrap();
}

/// One who breaks off in the middle of a message, one who says nothing, one
/// who is no ZeroMQ, and requests that are none, with everything behind.
#[test]
fn clients_that_do_not_behave() {
    let server = Server::start();
    let connect = || {
        let stream = TcpStream::connect(&server.address).unwrap();
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).unwrap();
        stream
    };
    let _silent = connect();
    server.serves_a_client();
    let mut web = connect();
    web.write_all(&b"GET / HTTP/1.1\r\nHost: cats\r\n\r\n".repeat(3))
        .unwrap();
    let mut broken = connect();
    broken.write_all(&greeting()).unwrap();
    broken.write_all(b"\x01\0\0\x0aabc").unwrap();
    drop(broken);
    // Two parts where one should be, and one without an envelope.
    let mut odd = connect();
    odd.write_all(&greeting()).unwrap();
    odd.write_all(b"\x01\0\x01\x01a\0\x01b\0\x01x").unwrap();
    let mut request = connect();
    request.write_all(&greeting()).unwrap();
    request.write_all(b"\x01\0\0\x01\xc1").unwrap();
    // Its greeting, and then the reply.
    let told = msgpack::encode(&msgpack::Reply::Refused {
        why: "at byte 0: c1, which begins no value".into(),
    });
    let told = told.unwrap();
    let mut came = Vec::new();
    while !came.ends_with(&told) {
        let mut byte = [0];
        request.read_exact(&mut byte).unwrap();
        came.extend(byte);
    }
    let end = run(CLIENT, &[&format!("tcp://{}", server.address)]);
    assert!(
        end.1.ends_with("Reply: hats of catA so far: 4\n"),
        "{end:?}"
    );
}
