//! The programs, run as a person runs them: with each other, with plain
//! sockets, and where it goes wrong.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

const SERVER: &str = env!("CARGO_BIN_EXE_tcp-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_tcp-client");
const ECHO_SERVER: &str = env!("CARGO_BIN_EXE_tcp-echo-server");
const ECHO_CLIENT: &str = env!("CARGO_BIN_EXE_tcp-echo-client");

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_pair_over_both_versions_of_ip() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        if address.starts_with('[') && !has_ipv6() {
            continue;
        }
        let (server, at) = Program::listening(SERVER, &[address]);
        let client = run(CLIENT, &[&at]);
        assert_eq!((client.code, client.errors.as_str()), (Some(0), ""));
        let lines: Vec<&str> = client.output.lines().collect();
        assert_eq!(lines[1], format!("Saying to {at}: Hello!"));
        let said = format!(" {at} said Are you talking to me?");
        assert!(lines[2].ends_with(&said), "{client:?}");
        let end = server.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        let (heard, answer) = end.output.split_once('\n').unwrap();
        assert!(heard.ends_with(" said Hello!"), "{heard}");
        assert_eq!(answer, "Answering: Are you talking to me?\n");
    }
}

#[test]
fn the_echo_pair_over_both_versions_of_ip() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        if address.starts_with('[') && !has_ipv6() {
            continue;
        }
        let (server, at) = Program::listening(ECHO_SERVER, &[address]);
        let text = "Miaow! ".repeat(1000);
        let client = run(ECHO_CLIENT, &[&at, "--text", &text]);
        assert_eq!((client.code, client.errors.as_str()), (Some(0), ""));
        assert!(client.output.ends_with("\nAll came back: 3\n"));
        if cfg!(unix) {
            let end = stop(server);
            assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
            assert_eq!(end.output, "Clients served: 1\n");
        }
    }
}

#[test]
fn a_name_is_tried_with_all_its_addresses() {
    let (server, at) = Program::listening(SERVER, &["127.0.0.1:0"]);
    let port = at.rsplit_once(':').unwrap().1;
    let client = run(CLIENT, &[&format!("localhost:{port}")]);
    assert_eq!(client.code, Some(0), "{client:?}");
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn bad_addresses_and_names() {
    for program in [SERVER, CLIENT, ECHO_SERVER, ECHO_CLIENT] {
        for (address, why) in [
            ("nonsense", "this is no address; write it as HOST:PORT"),
            (
                "127.0.0.1:65536",
                "this is no address; write it as HOST:PORT",
            ),
            (
                "cat.invalid:6789",
                "no address is known for cat.invalid; check the name",
            ),
        ] {
            let end = run(program, &[address]);
            assert_eq!(end.code, Some(1), "{end:?}");
            assert!(end.errors.ends_with(&format!("{address}: {why}\n")));
            assert_eq!(end.errors.lines().count(), 1, "{end:?}");
        }
        let end = run(program, &["--nonsense"]);
        assert_eq!(end.code, Some(2), "{end:?}");
    }
}

#[test]
fn a_port_that_is_taken_and_one_where_nobody_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for program in [SERVER, ECHO_SERVER] {
        let end = run(program, &[&address]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(": address in use; "), "{end:?}");
    }
    // Bound, so that the port is nobody else's, but not listening.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let address = address.to_string();
    for program in [CLIENT, ECHO_CLIENT] {
        let end = run(program, &[&address]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(": connection refused; "), "{end:?}");
    }
}

