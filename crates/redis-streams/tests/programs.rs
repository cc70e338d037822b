//! stream-add and stream-worker, run as a person runs them, where it goes
//! wrong.

mod common;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::{ADD, End, Limits, Program, StandIn, WORKER};
use redis::{Client, Connection};

fn run(program: &str, arguments: &[&str]) -> End {
    Program::start(program, arguments).end(false)
}

fn connect(stand_in: &StandIn) -> Connection {
    Client::open(stand_in.url())
        .unwrap()
        .get_connection()
        .unwrap()
}

#[test]
fn a_url_that_cannot_be_used_is_explained_and_never_shown() {
    for (url, why) in [
        ("", "the URL cannot be read"),
        (":s3cret@localhost", "the URL cannot be read"),
        ("redis://:#s3cret@localhost", "write # as %23"),
        ("rediss://:s3cret@localhost", "\"tokio-native-tls-comp\""),
        ("redis://:s3cret@host.invalid", "host name not found"),
    ] {
        for program in [ADD, WORKER] {
            let end = run(program, &[url]);
            assert_eq!(end.code, Some(1), "{url}: {end:?}");
            assert!(end.errors.contains(why), "{url}: {end:?}");
            assert_eq!(end.errors.lines().count(), 1, "{url}: {end:?}");
            assert!(!end.errors.contains("s3cret"), "{url}: {end:?}");
        }
    }
    for arguments in [
        &["--idle", "0"][..],
        &["--nonsense"],
        &["--name", "a", "redis://h", "redis://:s3cret@h"],
    ] {
        let end = run(WORKER, arguments);
        assert_eq!(end.code, Some(2), "{end:?}");
        assert!(!end.errors.contains("s3cret"), "{end:?}");
    }
}

#[test]
fn nobody_is_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", free.local_addr().unwrap());
    drop(free);
    for program in [ADD, WORKER] {
        let end = run(program, &[&url]);
        assert_eq!(end.code, Some(1), "{end:?}");
        let advice = "connection refused; start a Redis server there";
        assert!(end.errors.contains(advice), "{end:?}");
    }
}

/// The claim came too soon: the slower worker learns of it.
#[test]
fn a_task_that_another_worker_took_over_is_acknowledged_too_late() {
    let stand_in = StandIn::start(Limits::default());
    let url = stand_in.url();
    assert_eq!(run(ADD, &[&url, "--count", "1"]).code, Some(0));
    let mut alice =
        Program::start(WORKER, &[&url, "--name", "alice", "--step"]);
    while alice.line() != "Press Enter to do it" {}
    let bob =
        Program::start(WORKER, &[&url, "--name", "bob", "--idle", "0.05"]);
    assert_eq!(bob.line(), "Ready for tasks");
    assert!(bob.line().starts_with("Task (again): knit a"));
    assert!(bob.line().starts_with("Done: knit a"));
    assert_eq!(bob.line(), "Acknowledged");
    alice.enter();
    while alice.line() != "Press Enter to acknowledge it" {}
    alice.enter();
    let late = "Acknowledged too late: another worker took it over";
    assert_eq!(alice.line(), late);
    let end = bob.end(true);
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

/// What all groups have done goes; what one still needs stays.
#[test]
fn trimming_takes_nothing_that_somebody_needs() {
    let stand_in = StandIn::start(Limits::default());
    let (url, mut server) = (stand_in.url(), connect(&stand_in));
    let group = |name| redis::Cmd::xgroup_create_mkstream("tasks", name, "0");
    let _: () = group("log").query(&mut server).unwrap();
    assert_eq!(run(ADD, &[&url, "--count", "5"]).code, Some(0));
    let work = |tasks: usize| {
        let worker = Program::start(WORKER, &[&url, "--idle", "0.05"]);
        while worker.line() != "Ready for tasks" {}
        (0..tasks * 3).for_each(|_| drop(worker.line()));
        worker
    };
    let length = |server: &mut Connection| {
        redis::Cmd::xlen("tasks").query::<usize>(server).unwrap()
    };
    let worker = work(5);
    // The other group has read three, and acknowledged the second.
    let how = redis::streams::StreamReadOptions::default()
        .group("log", "a")
        .count(3);
    let read = redis::Cmd::xread_options(&["tasks"], &[">"], &how);
    let read: redis::streams::StreamReadReply =
        read.query(&mut server).unwrap();
    let ids: Vec<&str> = read.keys[0]
        .ids
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    let ack = |ids: &[&str]| redis::Cmd::xack("tasks", "log", ids);
    let _: usize = ack(&ids[1..2]).query(&mut server).unwrap();
    let trim = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = Client::open(stand_in.url()).unwrap();
            let connection = client.get_multiplexed_async_connection().await;
            redis_streams::trim_done(&mut connection.unwrap(), "tasks")
                .await
                .unwrap()
        });
    };
    trim();
    assert_eq!(length(&mut server), 5);
    let _: usize = ack(&ids[..1]).query(&mut server).unwrap();
    trim();
    assert_eq!(length(&mut server), 3);
    let _: usize = ack(&ids[2..]).query(&mut server).unwrap();
    trim();
    // The other group has not read the last two.
    assert_eq!(length(&mut server), 2);
    drop(worker);
}

