//! zmq-pub and zmq-sub, and where it goes wrong.

use std::net::TcpListener;
use std::time::Instant;

use common::{ANY, End, LIMIT, PUB, Program, SUB};
use common::{command, publisher, run, wanted};
use tokio::net::TcpSocket;

mod common;

#[test]
fn every_message_that_was_subscribed_to_arrives_and_no_other() {
    for seed in 0..5 {
        let (publisher, endpoint) = publisher(&["--seed", &seed.to_string()]);
        let sub = subscriber(&[&endpoint]);
        let end = publisher.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        let published = end.output.lines().filter(|l| l.contains(" wears a "));
        assert_eq!(published.count(), 10);
        sub.assert_heard(&wanted(&end.output), &endpoint);
    }
}

#[test]
fn all_of_many_messages_arrive_although_the_publisher_ends_at_once() {
    let (publisher, endpoint) = publisher(&["--count", "20000"]);
    let sub = subscriber(&[&endpoint]);
    let end = publisher.end();
    sub.assert_heard(&wanted(&end.output), &endpoint);
}

#[test]
fn who_waits_for_one_subscription_loses_the_other_topic() {
    for seed in 0..5 {
        let options = ["--seed", &seed.to_string(), "--expect", "1"];
        let (publisher, endpoint) = publisher(&options);
        let sub = subscriber(&[&endpoint]);
        let end = publisher.end();
        let mut heard = wanted(&end.output);
        heard = heard
            .lines()
            .filter(|line| line.contains("catA"))
            .fold(String::new(), |all, line| all + line + "\n");
        sub.assert_heard(&heard, &endpoint);
    }
}

#[test]
fn one_subscriber_hears_several_publishers_and_waits_for_all() {
    let (first, at_first) = publisher(&["--seed", "1"]);
    let (second, at_second) = publisher(&["--seed", "2"]);
    let sub = subscriber(&[&at_first, &at_second]);
    let (first, second) = (first.end(), second.end());
    let mut expected = wanted(&first.output) + &wanted(&second.output);
    let (mut heard, mut lost) = (Vec::new(), 0);
    while heard.len() < expected.lines().count() {
        heard.push(sub.line());
    }
    while lost < 2 {
        let line = sub.errors.recv_timeout(LIMIT).unwrap();
        assert!(line.ends_with(" lost; trying again"), "{line}");
        lost += 1;
    }
    // Those of each come in their order, but the two are mixed.
    heard.sort();
    let mut lines: Vec<_> = expected.lines().collect();
    lines.sort();
    expected = lines.join("\n");
    assert_eq!(heard.join("\n"), expected);
}

#[test]
fn a_publisher_that_is_given_twice_is_heard_once() {
    let (publisher, endpoint) = publisher(&["--seed", "7"]);
    let sub = Program::start(SUB, &[&endpoint, &endpoint]);
    let twice = format!("zmq-sub: {endpoint} is given twice");
    assert_eq!(sub.errors.recv_timeout(LIMIT).unwrap(), twice);
    while !sub.line().starts_with("Subscribed to ") {}
    let end = publisher.end();
    sub.assert_heard(&wanted(&end.output), &endpoint);
}

#[test]
fn a_prefix_is_no_name() {
    for (prefix, heard) in [
        ("cat", &["catA", "catB", "catC", "catD"][..]),
        ("", &["catA", "catB", "catC", "catD"]),
        ("catA", &["catA"]),
        ("catAlogue", &[]),
        ("hat", &[]),
    ] {
        let options = ["--seed", "7", "--expect", "1"];
        let (publisher, endpoint) = publisher(&options);
        let sub = subscriber(&[&endpoint, "--prefix", prefix]);
        let end = publisher.end();
        let lines = end.output.lines();
        let lines = lines.filter_map(|line| line.split_once(" : "));
        let lines = lines.filter(|line| heard.contains(&&line.1[..4]));
        let lines: String = lines
            .map(|line| format!("Subscribe: {}\n", line.1))
            .collect();
        sub.assert_heard(&lines, &endpoint);
    }
}

