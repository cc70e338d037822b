//! The four programs, run as a person runs them.

use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const SERVER: &str = env!("CARGO_BIN_EXE_udp-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_udp-client");
const ECHO_SERVER: &str = env!("CARGO_BIN_EXE_udp-echo-server");
const ECHO_CLIENT: &str = env!("CARGO_BIN_EXE_udp-echo-client");

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A program at work; it is gone when this is dropped.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = command(program, arguments).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if line.is_err() || sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line is missing")
    }

    /// Reads on to a line with this in it.
    fn line_with(&self, part: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(part) {
                return line;
            }
        }
    }

    /// A server's address, from its ready line.
    fn address(&self) -> String {
        let line = self.line_with(":");
        let line = if line.contains("Starting") {
            self.line()
        } else {
            line
        };
        line.split_whitespace().last().unwrap().to_owned()
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        // The shell has its own: the program may not be installed.
        let shell = ["-c", "kill \"$@\"", "kill", "-s", name, &id];
        let status = Command::new("sh").args(shell).status();
        assert!(status.unwrap().success());
    }

    /// Its exit code and what it said on stderr.
    fn end(mut self) -> (Option<i32>, String) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < LIMIT, "it does not end");
            std::thread::yield_now();
        };
        let mut errors = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (status.code(), errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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

fn run(program: &str, arguments: &[&str]) -> Output {
    command(program, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One line on stderr, with this in it, and exit code 1.
fn assert_fails(output: &Output, why: &str) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains(why), "{errors}");
}

#[test]
fn a_talk() {
    for address in ["127.0.0.1:0", "localhost:0", "[::1]:0"] {
        if UdpSocket::bind(address).is_err() {
            continue; // a machine without IPv6
        }
        for options in [&[][..], &["--connect"]] {
            let server = Running::start(SERVER, &[address]);
            let bound = server.address();
            let mut arguments = vec![bound.as_str()];
            arguments.extend(options);
            let client = run(CLIENT, &arguments);
            assert!(client.status.success(), "{}", text(&client.stderr));
            let expected = format!("{bound} said Are you talking to me?\n");
            assert!(text(&client.stdout).ends_with(&expected));
            assert!(server.line().ends_with(" said Hello!"));
            assert_eq!(server.end(), (Some(0), String::new()));
        }
    }
}

#[test]
fn nobody_home() {
    // A port that was free a moment ago.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    drop(socket);
    let patient = run(CLIENT, &[&address, "--timeout", "0.2"]);
    assert_fails(&patient, ": timed out; ");
    let refused = ": connection refused; ";
    assert_fails(&run(CLIENT, &[&address, "--connect"]), refused);
    assert_fails(&run(ECHO_CLIENT, &[&address]), refused);
}

#[test]
fn nobody_answers() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    for arguments in [
        &[CLIENT, &address, "--timeout", "0.1"][..],
        &[CLIENT, &address, "--timeout", "0.1", "--connect"],
        &[ECHO_CLIENT, &address, "--timeout", "0.05"],
    ] {
        let output = run(arguments[0], &arguments[1..]);
        assert_fails(&output, ": timed out; ");
    }
}

/// "All addresses" is nowhere that an answer could come from.
#[test]
fn a_server_at_all_addresses() {
    for any in ["0.0.0.0:0", "[::]:0"] {
        if UdpSocket::bind(any).is_err() {
            continue; // a machine without IPv6
        }
        let server = Running::start(SERVER, &[any]);
        let echo = Running::start(ECHO_SERVER, &[any]);
        for (program, address) in
            [(CLIENT, server.address()), (ECHO_CLIENT, echo.address())]
        {
            let client = run(program, &[&address]);
            assert!(client.status.success(), "{}", text(&client.stderr));
        }
    }
}

/// The limit that its README names: the answer comes from 127.0.0.1, which
/// was not asked. It says so when it starts.
#[test]
#[cfg(target_os = "linux")]
fn at_all_addresses_a_plain_socket_answers_from_another_one() {
    let server = Running::start(SERVER, &["0.0.0.0:0"]);
    let address = server.address().replace("0.0.0.0", "127.0.0.2");
    let end = run(CLIENT, &[&address, "--timeout", "0.2"]);
    assert!(!end.status.success(), "{address}");
    let why = text(&end.stderr);
    assert!(why.contains("no answer from"), "{why}");
    assert!(why.contains("timed out"), "{why}");
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    assert!(said.contains("at 0.0.0.0:"), "{said}");
    assert!(said.contains("name one address"), "{said}");
}

