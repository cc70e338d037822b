//! The programs, run as a person runs them, and the peers they may meet.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

const SERVER: &str = env!("CARGO_BIN_EXE_tcp-framed-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_tcp-framed-client");
const ANSWER: &str = "Are you talking to me?";
/// The answer as a frame with a length.
const FRAME: &[u8] = b"\0\0\0\x16Are you talking to me?";

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_talk_in_each_framing_and_on_each_kind_of_address() {
    for host in ["127.0.0.1", "[::1]"] {
        for framing in ["fixed", "length", "delimiter"] {
            let server = Server::on(host, &["--framing", framing]);
            let address = &server.address;
            let texts = ["Hello!", "", "C:\\ Mütze"];
            let end = run(
                CLIENT,
                &[&[address.as_str(), "--framing", framing], &texts[..]]
                    .concat(),
            );
            assert_eq!(end.code, Some(0), "{end:?}");
            let says = format!("{address} says: {ANSWER}\n");
            assert_eq!(
                end.output,
                format!(
                    "Send: Hello!\n{says}Send: \n{says}\
                     Send: C:\\\\ Mütze\n{says}"
                )
            );
            for shown in ["Hello!", "", "C:\\\\ Mütze"] {
                let line = server.program.line();
                assert!(line.ends_with(&format!(" says: {shown}")), "{line}");
                let line = server.program.line();
                assert_eq!(line, format!("Answer: {ANSWER}"));
            }
        }
    }
}

#[test]
fn bad_usage() {
    for program in [SERVER, CLIENT] {
        for arguments in [
            &["--framing", "json"][..],
            &["--size", "0"],
            &["--max-frame", "-1"],
            &["--max-frame", "5000000000"],
            &["--max-frame", "16777217"],
            &["--size", "4294967295"],
            &["--nonsense"],
        ] {
            assert_eq!(run(program, arguments).code, Some(2), "{arguments:?}");
        }
        assert_eq!(run(program, &["--help"]).code, Some(0));
        assert_fails(
            run(program, &["nonsense"]),
            "nonsense: this is no address; write it as HOST:PORT",
        );
        assert_fails(
            run(program, &[":6789"]),
            ":6789: this is no address; write it as HOST:PORT",
        );
        assert_fails(
            run(program, &["cat.invalid:6789"]),
            "the name is unknown; correct it, or give an IP address",
        );
    }
    let none = run(SERVER, &["--max-connections", "0"]);
    assert_eq!(none.code, Some(2), "{none:?}");
    for (time, why) in [
        ("0", "must be more than 0 seconds, and at most a year"),
        ("-1", "must be more than 0 seconds, and at most a year"),
        ("1e30", "must be more than 0 seconds, and at most a year"),
        (
            "31536001",
            "must be more than 0 seconds, and at most a year",
        ),
        ("inf", "must be more than 0 seconds, and at most a year"),
        ("nan", "must be more than 0 seconds, and at most a year"),
        ("x", "not a number of seconds"),
    ] {
        for (program, option) in [
            (SERVER, "--idle"),
            (SERVER, "--grace"),
            (CLIENT, "--timeout"),
        ] {
            let end = run(program, &[&format!("{option}={time}")]);
            assert_eq!(end.code, Some(2), "{end:?}");
            assert!(end.errors.contains(why), "{end:?}");
        }
    }
    assert_fails(
        run(SERVER, &["--framing", "fixed", "--size", "8"]),
        "cannot answer: the message has 22 bytes; the limit is 8 bytes; \
         raise --size or --max-frame",
    );
}

#[test]
fn nobody_there_and_somebody_silent() {
    // The system accepts connections for a listener that never does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let end = run(CLIENT, &[&address, "--timeout", "0.2"]);
    assert_eq!(end.output, "Send: Hello!\n");
    assert_fails(end, "timed out; is there a server that uses the same");
    assert_fails(run(SERVER, &[&address]), "address in use; end what");
    drop(listener);
    let end = run(CLIENT, &[&address]);
    assert_fails(end, "connection refused; start a server there");
}

#[test]
fn a_server_that_breaks_off_or_answers_nonsense() {
    for (bytes, why) in [
        (
            &b""[..],
            "connection reset; does the other end use the same",
        ),
        (
            b"\0\0\0\x16Are",
            "the stream ended in the middle of a message",
        ),
        (
            b"HTTP/1.1 400",
            "a message of 1213486160 bytes is announced",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 10]).unwrap();
            client.write_all(bytes).unwrap();
        });
        assert_fails(run(CLIENT, &[&address]), why);
        server.join().unwrap();
    }
}

#[test]
fn a_message_that_does_not_fit_is_not_sent() {
    let server = Server::on("127.0.0.1", &["--framing", "delimiter"]);
    let framing = ["--framing", "delimiter"];
    let end = run(
        CLIENT,
        &[&[server.address.as_str(), "a\nb"], &framing[..]].concat(),
    );
    assert_eq!(end.output, "Send: a\\nb\n");
    assert_fails(end, r"contains the delimiter, \n; give both ends");
    let end = run(
        CLIENT,
        &[server.address.as_str(), "abc", "--max-frame", "2"],
    );
    assert_fails(end, "has 3 bytes; the limit is 2 bytes; shorten it");
}

