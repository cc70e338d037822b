//! redis-pub and redis-sub, run as a person runs them, where it goes wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

#[path = "../examples/redis-server/broker.rs"]
mod broker;

const PUB: &str = env!("CARGO_BIN_EXE_redis-pub");
const SUB: &str = env!("CARGO_BIN_EXE_redis-sub");

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_url_that_cannot_be_used_is_explained_and_never_shown() {
    for (url, why) in [
        ("", "the URL cannot be read"),
        ("localhost:6379", "the URL cannot be read"),
        (":s3cret@localhost", "the URL cannot be read"),
        ("http://:s3cret@localhost", "the URL cannot be read"),
        // # begins a fragment, unless it is written as %23.
        ("redis://:#s3cret@localhost", "write # as %23"),
        ("redis://default:s3cret#x@localhost", "write # as %23"),
        ("redis://default:1234/s3cret@localhost", "write # as %23"),
        ("redis://:s3cret?x@localhost", "write # as %23"),
        ("redis://:s3cret@localhost/first", "Invalid database number"),
        (
            "redis://:s3cret@0.0.0.0",
            "Cannot connect to a wildcard address",
        ),
    ] {
        for program in [PUB, SUB] {
            let end = run(program, &[url]);
            assert_eq!(end.code, Some(1), "{url}: {end:?}");
            assert!(end.errors.contains(why), "{url}: {end:?}");
            end.assert_one_line_and_no_secret();
        }
    }
}

#[test]
fn tls_names_the_feature_to_add() {
    for program in [PUB, SUB] {
        let end = run(program, &["rediss://:s3cret@localhost"]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains("\"tokio-native-tls-comp\""), "{end:?}");
        end.assert_one_line_and_no_secret();
    }
}

#[test]
fn usage_and_help_do_not_show_the_url() {
    for arguments in [&["--help"][..], &["--timeout", "0"], &["--nonsense"]] {
        for program in [PUB, SUB] {
            let mut command = command(program, arguments);
            command.env("REDIS_URL", "redis://:s3cret@localhost");
            let mut child = command.spawn().unwrap();
            let output = child.stdout.take();
            let end = Program::from(child, output).end();
            let help = arguments[0] == "--help";
            assert_eq!(end.code, Some(if help { 0 } else { 2 }), "{end:?}");
            end.assert_no_secret();
        }
    }
    // In the wrong place clap would quote it.
    for arguments in [
        &["--timeout", "redis://:s3cret@localhost"][..],
        &["--timeout", ":s3cret@localhost"],
        &["redis://localhost", "redis://:a@s3cret@localhost"],
        &["--nonsense=redis://:s3cret@localhost"],
        &["--redis://:s3cret@localhost"],
        &["redis://localhost", "unix:///r.sock?pass=s3cret"],
        &["--count", "unix:///r.sock?pass=s3cret"],
        &["--timeout", "unix:///r.sock?pass=s3cret"],
    ] {
        for program in [PUB, SUB] {
            let end = run(program, arguments);
            assert_eq!((end.code, end.output.as_str()), (Some(2), ""));
            assert!(end.errors.starts_with("error: "), "{end:?}");
            end.assert_no_secret();
        }
    }
}

#[test]
fn times_have_limits() {
    let rule = "must be more than 0 seconds, and at most a year";
    for time in ["0", "-1", "inf", "nan", "1e30", "31536001"] {
        for program in [PUB, SUB] {
            let end = run(program, &["--timeout", time]);
            assert_eq!(end.code, Some(2), "{end:?}");
            assert!(end.errors.contains(rule), "{end:?}");
        }
    }
    let server = Server::start(None);
    let (url, year) = (server.url(""), "31536000");
    let end = run(PUB, &[&url, "--timeout", year, "--count", "0"]);
    assert_eq!(end.code, Some(0), "{end:?}");
    server.subscriber(&["--timeout", year, "--ping", year]);
}

