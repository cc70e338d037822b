//! What the sockets do that the programs rely on.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zeromq::{PullSocket, PushSocket, Socket, SocketRecv, SocketSend};
use zeromq::{ZmqError, ZmqMessage};
use zmq_pipeline::{LogLine, Note, Task};
use zmq_pipeline::{close, connect, gone, socket_options};

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

const MESSAGES: usize = 50_000;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends many messages from a runtime that then ends, as a program does, and
/// returns how many of them arrived.
fn arrived(end: impl AsyncFnOnce(PushSocket) + Send + 'static) -> usize {
    let (sender, endpoint) = mpsc::channel();
    let collecting = thread::spawn(move || {
        runtime().block_on(async {
            let mut socket = PullSocket::with_options(socket_options());
            let bound = socket.bind("tcp://127.0.0.1:0").await.unwrap();
            let mut events = socket.monitor();
            sender.send(bound.to_string()).unwrap();
            let mut count = 0;
            loop {
                // Nothing may come before the news that the peer has gone,
                // nor a message in the middle of which it went.
                tokio::select! {
                    message = socket.recv() => {
                        count += usize::from(message.is_ok());
                    }
                    () = gone(&mut events) => return count,
                }
            }
        })
    });
    let endpoint = endpoint.recv().unwrap();
    runtime().block_on(async {
        let mut socket = PushSocket::with_options(socket_options());
        connect(&mut socket, &endpoint, "the other", LIMIT)
            .await
            .unwrap();
        let message = Bytes::from_static(&[b'm'; 1000]);
        for _ in 0..MESSAGES {
            socket.send(message.clone().into()).await.unwrap();
        }
        end(socket).await;
    });
    collecting.join().unwrap()
}

#[test]
fn only_our_close_waits_for_what_was_sent() {
    assert!(arrived(async |socket| drop(socket)) < MESSAGES);
    let theirs = async |socket: PushSocket| {
        socket.close().await;
    };
    assert!(arrived(theirs) < MESSAGES);
    let ours = async |socket| assert!(close(socket, LIMIT).await);
    assert_eq!(arrived(ours), MESSAGES);
}

/// In turn, also to a peer that does not read; and nobody else waits for it.
#[tokio::test]
async fn push_hands_out_in_turn() {
    let mut push = PushSocket::with_options(socket_options());
    let mut events = push.monitor();
    let bound = push.bind("tcp://127.0.0.1:0").await.unwrap().to_string();
    let mut workers = Vec::new();
    for _ in 0..3 {
        let mut worker = PullSocket::with_options(socket_options());
        connect(&mut worker, &bound, "the other", LIMIT)
            .await
            .unwrap();
        workers.push(worker);
        // Else the order of the three would not be certain.
        loop {
            use futures_util::StreamExt;
            let event = timeout(LIMIT, events.next()).await.unwrap().unwrap();
            if matches!(event, zeromq::SocketEvent::Accepted(..)) {
                break;
            }
        }
    }
    for number in 1..=9 {
        push.send(Task { number, size: 1 }.into()).await.unwrap();
    }
    // The second one never reads.
    for worker in [0, 2] {
        for round in 0..3 {
            let message = timeout(LIMIT, workers[worker].recv()).await;
            let task = Task::read(&message.unwrap().unwrap()).unwrap();
            let expected = round * 3 + u32::try_from(worker).unwrap() + 1;
            assert_eq!(task.number, expected);
        }
    }
}

/// What the worker's and the writer's ends rely on.
#[tokio::test]
async fn without_a_peer_send_fails_and_recv_waits() {
    let mut push = PushSocket::new();
    let error = push.send("anything".into()).await.unwrap_err();
    assert!(matches!(error, ZmqError::ReturnToSender { .. }));
    let mut pull = PullSocket::new();
    assert!(pull.recv().now_or_never().is_none());
}

#[test]
fn whatever_comes_is_read_or_refused() {
    let mut random = fastrand::Rng::with_seed(7);
    let words: [&[u8]; 9] = [
        b"",
        b"tasks",
        b"done",
        b"7",
        b"0",
        b"-1",
        b"99999999999",
        b"\xff",
        b"alice",
    ];
    let mut read = 0;
    for _ in 0..100_000 {
        let mut message =
            ZmqMessage::from(random.choice(words).unwrap().to_vec());
        for _ in 0..random.usize(..4) {
            message.push_back(random.choice(words).unwrap().into());
        }
        read += usize::from(Task::read(&message).is_ok());
        read += usize::from(Note::read(&message).is_ok());
        read += usize::from(LogLine::read(&message, 4).is_ok());
    }
    assert!(read > 1000);
    // What we say ourselves comes back as it was.
    let task = Task {
        number: 7,
        size: 30,
    };
    assert_eq!(Task::read(&task.into()), Ok(task));
    let worker = "alice".to_owned();
    for note in [Note::Tasks(100), Note::Done { number: 7, worker }] {
        assert_eq!(Note::read(&note.clone().into()), Ok(note));
    }
    let (name, text) = ("alice".to_owned(), String::new());
    let line = LogLine { name, text };
    assert_eq!(LogLine::read(&line.clone().into(), 1), Ok(line));
}