/// An entry that went while it was in somebody's hands is no trouble.
#[test]
fn a_pending_entry_that_was_trimmed_does_no_harm() {
    let stand_in = StandIn::start(Limits::default());
    let (url, mut server) = (stand_in.url(), connect(&stand_in));
    assert_eq!(run(ADD, &[&url, "--count", "1"]).code, Some(0));
    let mut alice = Program::start(WORKER, &[&url, "--step"]);
    while alice.line() != "Press Enter to do it" {}
    alice.child.kill().unwrap();
    let _: usize = redis::cmd("XTRIM")
        .arg(&["tasks", "MAXLEN", "0"])
        .query(&mut server)
        .unwrap();
    let task = ["--task", "knit a hatA for catB"];
    let end = run(ADD, &[&url, task[0], task[1]]);
    assert_eq!(end.code, Some(0), "{end:?}");
    let again = Program::start(WORKER, &[&url, "--idle", "0.05"]);
    assert_eq!(again.line(), "Ready for tasks");
    assert!(again.error().contains("was trimmed before it was done"));
    assert_eq!(again.line(), "Task: knit a hatA for catB");
    let end = again.end(true);
    assert_eq!(end.code, Some(0), "{end:?}");
}

/// Any bytes may be in an entry; none of them plays with the terminal.
#[test]
fn what_a_stranger_adds_stays_on_one_line() {
    let stand_in = StandIn::start(Limits::default());
    let mut server = connect(&stand_in);
    for task in [&b"knit a hatA\x1b[2J\r\nDone"[..], b"\xff hatB", b""] {
        let add = redis::Cmd::xadd("tasks", "*", &[("task", task)]);
        let _: String = add.query(&mut server).unwrap();
    }
    let worker = Program::start(WORKER, &[&stand_in.url()]);
    assert_eq!(worker.line(), "Ready for tasks");
    let shown = r"knit a hatA\u{1b}[2J\r\nDone";
    assert_eq!(worker.line(), format!("Task: {shown}"));
    assert_eq!(worker.line(), format!("Done: {shown}"));
    assert_eq!(worker.line(), "Acknowledged");
    for _ in 0..2 {
        assert_eq!(worker.line(), "Task: ");
        assert!(worker.error().contains("cannot do the task"));
    }
    assert_eq!(worker.end(true).code, Some(0));
}

/// What is refused once may be refused for ever: the server has no reply as
/// long as this task.
#[test]
fn after_each_refusal_the_worker_waits_longer() {
    let stand_in = StandIn::start(Limits {
        reply: 4096,
        ..Limits::default()
    });
    let long = "x".repeat(5000);
    let end = run(ADD, &[&stand_in.url(), "--task", &long]);
    assert_eq!(end.code, Some(0), "{end:?}");
    let worker = Program::start(WORKER, &[&stand_in.url()]);
    assert!(worker.error().contains("; trying again"));
    let first = Instant::now();
    for _ in 0..3 {
        assert!(worker.error().contains("; trying again"));
    }
    // 0.1 s, 0.2 s and 0.4 s.
    assert!(first.elapsed() >= Duration::from_millis(700));
    let end = worker.end(true);
    assert_eq!(end.code, Some(0), "{end:?}");
}