/// An empty variable is as good as none. Whoever is at the default address,
/// nothing is published there.
#[test]
fn an_empty_redis_url() {
    let mut command = command(PUB, &["--count", "0", "--timeout", "0.5"]);
    let mut child = command.env("REDIS_URL", "").spawn().unwrap();
    let output = child.stdout.take();
    let end = Program::from(child, output).end();
    let begin = "redis-pub: cannot connect to redis://127.0.0.1:6379: ";
    assert!(
        end.code == Some(0) || end.errors.starts_with(begin),
        "{end:?}"
    );
}

#[test]
fn a_host_that_is_not_found() {
    // RFC 6761: a name that ends like this never exists.
    for program in [PUB, SUB] {
        let end = run(program, &["redis://:s3cret@nowhere.invalid"]);
        assert_eq!(end.code, Some(1), "{end:?}");
        let expected = "redis://nowhere.invalid:6379: \
            host name not found; check the spelling\n";
        assert!(end.errors.ends_with(expected), "{end:?}");
        end.assert_one_line_and_no_secret();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout() {
    let server = Server::start(None);
    for program in [PUB, SUB] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = command(program, &[&server.url("")]);
        let child = command.stdout(full.unwrap()).spawn().unwrap();
        let end = Program::from(child, None).end();
        assert_eq!(end.code, Some(1), "{end:?}");
        let expected = ": cannot write to stdout: no storage space; ";
        assert!(end.errors.contains(expected), "{end:?}");
        end.assert_one_line_and_no_secret();
    }
}

#[test]
fn nobody_listens() {
    // A socket has the port, so that no other can listen there.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    for program in [PUB, SUB] {
        let end = run(program, &[&format!("redis://:s3cret@{address}")]);
        assert_eq!(end.code, Some(1), "{end:?}");
        let expected = format!("redis://{address}: connection refused; ");
        assert!(end.errors.contains(&expected), "{end:?}");
        end.assert_one_line_and_no_secret();
    }
}

#[test]
fn a_silent_server_is_given_up() {
    // The system accepts connections for a listener that never does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    for program in [PUB, SUB] {
        let end = run(program, &[&url, "--timeout", "0.2"]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(": timed out; "), "{end:?}");
        end.assert_one_line_and_no_secret();
    }
}

#[test]
fn a_server_of_another_kind_is_recognised() {
    for greeting in ["HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail ESMTP\r\n"] {
        for program in [PUB, SUB] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("redis://{}", listener.local_addr().unwrap());
            let server = spawn(move || {
                let (mut client, _) = listener.accept().unwrap();
                client.write_all(greeting.as_bytes()).unwrap();
                // Until the client has gone, or the reply might not arrive.
                let _ = client.read_to_end(&mut Vec::new());
            });
            let end = run(program, &[&url]);
            assert_eq!(end.code, Some(1), "{end:?}");
            assert!(end.errors.contains("no Redis server"), "{end:?}");
            end.assert_one_line_and_no_secret();
            server.join().unwrap();
        }
    }
}

#[test]
fn passwords() {
    let server = Server::start(Some("right"));
    for program in [PUB, SUB] {
        let end = run(program, &[&server.url("")]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains("a password is asked for; "), "{end:?}");
        end.assert_one_line_and_no_secret();

        let end = run(program, &[&server.url(":s3cret@")]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains("wrong user or password; "), "{end:?}");
        end.assert_one_line_and_no_secret();
    }
    let end = run(PUB, &[&server.url(":right@"), "--count", "0"]);
    assert_eq!(end.code, Some(0), "{end:?}");
}

#[test]
fn a_refusal_that_quotes_the_password_is_not_passed_on() {
    let quoting = "ERR broken login 'HELLO' 'AUTH' 's3cret'";
    let hidden = "the server says ERR and more, not shown";
    let full = "ERR max number of clients reached";
    for (password, reply, shown) in [
        ("s3cret", quoting, hidden),
        // Not stars inside a word: that would tell it.
        ("k", quoting, hidden),
        (
            "s3cret",
            full,
            "the server says ERR max number of clients reached",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            write!(client, "-{reply}\r\n").unwrap();
            let _ = client.read_to_end(&mut Vec::new());
        });
        let end = run(SUB, &[&format!("redis://:{password}@{address}")]);
        assert!(end.errors.contains(shown), "{end:?}");
        end.assert_one_line_and_no_secret();
        server.join().unwrap();
    }
}

