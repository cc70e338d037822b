//! The programs, run as a person runs them: with each other, with plain
//! sockets, and where it goes wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::spawn;
use std::time::Duration;

use zeromq::SocketType;

const TRANSPORTS: &str = env!("CARGO_BIN_EXE_zmq-transports");
const LISTENER: &str = env!("CARGO_BIN_EXE_zmq-listener");
const CALLER: &str = env!("CARGO_BIN_EXE_zmq-caller");
const PAIRS: &str = env!("CARGO_BIN_EXE_zmq-pairs");

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

/// What a peer sends first (ZMTP 3.0, "Greeting").
fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

fn ready(kind: &str) -> Vec<u8> {
    let mut body = b"\x05READY\x0bSocket-Type".to_vec();
    body.extend(u32::try_from(kind.len()).unwrap().to_be_bytes());
    body.extend(kind.as_bytes());
    let mut bytes = vec![4, u8::try_from(body.len()).unwrap()];
    bytes.extend(body);
    bytes
}

#[test]
fn the_pair_over_tcp() {
    let (listener, at) = Program::listening(&["tcp://127.0.0.1:0"]);
    for _ in 0..3 {
        the_caller_is_answered(&at);
    }
    drop(listener);
    let (_listener, at) = Program::listening(&["tcp://*:0"]);
    assert!(at.starts_with("tcp://0.0.0.0:"), "{at}");
    the_caller_is_answered(&at.replace("0.0.0.0", "127.0.0.1"));
}

#[test]
fn the_table_of_pairs_is_that_of_the_specification() {
    let end = run(PAIRS, &[]);
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    let mut lines = end.output.lines();
    let head = lines.next().unwrap();
    let names: Vec<&str> = head.split_whitespace().skip(1).collect();
    assert_eq!(names.len(), 10);
    for bound in &names {
        let row: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(row[0], *bound);
        for (cell, name) in row[1..].iter().zip(&names) {
            let [a, b]: [SocketType; 2] =
                [bound.parse().unwrap(), name.parse().unwrap()];
            let expected = if a.compatible(b) { "yes" } else { "-" };
            assert_eq!(*cell, expected, "{bound} {name}");
        }
    }
    assert_eq!(lines.next(), Some("20 of 100 pairs come to terms"));
}

#[test]
fn bad_endpoints_are_one_line() {
    let long = format!("ipc://{}", "x".repeat(200));
    for program in [LISTENER, CALLER, TRANSPORTS] {
        for (endpoint, why) in [
            ("nonsense", "it names no transport"),
            ("", "it names no transport"),
            ("tcp://", "a host and a port up to 65535 must follow"),
            ("tcp://127.0.0.1", "a host and a port up to 65535"),
            ("tcp://127.0.0.1:70000", "a host and a port up to 65535"),
            ("tcp://127.0.0.1:1/x", "a host and a port up to 65535"),
            ("ipc://", "the path of a file must follow ipc://"),
            ("ipc://*", "the path of a file must follow ipc://"),
            ("ipc://@cats", "this library knows no abstract names"),
            (&long, "its path has 200 bytes"),
            ("inproc://cats", "this library has no inproc"),
            ("udp://127.0.0.1:1", "this library knows only tcp and ipc"),
            ("TCP://127.0.0.1:1", "this library knows only tcp and ipc"),
            ("cats\x1b[2J://", "this library knows only tcp and ipc"),
        ] {
            let end = run(program, &[endpoint]);
            assert_eq!(end.code, Some(1), "{end:?}");
            assert!(end.errors.contains(why), "{end:?}");
            assert_eq!(end.errors.lines().count(), 1, "{end:?}");
            assert!(!end.errors.contains('\x1b'), "{end:?}");
        }
        let end = run(program, &["tcp://cat.invalid:6789"]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains("host name not found"), "{end:?}");
    }
}

#[test]
fn bad_usage() {
    for arguments in [
        ["--size", "7"],
        ["--size", "4097"],
        ["--round-trips", "0"],
        ["--messages", "1"],
        ["--timeout", "0"],
        ["--timeout", "nan"],
    ] {
        let end = run(TRANSPORTS, &arguments);
        assert_eq!(end.code, Some(2), "{end:?}");
    }
    for program in [LISTENER, CALLER, PAIRS] {
        assert_eq!(run(program, &["--nonsense"]).code, Some(2));
    }
}