#[test]
fn nothing_is_subscribed_to_by_itself() {
    let (publisher, endpoint) = publisher(&["--seed", "7"]);
    let deaf = subscriber(&[&endpoint, "--no-prefix"]);
    let sub = subscriber(&[&endpoint]);
    let end = publisher.end();
    deaf.assert_heard("", &endpoint);
    sub.assert_heard(&wanted(&end.output), &endpoint);
}

#[test]
fn step_by_step_a_subscriber_can_join_in_between() {
    let options = ["--seed", "7", "--expect", "0", "--step"];
    let (mut publisher, endpoint) = publisher(&options);
    let (mut sub, mut expected) = (None, String::new());
    for number in 1..=8 {
        let prompt = format!("Press Enter to publish message {number}");
        assert_eq!(publisher.line(), prompt);
        if number == 4 {
            sub = Some(subscriber(&[&endpoint]));
            assert_eq!(publisher.line(), "Subscriptions: catA");
            assert_eq!(publisher.line(), "Subscriptions: catA, catC");
        }
        publisher.enter();
        let line = publisher.line();
        if sub.is_some() {
            expected += &wanted(&line);
        }
    }
    // Its input ends, and so does it.
    publisher.no_more();
    assert_eq!(publisher.end().code, Some(0));
    sub.unwrap().assert_heard(&expected, &endpoint);
}

#[test]
fn a_subscriber_comes_back_to_a_new_publisher() {
    let (first, endpoint) = publisher(&["--seed", "7"]);
    let sub = subscriber(&[&endpoint]);
    let first = first.end();
    for line in wanted(&first.output).lines() {
        assert_eq!(sub.line(), line);
    }
    let second = Program::start(PUB, &[&endpoint, "--seed", "8"]);
    let again = format!("Subscribed again to catA, catC at {endpoint}");
    assert_eq!(sub.line(), again);
    let second = second.end();
    for line in wanted(&second.output).lines() {
        assert_eq!(sub.line(), line);
    }
}

#[test]
fn a_seed_gives_the_same_messages() {
    let options = ["--seed", "7", "--count", "40", "--expect", "0"];
    let output = || {
        let (publisher, _) = publisher(&options);
        publisher.end().output
    };
    assert_eq!(output(), output());
}

#[cfg(unix)]
#[test]
fn the_same_over_a_socket_in_a_folder() {
    let folder = std::env::temp_dir();
    let name = format!("zmq-pubsub-{}.sock", std::process::id());
    let endpoint = format!("ipc://{}", folder.join(&name).display());
    // The subscriber comes first.
    let sub = Program::start(SUB, &[&endpoint]);
    assert_eq!(sub.line(), format!("Connecting to {endpoint}"));
    let end = run(PUB, &[&endpoint]);
    assert_eq!(sub.line(), "Subscribed to catA, catC");
    sub.assert_heard(&wanted(&end.output), &endpoint);
    // The publisher has taken its file away, and does so at any other end.
    assert!(!folder.join(&name).exists());
    run(PUB, &[&endpoint, "--patience", "0.1"]).assert_error("timed out");
    assert!(!folder.join(&name).exists());
    let waits = Program::start(PUB, &[&endpoint]);
    waits.line();
    common::signal(&waits, "TERM");
    assert_eq!(waits.end().code, Some(0));
    assert!(!folder.join(&name).exists());
    // A file of the user's is no such file: nobody is told to delete it.
    std::fs::write(folder.join(&name), "milk").unwrap();
    let end = run(PUB, &[&endpoint]);
    assert!(end.errors.contains("; this file is no socket: "), "{end:?}");
    assert!(!end.errors.contains("delete"), "{end:?}");
    assert_eq!(std::fs::read(folder.join(&name)).unwrap(), b"milk");
    std::fs::remove_file(folder.join(&name)).unwrap();
}

// Where it goes wrong.

