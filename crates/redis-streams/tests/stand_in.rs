//! The stand-in says what Redis says, and one client's trouble stays that
//! client's. `REDIS_SERVER=redis-server cargo test` plays the cases on a real
//! Redis, too.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{LIMIT, Limits, Real, StandIn};
use redis::streams::StreamReadReply;
use redis::streams::{StreamInfoGroupsReply, StreamReadOptions};
use redis::{Client, Connection, Value};

const CASES: &str = include_str!("cases.txt");

#[test]
fn it_says_what_redis_says() {
    let stand_in = StandIn::start(Limits::default());
    for protocol in ["", "?protocol=resp3"] {
        play(&(stand_in.url() + protocol));
    }
    if let Ok(program) = std::env::var("REDIS_SERVER") {
        play(&Real::start(&program, "cases").url());
    }
}

fn play(url: &str) {
    let mut server = connect(url);
    let mut lines = CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    // A key that another round has left would change the answers.
    for key in ["a", "b", "c", "d", "e", "f", "h", "i", "k", "l"] {
        let _: i64 = redis::cmd("DEL").arg(key).query(&mut server).unwrap();
    }
    let mut wrong = Vec::new();
    while let Some(command) = lines.next() {
        let words = command.strip_prefix("> ").unwrap().split(' ');
        let mut asked = redis::Cmd::new();
        for word in words.clone() {
            asked.arg(if word == "''" { "" } else { word });
        }
        let mut found = match asked.query::<Value>(&mut server) {
            Ok(value) => flat(&value),
            Err(error) => {
                let code = error.code().filter(|code| *code != "ERR");
                let code = code.map(|code| format!("{code} "));
                let detail = error.detail().unwrap_or_default().trim();
                format!("!{}{detail}", code.unwrap_or_default())
            }
        };
        let expected = lines.next().unwrap().trim_end();
        if expected.contains(" T ") {
            found = without_times(&found);
        }
        if found != expected {
            wrong.push(format!("{command}\n  {found}\n  {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{url}:\n{}", wrong.join("\n"));
}

fn flat(value: &Value) -> String {
    let all = |values: &[Value]| {
        let inside: Vec<String> = values.iter().map(flat).collect();
        ["[".into(), inside.join(" "), "]".into()]
            .into_iter()
            .filter(|part: &String| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    match value {
        Value::Nil => "(nil)".into(),
        Value::Int(number) => number.to_string(),
        Value::BulkString(bytes) if bytes.is_empty() => "(empty)".into(),
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into(),
        Value::SimpleString(text) => text.clone(),
        Value::Okay => "OK".into(),
        Value::Array(values) => all(values),
        // In RESP2 a list of pairs.
        Value::Map(pairs) => {
            let pair = |(key, value): &(Value, Value)| {
                Value::Array(vec![key.clone(), value.clone()])
            };
            all(&pairs.iter().map(pair).collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    }
}

/// `[ [ 1-0 bob 7 1 ] ]` without the 7 milliseconds.
fn without_times(rows: &str) -> String {
    let mut words: Vec<&str> = rows.split(' ').collect();
    for at in 3..words.len() {
        if words[at - 3] == "[" && words[at - 2].contains('-') {
            words[at] = "T";
        }
    }
    words.join(" ")
}

fn connect(url: &str) -> Connection {
    Client::open(url).unwrap().get_connection().unwrap()
}

/// Asks for what nobody has had, and leaves the answer for later. Returns when
/// the server has the question, and `group` consumers with it.
fn wait_as(name: &str, stand_in: &StandIn, group: usize) -> Connection {
    let mut client = connect(&stand_in.url());
    let how = StreamReadOptions::default().group("g", name).block(0);
    let read = redis::Cmd::xread_options(&["s"], &[">"], &how);
    client
        .send_packed_command(&read.get_packed_command())
        .unwrap();
    let (begin, mut server) = (Instant::now(), connect(&stand_in.url()));
    loop {
        let groups = redis::Cmd::xinfo_groups("s");
        let groups: StreamInfoGroupsReply = groups.query(&mut server).unwrap();
        if groups.groups[0].consumers == group {
            return client;
        }
        assert!(begin.elapsed() < LIMIT, "{name} does not wait");
    }
}

/// Each entry goes to the one that has waited longest, and none to a client
/// that is gone.
#[test]
fn who_waits_longest_is_served_first_and_who_is_gone_gets_nothing() {
    let stand_in = StandIn::start(Limits::default());
    let mut server = connect(&stand_in.url());
    let group = redis::Cmd::xgroup_create_mkstream("s", "g", "0");
    let _: () = group.query(&mut server).unwrap();

    drop(wait_as("gone", &stand_in, 1));
    let mut waiting = Vec::new();
    for (name, group) in [("first", 2), ("second", 3)] {
        waiting.push(wait_as(name, &stand_in, group));
    }
    for (id, client) in ["1-0", "2-0"].iter().zip(&mut waiting) {
        let add = redis::Cmd::xadd("s", *id, &[("task", "1")]);
        let _: String = add.query(&mut server).unwrap();
        let reply = client.recv_response().unwrap();
        let reply: StreamReadReply = redis::from_redis_value(reply).unwrap();
        assert_eq!(reply.keys[0].ids[0].id, *id);
    }
}

#[test]
fn a_full_memory_takes_nothing_more_and_gives_room_again() {
    let stand_in = StandIn::start(Limits {
        memory: 10_000,
        ..Limits::default()
    });
    let mut server = connect(&stand_in.url());
    let add = redis::Cmd::xadd("s", "*", &[("task", "x".repeat(100))]);
    let mut added = 0;
    let error = loop {
        match add.query::<String>(&mut server) {
            Ok(_) => added += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Some("OOM"));
    assert!((20..60).contains(&added), "{added}");
    // Names of groups cost as well.
    let group = redis::Cmd::xgroup_create("s", "g", "0");
    assert!(group.query::<()>(&mut server).is_err());
    let _: i64 = redis::cmd("DEL").arg("s").query(&mut server).unwrap();
    add.query::<String>(&mut server).unwrap();
}

#[test]
fn what_is_no_command_is_refused_and_the_others_are_served() {
    let stand_in = StandIn::start(Limits {
        reply: 1000,
        ..Limits::default()
    });
    let mut other = connect(&stand_in.url());
    let nested = b"*1\r\n".repeat(200_000);
    for (sent, answer) in [
        (
            &b"*1000000000\r\n"[..],
            "-ERR Protocol error: invalid multibulk",
        ),
        (
            b"*1\r\n$9999999\r\n",
            "-ERR Protocol error: invalid bulk length",
        ),
        (
            b"*1\r\n+OK\r\n",
            "-ERR Protocol error: expected '$', got '+'",
        ),
        (&nested, "-ERR Protocol error: expected '$', got '*'"),
        (
            &[b'x'; 70_000],
            "-ERR Protocol error: too big inline request",
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\nPING\r\n", ""),
        (b"\r\n\r\nPING\r\nQUIT\r\n", "+PONG\r\n+OK\r\n"),
        (
            b"*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\nQUIT\r\n",
            "+PONG\r\n+OK\r\n",
        ),
        (
            b"HELLO 4\r\nQUIT\r\n",
            "-NOPROTO unsupported protocol version",
        ),
    ] {
        let mut client = TcpStream::connect(&stand_in.address).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        // It may close before it has read all.
        let _ = client.write_all(sent);
        let mut found = Vec::new();
        let _ = client.read_to_end(&mut found);
        let found = String::from_utf8_lossy(&found);
        assert!(found.starts_with(answer), "{answer}: {found}");
        let pong: String = redis::cmd("PING").query(&mut other).unwrap();
        assert_eq!(pong, "PONG");
    }
    // A reply that would be too long is an error, and no more than that.
    for _ in 0..20 {
        let add = redis::Cmd::xadd("s", "*", &[("task", "x".repeat(100))]);
        let _: String = add.query(&mut other).unwrap();
    }
    let all = redis::Cmd::xrange_all("s").query::<Value>(&mut other);
    assert!(all.unwrap_err().to_string().contains("use COUNT"));
    let few = redis::Cmd::xrange_count("s", "-", "+", 2);
    assert!(few.query::<Value>(&mut other).is_ok());
}

#[test]
fn it_refuses_more_clients_and_ends_when_idle() {
    let mut stand_in = StandIn::start(Limits {
        clients: 1,
        idle: Some(Duration::from_millis(50)),
        ..Limits::default()
    });
    let mut first = connect(&stand_in.url());
    let _: String = redis::cmd("PING").query(&mut first).unwrap();
    let mut second = TcpStream::connect(&stand_in.address).unwrap();
    second.set_read_timeout(Some(LIMIT)).unwrap();
    let mut answer = String::new();
    second.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "-ERR max number of clients reached\r\n");
    drop(first);
    stand_in.wait();
}