/// Two addresses of one machine, two families of the socket: only an answer
/// from the address that was asked reaches a connected client.
#[test]
#[cfg(target_os = "linux")]
fn at_all_addresses_an_echo_leaves_from_the_one_that_was_asked() {
    for any in ["0.0.0.0:0", "[::]:0"] {
        if UdpSocket::bind(any).is_err() {
            continue; // a machine without IPv6
        }
        let server = Running::start(ECHO_SERVER, &[any]);
        let bound = server.address();
        let port = bound.rsplit(':').next().unwrap();
        for asked in ["127.0.0.1", "127.0.0.2"] {
            let address = format!("{asked}:{port}");
            let end = run(ECHO_CLIENT, &[&address, "--count", "3"]);
            assert!(end.status.success(), "{any} {}", text(&end.stderr));
            let said = text(&end.stdout);
            assert!(said.contains("; received: 3, lost: 0, "), "{said}");
        }
        server.signal("TERM");
        assert_eq!(server.end(), (Some(0), String::new()));
    }
}

/// IPv6 leaves room for 20 bytes more than IPv4, and a buffer must have it.
#[test]
fn the_longest_datagram_of_ipv6_is_shown_whole() {
    const END: &[u8] = b"THE END";
    let Ok(socket) = UdpSocket::bind("[::1]:0") else {
        return; // a machine without IPv6
    };
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let mut long = vec![b'.'; 65_527 - END.len()];
    long.extend(END);
    let whole = format!(" said {}", text(&long));
    let address = socket.local_addr().unwrap().to_string();
    let client = Running::start(CLIENT, &[&address, "--timeout", "20"]);
    let (_, from) = socket.recv_from(&mut [0; 10]).unwrap();
    // Some systems allow no datagram that long.
    if socket.send_to(&long, from).is_ok() {
        assert!(client.line_with(" said ").ends_with(&whole));
        assert_eq!(client.end(), (Some(0), String::new()));
        let server = Running::start(SERVER, &["[::1]:0"]);
        socket.send_to(&long, server.address()).unwrap();
        assert!(server.line_with(" said ").ends_with(&whole));
    }
}

#[test]
fn a_stranger_is_no_server() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let address = server.local_addr().unwrap().to_string();
    for options in [&[][..], &["--connect"]] {
        let mut arguments = vec![address.as_str(), "--timeout", "20"];
        arguments.extend(options);
        let client = Running::start(CLIENT, &arguments);
        let (_, from) = server.recv_from(&mut [0; 10]).unwrap();
        let port = from.port();
        stranger.send_to(b"It is me!", ("127.0.0.1", port)).unwrap();
        server.send_to(b"\xff\x1b", ("127.0.0.1", port)).unwrap();
        let line = client.line_with(" said ");
        assert!(line.ends_with(" said \\xff\\u{1b}"), "{line}");
        assert_eq!(client.end(), (Some(0), String::new()));
    }
}

#[test]
fn addresses_that_cannot_be() {
    for (address, why) in [
        ("", "cannot read the address : invalid socket address; "),
        ("127.0.0.1", ": invalid socket address; "),
        ("127.0.0.1:", ": invalid port value; "),
        ("127.0.0.1:70000", ": invalid port value; "),
        ("cats.invalid:80", "cannot find cats.invalid:80: "),
        ("\x1b[2J:80", "cannot find \\u{1b}[2J:80: "),
    ] {
        for program in [SERVER, CLIENT, ECHO_SERVER, ECHO_CLIENT] {
            assert_fails(&run(program, &[address]), why);
        }
    }
}

#[test]
fn a_port_belongs_to_one() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    for program in [SERVER, ECHO_SERVER] {
        let why = format!("cannot bind to {address}: address in use; ");
        assert_fails(&run(program, &[&address]), &why);
    }
}

