//! The programs, run as a person runs them: with each other, and with peers
//! that mean no good.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

const VENTILATOR: &str = env!("CARGO_BIN_EXE_zmq-ventilator");
const WORKER: &str = env!("CARGO_BIN_EXE_zmq-worker");
const SINK: &str = env!("CARGO_BIN_EXE_zmq-sink");
const COLLECTOR: &str = env!("CARGO_BIN_EXE_zmq-log-collector");
const LOG: &str = env!("CARGO_BIN_EXE_zmq-log");

const ANY: &str = "tcp://127.0.0.1:0";

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn each_task_is_done_once_by_any_number_of_workers() {
    for workers in [1, 2, 5] {
        let (sink, results) = Program::listening(SINK, &[ANY]);
        let wanted = workers.to_string();
        let (ventilator, tasks) = Program::listening(
            VENTILATOR,
            &[ANY, &results, "--workers", &wanted, "--largest", "2"],
        );
        let names: Vec<String> =
            (1..=workers).map(|number| format!("w{number}")).collect();
        let all: Vec<Program> = names
            .iter()
            .map(|name| {
                Program::start(WORKER, &[&tasks, &results, "--name", name])
            })
            .collect();
        let share = 100 / workers;
        let end = sink.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        for name in &names {
            let line = format!("{name}: {share}\n");
            assert!(end.output.contains(&line), "{end:?}");
        }
        assert!(end.output.contains("All 100 done in "), "{end:?}");
        for program in all {
            let end = program.end();
            let last = format!("has gone. Tasks done: {share}\n");
            assert!(end.output.ends_with(&last), "{end:?}");
            assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        }
        assert_eq!(ventilator.end().code, Some(0));
    }
}

#[test]
fn what_the_sink_misses_it_names() {
    let (sink, results) = Program::listening(SINK, &[ANY, "--timeout", "1"]);
    let few = ["--count", "10", "--workers", "2", "--largest", "5"];
    let arguments = [&[ANY, results.as_str()], &few[..]].concat();
    let (ventilator, tasks) = Program::listening(VENTILATOR, &arguments);
    let alice = Program::start(WORKER, &[&tasks, &results, "--name", "alice"]);
    ventilator.until("Worker 1 of 2 is there");
    let mut bob =
        Program::start(WORKER, &[&tasks, &results, "--factor", "1000"]);
    bob.until("Task 2: ");
    // In the queue of its socket are four more.
    ventilator.until("Tasks handed out: 10, ");
    bob.child.kill().unwrap();
    let end = sink.end();
    assert_eq!(end.code, Some(1));
    assert!(end.output.ends_with("\nalice: 5\n"), "{end:?}");
    assert!(end.errors.ends_with(": 2, 4, 6, 8, 10\n"), "{end:?}");
    assert_eq!(alice.end().code, Some(0));
    assert_eq!(ventilator.end().code, Some(0));
}

#[test]
#[cfg(unix)]
fn ctrl_c_and_sigterm_end_every_program() {
    for signal in ["-INT", "-TERM"] {
        let (sink, results) = Program::listening(SINK, &[ANY]);
        let (ventilator, tasks) =
            Program::listening(VENTILATOR, &[ANY, &results, "--workers", "2"]);
        let worker = Program::start(WORKER, &[&tasks, &results]);
        worker.until("is ready");
        let file = scratch("stopped");
        let arguments = [ANY, "--to", file.to_str().unwrap()];
        let (collector, lines) = Program::listening(COLLECTOR, &arguments);
        let log = Program::start(LOG, &[&lines]);
        log.until("connected");
        for program in [worker, ventilator, sink, log, collector] {
            program.signal(signal);
            let end = program.end();
            assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        }
        fs::remove_file(file).unwrap();
    }
}