#[test]
fn the_jobs_over_tcp_and_channels() {
    let end = run(
        TRANSPORTS,
        &[
            "tcp://127.0.0.1:0",
            "channels",
            "--round-trips=100",
            "--messages=20000",
            "--size=100",
        ],
    );
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""), "{end:?}");
    assert_eq!(end.output.lines().count(), 8, "{end:?}");
    let end = run(
        TRANSPORTS,
        &["channels", "--messages=1000000000", "--timeout=0.1"],
    );
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains("timed out; ask for less"), "{end:?}");
}

#[test]
fn a_port_that_is_taken_and_one_where_nobody_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", listener.local_addr().unwrap());
    for program in [LISTENER, TRANSPORTS] {
        let end = run(program, &[&at]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(": address in use; end"), "{end:?}");
    }
    // It accepts, but does not greet.
    let end = run(CALLER, &[&at, "--timeout=0.2"]);
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.errors.contains("does not greet as ZeroMQ"), "{end:?}");
    drop(listener);
    let end = run(CALLER, &[&at, "--timeout=0.2"]);
    assert_eq!(end.code, Some(1), "{end:?}");
    assert!(end.errors.contains(": connection refused; "), "{end:?}");
}

/// It may be a listener that just starts again.
#[test]
fn one_that_leaves_in_its_greeting_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", listener.local_addr().unwrap());
    let caller = Program::start(CALLER, &[&at, "--timeout=20"]);
    let call = || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    };
    let mut leaves = call();
    // Unread bytes would make a reset of its end.
    leaves.read_exact(&mut [0; 64]).unwrap();
    leaves.write_all(&greeting()[..10]).unwrap();
    drop(leaves);
    let mut stays = call();
    stays
        .write_all(&[greeting(), ready("REP")].concat())
        .unwrap();
    stays.read_exact(&mut [0; 64]).unwrap();
    // Its READY, and then a message of two parts, the first of them empty.
    let mut head = [0; 2];
    stays.read_exact(&mut head).unwrap();
    stays.read_exact(&mut vec![0; head[1].into()]).unwrap();
    let mut message = [0; 10];
    stays.read_exact(&mut message).unwrap();
    assert_eq!(message, *b"\x01\0\0\x06Hello!");
    stays.write_all(b"\x01\0\0\x04Miau").unwrap();
    let end = caller.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""), "{end:?}");
    assert!(end.output.ends_with(" said Miau\n"), "{end:?}");
}

#[test]
fn one_that_asks_for_encryption_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", listener.local_addr().unwrap());
    spawn(move || {
        let mut greeting = greeting();
        greeting[12..17].copy_from_slice(b"CURVE");
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(&greeting);
            spawn(move || stream.read_to_end(&mut Vec::new()));
        }
    });
    let end = run(CALLER, &[&at, "--timeout=0.4"]);
    assert_eq!(end.code, Some(1), "{end:?}");
    let why = "it greets with the mechanism CURVE; ";
    assert!(end.errors.contains(why), "{end:?}");
}

/// Peers that speak no ZMTP, or not to the end: those who do are answered
/// all the time.
#[test]
fn strangers_do_not_disturb() {
    let (_listener, at) = Program::listening(&["tcp://127.0.0.1:0"]);
    let address = at.strip_prefix("tcp://").unwrap();
    let greets_only = greeting();
    let half = &greets_only[..30];
    let mut is_no_pair = greeting();
    is_no_pair.extend(ready("PULL"));
    let mut is_no_command = greeting();
    is_no_command.extend([0xff; 40]);
    let mut no_parts = greeting();
    no_parts.extend(ready("REQ"));
    no_parts.extend(b"\x00\x06Hello!");
    let http = b"GET / HTTP/1.1\r\nHost: cats\r\n\r\n".to_vec();
    let rubbish: Vec<u8> = (0..4000_u32).map(|n| (n * 7) as u8).collect();
    let mut kept = Vec::new();
    for bytes in [
        &[][..],
        half,
        &greets_only,
        &is_no_pair,
        &is_no_command,
        &no_parts,
        &http,
        &rubbish,
    ] {
        let mut stranger = TcpStream::connect(address).unwrap();
        // It may be dropped while it speaks.
        let _ = stranger.write_all(bytes);
        the_caller_is_answered(&at);
        kept.push(stranger);
        the_caller_is_answered(&at);
    }
    drop(kept);
    the_caller_is_answered(&at);
}

