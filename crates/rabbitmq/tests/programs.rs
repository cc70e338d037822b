//! The starters, run as a person runs them, where it goes wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::spawn;

mod common;
use common::{EMIT, LISTEN, Program, Server, TASK, WORKER, run};

const ALL: [&str; 4] = [TASK, WORKER, EMIT, LISTEN];

#[test]
fn a_url_that_cannot_be_used_is_explained_and_never_shown() {
    for (url, why) in [
        ("", "the URL cannot be read"),
        ("localhost:5672", "the URL cannot be read"),
        ("http://guest:s3cret@localhost", "the URL cannot be read"),
        ("amqp://guest:s3cret@[::1", "the URL cannot be read"),
        ("amqps://guest:s3cret@localhost", "the feature \"rustls\""),
    ] {
        for program in ALL {
            let end = run(program, &[url]);
            assert_eq!(end.code, Some(1), "{url}: {end:?}");
            assert!(end.errors.contains(why), "{url}: {end:?}");
            end.assert_one_line_and_no_secret();
        }
    }
}

#[test]
fn usage_does_not_show_a_url() {
    for arguments in [
        &["amqp://localhost", "amqp://a:s3cret@localhost"][..],
        &["--timeout", "amqp://a:s3cret@localhost"],
        &["--nonsense=amqp://a:s3cret@localhost"],
    ] {
        for program in ALL {
            let end = run(program, arguments);
            assert_eq!(end.code, Some(2), "{end:?}");
            assert!(!format!("{end:?}").contains("s3cret"), "{end:?}");
        }
    }
}

#[test]
fn who_does_not_answer_as_a_broker() {
    // A socket has the port, so that no other can listen there.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = socket.local_addr().unwrap();
    // The system accepts connections for a listener that never does.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_at = silent.local_addr().unwrap();
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let web_at = web.local_addr().unwrap();
    spawn(move || {
        for client in web.incoming() {
            let mut client = client.unwrap();
            client
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .unwrap();
            // Until the client has gone, or the reply might not arrive.
            let _ = client.read_to_end(&mut Vec::new());
        }
    });
    for (host, why) in [
        (nobody.to_string(), ": connection refused; start a"),
        (silent_at.to_string(), ": timed out; is a RabbitMQ broker"),
        (web_at.to_string(), "no RabbitMQ broker; is it the right"),
        // RFC 6761: a name that ends like this never exists.
        ("nowhere.invalid".into(), ": host name not found; check"),
    ] {
        for program in ALL {
            let url = format!("amqp://guest:s3cret@{host}");
            let end = run(program, &[&url, "--timeout", "1"]);
            assert_eq!(end.code, Some(1), "{end:?}");
            assert!(end.errors.contains(why), "{why}: {end:?}");
            end.assert_one_line_and_no_secret();
        }
    }
}

#[test]
fn a_login_that_is_refused() {
    let server = Server::start();
    for (url, why) in [
        (
            format!("amqp://guest:s3cret@{}", server.address),
            "403 ACCESS_REFUSED",
        ),
        (server.url() + "/nowhere", "530 NOT_ALLOWED"),
    ] {
        for program in ALL {
            let end = run(program, &[&url]);
            assert_eq!(end.code, Some(1), "{end:?}");
            assert!(end.errors.contains(why), "{end:?}");
            assert!(end.errors.contains("; correct "), "{end:?}");
            end.assert_one_line_and_no_secret();
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout() {
    let server = Server::start();
    for program in ALL {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let url = server.url();
        let end = Program::with_output(program, &[&url], full.unwrap().into());
        let end = end.end();
        assert_eq!(end.code, Some(1), "{end:?}");
        assert!(end.errors.contains(": cannot write to stdout: "), "{end:?}");
        end.assert_one_line_and_no_secret();
    }
}

#[test]
fn a_broker_that_leaves_is_found_again() {
    let server = Server::start();
    let (address, url) = (server.address, server.url());
    let listener = Program::start(LISTEN, &[&url]);
    assert_eq!(listener.line(), "Subscribed to catA, catC");
    let worker = Program::start(WORKER, &[&url]);
    assert_eq!(worker.line(), "Ready for tasks");
    drop(server);
    assert!(listener.error().ends_with(" lost; trying again"));
    assert!(worker.error().ends_with("; trying again"));
    let _server = Server::start_at(address);
    assert_eq!(listener.line(), "Subscribed again to catA, catC");
    assert_eq!(worker.line(), "Ready again");
    let end = run(EMIT, &[&url, "--seed", "7", "--count", "3"]);
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(
        end.output.ends_with(
            "Messages sent: 3; heard by somebody: 2, by nobody: 1\n"
        )
    );
    assert_eq!(listener.line(), "Subscribe: catC wears a hatB");
    assert_eq!(listener.line(), "Subscribe: catA wears a hatA");
    let end = run(TASK, &[&url, "--seed", "7", "--count", "1"]);
    assert_eq!(end.code, Some(0), "{end:?}");
    assert_eq!(worker.line(), "Task: knit a hatA for catD");
    assert_eq!(worker.line(), "Done: knit a hatA for catD");
}

/// The address in brackets is the one that is used: by itself, lapin 4.12
/// reads it as no host, and goes to localhost.
#[test]
fn an_ipv6_address() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        eprintln!("no IPv6 on this machine: nothing was tried");
        return;
    };
    let address = listener.local_addr().unwrap();
    drop(listener);
    let _server = Server::start_at(address);
    let end = run(TASK, &[&format!("amqp://{address}"), "--count", "1"]);
    assert_eq!(end.code, Some(0), "{end:?}");
}

/// 60 tasks, and a worker that is killed after its work: done 61 times. With
/// a shelf, 60 times.
#[test]
fn an_idempotent_worker_turns_61_into_60() {
    let shelf = std::env::temp_dir()
        .join(format!("rabbitmq-shelf-{}", std::process::id()));
    std::fs::create_dir_all(&shelf).unwrap();
    let with_shelf = ["--shelf", shelf.to_str().unwrap()];
    for (options, expected) in [(&[][..], 61), (&with_shelf, 60)] {
        let server = Server::start();
        let url = server.url();
        let end = run(TASK, &[&url, "--count", "60"]);
        assert_eq!(end.code, Some(0), "{end:?}");
        let done = |text: &str| text.matches("Done: ").count();
        let arguments = [&[url.as_str(), "--step"], options].concat();
        let mut killed = Program::start(WORKER, &arguments);
        while killed.line() != "Press Enter to do it" {}
        killed.enter();
        assert_eq!(done(&killed.line()), 1);
        assert_eq!(killed.line(), "Press Enter to acknowledge it");
        drop(killed);
        let arguments = [&[url.as_str()], options].concat();
        let other = Program::start(WORKER, &arguments);
        let (mut acknowledged, mut all) = (0, 1);
        while acknowledged < 60 {
            let line = other.line();
            acknowledged += u32::from(line == "Acknowledged");
            all += done(&line);
        }
        assert_eq!(all, expected);
    }
    assert_eq!(std::fs::read_dir(&shelf).unwrap().count(), 60);
    std::fs::remove_dir_all(shelf).unwrap();
}