/// Also where a program has done its part and waits for somebody to take it,
/// however long it may.
#[test]
#[cfg(unix)]
fn ctrl_c_ends_the_wait_for_who_does_not_take_what_was_sent() {
    let long = ["--linger", "1000", "--patience", "1000"];
    // The ventilator has handed out all, and somebody never greets.
    let (sink, results) = Program::listening(SINK, &[ANY]);
    let arguments = [&[ANY, results.as_str(), "--count", "1"], &long[..]];
    let (ventilator, tasks) =
        Program::listening(VENTILATOR, &arguments.concat());
    let strangers = hostile(&tasks);
    let worker = Program::start(WORKER, &[&tasks, &results]);
    assert_eq!(sink.end().code, Some(0));
    assert_eq!(worker.end().code, Some(0));
    ventilator.signal("-INT");
    let end = ventilator.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    drop(strangers);
    // The collector has gone: whether all was taken cannot be asked.
    let (mut collector, lines) =
        Program::listening(COLLECTOR, &[ANY, "--to", NOWHERE, "--show"]);
    let arguments = [&[lines.as_str(), "--show"], &long[..]].concat();
    let mut writer = Program::start(LOG, &arguments);
    writer.write("one\n");
    collector.until(": one");
    collector.child.kill().unwrap();
    collector.child.wait().unwrap();
    writer.until(": one");
    // Its input ends, and it connects once more, in vain.
    drop(writer.input.take());
    writer.signal("-TERM");
    let end = writer.end();
    assert_eq!(end.code, Some(1));
    assert!(end.errors.contains("some may be lost"), "{end:?}");
}

/// Ctrl-C in the middle of the work: what is done has reached the sink.
#[test]
#[cfg(unix)]
fn a_worker_that_is_stopped_loses_no_result() {
    let (sink, results) = Program::listening(SINK, &[ANY, "--timeout", "1"]);
    let slow = ["--count", "100", "--largest", "1"];
    let arguments = [&[ANY, results.as_str()], &slow[..]].concat();
    let (ventilator, tasks) = Program::listening(VENTILATOR, &arguments);
    let worker = Program::start(
        WORKER,
        &[&tasks, &results, "--name", "alice", "--factor", "30"],
    );
    ventilator.until("Tasks handed out: ");
    worker.until("Task 5: ");
    worker.signal("-INT");
    let end = worker.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    let begun = 5 + end.output.lines().count();
    let end = sink.end();
    let counted = end.output.lines().last().unwrap();
    let counted = counted.strip_prefix("alice: ").unwrap();
    assert_eq!(counted.parse::<usize>().unwrap() + 1, begun, "{end:?}");
}

/// Several programs at once, some of which end right after their last line.
#[test]
fn each_line_is_collected_once_and_in_its_writers_order() {
    let file = scratch("several");
    let arguments = [ANY, "--to", file.to_str().unwrap()];
    let (collector, lines) = Program::listening(COLLECTOR, &arguments);
    let writers: Vec<(String, usize, Program)> = (1..=5)
        .map(|number| {
            let name = format!("writer{number}");
            let count = if number == 1 { 100_000 } else { number * 100 };
            let mut writer = Program::start(LOG, &[&lines, "--name", &name]);
            let mut input = writer.input.take().unwrap();
            spawn(move || {
                let text: String =
                    (1..=count).map(|line| format!("line {line}\n")).collect();
                input.write_all(text.as_bytes()).unwrap();
            });
            (name, count, writer)
        })
        .collect();
    let mut expected = BTreeMap::new();
    for (name, count, writer) in writers {
        let end = writer.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
        let last = format!("\nLines sent: {count}\n");
        assert!(end.output.ends_with(&last), "{end:?}");
        expected.insert(name, count);
    }
    let sum: usize = expected.values().sum();
    // Ends when all is in the file, and only then is it asked to end.
    let begin = Instant::now();
    while fs::read(&file)
        .unwrap()
        .iter()
        .filter(|&&b| b == b'\n')
        .count()
        < sum
    {
        assert!(begin.elapsed() < LIMIT);
        std::thread::yield_now();
    }
    drop(collector);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for line in fs::read_to_string(&file).unwrap().lines() {
        let (name, text) = line.split_once(": ").unwrap();
        let count = found.entry(name.to_owned()).or_default();
        *count += 1;
        assert_eq!(text, format!("line {count}"), "of {name}");
    }
    assert_eq!(found, expected);
    fs::remove_file(file).unwrap();
}