/// Older servers and proxies refuse HELLO, each in words of its own.
#[test]
fn a_server_without_resp3_is_told_from_a_refused_login() {
    for reply in [
        "ERR unknown command 'hello'",
        "ERR unknown command `HELLO`, with args beginning with: `3`, ",
        "ERR unknown command 'HELLO' 'AUTH' 's3cret'",
        "ERR Unknown command: Hello",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            write!(client, "-{reply}\r\n").unwrap();
            let _ = client.read_to_end(&mut Vec::new());
        });
        let end = run(SUB, &[&format!("redis://:s3cret@{address}")]);
        let expected = "the server does not know RESP3; \
            take Redis 6 or newer\n";
        assert!(end.errors.ends_with(expected), "{reply}: {end:?}");
        end.assert_one_line_and_no_secret();
        server.join().unwrap();
    }
}

/// A user who may not PING, a replica without its master, a server that loads
/// its data: each answers by an error, and each goes on delivering.
#[test]
fn an_error_is_an_answer_and_the_connection_stays() {
    for error in ["NOPERM no permissions", "MASTERDOWN no link", "LOADING"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = spawn(move || {
            let (client, _) = listener.accept().unwrap();
            answer_with(&client, error, 5);
            client
        });
        let url = format!("redis://{address}");
        let sub = Program::start(SUB, &[&url, "--ping", "0.05"]);
        assert_eq!(sub.line(), "Subscribed to catA, catC");
        let _client = server.join().unwrap();
        assert_eq!(sub.line(), "Subscribe: catA wears a hatA");
        assert!(sub.errors.try_recv().is_err(), "{error}");
    }
}

/// Is a server that answers so many PINGs by an error, then sends a message.
fn answer_with(mut client: &TcpStream, error: &str, pings: usize) {
    let mut commands = BufReader::new(client).lines();
    let mut left = pings;
    while left > 0 {
        match commands.next().unwrap().unwrap().as_str() {
            "HELLO" => write!(client, "%1\r\n+proto\r\n:3\r\n").unwrap(),
            channel @ ("catA" | "catC") => {
                let number = if channel == "catA" { 1 } else { 2 };
                write!(
                    client,
                    ">3\r\n+subscribe\r\n+{channel}\r\n:{number}\r\n"
                )
                .unwrap();
            }
            "PING" => {
                write!(client, "-{error}\r\n").unwrap();
                left -= 1;
            }
            _ => {}
        }
    }
    write!(client, ">3\r\n+message\r\n$4\r\ncatA\r\n$4\r\nhatA\r\n").unwrap();
}

#[test]
fn any_payload_is_one_harmless_line() {
    let server = Server::start(None);
    let sub = server.subscriber(&[]);
    for (payload, shown) in [
        (&b"hat\xffA"[..], r"hat\xffA"),
        (b"\x1b[31mred\x07", r"\u{1b}[31mred\u{7}"),
        (b"two\r\nlines", r"two\r\nlines"),
        (b"C:\\hat", r"C:\\hat"),
        ("Mütze".as_bytes(), "Mütze"),
        (b"", ""),
    ] {
        assert_eq!(server.publish("catA", payload), 1);
        let expected = format!("Subscribe: catA wears a {shown}");
        assert_eq!(sub.line(), expected);
    }
}