#[test]
fn bad_clients_are_shut_out_and_good_ones_are_served() {
    let server = Server::on("127.0.0.1", &["--idle", "0.2"]);
    for (bytes, leaves, why) in [
        (
            &b"\xff\xff\xff\xff"[..],
            false,
            "4294967295 bytes is announced",
        ),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            false,
            "1195725856 bytes is announced",
        ),
        (b"\0\0\0\x06Hel", true, "in the middle of a message"),
        (b"\0\0\0\x06", true, "in the middle of a message"),
        (b"\0\0", true, "in the middle of a message"),
        (b"", false, "no whole message in 0.2 s"),
        (b"\0\0\0\x06Hel", false, "no whole message in 0.2 s"),
    ] {
        let mut client = server.connect();
        client.write_all(bytes).unwrap();
        if leaves {
            client.shutdown(std::net::Shutdown::Write).unwrap();
        }
        // Until the server hangs up.
        let _ = client.read_to_end(&mut Vec::new());
        let line = server.program.errors.recv_timeout(LIMIT).unwrap();
        let address = client.local_addr().unwrap();
        let start = format!("tcp-framed-server: hung up on {address}: ");
        assert!(line.starts_with(&start), "{line}");
        assert!(line.ends_with(why) || line.contains(why), "{line}");
    }
    // One that goes without a word has done nothing wrong.
    drop(server.connect());
    server.assert_works();
    assert!(server.program.errors.try_recv().is_err());
}

#[test]
fn a_client_that_reads_nothing() {
    let server = Server::on("127.0.0.1", &["--idle", "0.2"]);
    let mut client = server.connect();
    let mut writer = client.try_clone().unwrap();
    // Asks until the server, whose answers nobody takes, gives up.
    let asking = spawn(move || {
        let question = b"\0\0\0\x01?".repeat(1000);
        while writer.write_all(&question).is_ok() {}
    });
    let line = server.program.errors.recv_timeout(LIMIT).unwrap();
    assert!(line.ends_with("it took no answer in 0.2 s"), "{line}");
    asking.join().unwrap();
    let _ = client.read_to_end(&mut Vec::new());
    // Its lines were many; a good client's come after them.
    run(CLIENT, &[&server.address, "Still there?"]);
    while !server.program.line().ends_with("says: Still there?") {}
}

/// Each byte comes in time, and the message does not.
#[test]
fn a_byte_now_and_then_buys_no_time() {
    let idle = Duration::from_millis(500);
    let server = Server::on("127.0.0.1", &["--idle", "0.5"]);
    let mut client = server.connect();
    let pause = Some(Duration::from_millis(50));
    client.set_read_timeout(pause).unwrap();
    client.write_all(b"\0\0\xff\xff").unwrap();
    let begin = Instant::now();
    let mut count = 0;
    while client.write_all(b"x").is_ok() {
        count += 1;
        assert!(begin.elapsed() < LIMIT, "{count} bytes, and still there");
        // Waits a little, or sees that the server has closed.
        if let Ok(0) = client.read(&mut [0]) {
            break;
        }
    }
    assert!(begin.elapsed() > idle / 2);
    assert!(count > 1, "{count}");
    let line = server.program.errors.recv_timeout(LIMIT).unwrap();
    assert!(line.ends_with("no whole message in 0.5 s"), "{line}");
}

#[test]
fn noise() {
    let server = Server::on("127.0.0.1", &["--framing", "delimiter"]);
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..100 {
        let mut client = server.connect();
        let noise: Vec<u8> = (0..1000).map(|_| random.u8(..)).collect();
        let _ = client.write_all(&noise);
        let _ = client.shutdown(std::net::Shutdown::Write);
        let _ = client.read_to_end(&mut Vec::new());
    }
    let end = run(CLIENT, &[&server.address, "--framing", "delimiter"]);
    assert_eq!(end.code, Some(0), "{end:?}");
}

#[test]
fn past_the_limit_on_connections_a_client_waits() {
    let server = Server::on("127.0.0.1", &["--max-connections", "1"]);
    let mut first = server.connect();
    let mut frame = [0; 26];
    first.write_all(b"\0\0\0\x01a").unwrap();
    first.read_exact(&mut frame).unwrap();
    let mut second = server.connect();
    second.write_all(b"\0\0\0\x01b").unwrap();
    // The first is still served, the second not yet.
    first.write_all(b"\0\0\0\x01c").unwrap();
    first.read_exact(&mut frame).unwrap();
    let mut seen = Vec::new();
    drop(first);
    second.read_exact(&mut frame).unwrap();
    assert_eq!(frame, FRAME);
    for _ in 0..6 {
        seen.push(server.program.line());
    }
    let order: Vec<_> = seen
        .iter()
        .filter_map(|line| line.split_once(" says: "))
        .map(|(_, message)| message)
        .collect();
    assert_eq!(order, ["a", "c", "b"]);
}