/// Ctrl-C for the collector right after a writer has ended.
#[test]
#[cfg(unix)]
fn a_collector_that_is_stopped_takes_what_has_come() {
    let file = scratch("stop");
    let arguments = [ANY, "--to", file.to_str().unwrap(), "--grace", "2"];
    let (collector, lines) = Program::listening(COLLECTOR, &arguments);
    let mut writer = Program::start(LOG, &[&lines, "--name", "alice"]);
    let text = "meow\n".repeat(20_000);
    writer.write(&text);
    assert_eq!(writer.end().code, Some(0));
    collector.signal("-INT");
    let end = collector.end();
    assert_eq!(end.output, "Lines collected: 20000, skipped: 0\n");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "alice: meow\n".repeat(20_000)
    );
    fs::remove_file(file).unwrap();
}

/// Of a line that is too long, each piece is a line; what is no text is
/// replaced, and what could play with a terminal is escaped.
#[test]
fn lines_that_are_unusual() {
    let (collector, lines) =
        Program::listening(COLLECTOR, &[ANY, "--to", NOWHERE, "--show"]);
    let arguments = [&lines, "--name", "a", "--longest", "4"];
    let mut writer = Program::start(LOG, &arguments);
    writer.write_bytes(
        b"12345678\r\n\n123\n\x1b[m\xff\n1234\nlast\n\
          \xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\n",
    );
    assert_eq!(writer.end().code, Some(0));
    for expected in [
        "1234",
        "5678",
        "",
        "123",
        "\\u{1b}[m",
        "\u{fffd}",
        "1234",
        "last",
        "äö",
        "ü",
        "€",
    ] {
        assert_eq!(collector.line(), format!("a: {expected}"));
    }
}

/// Three bytes of text stand for each byte that is none: measured are those.
#[test]
fn what_is_counted_as_sent_is_what_the_collector_takes() {
    let longest = ["--longest", "30300"];
    let arguments = [ANY, "--to", NOWHERE, longest[0], longest[1]];
    let (collector, lines) = Program::listening(COLLECTOR, &arguments);
    let arguments = [&lines, "--name", "a", "--longest", "30000"];
    let mut writer = Program::start(LOG, &arguments);
    writer.write_bytes(&[&[0xe9; 30_000][..], b"\n"].concat());
    let end = writer.end();
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.output.ends_with("Lines sent: 3\n"), "{end:?}");
    collector.signal("-INT");
    let end = collector.end();
    assert_eq!(end.output, "Lines collected: 3, skipped: 0\n");
}

/// The collector goes and another one comes: the writer goes on with it, and
/// says in the end that something may be missing.
#[test]
fn a_writer_goes_on_with_the_next_collector() {
    let (mut first, lines) =
        Program::listening(COLLECTOR, &[ANY, "--to", NOWHERE, "--show"]);
    let mut writer = Program::start(LOG, &[&lines, "--name", "a"]);
    writer.write("one\n");
    first.until("a: one");
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let (second, _) =
        Program::listening(COLLECTOR, &[&lines, "--to", NOWHERE, "--show"]);
    let begin = Instant::now();
    let mut count = 1;
    while second.lines.try_recv().is_err() {
        assert!(begin.elapsed() < LIMIT);
        writer.write("more\n");
        count += 1;
        std::thread::yield_now();
    }
    let end = writer.end();
    assert_eq!(end.code, Some(1));
    let doubt = format!(
        "zmq-log: connection to {lines} lost; trying again\n\
         zmq-log: of the lines sent ({count}) some may be lost; \
         look into the collector's file\n"
    );
    assert_eq!(end.errors, doubt);
}

#[test]
fn a_writer_says_what_was_not_sent() {
    let (mut collector, lines) =
        Program::listening(COLLECTOR, &[ANY, "--to", NOWHERE, "--show"]);
    let arguments = [&lines, "--name", "a", "--patience", "0.2"];
    let mut writer = Program::start(LOG, &arguments);
    writer.write("one\n");
    collector.until("a: one");
    collector.child.kill().unwrap();
    collector.child.wait().unwrap();
    let mut input = writer.input.take().unwrap();
    // Until the program ends, and nobody reads what is written.
    let begin = Instant::now();
    while input.write_all(b"more\n").is_ok() {
        assert!(begin.elapsed() < LIMIT);
        std::thread::yield_now();
    }
    let end = writer.end();
    assert_eq!(end.code, Some(1));
    let last = end.errors.lines().last().unwrap();
    assert!(
        last.contains("some may be lost: cannot send line "),
        "{last}"
    );
    assert!(
        last.contains(" and what follows it: cannot connect"),
        "{last}"
    );
}