#[test]
fn a_long_payload_is_shown_in_part() {
    let server = Server::start(None);
    let sub = server.subscriber(&["--max-shown", "4"]);
    server.publish("catA", b"hatA");
    assert_eq!(sub.line(), "Subscribe: catA wears a hatA");
    server.publish("catA", &b"hatB".repeat(100_000));
    let line = "Subscribe: catA wears a hatB... (400000 bytes)";
    assert_eq!(sub.line(), line);
    // Cut before a character that does not fit whole.
    server.publish("catA", "Müütze".as_bytes());
    let line = "Subscribe: catA wears a Mü... (8 bytes)";
    assert_eq!(sub.line(), line);
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let server = Server::start(None);
    let mut sub = command(SUB, &[&server.url("")]).spawn().unwrap();
    let mut lines = BufReader::new(sub.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "Subscribed to catA, catC\n");
    drop(lines);
    // More than one message: a program that another test is just starting
    // may hold a copy of the pipe for an instant.
    let begin = Instant::now();
    while sub.try_wait().unwrap().is_none() && begin.elapsed() < LIMIT {
        server.publish("catA", b"hatA");
    }
    let end = Program::from(sub, None).end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));

    let mut publisher = command(PUB, &[&server.url("")]).spawn().unwrap();
    drop(publisher.stdout.take());
    let end = Program::from(publisher, None).end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

#[test]
fn step_by_step_a_subscriber_can_join_in_between() {
    let server = Server::start(None);
    let mut publisher = Program::start(PUB, &[&server.url(""), "--step"]);
    let (mut subscriber, mut heard) = (None, 0);
    for number in 1..=8 {
        let prompt = format!("Press Enter to publish message {number}");
        assert_eq!(publisher.line(), prompt);
        if number == 4 {
            subscriber = Some(server.subscriber(&[]));
        }
        publisher.enter();
        let line = publisher.line();
        let message = format!("Publish: message {number} : ");
        let message = line.strip_prefix(&message).unwrap();
        let wanted = message.contains("catA") || message.contains("catC");
        if let (Some(subscriber), true) = (&subscriber, wanted) {
            assert_eq!(subscriber.line(), format!("Subscribe: {message}"));
            heard += 1;
        }
    }
    assert_eq!(publisher.line(), "Press Enter to publish message 9");
    publisher.input = None;
    let end = publisher.end();
    assert_eq!(end.code, Some(0), "{end:?}");
    assert_eq!(
        end.output,
        format!(
            "Messages sent: 8; heard by somebody: {heard}, by nobody: {}\n",
            8 - heard
        )
    );
}

#[test]
fn a_seed_gives_the_same_messages_and_the_summary_adds_up() {
    let server = Server::start(None);
    let (_one, _other) = (server.subscriber(&[]), server.subscriber(&[]));
    let arguments = [&server.url(""), "--seed", "7", "--count", "40"];
    let (first, second) = (run(PUB, &arguments), run(PUB, &arguments));
    assert_eq!(first.code, Some(0));
    assert_eq!(first.output, second.output);
    let wanted = |line: &&str| line.contains("catA") || line.contains("catC");
    let heard = first.output.lines().filter(wanted).count();
    assert!(first.output.ends_with(&format!(
        "Messages sent: 40; heard by somebody: {heard}, by nobody: {}\n",
        40 - heard
    )));
}

#[test]
fn a_server_that_leaves_ends_the_publisher_with_what_was_sent() {
    let server = Server::start(None);
    let mut publisher = Program::start(PUB, &[&server.url(""), "--step"]);
    publisher.enter();
    for start in ["Press", "Publish", "Press"] {
        assert!(publisher.line().starts_with(start));
    }
    let address = server.address.clone();
    drop(server);
    publisher.enter();
    let end = publisher.end();
    assert_eq!(end.code, Some(1), "{end:?}");
    assert_eq!(
        end.errors,
        format!(
            "redis-pub: cannot publish message 2 at redis://{address}: \
             connection reset; did the server end? \
             (1 answered before; this one may be published or not)\n"
        )
    );
}