/// As root, the right is given up first; where that cannot be done, there is
/// nothing to see.
#[test]
#[cfg(target_os = "linux")]
fn a_low_port_needs_a_right() {
    let setting = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    let first: u16 = std::fs::read_to_string(setting)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    if first <= 80 {
        eprintln!("not tested: here everybody may listen at port 80");
        return;
    }
    for program in [SERVER, ECHO_SERVER] {
        let mut command = Command::new("setpriv");
        let drop = ["--bounding-set=-all", "--"];
        let all = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        if TcpListener::bind("127.0.0.1:80").is_ok() {
            command.args(all).args(drop).arg(program);
        } else {
            command = Command::new(program);
        }
        let output = command.arg("127.0.0.1:80").output();
        let Ok(output) = output else {
            eprintln!("not tested: there is no setpriv");
            return;
        };
        let errors = String::from_utf8(output.stderr).unwrap();
        if errors.starts_with("setpriv") {
            eprintln!("not tested: {errors}");
            return;
        }
        assert!(
            errors.ends_with(
                "cannot listen at 127.0.0.1:80: permission denied; \
                 give a port above 1023\n"
            ),
            "{errors}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn time_limits_end_every_talk() {
    // The system accepts connections for a listener that never does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for program in [CLIENT, ECHO_CLIENT] {
        let end = run(program, &[&address, "--timeout", "0.2"]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(": timed out; "), "{end:?}");
    }
    // A byte now and then is no way around the limit.
    let options = ["127.0.0.1:0", "--timeout", "0.5"];
    let (server, at) = Program::listening(SERVER, &options);
    let mut client = TcpStream::connect(at).unwrap();
    let begin = Instant::now();
    client
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    while client.write_all(b"x").is_ok() && begin.elapsed() < LIMIT {
        // Waits a little, or sees that the server has closed.
        if let Ok(0) = client.read(&mut [0]) {
            break;
        }
    }
    assert!(begin.elapsed() < LIMIT);
    let end = server.end();
    assert_eq!(end.code, Some(1), "{end:?}");
    let why = ": timed out before the newline that ends a line; ";
    assert!(end.errors.contains(why), "{end:?}");
}

#[test]
fn a_line_comes_whole_or_not_at_all() {
    for (pieces, code, shown) in [
        (&["He", "llo", "!\n"][..], 0, " said Hello!\n"),
        (&["Hello!\nand more"], 0, " said Hello!\n"),
        (&["\n"], 0, " said \n"),
        (&["Hello!"], 1, ": unexpected end of file; "),
        (&[], 1, ": unexpected end of file; "),
        (
            &["0123456789abcdefg"],
            1,
            ": a line of more than 16 bytes; ",
        ),
    ] {
        let options = ["127.0.0.1:0", "--longest", "16"];
        let (server, at) = Program::listening(SERVER, &options);
        let mut client = TcpStream::connect(at).unwrap();
        client.set_nodelay(true).unwrap();
        for piece in pieces {
            client.write_all(piece.as_bytes()).unwrap();
        }
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client.read_to_string(&mut answer).unwrap();
        let expected = if code == 0 {
            "Are you talking to me?\n"
        } else {
            ""
        };
        assert_eq!(answer, expected, "{pieces:?}");
        let end = server.end();
        assert_eq!(end.code, Some(code), "{end:?}");
        let both = end.output + &end.errors;
        assert!(both.contains(shown), "{pieces:?}: {both}");
    }
}

/// As plain servers in Python do: a `sendall` without a newline, and `close`.
#[test]
fn the_end_of_the_stream_ends_the_last_line_too() {
    for (answer, code, shown) in [
        ("Miaow!", 0, " said Miaow!\n"),
        ("Miaow!\r\n", 0, " said Miaow!\n"),
        ("", 1, ": unexpected end of file; "),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 7]).unwrap();
            client.write_all(answer.as_bytes()).unwrap();
        });
        let end = run(CLIENT, &[&address]);
        assert_eq!(end.code, Some(code), "{end:?}");
        let both = end.output + &end.errors;
        assert!(both.contains(shown), "{answer}: {both}");
        server.join().unwrap();
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (program, option, value) in [
        (SERVER, "--timeout", "1e19"),
        (CLIENT, "--timeout", "1e19"),
        (ECHO_CLIENT, "--timeout", "inf"),
        (ECHO_SERVER, "--idle", "nan"),
        (ECHO_SERVER, "--connections", "0"),
        (ECHO_SERVER, "--buffer", "0"),
    ] {
        let end = run(program, &[option, value]);
        assert_eq!(end.code, Some(2), "{end:?}");
        assert!(end.errors.contains(option), "{end:?}");
    }
}

/// The client is reset while it waits in the backlog.
#[test]
#[cfg(target_os = "linux")]
fn a_client_that_is_gone_before_it_is_accepted() {
    let (server, at) = Program::listening(SERVER, &["127.0.0.1:0"]);
    server.signal("-STOP");
    let client = TcpStream::connect(at).unwrap();
    let address = client.local_addr().unwrap();
    let client = Socket::from(client);
    client.set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    server.signal("-CONT");
    let end = server.end();
    let error = format!(
        "tcp-server: cannot talk with {address}: connection reset; \
         has its program ended?\n"
    );
    assert_eq!((end.code, end.errors), (Some(1), error));
}

