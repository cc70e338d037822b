//! Clients and servers as processes, and a broker between them. Again and
//! again a server is killed, and another one takes its place.
//!
//! Short by itself. The whole of it, with each figure:
//!
//! CHURN_SECONDS=20 CHURN_CLIENTS=100 CHURN_SERVERS=10 \
//!     cargo test --test broker_churn -- --nocapture
//!
//! With CHURN_TIMEOUT=0.2 clients do not wait for the slowest replies: these
//! come too late, and some requests are done twice, or given up.

#![cfg(unix)]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

/// What the clients and servers are told.
const WORK: f64 = 0.02;
const RETRIES: u64 = 3;

/// What a whole attempt may take besides, on a machine that is busy.
const SLACK: Duration = Duration::from_secs(1);

#[test]
fn servers_are_killed_and_each_client_ends_with_its_own_replies() {
    let seconds: u64 = setting("CHURN_SECONDS", "3");
    let clients: u64 = setting("CHURN_CLIENTS", "20");
    let servers: u64 = setting("CHURN_SERVERS", "4");
    let timeout: f64 = setting("CHURN_TIMEOUT", "1");
    // So many that the servers would just be done with them in that time.
    let requests = (servers * seconds) as f64 / WORK / clients as f64;
    let requests = requests as u64;

    let mut broker = Program::start(
        env!("CARGO_BIN_EXE_zmq-broker"),
        &["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"],
    );
    let ready = broker.lines.recv().unwrap().text;
    let at: Vec<_> = ready.split(' ').filter(|w| w.contains("://")).collect();
    let [front, back] = at[..] else {
        panic!("{ready}")
    };
    let work = WORK.to_string();
    let server = || {
        let arguments = [back, "--connect", "--work", &work];
        Program::start(env!("CARGO_BIN_EXE_zmq-server"), &arguments)
    };
    let mut serving: Vec<_> = (0..servers).map(|_| server()).collect();
    let begin = Instant::now();
    let asking: Vec<_> = (1..=clients)
        .map(|number| {
            let (timeout, name) = (timeout.to_string(), name(number));
            let (requests, retries) =
                (requests.to_string(), RETRIES.to_string());
            Program::start(
                env!("CARGO_BIN_EXE_zmq-client"),
                &[
                    front,
                    "--name",
                    &name,
                    "--requests",
                    &requests,
                    "--timeout",
                    &timeout,
                    "--retries",
                    &retries,
                ],
            )
        })
        .collect();

    // The oldest server each time, in the middle of a request.
    let mut gone = Vec::new();
    let mut done = HashMap::new();
    for second in 1..=seconds {
        let mut victim = serving.remove(0);
        let moment = begin + Duration::from_secs(second);
        victim.work_until(moment, &mut done);
        victim.child.kill().unwrap();
        gone.push(victim);
        serving.push(server());
    }

    let mut all = Figures::default();
    for (number, client) in (1..).zip(asking) {
        all.add(check(client, number, requests, timeout));
    }
    let took = begin.elapsed();

    for server in &serving {
        server.signal("-INT");
    }
    broker.signal("-INT");
    for server in gone.into_iter().chain(serving) {
        for line in &server.lines {
            count(&line.text, &mut done);
        }
    }
    assert!(broker.child.wait().unwrap().success());
    let last: Vec<_> = broker.lines.iter().map(|line| line.text).collect();
    let more_than_once = done.values().filter(|&&count| count > 1).count();
    println!(
        "{clients} clients, {servers} servers, {seconds} killed, in {:.1} s",
        took.as_secs_f64()
    );
    println!("{all:?}");
    println!("requests that servers did more than once: {more_than_once}");
    println!("broker: {}", last.join("; "));
    assert_eq!(
        all.answered + all.given_up + all.not_asked,
        clients * requests
    );
    assert!(all.answered > 0);
}