#[test]
fn a_server_that_stands_still_is_noticed_and_found_again() {
    let server = Server::start(None);
    let sub = server.subscriber(&[
        "--ping=0.05",
        "--timeout=0.5",
        "--first-pause=0.05",
        "--longest-pause=0.1",
    ]);
    server.publish("catA", b"hatA");
    assert_eq!(sub.line(), "Subscribe: catA wears a hatA");
    let go_on = server.stand_still();
    let lost = format!(
        "redis-sub: connection to redis://{} lost; trying again",
        server.address
    );
    assert_eq!(sub.errors.recv_timeout(LIMIT).unwrap(), lost);
    drop(go_on);
    assert_eq!(sub.line(), "Subscribed again to catA, catC");
    server.publish("catC", b"hatC");
    assert_eq!(sub.line(), "Subscribe: catC wears a hatC");
    // Said once, however often it tried.
    assert!(sub.errors.try_recv().is_err());
}

// What the tests use.

/// The stand-in server, on a port of its own, in a thread of its own.
struct Server {
    address: String,
    runtime: tokio::runtime::Handle,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(password: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let limits = broker::Limits {
            password: password.map(String::from),
            ..Default::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let (shutdown, stopped) = oneshot::channel();
        let thread = spawn(move || {
            runtime.block_on(async {
                let listener =
                    tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async {
                    let _ = stopped.await;
                };
                broker::serve(listener, limits, stopped).await.unwrap();
            });
        });
        Self {
            address,
            runtime: handle,
            shutdown: Some(shutdown),
            thread: Some(thread),
        }
    }

    fn url(&self, user: &str) -> String {
        format!("redis://{user}{}", self.address)
    }

    /// Starts redis-sub and returns when it has subscribed.
    fn subscriber(&self, options: &[&str]) -> Program {
        let url = self.url("");
        let sub = Program::start(SUB, &[&[url.as_str()], options].concat());
        assert_eq!(sub.line(), "Subscribed to catA, catC");
        sub
    }

    /// Publishes in plain RESP, and returns how many heard it.
    fn publish(&self, channel: &str, payload: &[u8]) -> u64 {
        let mut server = TcpStream::connect(&self.address).unwrap();
        server.set_read_timeout(Some(LIMIT)).unwrap();
        write!(
            server,
            "*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${}\r\n",
            channel.len(),
            payload.len()
        )
        .unwrap();
        server.write_all(payload).unwrap();
        server.write_all(b"\r\n").unwrap();
        let mut reply = String::new();
        BufReader::new(server).read_line(&mut reply).unwrap();
        reply.trim_start_matches(':').trim_end().parse().unwrap()
    }

    /// Stops the only thread of the server, as SIGSTOP does, until the
    /// result is dropped.
    fn stand_still(&self) -> Sender<()> {
        let (go_on, wait) = channel();
        self.runtime.spawn(async move {
            let _ = wait.recv();
        });
        go_on
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.shutdown.take().unwrap().send(());
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// A program that runs; killed when dropped.
struct Program {
    child: Child,
    input: Option<std::process::ChildStdin>,
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

fn run(program: &str, arguments: &[&str]) -> End {
    Program::start(program, arguments).end()
}

/// A program with its words for us alone, and no server by default.
fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_remove("REDIS_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = command(program, arguments).spawn().unwrap();
        let output = child.stdout.take();
        Self::from(child, output)
    }

    fn from(mut child: Child, output: Option<ChildStdout>) -> Self {
        let errors: Option<ChildStderr> = child.stderr.take();
        Self {
            input: child.stdin.take(),
            lines: lines_of(output),
            errors: lines_of(errors),
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

    fn enter(&mut self) {
        self.input.as_mut().unwrap().write_all(b"\n").unwrap();
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

impl End {
    fn assert_no_secret(&self) {
        assert!(!format!("{self:?}").contains("s3cret"), "{self:?}");
    }

    fn assert_one_line_and_no_secret(&self) {
        assert_eq!(self.output, "");
        assert_eq!(self.errors.lines().count(), 1, "{self:?}");
        self.assert_no_secret();
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
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                return text;
            }
            Err(error) => panic!("{error}; until then: {text}"),
        }
    }
}
