//! Round trips per second of one REQ with one REP over tcp, each on a thread
//! of its own with a runtime of its own: requests and answers of 10 bytes,
//! the next request when the answer is there. Once with nothing between
//! them, once through a broker (ROUTER and DEALER) on a third thread. In C
//! with libzmq the same threads, and one more for each socket's context,
//! which does the input and output; there the broker is zmq_proxy. pyzmq in
//! processes instead of threads. High-water marks are as they come: one
//! request at a time never fills a queue.

use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use zeromq::{DealerSocket, RepSocket, ReqSocket, RouterSocket};
use zeromq::{Socket, SocketRecv, SocketSend};
use zmq_reqrep::broker::pass;

const MESSAGE: &[u8] = b"message #1";
const ANY: &str = "tcp://127.0.0.1:0";

fn main() {
    if wanted("round-trips") {
        let (bound, at) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let server = spawn(move || {
            runtime().block_on(async {
                let mut socket = RepSocket::new();
                let at = socket.bind(ANY).await.expect("a free port");
                bound.send(at.to_string()).expect("main waits for it");
                answer(socket, stopped).await;
            });
        });
        let at = at.recv().expect("the server says where it is");
        ask("round-trips", &at);
        end(stop, server);
    }
    if wanted("round-trips-broker") {
        let (bound, at) = std::sync::mpsc::channel();
        let (stop_broker, broker_stopped) = oneshot::channel::<()>();
        let broker = spawn(move || {
            runtime().block_on(async {
                let mut front = RouterSocket::new();
                let mut back = DealerSocket::new();
                let one = front.bind(ANY).await.expect("a free port");
                let other = back.bind(ANY).await.expect("a free port");
                let ends = (one.to_string(), other.to_string());
                bound.send(ends).expect("main waits for it");
                let stopped = async { drop(broker_stopped.await) };
                pass(&mut front, &mut back, 1000, stopped).await;
            });
        });
        let (front, back) = at.recv().expect("the broker says where it is");
        let (stop, stopped) = oneshot::channel();
        let server = spawn(move || {
            runtime().block_on(async {
                let mut socket = RepSocket::new();
                socket.connect(&back).await.expect("the broker");
                answer(socket, stopped).await;
            });
        });
        ask("round-trips-broker", &front);
        end(stop, server);
        end(stop_broker, broker);
    }
}

async fn answer(mut socket: RepSocket, mut stopped: oneshot::Receiver<()>) {
    loop {
        let request = tokio::select! {
            request = socket.recv() => request.expect("a request"),
            _ = &mut stopped => break,
        };
        assert_eq!(request.get(0).expect("a part"), MESSAGE);
        socket.send(request).await.expect("answered");
    }
}

fn ask(job: &str, at: &str) {
    let rate = runtime().block_on(async {
        let mut socket = ReqSocket::new();
        socket.connect(at).await.expect("the server");
        round_trips(&mut socket, Duration::from_millis(200)).await;
        round_trips(&mut socket, Duration::from_secs(seconds())).await
    });
    println!("{job} {rate:.0} /s");
}

async fn round_trips(socket: &mut ReqSocket, duration: Duration) -> f64 {
    let begin = Instant::now();
    let mut count = 0;
    while count % 100 != 0 || begin.elapsed() < duration {
        socket.send(MESSAGE.to_vec().into()).await.expect("sent");
        let answer = socket.recv().await.expect("an answer");
        assert_eq!(answer.get(0).expect("a part"), MESSAGE);
        count += 1;
    }
    f64::from(count) / begin.elapsed().as_secs_f64()
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn end(stop: oneshot::Sender<()>, thread: JoinHandle<()>) {
    let _ = stop.send(());
    thread.join().expect("it ended well");
}

/// BENCH_ONLY may name a part of a job's name.
fn wanted(job: &str) -> bool {
    match std::env::var("BENCH_ONLY") {
        Ok(only) => job.contains(&only) || only.contains(job),
        Err(_) => true,
    }
}

fn seconds() -> u64 {
    let text = std::env::var("BENCH_SECONDS");
    text.ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}