#[test]
fn an_endpoint_that_cannot_be_used_is_explained() {
    for (endpoint, why) in [
        ("", "it names no transport"),
        ("localhost:6789", "it names no transport"),
        ("tcp://", "a host and a port"),
        ("tcp://127.0.0.1", "a host and a port"),
        ("tcp://:6789", "a host and a port"),
        ("tcp://127.0.0.1:", "a host and a port"),
        ("tcp://127.0.0.1:65536", "a host and a port"),
        ("tcp://127.0.0.1:-1", "a host and a port"),
        ("TCP://127.0.0.1:6789", "the transports tcp and ipc"),
        ("udp://127.0.0.1:6789", "the transports tcp and ipc"),
        ("inproc://cats", "inside one process"),
        // The library would panic.
        ("ipc://*", "the path of a file"),
        ("ipc://", "the path of a file"),
        ("ipc://@cats", "no abstract names"),
        ("tcp\x1b[31m", r"tcp\u{1b}[31m"),
    ] {
        for program in [PUB, SUB] {
            let end = run(program, &[endpoint]);
            end.assert_error(why);
            assert_eq!(end.output, "", "{endpoint}");
        }
    }
}

#[test]
fn every_address_of_a_machine_is_only_for_binding() {
    run(SUB, &["tcp://*:6789"]).assert_error("* is only for binding");
    let publisher = Program::start(PUB, &["tcp://*:0"]);
    assert!(publisher.line().contains(" at tcp://0.0.0.0:"));
}

#[test]
fn a_host_that_is_not_found() {
    // RFC 6761: a name that ends like this never exists.
    for program in [PUB, SUB] {
        let end = run(program, &["tcp://nowhere.invalid:6789"]);
        end.assert_error("host name not found; check the spelling");
    }
}

#[test]
fn a_place_that_is_not_ours() {
    // RFC 5737: this address belongs to nobody.
    let end = run(PUB, &["tcp://192.0.2.1:6789"]);
    end.assert_error("address not available; give an address of this machine");
}

#[test]
fn a_port_that_is_taken() {
    let (_first, endpoint) = publisher(&[]);
    let end = run(PUB, &[&endpoint]);
    end.assert_error("address in use; end what listens there, or give");
}

#[test]
fn a_publisher_that_never_comes() {
    // A socket has the port, so that no other can listen there.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("tcp://{}", socket.local_addr().unwrap());
    let end = run(SUB, &[&endpoint, "--patience", "0.3"]);
    end.assert_error("connection refused; start zmq-pub there");
}

#[test]
fn a_publisher_that_never_greets() {
    // The system accepts connections for a listener that never does.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let end = run(SUB, &[&endpoint, "--patience", "0.3"]);
    end.assert_error("timed out; something listens there, but it does not");
}

#[test]
fn an_audience_that_never_comes() {
    let end = run(PUB, &[ANY, "--patience", "0.2"]);
    end.assert_error("and there were 0: timed out; start zmq-sub");
    let (publisher, endpoint) = publisher(&["--expect=3", "--patience=3"]);
    let _sub = subscriber(&[&endpoint]);
    publisher.end().assert_error("and there were 2: timed out");
}