/// On Linux a receive with a time limit fails when its program is stopped
/// (Ctrl-Z) and goes on. While a server takes its leave, too, that is no
/// reason to end.
#[test]
#[cfg(target_os = "linux")]
fn a_server_that_was_stopped_goes_on_taking_its_leave() {
    let options = ["127.0.0.1:0", "--timeout", "25"];
    let (mut server, at) = Program::listening(SERVER, &options);
    let mut client = TcpStream::connect(at).unwrap();
    client.write_all(b"Hello!\n").unwrap();
    // Until the server has closed its direction, and waits for ours.
    client.read_to_end(&mut Vec::new()).unwrap();
    for _ in 0..20 {
        server.signal("-STOP");
        server.signal("-CONT");
    }
    assert!(server.child.try_wait().unwrap().is_none(), "it has ended");
    drop(client);
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn a_text_is_shown_whole_and_harmless() {
    let (_server, at) = Program::listening(ECHO_SERVER, &["127.0.0.1:0"]);
    let text = "\u{1b}[31mred\nM\u{fc}tze  ";
    let end = run(ECHO_CLIENT, &[&at, "--count", "1", "--text", text]);
    let shown = "message 1: \\u{1b}[31mred\\nM\u{fc}tze  ";
    assert_eq!(
        end.output,
        format!("Sending {shown}\nBack came {shown}\nAll came back: 1\n")
    );
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

#[test]
fn an_echo_that_differs_is_noticed() {
    for (reply, why) in [
        ("message 1: Bello!\n", ": it sent back something else; "),
        ("message 1: Hello!\nx", ": it sent back something else; "),
        ("message 1: He", ": unexpected end of file; "),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.read_exact(&mut [0; 18]).unwrap();
            client.write_all(reply.as_bytes()).unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = client.read_to_end(&mut Vec::new());
        });
        let end = run(ECHO_CLIENT, &[&address, "--count", "1"]);
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(why), "{end:?}");
        server.join().unwrap();
    }
}

#[test]
fn whatever_comes_is_one_harmless_line() {
    for (bytes, shown) in [
        (&b"hat\xffA\n"[..], r" said hat\xffA"),
        (b"\x1b[31mred\x07\r\n", r" said \u{1b}[31mred\u{7}"),
        (b"C:\\hat\n", r" said C:\\hat"),
        (
            "a\u{202e}b\u{2028}c\n".as_bytes(),
            r" said a\u{202e}b\u{2028}c",
        ),
        ("M\u{fc}tze\n".as_bytes(), " said M\u{fc}tze"),
    ] {
        let (server, at) = Program::listening(SERVER, &["127.0.0.1:0"]);
        let mut client = TcpStream::connect(at).unwrap();
        client.write_all(bytes).unwrap();
        let line = server.line();
        assert!(line.ends_with(shown), "{line}");
    }
}

