//! `zmq-broker` as a person runs it.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn a_bad_option_is_bad_usage() {
    for arguments in [
        &["--queue", "0"][..],
        &["--queue", "many"],
        &["--linger", "0"],
        &["--linger", "-1"],
        &["one", "two", "three"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_endpoint_that_cannot_be_is_refused() {
    for wrong in [
        "here",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:66666",
        "udp://127.0.0.1:1",
        "inproc://broker",
        "ipc://*",
        "ipc://",
        "\x1b[2J",
    ] {
        for arguments in [[wrong, ANY], [ANY, wrong]] {
            let output = run(&arguments);
            let line = only_line(&output);
            assert_eq!(output.status.code(), Some(1), "{line}");
            assert!(line.starts_with("zmq-broker: cannot"), "{line}");
            assert!(!line.contains('\x1b'), "{line}");
        }
    }
}

#[test]
fn one_endpoint_is_not_enough() {
    let output = run(&["tcp://127.0.0.1:6789", "tcp://127.0.0.1:6789"]);
    let line = only_line(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(line.ends_with("; give two endpoints"), "{line}");
    // Written in another way, it is the system that says so.
    let port = free_port();
    let (one, other) = (
        format!("tcp://127.0.0.1:{port}"),
        format!("tcp://127.0.0.1:0{port}"),
    );
    let line = only_line(&run(&[&one, &other]));
    assert!(line.contains("address in use"), "{line}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("tcp://{}", listener.local_addr().unwrap());
    for arguments in [[&*taken, ANY], [ANY, &*taken]] {
        let output = run(&arguments);
        let line = only_line(&output);
        assert_eq!(output.status.code(), Some(1));
        assert!(line.contains(&taken), "{line}");
        assert!(line.contains(": address in use; "), "{line}");
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn broker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmq-broker"));
    command.stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// One that ends by itself.
fn run(arguments: &[&str]) -> Output {
    broker().args(arguments).output().unwrap()
}

fn only_line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

/// A broker that goes on until a signal ends it.
#[cfg(unix)]
mod until_a_signal {
    use std::fs;
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, ChildStdout, Command, Stdio};

    use super::{ANY, broker};

    #[test]
    fn ctrl_c_and_sigterm_end_it_cleanly() {
        for signal in ["-INT", "-TERM"] {
            let broker = Broker::start(&[ANY, ANY]);
            let (code, output) = broker.end(signal);
            assert_eq!(code, Some(0));
            assert_eq!(output, "Passed on: requests 0, replies 0\n");
        }
    }

    #[test]
    fn ipc_works_and_leaves_no_files() {
        let folder = std::env::temp_dir()
            .join(format!("zmq-broker-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let at = |name| format!("ipc://{}", folder.join(name).display());
        let (front, back) = (at("front"), at("back"));
        let broker = Broker::start(&[&front, &back]);
        assert!(broker.ready.contains(&front), "{}", broker.ready);
        let mut server = Command::new(env!("CARGO_BIN_EXE_zmq-server"))
            .args([&*back, "--connect"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let client = Command::new(env!("CARGO_BIN_EXE_zmq-client"))
            .arg(&front)
            .output()
            .unwrap();
        assert!(client.status.success());
        server.kill().unwrap();
        server.wait().unwrap();
        let (code, output) = broker.end("-INT");
        assert_eq!(code, Some(0));
        assert_eq!(output, "Passed on: requests 5, replies 5\n");
        // It could not be removed if a file were left.
        fs::remove_dir(&folder).unwrap();
    }

    /// A broker that runs; killed when dropped.
    struct Broker {
        child: Child,
        ready: String,
        output: BufReader<ChildStdout>,
    }

    impl Broker {
        fn start(arguments: &[&str]) -> Self {
            let mut child = broker()
                .args(arguments)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            let mut ready = String::new();
            output.read_line(&mut ready).unwrap();
            assert!(ready.starts_with("Waiting for clients at "), "{ready}");
            Self {
                child,
                ready,
                output,
            }
        }

        /// Its exit code, and what it said after it was ready.
        fn end(mut self, signal: &str) -> (Option<i32>, String) {
            let id = self.child.id().to_string();
            let mut kill = Command::new("sh");
            kill.args(["-c", "kill \"$@\"", "kill"]);
            assert!(kill.args([signal, &id]).status().unwrap().success());
            let mut rest = String::new();
            self.output.read_to_string(&mut rest).unwrap();
            (self.child.wait().unwrap().code(), rest)
        }
    }

    impl Drop for Broker {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
