//! What the tests share: programs at work, and questions as bytes.

#![allow(dead_code)] // Not every test file uses all of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub const QUERY: &str = env!("CARGO_BIN_EXE_dns-query");
pub const SERVER: &str = env!("CARGO_BIN_EXE_dns-server");

/// No wait is longer, however slow the machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A program at work; it is gone when this is dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Both outputs are read: some servers say on stderr that they are ready.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok)
                {
                    let _ = sender.send(line);
                }
            });
        }
        Self { child, lines }
    }

    pub fn line_with(&self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LIMIT);
            let line = line.unwrap_or_else(|_| panic!("no line with {part}"));
            if line.contains(part) {
                return line;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Our server with this zone, and where it is.
pub fn serve(zone: &str) -> (Running, SocketAddr) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zones/");
    let file = format!("{file}{zone}");
    let mut command = Command::new(SERVER);
    let server = Running::start(command.args(["127.0.0.1:0", "--zone", &file]));
    let line = server.line_with("Serving");
    let address = line.rsplit(' ').next().unwrap().parse().unwrap();
    (server, address)
}

/// Runs dns-query.
pub fn query(server: SocketAddr, arguments: &[&str]) -> Output {
    let server = format!("@{server}");
    let mut command = Command::new(QUERY);
    command.args(arguments).arg(server).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Sends bytes by UDP and gives what comes back.
pub fn by_udp(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.send(bytes).unwrap();
    let mut answer = vec![0; 65_535];
    let length = socket.recv(&mut answer).unwrap();
    answer.truncate(length);
    answer
}

/// The same by TCP, behind its length.
pub fn by_tcp(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let length = (bytes.len() as u16).to_be_bytes();
    stream.write_all(&[&length, bytes].concat()).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    answer
}