/// To the library such a caller is an error that never ends.
#[test]
fn a_caller_that_ends_in_the_middle_is_reported_once() {
    let (listener, at) = Program::listening(&["tcp://127.0.0.1:0"]);
    let address = at.strip_prefix("tcp://").unwrap();
    let mut bytes = greeting();
    bytes.extend(ready("REQ"));
    bytes.extend(b"\x01\x00\x00\x06Hel");
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.write_all(&bytes).unwrap();
    // It ends in order: its direction is closed, what comes is read.
    stranger.shutdown(Shutdown::Write).unwrap();
    stranger.set_read_timeout(Some(LIMIT)).unwrap();
    let mut rest = Vec::new();
    let _ = stranger.read_to_end(&mut rest);
    the_caller_is_answered(&at);
    the_caller_is_answered(&at);
    #[cfg(unix)]
    {
        let end = listener.stop();
        assert_eq!(end.errors.lines().count(), 1, "{end:?}");
        assert_eq!(end.code, Some(0), "{end:?}");
    }
    #[cfg(not(unix))]
    drop(listener);
}

/// The connection of one that is killed before it has read its answer is
/// reset. That is reported, and the others keep theirs.
#[test]
fn a_caller_that_is_reset_costs_the_others_nothing() {
    let (_listener, at) = Program::listening(&["tcp://127.0.0.1:0"]);
    let address = at.strip_prefix("tcp://").unwrap();
    let mut says_hello = greeting();
    says_hello.extend(ready("REQ"));
    says_hello.extend(b"\x01\x00\x00\x06Hello!");
    let answer = b"\x01\x00\x00\x16Are you talking to me?";
    let mut heard = vec![0; 64 + ready("REP").len() + answer.len()];
    let mut friend = TcpStream::connect(address).unwrap();
    friend.set_read_timeout(Some(LIMIT)).unwrap();
    friend.write_all(&says_hello).unwrap();
    friend.read_exact(&mut heard).unwrap();
    assert!(heard.ends_with(answer));
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.set_read_timeout(Some(LIMIT)).unwrap();
    stranger.write_all(&says_hello).unwrap();
    heard.pop();
    stranger.read_exact(&mut heard).unwrap();
    // One byte is unread: the system closes with a reset.
    drop(stranger);
    the_caller_is_answered(&at);
    friend.write_all(b"\x01\x00\x00\x06Hello!").unwrap();
    let mut again = vec![0; answer.len()];
    friend.read_exact(&mut again).unwrap();
    assert_eq!(again, answer);
}

/// The library has no limit on the length of a message, and asks for the
/// memory as soon as the length is announced. If this fails, it has one now:
/// say so on the page and in the README.
#[test]
fn nine_bytes_end_the_process() {
    let (listener, at) = Program::listening(&["tcp://127.0.0.1:0"]);
    let address = at.strip_prefix("tcp://").unwrap();
    let mut bytes = greeting();
    bytes.extend(ready("REQ"));
    bytes.push(2);
    bytes.extend((1_u64 << 62).to_be_bytes());
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.write_all(&bytes).unwrap();
    let end = listener.end();
    assert_ne!(end.code, Some(0), "{end:?}");
    assert!(end.errors.contains("memory allocation of"), "{end:?}");
}

#[cfg(unix)]
mod ipc {
    use super::*;
    use std::fs;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn the_pair_and_its_file() {
        let folder = Folder::new();
        let at = folder.endpoint("zmq.sock");
        let (listener, said) = Program::listening(&[&at]);
        assert_eq!(said, at);
        the_caller_is_answered(&at);
        let end = listener.stop();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        assert!(!folder.path("zmq.sock").exists(), "it was deleted");
    }