/// Counts what a server has done.
fn count(line: &str, done: &mut HashMap<String, u64>) {
    if let Some(text) = line.strip_prefix("Answering: ") {
        *done.entry(text.to_owned()).or_default() += 1;
    }
}

fn setting<T: FromStr>(name: &str, default: &str) -> T {
    let value = env::var(name).unwrap_or(default.into());
    value.parse().unwrap_or_else(|_| panic!("{name}={value}"))
}

fn name(number: u64) -> String {
    format!("client {number}")
}

/// What became of the requests.
#[derive(Debug, Default)]
struct Figures {
    answered: u64,
    sent_again: u64,
    given_up: u64,
    /// What a client that has given up would have asked next.
    not_asked: u64,
    longest: Duration,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.sent_again += other.sent_again;
        self.given_up += other.given_up;
        self.not_asked += other.not_asked;
        self.longest = self.longest.max(other.longest);
    }
}

/// Reads all that a client printed: each request in its turn, with its own
/// reply once, or given up after all attempts.
fn check(
    mut client: Program,
    number: u64,
    requests: u64,
    timeout: f64,
) -> Figures {
    let mut figures = Figures::default();
    let limit = (Duration::from_secs_f64(timeout) + SLACK)
        * u32::try_from(RETRIES + 1).unwrap();
    let mut asked: Option<(u64, u64, Instant)> = None;
    let mut lines = Vec::new();
    loop {
        let line = match client.lines.recv_timeout(limit) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("{number} hangs"),
        };
        let next = figures.answered + 1;
        let request = format!("message #{next} of {}", name(number));
        let sending = format!("Sending {request}");
        let again = format!("{sending} again");
        let sent = format!("Sent {request}, received Stop saying: {request}");
        match &mut asked {
            None if line.text == sending => {
                asked = Some((next, 1, line.at));
            }
            Some((_, attempts, _)) if line.text == again => {
                *attempts += 1;
                figures.sent_again += 1;
                assert!(*attempts <= RETRIES + 1, "{}", line.text);
            }
            Some((_, _, begin)) if line.text == sent => {
                figures.longest = figures.longest.max(line.at - *begin);
                figures.answered += 1;
                asked = None;
            }
            _ => panic!("after {lines:#?}\n{number} says {}", line.text),
        }
        lines.push(line.text);
    }
    let ended = client.child.wait().unwrap();
    let errors: Vec<_> = client.errors.iter().map(|line| line.text).collect();
    if ended.success() {
        assert_eq!(figures.answered, requests);
    } else {
        let (next, attempts, _) = asked.expect("it gave up a request");
        assert_eq!(attempts, RETRIES + 1);
        let last = errors.last().unwrap();
        assert!(last.contains(&format!("no answer to message #{next} of")));
        figures.given_up = 1;
        figures.not_asked = requests - figures.answered - 1;
    }
    assert!(figures.longest <= limit, "{:?}", figures.longest);
    figures
}

struct Line {
    text: String,
    at: Instant,
}

/// A program that runs; killed when dropped.
struct Program {
    child: Child,
    lines: Receiver<Line>,
    errors: Receiver<Line>,
}

impl Program {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            lines: lines_of(child.stdout.take().unwrap()),
            errors: lines_of(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Follows a server until it has begun a request after `moment`. If
    /// nobody asks it any more, the moment is enough.
    fn work_until(&self, moment: Instant, done: &mut HashMap<String, u64>) {
        loop {
            match self.lines.recv_timeout(SLACK) {
                Ok(line) => {
                    count(&line.text, done);
                    let begins = line.text.starts_with("Request says: ");
                    if begins && line.at >= moment {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() < moment => {}
                Err(_) => break,
            }
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill \"$@\"", "kill"]);
        assert!(kill.args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<Line> {
    let (sender, receiver) = channel();
    spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(text) = line else { break };
            let at = Instant::now();
            if sender.send(Line { text, at }).is_err() {
                break;
            }
        }
    });
    receiver
}