/// The same over Unix sockets; their files do not stay.
#[test]
#[cfg(unix)]
fn all_programs_over_ipc() {
    let paths = ["sink", "tasks", "lines"].map(scratch);
    let [sink_at, tasks_at, lines_at] = paths
        .each_ref()
        .map(|path| format!("ipc://{}", path.display()));
    let (sink, _) = Program::listening(SINK, &[&sink_at]);
    let (ventilator, _) = Program::listening(
        VENTILATOR,
        &[&tasks_at, &sink_at, "--largest", "1"],
    );
    let worker = Program::start(WORKER, &[&tasks_at, &sink_at]);
    for program in [worker, sink, ventilator] {
        let end = program.end();
        assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    }
    let (collector, _) =
        Program::listening(COLLECTOR, &[&lines_at, "--to", NOWHERE, "--show"]);
    let mut writer = Program::start(LOG, &[&lines_at, "--name", "a"]);
    writer.write("meow\n");
    assert_eq!(collector.line(), "a: meow");
    assert_eq!(writer.end().code, Some(0));
    collector.signal("-TERM");
    assert_eq!(collector.end().code, Some(0));
    // Ended by a signal, or by an error.
    let (sink, _) = Program::listening(SINK, &[&sink_at]);
    let few = ["--workers", "2", "--patience", "0.1"];
    let arguments = [&[tasks_at.as_str(), &sink_at], &few[..]].concat();
    assert_eq!(Program::start(VENTILATOR, &arguments).end().code, Some(1));
    let (ventilator, _) =
        Program::listening(VENTILATOR, &[&tasks_at, &sink_at]);
    for program in [ventilator, sink] {
        program.signal("-INT");
        assert_eq!(program.end().code, Some(0));
    }
    assert!(paths.iter().all(|path| !path.exists()), "{paths:?}");
    // A file of the user's is no such file: nobody is told to delete it.
    let [note, ..] = paths;
    fs::write(&note, "milk").unwrap();
    let at = format!("ipc://{}", note.display());
    let to_nowhere = [&at, "--to", NOWHERE];
    for (program, arguments) in
        [(SINK, &to_nowhere[..1]), (COLLECTOR, &to_nowhere)]
    {
        let end = Program::start(program, arguments).end();
        assert!(end.errors.contains("; this file is no socket: "), "{end:?}");
        assert!(!end.errors.contains("delete"), "{end:?}");
    }
    assert_eq!(fs::read(&note).unwrap(), b"milk");
    fs::remove_file(note).unwrap();
}

#[test]
fn one_that_asks_for_encryption_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", listener.local_addr().unwrap());
    spawn(move || {
        let mut greeting = [0; 64];
        greeting[0] = 0xff;
        greeting[9..17].copy_from_slice(b"\x7f\x03\0CURVE");
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(&greeting);
            spawn(move || stream.read_to_end(&mut Vec::new()));
        }
    });
    for arguments in [
        [LOG, &at].as_slice(),
        &[WORKER, &at, &at],
        &[VENTILATOR, ANY, &at],
    ] {
        let arguments = [arguments, &["--patience", "0.4"]].concat();
        let end = Program::start(arguments[0], &arguments[1..]).end();
        assert_eq!(end.code, Some(1), "{end:?}");
        let why = "it greets with the mechanism CURVE; ";
        assert!(end.errors.contains(why), "{end:?}");
    }
}

