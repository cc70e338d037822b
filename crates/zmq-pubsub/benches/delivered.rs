//! Messages of 8 bytes per second from one publisher to one subscriber over
//! TCP, each a thread with a runtime of its own. Counted is what arrives, and
//! each message carries its number: none may be missing. The same in C and
//! in Python with libzmq: peers/libzmq.c and peers/pyzmq.py.
//!
//! pub-sub: nothing is dropped because the queues have no bound (libzmq: a
//! high-water mark of 0 on both sides; ours: PUB keeps what its subscriber
//! has not read). xpub-sub: nothing is dropped because the publisher waits
//! (libzmq: XPUB_NODROP and a high-water mark of 1000 on both sides; ours:
//! XPUB waits for the system, message by message). flood: the publisher sends
//! as fast as it can for two seconds, with the settings that sockets have when
//! they are new, and messages may be missing (libzmq drops those above its
//! high-water mark of 1000; ours drops none, because the thread that sends
//! also has to write). What arrives is what counts.

use std::thread;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::yield_now;
use zeromq::{PubSocket, Socket, SocketRecv, SocketSend, SubSocket};
use zeromq::{XPubSocket, ZmqMessage};

/// What was sent before the first message, to find out who hears it.
const HELLO: u32 = u32::MAX;

fn main() {
    if wanted("pub-sub") {
        let rate =
            play(|mut publisher: PubSocket, mut heard, count| async move {
                while heard.try_recv() == Err(TryRecvError::Empty) {
                    publisher.send(message(HELLO)).await.expect("sent");
                    yield_now().await;
                }
                for number in 0..count {
                    publisher.send(message(number)).await.expect("sent");
                    // Its tasks take the messages on; without a turn for
                    // them the 100,000 places of their queue would be filled,
                    // and the rest dropped.
                    if number % 128 == 127 {
                        yield_now().await;
                    }
                }
                zmq_pubsub::close(publisher, Duration::MAX).await;
            });
        println!("pub-sub {rate:.0} messages/s");
    }
    if wanted("xpub-sub") {
        let rate = play(|mut publisher: XPubSocket, _, count| async move {
            publisher.recv().await.expect("a subscription");
            for number in 0..count {
                publisher.send(message(number)).await.expect("sent");
            }
            publisher.close().await;
        });
        println!("xpub-sub {rate:.0} messages/s");
    }
    if wanted("flood") {
        println!("flood {:.0} messages/s", flood());
    }
}

/// Delivered per second while the publisher never waits.
fn flood() -> f64 {
    let (tell, told) = oneshot::channel();
    let (stop, mut stopped) = oneshot::channel::<()>();
    let publisher = thread::spawn(move || {
        runtime().block_on(async move {
            let mut publisher = PubSocket::new();
            let endpoint = publisher.bind("tcp://127.0.0.1:0").await;
            tell.send(endpoint.expect("a free port").to_string())
                .expect("somebody listens");
            for number in 0.. {
                publisher.send(message(number)).await.expect("sent");
                if number % 128 == 127 {
                    yield_now().await;
                    if stopped.try_recv() == Err(TryRecvError::Closed) {
                        break;
                    }
                }
            }
        });
    });
    let rate = runtime().block_on(async move {
        let mut subscriber = SubSocket::new();
        let endpoint = told.await.expect("an endpoint");
        subscriber.connect(&endpoint).await.expect("connected");
        subscriber.subscribe("catA").await.expect("subscribed");
        subscriber.recv().await.expect("a message");
        let (begin, mut count) = (Instant::now(), 0);
        while count % 1024 != 0 || begin.elapsed() < Duration::from_secs(2) {
            subscriber.recv().await.expect("a message");
            count += 1;
        }
        f64::from(count) / begin.elapsed().as_secs_f64()
    });
    drop(stop);
    publisher.join().expect("it ends");
    rate
}

/// Whether a job is wanted: BENCH_ONLY may name a part of a job's name.
fn wanted(job: &str) -> bool {
    std::env::var("BENCH_ONLY").map_or(true, |only| job.contains(&only))
}

/// As many as BENCH_MESSAGES says, from the first to the last.
fn play<P, F>(
    publish: impl FnOnce(P, oneshot::Receiver<()>, u32) -> F + Send + 'static,
) -> f64
where
    P: Socket,
    F: Future<Output = ()>,
{
    let count = std::env::var("BENCH_MESSAGES");
    let count = count.map_or(1_000_000, |text| text.parse().expect("a number"));
    let (tell, told) = oneshot::channel();
    let (hear, heard) = oneshot::channel();
    let publisher = thread::spawn(move || {
        runtime().block_on(async move {
            let mut publisher = P::new();
            let endpoint = publisher.bind("tcp://127.0.0.1:0").await;
            tell.send(endpoint.expect("a free port").to_string())
                .expect("somebody listens");
            publish(publisher, heard, count).await;
        });
    });
    let rate = runtime().block_on(async move {
        let mut subscriber = SubSocket::new();
        let endpoint = told.await.expect("an endpoint");
        subscriber.connect(&endpoint).await.expect("connected");
        subscriber.subscribe("catA").await.expect("subscribed");
        let mut hear = Some(hear);
        let mut begin = Instant::now();
        let mut next = 0;
        while next < count {
            let message = subscriber.recv().await.expect("a message");
            let part = message.get(0).expect("a part");
            let number = part[4..].try_into().expect("8 bytes");
            match u32::from_be_bytes(number) {
                HELLO => drop(hear.take()),
                number => {
                    assert_eq!(number, next);
                    if next == 0 {
                        begin = Instant::now();
                    }
                    next += 1;
                }
            }
        }
        f64::from(count) / begin.elapsed().as_secs_f64()
    });
    publisher.join().expect("it ends");
    rate
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

fn message(number: u32) -> ZmqMessage {
    let mut bytes = BytesMut::with_capacity(8);
    bytes.put_slice(b"catA");
    bytes.put_u32(number);
    bytes.freeze().into()
}