#[test]
#[cfg(unix)]
fn a_reader_that_leaves_ends_the_program_quietly() {
    for program in [SERVER, ECHO_SERVER] {
        let mut child = command(program, &["127.0.0.1:0"]).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("Address: ") {
            line.clear();
            output.read_line(&mut line).unwrap();
        }
        drop(output);
        let program = Program::from(child, None);
        // Now it has something to say, and nobody to say it to.
        let address = line.trim().rsplit(' ').next().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"Hello!\n").unwrap();
        if line.contains("clients") {
            program.signal("-INT");
            drop(client);
        }
        let end = program.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_and_sigterm_end_every_program() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().to_string();
    for signal in ["-INT", "-TERM"] {
        for program in [SERVER, ECHO_SERVER, CLIENT, ECHO_CLIENT] {
            let client = program == CLIENT || program == ECHO_CLIENT;
            let address = if client { &silent } else { "127.0.0.1:0" };
            let running = Program::start(program, &[address]);
            let lines = if program.contains("echo") { 1 } else { 2 };
            for _ in 0..lines {
                running.line();
            }
            running.signal(signal);
            assert_eq!(running.end().code, Some(0), "{program} {signal}");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_second_ctrl_c_does_not_wait_for_the_grace_time() {
    let options = ["127.0.0.1:0", "--grace", "300"];
    let (mut server, at) = Program::listening(ECHO_SERVER, &options);
    let mut client = TcpStream::connect(&at).unwrap();
    client.write_all(b"?").unwrap();
    client.read_exact(&mut [0]).unwrap();
    server.signal("-INT");
    let begin = Instant::now();
    while TcpStream::connect(&at).is_ok() {
        assert!(begin.elapsed() < LIMIT);
    }
    // More than once, as an impatient person does: the first may come
    // before the grace time has begun.
    while server.child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < LIMIT);
        server.signal("-INT");
        std::thread::yield_now();
    }
    let end = server.end();
    // Ours, and those of the connections that only asked whether it listens
    // and that it had not seen closing yet.
    let cut_off = end.output.trim_end().rsplit(' ').next().unwrap();
    let cut_off: u32 = cut_off.parse().unwrap_or_else(|_| panic!("{end:?}"));
    assert!(cut_off >= 1, "{end:?}");
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

/// When no file descriptor is left, accepting fails. The clients wait in the
/// backlog and are served as soon as others have gone.
#[test]
#[cfg(target_os = "linux")]
fn accepting_goes_on_after_descriptors_ran_out() {
    let (server, at) = Program::listening(ECHO_SERVER, &["127.0.0.1:0"]);
    let process = server.child.id();
    // The numbers of its descriptors; some may be far above the others.
    let open = || -> BTreeSet<u64> {
        let folder = format!("/proc/{process}/fd");
        let files = std::fs::read_dir(folder).unwrap();
        let name = |file: std::io::Result<std::fs::DirEntry>| {
            file.unwrap().file_name().into_string().unwrap()
        };
        files.map(|file| name(file).parse().unwrap()).collect()
    };
    // Four more can be opened.
    let taken = open();
    let free = (0..).filter(|number| !taken.contains(number));
    let limit = free.take(4).last().unwrap() + 1;
    let id = process.try_into().unwrap();
    let new = Some((limit, limit));
    rlimit::prlimit(id, rlimit::Resource::NOFILE, new, None).unwrap();
    let mut clients: Vec<TcpStream> =
        (0..10).map(|_| TcpStream::connect(&at).unwrap()).collect();
    for client in &mut clients {
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client.write_all(b"?").unwrap();
    }
    let mut waiting = clients.split_off(4);
    for client in &mut clients {
        client.read_exact(&mut [0]).unwrap();
    }
    assert!((0..limit).all(|number| open().contains(&number)));
    // The others are not served; and between its attempts the server pauses,
    // instead of taking a whole core.
    let before = processor_time(process);
    let while_watched = Some(Duration::from_millis(500));
    waiting[0].set_read_timeout(while_watched).unwrap();
    let unserved = waiting[0].read_exact(&mut [0]).unwrap_err();
    assert_eq!(unserved.kind(), std::io::ErrorKind::WouldBlock);
    waiting[0].set_read_timeout(Some(LIMIT)).unwrap();
    let spent = processor_time(process) - before;
    assert!(spent <= Duration::from_millis(100), "{spent:?} of 500 ms");
    drop(clients);
    for client in &mut waiting[..4] {
        client.read_exact(&mut [0]).unwrap();
    }
    drop(waiting.drain(..4));
    for client in &mut waiting {
        client.read_exact(&mut [0]).unwrap();
    }
    drop(waiting);
    assert_eq!(stop(server).output, "Clients served: 10\n");
}

/// What a process has used of the processors so far.
#[cfg(target_os = "linux")]
fn processor_time(process: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"));
    let text = text.unwrap();
    // After the name in brackets: utime and stime are fields 14 and 15 of
    // all (man proc_pid_stat), in hundredths of a second.
    let (_, fields) = text.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |field: usize| fields[field - 3].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(14) + ticks(15)))
}

/// `listen(n)` on Linux: n + 1 connections are made before anyone accepts.
#[test]
#[cfg(target_os = "linux")]
fn the_backlog_holds_one_more_than_it_says() {
    for backlog in [1, 5] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = tcp_echo::listen(any, backlog).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        let limit = Duration::from_millis(300);
        while let Ok(client) = TcpStream::connect_timeout(&address, limit) {
            waiting.push(client);
        }
        assert_eq!(waiting.len(), backlog as usize + 1);
    }
}

// What the tests use.

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// A program that runs; killed when dropped.
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
        let mut child = command(program, arguments).spawn().unwrap();
        let output = child.stdout.take();
        Self::from(child, output)
    }

    fn from(mut child: Child, output: Option<ChildStdout>) -> Self {
        let errors = child.stderr.take();
        Self {
            lines: lines_of(output),
            errors: lines_of(errors),
            child,
        }
    }

    /// Starts a server and returns it with the address it has.
    fn listening(program: &str, arguments: &[&str]) -> (Self, String) {
        let server = Self::start(program, arguments);
        loop {
            if let Some((_, address)) = server.line().split_once("Address: ") {
                return (server, address.to_owned());
            }
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
