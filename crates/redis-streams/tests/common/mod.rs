//! Servers and programs for the tests. No wait is without a limit.
#![allow(dead_code)]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use tokio::sync::oneshot;

#[path = "../../examples/redis-streams-server/server.rs"]
pub mod server;
pub use server::Limits;

pub const ADD: &str = env!("CARGO_BIN_EXE_stream-add");
pub const WORKER: &str = env!("CARGO_BIN_EXE_stream-worker");

/// Nothing takes nearly as long, unless it hangs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The stand-in, on a thread of its own.
pub struct StandIn {
    pub address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    pub fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener);
                let stopped = async { drop(stopped.await) };
                server::serve(listener.unwrap(), limits, stopped).await;
            });
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A real Redis in a folder of its own, which writes an append-only file.
pub struct Real {
    program: String,
    pub port: u16,
    folder: PathBuf,
    child: Child,
}

impl Real {
    pub fn start(program: &str, name: &str) -> Self {
        // Below the ports that the system gives to clients: one that tries to
        // come back to such a port would some day be connected to itself.
        let begin =
            20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
        let mut ports = begin..32_000;
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = ports.find(free).expect("a free port");
        let folder = env::temp_dir()
            .join(format!("redis-streams-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let child = launch(program, port, &folder);
        Self {
            program: program.to_owned(),
            port,
            folder,
            child,
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, and starts it again at once.
    pub fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = launch(&self.program, self.port, &self.folder);
    }
}

fn launch(program: &str, port: u16, folder: &PathBuf) -> Child {
    let mut child = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "yes", "--appendfsync"])
        .arg(env::var("FSYNC").unwrap_or("always".into()))
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ready to accept connections") {
        let count = output.read_line(&mut said).unwrap();
        assert!(count > 0, "{program} is not ready:\n{said}");
    }
    spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    child
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program at work, whose lines can be waited for.
pub struct Program {
    pub child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

#[derive(Debug)]
pub struct End {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

impl Program {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .env_remove("REDIS_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            lines: lines_of(child.stdout.take().unwrap()),
            errors: lines_of(child.stderr.take().unwrap()),
            child,
        }
    }

    pub fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("no line came")
    }

    /// The lines to come, for somebody else.
    pub fn take_lines(&mut self) -> Receiver<String> {
        std::mem::replace(&mut self.lines, channel().1)
    }

    pub fn error(&self) -> String {
        self.errors.recv_timeout(LIMIT).expect("no error came")
    }

    pub fn enter(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    /// Waits for its end, after SIGTERM if `signal`.
    pub fn end(mut self, signal: bool) -> End {
        if signal {
            // The shell has its own: the program may not be installed.
            let line = format!("kill {}", self.child.id());
            let sent = Command::new("sh").args(["-c", &line]).status();
            assert!(sent.unwrap().success());
        }
        // The pipes close when it ends.
        let all = |lines: &Receiver<String>| {
            let mut all = String::new();
            loop {
                match lines.recv_timeout(LIMIT) {
                    Ok(line) => all += &(line + "\n"),
                    Err(error) => {
                        let closed = "channel is empty and sending half is \
                                      closed";
                        assert_eq!(error.to_string(), closed, "it hangs");
                        return all;
                    }
                }
            }
        };
        let (output, errors) = (all(&self.lines), all(&self.errors));
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

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