    #[test]
    fn a_file_that_was_left_behind() {
        let folder = Folder::new();
        let at = folder.endpoint("zmq.sock");
        let (mut listener, _) = Program::listening(&[&at]);
        let end = run(LISTENER, &[&at, "--replace"]);
        assert!(end.errors.contains("; end what listens there"), "{end:?}");
        the_caller_is_answered(&at);
        listener.child.kill().unwrap();
        listener.child.wait().unwrap();
        assert!(folder.path("zmq.sock").exists(), "it stayed");
        let end = run(CALLER, &[&at, "--timeout=0.2"]);
        assert!(end.errors.contains("nobody listens at this"), "{end:?}");
        for program in [LISTENER, TRANSPORTS] {
            let end = run(program, &[&at]);
            assert_eq!(end.code, Some(1), "{end:?}");
            assert!(end.errors.contains("has left this file"), "{end:?}");
        }
        let (_listener, _) = Program::listening(&[&at, "--replace"]);
        the_caller_is_answered(&at);
    }

    #[test]
    fn what_is_no_socket_is_not_deleted() {
        let folder = Folder::new();
        fs::write(folder.path("diary"), "Dear diary").unwrap();
        let end = run(LISTENER, &[&folder.endpoint("diary"), "--replace"]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(": address in use; "), "{end:?}");
        assert!(folder.path("diary").exists());
    }

    #[test]
    fn the_jobs_leave_no_file() {
        let folder = Folder::new();
        let at = folder.endpoint("zmq.sock");
        let end =
            run(TRANSPORTS, &[&at, "--round-trips=100", "--messages=20000"]);
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        assert!(!folder.path("zmq.sock").exists());
        // Nor when they are ended in the middle.
        let mut jobs =
            Program::start(TRANSPORTS, &[&at, "--messages=1000000000"]);
        jobs.line_with("pushing");
        let end = jobs.stop();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        assert!(!folder.path("zmq.sock").exists());
    }

    /// Such a caller takes no more of the listener's time than `--timeout`
    /// for each answer, and does not keep it from ending.
    #[test]
    fn a_caller_that_does_not_read() {
        for limit in ["--timeout=0.1", "--timeout=1000"] {
            let folder = Folder::new();
            let at = folder.endpoint("zmq.sock");
            let (listener, _) = Program::listening(&[&at, limit]);
            let path = folder.path("zmq.sock");
            let mut stranger = UnixStream::connect(path).unwrap();
            let mut bytes = greeting();
            bytes.extend(ready("REQ"));
            bytes.extend(b"\x01\x00\x00\x06Hello!".repeat(10_000));
            let mut writer = stranger.try_clone().unwrap();
            // The listener soon takes in no more of it.
            spawn(move || writer.write_all(&bytes));
            let read = &mut [0; 64 + 27];
            stranger.read_exact(read).unwrap();
            if limit == "--timeout=0.1" {
                let line = listener.errors.recv_timeout(LIMIT).unwrap();
                assert!(line.contains("does not read"), "{line}");
                the_caller_is_answered(&at);
            } else {
                // Until it stands still.
                let still = Duration::from_millis(300);
                while listener.output.recv_timeout(still).is_ok() {}
            }
            let end = listener.stop();
            assert_eq!(end.code, Some(0), "{end:?}");
            stranger.shutdown(Shutdown::Both).unwrap();
        }
    }

    /// Whatever the transport, the bytes are the same.
    #[test]
    fn the_bytes_are_those_of_tcp() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("tcp://{}", tcp.local_addr().unwrap());
        let heard = spawn(move || play_listener(tcp.accept().unwrap().0));
        let first = run(CALLER, &[&at]);
        let over_tcp = heard.join().unwrap();

