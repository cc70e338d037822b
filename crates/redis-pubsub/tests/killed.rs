//! The server is killed under a publisher at full speed: which messages
//! arrive, which are lost, and what the publisher knows of it.
//!
//! `KILLS=20 REDIS_SERVER=redis-server cargo test --test killed -- --nocapture`
//! does it twenty times with a real Redis; without REDIS_SERVER it is the
//! stand-in, three times.
#![cfg(unix)]

use std::env;
use std::io::{BufRead, BufReader, Lines, Read};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

#[path = "../examples/redis-server/broker.rs"]
mod broker;

const PUB: &str = env!("CARGO_BIN_EXE_redis-pub");
const SUB: &str = env!("CARGO_BIN_EXE_redis-sub");

/// Tells the second process that it is the server, and where.
const SERVE_AT: &str = "KILLED_TEST_SERVES_AT";

#[test]
fn what_was_answered_has_arrived_but_for_the_last_moment() {
    let kills = env::var("KILLS").unwrap_or("3".into()).parse().unwrap();
    let mut lost = 0;
    for kill in 0..kills {
        let (answered, received) = kill_one(300 + 37 * kill);
        // In the order in which they were published, and none invented.
        let (shorter, longer) = match received.len() < answered.len() {
            true => (&received, &answered),
            false => (&answered, &received),
        };
        assert!(longer.starts_with(shorter), "{answered:?}\n{received:?}");
        lost += answered.len().saturating_sub(received.len());
    }
    println!("{kills} servers killed: {lost} answered messages never arrived");
}

/// Kills a server when so many messages were published. Returns those about
/// catA and catC that it had answered, and those that came to redis-sub.
fn kill_one(after: usize) -> (Vec<String>, Vec<String>) {
    let (mut server, url) = server();
    let (mut sub, mut heard) = start(Command::new(SUB).arg(&url));
    assert!(heard.next().unwrap().unwrap().starts_with("Subscribed"));
    let many = ["--count", "1000000"];
    let (mut publisher, mut said) =
        start(Command::new(PUB).arg(&url).args(many));
    let mut published: Vec<String> =
        said.by_ref().take(after).map(Result::unwrap).collect();
    server.kill().unwrap();
    server.wait().unwrap();
    published.extend(said.map(Result::unwrap));
    let mut errors = String::new();
    publisher
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(publisher.wait().unwrap().code(), Some(1));
    let answered = published.len() - 1;
    let told = format!("({answered} answered before; ");
    assert!(errors.contains(&told), "{errors}");

    // It says that the connection is lost when it has shown all that came.
    let mut lost = String::new();
    let errors = sub.stderr.take().unwrap();
    BufReader::new(errors).read_line(&mut lost).unwrap();
    assert!(lost.contains("lost"), "{lost}");
    // The shell has its own: the program may not be installed.
    let line = format!("kill {}", sub.id());
    let sent = Command::new("sh").args(["-c", &line]).status();
    assert!(sent.unwrap().success());
    let received = heard.map(Result::unwrap).collect();
    sub.wait().unwrap();
    let answered = published[..answered]
        .iter()
        .filter_map(|line| line.split_once(" : "))
        .map(|(_, what)| format!("Subscribe: {what}"))
        .filter(|what| what.contains("catA") || what.contains("catC"));
    (answered.collect(), received)
}

/// A server that is a process of its own, and its URL.
fn server() -> (Child, String) {
    // Nobody holds the port until the server does; a test that loses it to
    // another program says so.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = match env::var_os("REDIS_SERVER") {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(["--port", &free.port().to_string(), "--save", ""]);
            command
        }
        None => {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", "serves", "--nocapture"]);
            command
        }
    };
    command.env(SERVE_AT, free.to_string());
    let (child, mut lines) = start(&mut command);
    let ready = |line: &String| line.to_lowercase().contains("ready to accept");
    assert!(lines.any(|line| ready(&line.unwrap())), "the port is taken");
    // Whoever talks to nobody would be ended by it.
    std::thread::spawn(move || lines.count());
    (child, format!("redis://{free}"))
}

/// No test but the server of the others, when it is told an address.
#[test]
fn serves() {
    let Ok(address) = env::var(SERVE_AT) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        println!("Ready to accept connections");
        let never = std::future::pending();
        broker::serve(listener, Default::default(), never)
            .await
            .unwrap();
    });
}

fn start(command: &mut Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    command
        .env_remove("REDIS_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}