/// Peers that speak no ZMTP, or stop in the middle of it, at each socket that
/// is bound. The others go on.
#[test]
fn strangers_harm_nobody() {
    let (sink, results) = Program::listening(SINK, &[ANY]);
    let mut strangers = hostile(&results);
    // Speaks well and goes in the middle of a message.
    let address = results.strip_prefix("tcp://").unwrap();
    let mut half = TcpStream::connect(address).unwrap();
    greet_as(b"PUSH", &mut half);
    half.write_all(b"\x01\x04done\0\x05al").unwrap();
    drop(half);
    let few = ["--count", "20", "--largest", "2", "--linger", "1"];
    let arguments = [&[ANY, results.as_str()], &few[..]].concat();
    let (ventilator, tasks) = Program::listening(VENTILATOR, &arguments);
    strangers.extend(hostile(&tasks));
    let worker = Program::start(WORKER, &[&tasks, &results, "--name", "a"]);
    let end = sink.end();
    assert_eq!((end.code, end.errors.as_str()), (Some(0), ""));
    assert!(end.output.contains("\na: 20\nAll 20 done in "), "{end:?}");
    assert_eq!(worker.end().code, Some(0));
    // Some never greet: whether they still take something it cannot know.
    let end = ventilator.end();
    assert_eq!(end.code, Some(1));
    assert!(
        end.errors.contains("or never greeted (see --linger)"),
        "{end:?}"
    );

    let (collector, lines) =
        Program::listening(COLLECTOR, &[ANY, "--to", NOWHERE, "--show"]);
    strangers.extend(hostile(&lines));
    let mut writer = Program::start(LOG, &[&lines, "--name", "a"]);
    writer.write("meow\n");
    assert_eq!(writer.end().code, Some(0));
    assert_eq!(collector.line(), "a: meow");
    drop(strangers);
}

/// A name of a worker, and what becomes of it on the sink's terminal.
#[test]
fn the_name_of_a_worker_cannot_play_with_the_terminal() {
    let (sink, results) = Program::listening(SINK, &[ANY]);
    let address = results.strip_prefix("tcp://").unwrap();
    let mut mallory = TcpStream::connect(address).unwrap();
    greet_as(b"PUSH", &mut mallory);
    mallory.write_all(b"\x01\x05tasks\0\x011").unwrap();
    let done = b"\x01\x04done\x01\x011\0\x08\x1b[31mbob";
    mallory.write_all(done).unwrap();
    let end = sink.end();
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.output.contains("\n\\u{1b}[31mbob: 1\n"), "{end:?}");
}

/// Where its words do not fit a program says so, and what to do.
#[test]
#[cfg(target_os = "linux")]
fn a_full_stdout() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let sink = Command::new(SINK).arg(ANY).stdout(full).output().unwrap();
    assert_eq!(sink.status.code(), Some(1));
    let errors = String::from_utf8(sink.stderr).unwrap();
    let why = "zmq-sink: cannot write to stdout: no storage space; ";
    assert!(errors.starts_with(why), "{errors}");
}

/// Queues and buffers have room for a lot; when they are full, waiting has a
/// limit.
#[test]
fn a_collector_that_never_reads_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let never_reads = spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        greet_as(b"PULL", &mut stream);
        stream
    });
    let limits = ["--patience", "0.5", "--linger", "0.2"];
    let arguments = [&[endpoint.as_str()], &limits[..]].concat();
    let mut writer = Program::start(LOG, &arguments);
    let mut input = writer.input.take().unwrap();
    let line = "m".repeat(100) + "\n";
    // Until the program ends, and nobody reads what is written.
    while input.write_all(line.as_bytes()).is_ok() {}
    let end = writer.end();
    assert_eq!(end.code, Some(1));
    assert!(
        end.errors.starts_with("zmq-log: cannot send line "),
        "{end:?}"
    );
    let why = format!("timed out; the collector at {endpoint} does not read\n");
    assert!(end.errors.ends_with(&why), "{end:?}");
    drop(never_reads.join().unwrap());
}

/// The same for a worker.
#[test]
fn a_worker_that_never_reads_is_not_waited_for_for_ever() {
    let (_sink, results) = Program::listening(SINK, &[ANY]);
    let many = ["--count", "1000000", "--linger", "0.5"];
    let arguments = [&[ANY, results.as_str()], &many[..]].concat();
    let (ventilator, tasks) = Program::listening(VENTILATOR, &arguments);
    let address = tasks.strip_prefix("tcp://").unwrap();
    let mut never_reads = TcpStream::connect(address).unwrap();
    greet_as(b"PULL", &mut never_reads);
    let end = ventilator.end();
    assert_eq!(end.code, Some(1));
    let why = "timed out; a worker takes no more tasks (see --linger)\n";
    assert!(end.errors.ends_with(why), "{}", end.errors);
}

