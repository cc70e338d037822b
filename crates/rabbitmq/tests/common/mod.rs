//! What the tests use: the stand-in in a thread, and programs that are run as
//! a person runs them.
#![allow(dead_code, reason = "no test uses all of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[path = "../../examples/rabbitmq-server/broker.rs"]
mod broker;

pub const TASK: &str = env!("CARGO_BIN_EXE_rabbit-task");
pub const WORKER: &str = env!("CARGO_BIN_EXE_rabbit-worker");
pub const EMIT: &str = env!("CARGO_BIN_EXE_rabbit-emit");
pub const LISTEN: &str = env!("CARGO_BIN_EXE_rabbit-listen");

/// No wait is longer, however slow the machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The stand-in, in a thread of its own; it ends when dropped.
pub struct Server {
    pub address: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    pub fn start_at(address: SocketAddr) -> Self {
        let (shutdown, stopped) = oneshot::channel();
        let (tell, told) = channel();
        let thread = spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind(address).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let stopped = async {
                    let _ = stopped.await;
                };
                let limits = broker::Limits::default();
                broker::serve(listener, limits, stopped).await.unwrap();
            });
        });
        Self {
            address: told.recv_timeout(LIMIT).unwrap(),
            shutdown: Some(shutdown),
            thread: Some(thread),
        }
    }

    pub fn url(&self) -> String {
        format!("amqp://{}", self.address)
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
pub struct Program {
    pub child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
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

impl Program {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::with_output(program, arguments, Stdio::piped())
    }

    pub fn with_output(
        program: &str,
        arguments: &[&str],
        output: Stdio,
    ) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .env_remove("AMQP_URL")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take(),
            lines: lines_of(child.stdout.take()),
            errors: lines_of(child.stderr.take()),
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

    pub fn error(&self) -> String {
        self.errors.recv_timeout(LIMIT).unwrap()
    }

    pub fn enter(&mut self) {
        self.input.as_mut().unwrap().write_all(b"\n").unwrap();
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

    pub fn kill(mut self) -> End {
        self.child.kill().unwrap();
        self.end()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl End {
    pub fn assert_one_line_and_no_secret(&self) {
        assert_eq!(self.output, "");
        assert_eq!(self.errors.lines().count(), 1, "{self:?}");
        assert!(!format!("{self:?}").contains("s3cret"), "{self:?}");
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