#[test]
fn options_have_limits() {
    let rule = "must be more than 0 seconds, and at most a year";
    for time in ["0", "-1", "inf", "nan", "1e30", "31536001"] {
        for (program, option) in
            [(PUB, "--timeout"), (PUB, "--patience"), (SUB, "--patience")]
        {
            let end = run(program, &[option, time]);
            assert_eq!(end.code, Some(2), "{end:?}");
            assert!(end.errors.contains(rule), "{end:?}");
        }
    }
    for (program, options) in [
        (PUB, &["--expect", "-1"][..]),
        (PUB, &["--expect", "1000001"]),
        (PUB, &["--count", "many"]),
        (PUB, &["--nonsense"]),
        (SUB, &["--prefix", "cat", "--no-prefix"]),
        (SUB, &["--nonsense"]),
    ] {
        let end = run(program, options);
        assert_eq!((end.code, end.output.as_str()), (Some(2), ""), "{end:?}");
    }
    for program in [PUB, SUB] {
        assert_eq!(run(program, &["--help"]).code, Some(0));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_are_a_clean_end() {
    for name in ["INT", "TERM"] {
        let (waits, endpoint) = publisher(&["--expect", "9"]);
        let sub = subscriber(&[&endpoint]);
        let connects = Program::start(SUB, &["tcp://127.0.0.1:1"]);
        connects.line();
        for program in [sub, connects, waits] {
            common::signal(&program, name);
            let end = program.end();
            assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        }
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_is_heard_although_nobody_listens() {
    let (publisher, _) = publisher(&["--expect", "0", "--count", "1000000000"]);
    publisher.line();
    common::signal(&publisher, "INT");
    let end = publisher.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout() {
    for program in [PUB, SUB] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = command(program, &[ANY]);
        let child = command.stdout(full.unwrap()).spawn().unwrap();
        let end = Program::from(child, None).end();
        end.assert_error("cannot write to stdout: no storage space; ");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let mut publisher = command(PUB, &[ANY, "--expect", "0"]).spawn().unwrap();
    drop(publisher.stdout.take());
    let end = Program::from(publisher, None).end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
}

/// Started in random order: all ten messages are accounted for each time.
/// Who is second comes at once, or when the first has said where it is; a
/// subscriber that is first may have tried in vain a few times by then.
/// `STARTS=200` starts them so often.
#[test]
fn started_in_random_order_all_ten_messages_are_accounted_for() {
    let starts = std::env::var("STARTS").unwrap_or("10".into());
    let starts: u64 = starts.parse().unwrap();
    let mut random = fastrand::Rng::new();
    let begin = Instant::now();
    let mut publisher_first = 0;
    for start in 0..starts {
        // Below the ports that systems give to whoever asks for any.
        let (listener, port) = loop {
            let port = random.u16(20_000..32_000);
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
                break (listener, port);
            }
        };
        let endpoint = format!("tcp://127.0.0.1:{port}");
        let connecting = format!("Connecting to {endpoint}");
        let seed = start.to_string();
        let start_publisher =
            || Program::start(PUB, &[&endpoint, "--seed", &seed]);
        let start_subscriber = || Program::start(SUB, &[&endpoint]);
        let (publisher, sub);
        let waits = random.bool();
        if random.bool() {
            drop(listener);
            publisher = start_publisher();
            if waits {
                publisher.line();
            }
            sub = start_subscriber();
            assert_eq!(sub.line(), connecting);
            publisher_first += 1;
        } else if waits {
            sub = start_subscriber();
            assert_eq!(sub.line(), connecting);
            hang_up(listener, random.usize(..4));
            publisher = start_publisher();
        } else {
            drop(listener);
            sub = start_subscriber();
            publisher = start_publisher();
            assert_eq!(sub.line(), connecting);
        }
        assert_eq!(sub.line(), "Subscribed to catA, catC");
        let end = publisher.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""), "{start}");
        let ten = end.output.lines().filter(|line| line.contains(" wears a "));
        assert_eq!(ten.count(), 10);
        sub.assert_heard(&wanted(&end.output), &endpoint);
    }
    println!(
        "{starts} starts, the publisher first in {publisher_first}: all \
         messages accounted for, in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
}

/// Hangs up on whoever calls, so many times, and is then gone.
fn hang_up(listener: TcpListener, times: usize) {
    let (sender, done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for _ in 0..times {
            drop(listener.accept());
        }
        drop(listener);
        let _ = sender.send(());
    });
    done.recv_timeout(LIMIT).expect("it should have called");
}

/// Starts zmq-sub and returns when it has subscribed.
fn subscriber(arguments: &[&str]) -> Program {
    let sub = Program::start(SUB, arguments);
    while !sub.line().starts_with("Subscribed to ") {}
    sub
}

trait Heard {
    fn assert_heard(self, expected: &str, endpoint: &str);
}

impl Heard for Program {
    /// The subscriber's publisher has ended: so far it has printed this, and
    /// not a line more.
    fn assert_heard(mut self, expected: &str, endpoint: &str) {
        let lost =
            format!("zmq-sub: connection to {endpoint} lost; trying again");
        assert_eq!(self.errors.recv_timeout(LIMIT).unwrap(), lost);
        self.child.kill().unwrap();
        let End { output, errors, .. } = self.end();
        assert_eq!((output.as_str(), errors.as_str()), (expected, ""));
    }
}
