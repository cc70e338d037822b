//! zmq-pub and zmq-sub, run as a person runs them.

#![allow(dead_code, reason = "each test uses a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::Duration;

pub const PUB: &str = env!("CARGO_BIN_EXE_zmq-pub");
pub const SUB: &str = env!("CARGO_BIN_EXE_zmq-sub");

/// No wait is longer, however slow the machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Port 0: any free one.
pub const ANY: &str = "tcp://127.0.0.1:0";

/// A zmq-pub that is bound, and where.
pub fn publisher(options: &[&str]) -> (Program, String) {
    let publisher = Program::start(PUB, &[&[ANY], options].concat());
    let line = publisher.line();
    let (_, endpoint) = line.rsplit_once(' ').unwrap();
    (publisher, endpoint.to_owned())
}

/// What a subscriber to catA and catC prints of what a publisher printed.
pub fn wanted(published: &str) -> String {
    published
        .lines()
        .filter(|line| line.contains("catA") || line.contains("catC"))
        .filter_map(|line| line.strip_prefix("Publish: message "))
        .map(|line| line.split_once(" : ").unwrap().1)
        .map(|words| format!("Subscribe: {words}\n"))
        .collect()
}

/// Ends a program as Ctrl-C or SIGTERM does.
#[cfg(unix)]
pub fn signal(program: &Program, name: &str) {
    let command = format!("kill -{name} {}", program.child.id());
    let status = Command::new("sh").args(["-c", &command]).status();
    assert!(status.unwrap().success());
}

/// A program that runs; killed when dropped.
pub struct Program {
    pub child: Child,
    input: Option<std::process::ChildStdin>,
    pub lines: Receiver<String>,
    pub errors: Receiver<String>,
}

/// How a program ended.
#[derive(Debug)]
pub struct End {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

pub fn run(program: &str, arguments: &[&str]) -> End {
    Program::start(program, arguments).end()
}

/// A program with its words for us alone.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = command(program, arguments).spawn().unwrap();
        let output = child.stdout.take();
        Self::from(child, output)
    }

    pub fn from(mut child: Child, output: Option<ChildStdout>) -> Self {
        let errors: Option<ChildStderr> = child.stderr.take();
        Self {
            input: child.stdin.take(),
            lines: lines_of(output),
            errors: lines_of(errors),
            child,
        }
    }

    pub fn line(&self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(error) => {
                let errors: Vec<_> = self.errors.try_iter().collect();
                panic!("{error} instead of a line; {errors:?}")
            }
        }
    }

    pub fn enter(&mut self) {
        self.input.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Ends its input.
    pub fn no_more(&mut self) {
        self.input = None;
    }

    /// Waits for the end; what is printed until then is in the result.
    pub fn end(mut self) -> End {
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
    /// An error is one line, and its code is 1.
    pub fn assert_error(&self, why: &str) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.errors.lines().count(), 1, "{self:?}");
        assert!(self.errors.contains(why), "{why}: {self:?}");
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