/// As root, the right is given up first; where that cannot be done, there is
/// nothing to see.
#[test]
#[cfg(target_os = "linux")]
fn a_low_port_takes_a_right() {
    let setting = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    let first = std::fs::read_to_string(setting).unwrap();
    if first.trim().parse::<u16>().unwrap() <= 1 {
        eprintln!("not tested: here everybody may bind to port 1");
        return;
    }
    let denied = std::io::ErrorKind::PermissionDenied;
    let ordinary = UdpSocket::bind("127.0.0.1:1")
        .is_err_and(|error| error.kind() == denied);
    for program in [SERVER, ECHO_SERVER] {
        let arguments = [
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
            "--",
            program,
            "127.0.0.1:1",
        ];
        let mut command = if ordinary {
            command(program, &["127.0.0.1:1"])
        } else {
            command("setpriv", &arguments)
        };
        let Ok(output) = command.output() else {
            eprintln!("not tested: there is no setpriv");
            return;
        };
        let errors = text(&output.stderr);
        if errors.starts_with("setpriv") {
            eprintln!("not tested: {errors}");
            return;
        }
        let why = "cannot bind to 127.0.0.1:1: permission denied; ";
        assert_fails(&output, why);
    }
}

#[test]
fn usage() {
    for arguments in [
        &[SERVER, "--buffer", "0"][..],
        &[CLIENT, "--timeout", "0"],
        &[CLIENT, "--timeout", "soon"],
        &[CLIENT, "--timeout", "1e18"],
        &[ECHO_SERVER, "--drop", "101"],
        &[ECHO_CLIENT, "--window", "0"],
        &[ECHO_CLIENT, "--size", "70000"],
    ] {
        let output = run(arguments[0], &arguments[1..]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    for program in [SERVER, CLIENT, ECHO_SERVER, ECHO_CLIENT] {
        assert!(run(program, &["--help"]).status.success());
    }
}

/// Unix cuts what does not fit, Windows reports it.
#[cfg(unix)]
#[test]
fn a_buffer_too_small_cuts() {
    let server = Running::start(SERVER, &["127.0.0.1:0", "--buffer", "2"]);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"Hello!", server.address()).unwrap();
    assert!(server.line().ends_with(" said He"));
}

#[cfg(unix)]
#[test]
fn signals_end_a_program_cleanly() {
    for name in ["INT", "TERM"] {
        for program in [SERVER, ECHO_SERVER] {
            let server = Running::start(program, &["127.0.0.1:0"]);
            server.address();
            server.signal(name);
            assert_eq!(server.end(), (Some(0), String::new()), "{name}");
        }
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        for program in [CLIENT, ECHO_CLIENT] {
            let client =
                Running::start(program, &[&address, "--timeout", "20"]);
            client.line_with("Hello!");
            client.signal(name);
            assert_eq!(client.end(), (Some(0), String::new()), "{name}");
        }
    }
}

/// On Linux a receive with a time limit fails when its program is stopped
/// (Ctrl-Z) and goes on. That is no reason to give up.
#[cfg(unix)]
#[test]
fn a_client_survives_a_pause() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let address = server.local_addr().unwrap().to_string();
    let client = Running::start(CLIENT, &[&address, "--timeout", "20"]);
    let (_, from) = server.recv_from(&mut [0; 10]).unwrap();
    for _ in 0..20 {
        client.signal("STOP");
        client.signal("CONT");
    }
    server.send_to(b"Here I am", from).unwrap();
    assert!(client.line_with(" said ").ends_with("Here I am"));
    assert_eq!(client.end(), (Some(0), String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn the_output_cannot_be_written() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for (program, address) in [
        (SERVER, "127.0.0.1:0"),
        (CLIENT, &address),
        (ECHO_SERVER, "127.0.0.1:0"),
        (ECHO_CLIENT, &address),
    ] {
        let full = std::fs::File::create("/dev/full").unwrap();
        let output = command(program, &[address]).stdout(full).output();
        let why = ": cannot write to stdout: no storage space; ";
        assert_fails(&output.unwrap(), why);
    }
}

/// With one descriptor after the other, until only that of the socket is
/// missing: it says so, in one line.
#[cfg(target_os = "linux")]
#[test]
fn too_few_descriptors() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let told = (4..32).map(|limit| {
        let line = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let options = ["--timeout", "0.1", "--retries", "0", "--count", "1"];
        let mut arguments = vec!["-c", &line, ECHO_CLIENT, &address];
        arguments.extend(options);
        run("sh", &arguments)
    });
    let what = ": cannot create a socket: too many open files; ";
    let mut told = told.filter(|output| text(&output.stderr).contains(what));
    assert_fails(&told.next().expect("it is never told"), what);
}

#[test]
fn nobody_reads_the_output() {
    let mut command = command(ECHO_SERVER, &["127.0.0.1:0"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}