#[test]
fn limits_that_make_no_sense_are_bad_usage() {
    for (program, arguments) in [
        (VENTILATOR, &["--count", "0"][..]),
        (VENTILATOR, &["--count", "1000001"]),
        (VENTILATOR, &["--largest", "0"]),
        (VENTILATOR, &["--workers", "0"]),
        (VENTILATOR, &["--patience", "-1"]),
        (VENTILATOR, &["--linger", "nan"]),
        (WORKER, &["--name", ""]),
        (WORKER, &["--factor", "0"]),
        (WORKER, &["--factor", "-1"]),
        (WORKER, &["--patience", "0"]),
        (SINK, &["--timeout", "0"]),
        (COLLECTOR, &["--longest", "0"]),
        (COLLECTOR, &["--grace", "forever"]),
        (LOG, &["--longest", "3"]),
        (LOG, &["--linger", "1e30"]),
    ] {
        let end = Program::start(program, arguments).end();
        assert_eq!(end.code, Some(2), "{program} {arguments:?}: {end:?}");
    }
}

// What the tests use.

/// A file that takes everything.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

fn scratch(name: &str) -> PathBuf {
    let name = format!("zmq-pipeline-{name}-{}.log", std::process::id());
    let file = std::env::temp_dir().join(name);
    let _ = fs::remove_file(&file);
    file
}

/// Connections of peers that mean no good. They stay open as long as they
/// are kept.
fn hostile(endpoint: &str) -> Vec<TcpStream> {
    let address = endpoint.strip_prefix("tcp://").unwrap();
    let greeting: Vec<u8> = [&[0xff][..], &[0; 8], &[0x7f, 3, 0], b"NULL"]
        .concat()
        .into_iter()
        .chain([0; 48])
        .collect();
    let mut random = fastrand::Rng::with_seed(7);
    let noise: Vec<u8> = (0..10_000).map(|_| random.u8(..)).collect();
    let http =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\n{:40}\r\n\r\n", "");
    // A greeting, and then no READY but a message; or nothing more.
    let no_ready = [&greeting[..], b"\0\x05Hello"].concat();
    let sayings: [&[u8]; 6] = [
        b"",
        &greeting[..10],
        &greeting,
        &no_ready,
        &noise,
        http.as_bytes(),
    ];
    let connect = |said: &&[u8]| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(said).unwrap();
        // It greets whoever comes, and so it has seen this one.
        stream.read_exact(&mut [0; 10]).unwrap();
        stream
    };
    sayings.iter().map(connect).collect()
}

/// The handshake of ZMTP 3.0, from the side of such a socket.
fn greet_as(kind: &[u8; 4], stream: &mut TcpStream) {
    let mut greeting = [0; 64];
    greeting[0] = 0xff;
    greeting[9..16].copy_from_slice(b"\x7f\x03\0NULL");
    stream.write_all(&greeting).unwrap();
    let ready = b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04";
    stream.write_all(&[ready, &kind[..]].concat()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.read_exact(&mut [0; 64 + 28]).unwrap();
}

/// A program that runs; killed when dropped.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

/// How a program ended, and what it printed that was not asked for before.
#[derive(Debug)]
struct End {
    code: Option<i32>,
    output: String,
    errors: String,
}

impl Program {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
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

    /// Starts a program that binds, and returns it with its endpoint.
    fn listening(program: &str, arguments: &[&str]) -> (Self, String) {
        let program = Self::start(program, arguments);
        let line = program.until("Endpoint: ");
        let endpoint = line.rsplit(' ').next().unwrap().to_owned();
        (program, endpoint)
    }

    /// The next line that has `text` in it.
    fn until(&self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    fn line(&self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(error) => {
                let errors: Vec<_> = self.errors.try_iter().collect();
                panic!("{error} instead of a line; {errors:?}")
            }
        }
    }

    fn write(&mut self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    fn write_bytes(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        // The shell has its own: the program may not be installed.
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill \"$@\"", "kill"]);
        assert!(kill.args([signal, &id]).status().unwrap().success());
    }

    /// Waits for the end; what is printed until then is in the result.
    fn end(mut self) -> End {
        drop(self.input.take());
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