        let folder = Folder::new();
        let ipc = UnixListener::bind(folder.path("zmq.sock")).unwrap();
        let at = folder.endpoint("zmq.sock");
        let heard = spawn(move || play_listener(ipc.accept().unwrap().0));
        let second = run(CALLER, &[&at]);
        assert_eq!(heard.join().unwrap(), over_tcp);
        assert_eq!((first.code, second.code), (Some(0), Some(0)));
        let mut expected = greeting();
        expected.extend(ready("REQ"));
        expected.extend(b"\x01\x00\x00\x06Hello!");
        assert_eq!(over_tcp, expected);
    }

    fn play_listener(mut caller: impl Read + Write) -> Vec<u8> {
        caller.write_all(&greeting()).unwrap();
        caller.write_all(&ready("REP")).unwrap();
        let mut heard = vec![0; 64 + ready("REQ").len() + 10];
        caller.read_exact(&mut heard).unwrap();
        caller.write_all(b"\x01\x00\x00\x04Miau").unwrap();
        heard
    }

    /// To connect takes the right to write to the file. Root has it always,
    /// so the caller is made somebody else, where that is possible.
    #[test]
    #[cfg(target_os = "linux")]
    fn the_permissions_of_the_file_say_who_may_connect() {
        let folder = Folder::new();
        let at = folder.endpoint("zmq.sock");
        let (_listener, _) = Program::listening(&[&at]);
        // The caller as another user must be able to start it at all.
        let copy = folder.path("zmq-caller");
        fs::copy(CALLER, &copy).unwrap();
        let call = || {
            Command::new("setpriv")
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .args(["--bounding-set=-all", "--"])
                .arg(&copy)
                .arg(&at)
                .output()
        };
        let mode = |bits| {
            let mode = fs::Permissions::from_mode(bits);
            fs::set_permissions(folder.path("zmq.sock"), mode).unwrap();
        };
        mode(0o755);
        let Ok(output) = call() else {
            eprintln!("not tested: there is no setpriv");
            return;
        };
        let errors = String::from_utf8(output.stderr).unwrap();
        if errors.starts_with("setpriv") {
            eprintln!("not tested: {errors}");
            return;
        }
        assert!(errors.contains(": permission denied; ask"), "{errors}");
        mode(0o777);
        assert!(call().unwrap().status.success());
    }

    /// A folder that goes away with what is in it.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            // Short: the path of a socket has few bytes.
            let name = format!("zmqt-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn endpoint(&self, name: &str) -> String {
            format!("ipc://{}", self.path(name).display())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn the_caller_is_answered(at: &str) {
    let end = run(CALLER, &[at]);
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""), "{end:?}");
    let said = format!("{at} said Are you talking to me?\n");
    assert!(end.output.ends_with(&said), "{end:?}");
}

#[derive(Debug)]
struct End {
    code: Option<i32>,
    output: String,
    errors: String,
}

/// Runs a program to its end.
fn run(program: &str, arguments: &[&str]) -> End {
    Program::start(program, arguments).end()
}

/// A program that is killed when dropped.
struct Program {
    child: Child,
    output: Receiver<String>,
    errors: Receiver<String>,
    read: String,
}

impl Program {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            output: lines(child.stdout.take().unwrap()),
            errors: lines(child.stderr.take().unwrap()),
            child,
            read: String::new(),
        }
    }

    /// A listener that is ready, and its endpoint.
    fn listening(arguments: &[&str]) -> (Self, String) {
        let mut program = Self::start(LISTENER, arguments);
        let line = program.line_with("Waiting");
        let at = line.rsplit(' ').next().unwrap().trim().to_owned();
        (program, at)
    }

    /// Reads on to a line.
    fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.output.recv_timeout(LIMIT).unwrap_or_else(|_| {
                let errors: String = self.errors.try_iter().collect();
                panic!("no line with '{text}': {errors}");
            });
            self.read.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    #[cfg(unix)]
    fn stop(self) -> End {
        let id = self.child.id().to_string();
        let kill = "kill -TERM \"$0\"";
        let status = Command::new("sh").args(["-c", kill, &id]).status();
        assert!(status.unwrap().success());
        self.end()
    }

    /// Waits for its end: both streams end with it.
    fn end(mut self) -> End {
        let mut output = std::mem::take(&mut self.read);
        let mut errors = String::new();
        for (from, to) in
            [(&self.output, &mut output), (&self.errors, &mut errors)]
        {
            loop {
                match from.recv_timeout(LIMIT) {
                    Ok(line) => to.push_str(&line),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        panic!("it does not end: {to}")
                    }
                }
            }
        }
        End {
            code: self.child.wait().unwrap().code(),
            output,
            errors,
        }
    }
}

/// The lines of a stream as they come, so that no wait for one is endless.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).is_ok_and(|length| length > 0) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
