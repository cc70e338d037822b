//! `runner wire` between a client and a server, through the real binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(60);

struct Wire {
    process: Child,
    lines: Receiver<String>,
    address: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
    command.arg("wire").args(arguments);
    command
}

impl Wire {
    fn start(to: &str, protocol: &str) -> Self {
        let mut process = command(&["--listen", "127.0.0.1:0"])
            .args(["--to", to, "--as", protocol])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        let ready = lines.recv_timeout(WITHIN).unwrap();
        let rest = ready.strip_prefix("Ready at ").unwrap();
        let (address, rest) = rest.split_once(',').unwrap();
        let end = format!(" passing on to {to}, as {protocol}");
        assert_eq!(rest, end);
        Self {
            address: address.to_owned(),
            process,
            lines,
        }
    }

    /// The next lines up to one that has this text in it.
    fn until(&self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(WITHIN);
            lines.push(
                line.unwrap_or_else(|_| panic!("no '{text}': {lines:#?}")),
            );
            if lines.last().unwrap().contains(text) {
                return lines;
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_message_is_explained_and_passed_on() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap().to_string();
    let wire = Wire::start(&to, "resp");
    let mut client = TcpStream::connect(&wire.address).unwrap();
    let own = client.local_addr().unwrap();
    let command = b"*2\r\n$3\r\nGET\r\n$4\r\ncatA\r\n";
    client.write_all(command).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let (mut accepted, _) = server.accept().unwrap();
    let mut heard = Vec::new();
    accepted.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, command);
    // Half-closed: the other direction is still open. And what is no RESP is
    // passed on all the same.
    let answer = b"$4\r\nhatB\r\n\0\x01\x02HTTP";
    accepted.write_all(answer).unwrap();
    drop(accepted);
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, answer);
    assert_eq!(
        wire.until("server closes").join("\n"),
        format!(
            "[1] the client is {own}\n\
             [1] client to server: GET catA (23 bytes)\n    \
             *2\\r\\n          an array of 2:\n    \
             $3\\r\\nGET\\r\\n   3 bytes: GET\n    \
             $4\\r\\ncatA\\r\\n  4 bytes: catA\n\
             [1] the client closes\n\
             [1] server to client: hatB (10 bytes)\n    \
             $4\\r\\nhatB\\r\\n  4 bytes: hatB\n\
             [1] server to client: bytes that are no RESP (7 bytes)\n    \
             00 01 02 48 54 54 50  ...HTTP\n\
             [1] the server closes"
        )
    );
}

#[test]
fn datagrams_are_explained_and_passed_on() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(WITHIN)).unwrap();
    let to = server.local_addr().unwrap().to_string();
    let wire = Wire::start(&to, "datagrams");
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(WITHIN)).unwrap();
    client.send_to(b"Hello!", &wire.address).unwrap();
    let mut buffer = [0; 100];
    let (length, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"Hello!");
    server.send_to(b"", from).unwrap();
    assert_eq!(client.recv(&mut buffer).unwrap(), 0);
    let lines = wire.until("server to client");
    assert_eq!(
        lines[1..],
        [
            "[1] client to server: Hello! (6 bytes)",
            "    48 65 6c 6c 6f 21  Hello!",
            "[1] server to client: an empty datagram (0 bytes)"
        ]
    );
}

#[test]
fn nobody_there_is_one_line_and_the_next_may_try() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let wire = Wire::start(&to, "stream");
    for number in 1..=2 {
        let mut client = TcpStream::connect(&wire.address).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let line = wire.until("cannot").pop().unwrap();
        let expected =
            format!("[{number}] cannot connect to {to}: connection refused");
        assert_eq!(line, expected);
    }
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let output = command(&["--listen", &at, "--to", &at]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "runner: cannot listen at {at}: address in use; choose another with \
         --listen\n"
    );
    assert_eq!(said, expected);
}

#[test]
fn help_names_the_protocols() {
    let output = command(&["--help"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for kind in runner::wire::KINDS {
        assert!(said.contains(kind.about), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_is_a_clean_end() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap().to_string();
    let mut wire = Wire::start(&to, "resp");
    let mut client = TcpStream::connect(&wire.address).unwrap();
    client.write_all(b"PING\r\n").unwrap();
    wire.until("PING");
    let id = i32::try_from(wire.process.id()).unwrap();
    let id = nix::unistd::Pid::from_raw(id);
    nix::sys::signal::kill(id, nix::sys::signal::SIGINT).unwrap();
    assert_eq!(wire.process.wait().unwrap().code(), Some(0));
}

/// localhost is two addresses on most systems, and the server has one of them.
#[test]
fn every_address_of_a_name_is_tried() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let mut process = command(&["--listen", "127.0.0.1:0", "--as", "stream"])
        .args(["--to", &format!("localhost:{port}")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Kept open: whoever cannot print passes nothing on.
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut ready = String::new();
    stdout.read_line(&mut ready).unwrap();
    let address = ready.strip_prefix("Ready at ").unwrap();
    let (address, _) = address.split_once(',').unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(WITHIN)).unwrap();
    let (mut accepted, _) = server.accept().unwrap();
    accepted.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn an_address_that_cannot_be_read_is_not_quoted() {
    let output = command(&["--to", "redis://:s3cret@127.0.0.1:6379"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("write it as HOST:PORT"), "{errors}");
    assert!(!errors.contains("s3cret"), "{errors}");
}