#[test]
fn a_reader_that_leaves_ends_the_server_quietly() {
    let mut child = command(SERVER, &["127.0.0.1:0"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut ready = String::new();
    lines.read_line(&mut ready).unwrap();
    drop(lines);
    let address = address_in(&ready);
    // More than once: a program that another test is just starting may hold
    // a copy of the pipe for an instant.
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() && begin.elapsed() < LIMIT {
        run(CLIENT, &[&address]);
    }
    let end = Program::from(child).end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

/// When no file descriptor is left, accepting fails. The clients wait in the
/// backlog and are served as soon as others have gone.
#[test]
#[cfg(target_os = "linux")]
fn accepting_goes_on_after_descriptors_ran_out() {
    use std::collections::BTreeSet;
    let server = Server::on("127.0.0.1", &[]);
    let process = server.program.child.id();
    // The numbers of its descriptors; some may be far above the others.
    let open = || -> BTreeSet<u64> {
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
        let name = |file: std::io::Result<std::fs::DirEntry>| {
            file.unwrap().file_name().into_string().unwrap()
        };
        files.map(|file| name(file).parse().unwrap()).collect()
    };
    // Four more can be opened.
    let taken = open();
    let free = (0..).filter(|number| !taken.contains(number));
    let limit = free.take(4).last().unwrap() + 1;
    let new = Some((limit, limit));
    let id = process.try_into().unwrap();
    rlimit::prlimit(id, rlimit::Resource::NOFILE, new, None).unwrap();
    let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.write_all(b"\0\0\0\x01?").unwrap();
    }
    let served = |clients: &mut [TcpStream]| {
        for client in clients {
            let mut frame = [0; 26];
            client.read_exact(&mut frame).unwrap();
            assert_eq!(frame, FRAME);
        }
    };
    let mut waiting = clients.split_off(4);
    served(&mut clients);
    assert!((0..limit).all(|number| open().contains(&number)));
    drop(clients);
    served(&mut waiting[..4]);
    drop(waiting.drain(..4));
    served(&mut waiting);
    assert!(server.program.errors.try_recv().is_err());
}

/// One descriptor fewer than the server needs to listen. How many that are
/// depends on tokio, and on what the tests' own parent left open.
#[test]
#[cfg(target_os = "linux")]
fn without_descriptors_it_says_so() {
    let mut heard = Vec::new();
    for limit in 9..32 {
        let mut child = Command::new("prlimit");
        child.arg(format!("--nofile={limit}"));
        // No address of this machine: with enough of them, it ends as well.
        child.args([SERVER, "192.0.2.1:0"]);
        let Ok(output) = child.output() else {
            eprintln!("not tested: there is no prlimit");
            return;
        };
        assert!(!output.status.success());
        heard.push(String::from_utf8(output.stderr).unwrap());
    }
    let why = "cannot listen at 192.0.2.1:0: too many open files; raise";
    assert!(heard.iter().any(|text| text.contains(why)), "{heard:#?}");
}

#[cfg(unix)]
#[test]
fn told_to_end_it_lets_go_of_its_clients() {
    for signal in ["-INT", "-TERM"] {
        let server = Server::on("127.0.0.1", &["--grace", "0.1"]);
        let mut client = server.connect();
        client.write_all(b"\0\0\0\x01a").unwrap();
        client.read_exact(&mut [0; 26]).unwrap();
        let id = server.program.child.id().to_string();
        // The shell has its own: the program may not be installed.
        let shell = ["-c", "kill \"$@\"", "kill", signal, &id];
        let sent = Command::new("sh").args(shell).status();
        assert!(sent.unwrap().success());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let end = server.program.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    }
}

// What the tests use.

struct Server {
    address: String,
    program: Program,
}

impl Server {
    fn on(host: &str, options: &[&str]) -> Self {
        let address = format!("{host}:0");
        let arguments = [&[address.as_str()], options].concat();
        let program = Program::start(SERVER, &arguments);
        let address = address_in(&program.line());
        Self { address, program }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(&self.address).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client
    }

    fn assert_works(&self) {
        let end = run(CLIENT, &[&self.address]);
        assert_eq!(end.code, Some(0), "{end:?}");
    }
}

/// The address in a line like `Waiting for clients at ADDRESS, HOW`.
fn address_in(ready: &str) -> String {
    let (_, rest) = ready.split_once(" at ").unwrap();
    rest.split_once(',').unwrap().0.to_string()
}

/// A program that runs; killed when dropped.
struct Program {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

/// How a program ended.
#[derive(Debug)]
struct End {
    code: Option<i32>,
    output: String,
    errors: String,
}

fn assert_fails(end: End, why: &str) {
    assert_eq!(end.code, Some(1), "{end:?}");
    assert_eq!(end.errors.lines().count(), 1, "{end:?}");
    assert!(end.errors.contains(why), "{end:?}");
}

fn run(program: &str, arguments: &[&str]) -> End {
    Program::start(program, arguments).end()
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    fn start(program: &str, arguments: &[&str]) -> Self {
        Self::from(command(program, arguments).spawn().unwrap())
    }

    fn from(mut child: Child) -> Self {
        Self {
            lines: lines_of(child.stdout.take()),
            errors: lines_of(child.stderr.take()),
            child,
        }
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
