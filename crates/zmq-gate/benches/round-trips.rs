//! Round trips a second of one client, straight to a REP and through the gate:
//! what the gate costs. Client, gate and REP each on a thread of its own.

use std::sync::mpsc::channel;
use std::thread::spawn;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use zeromq::{RepSocket, ReqSocket, Socket, SocketRecv, SocketSend};
use zmq_gate::{Limits, serve};

const ROUND_TRIPS: u32 = 20_000;

fn main() {
    let back = start(|sender| async move {
        let mut socket = RepSocket::new();
        let endpoint = socket.bind("tcp://127.0.0.1:0").await.unwrap();
        sender(endpoint.to_string());
        while let Ok(message) = socket.recv().await {
            socket.send(message).await.unwrap();
        }
    });
    let address = back.replace("tcp://", "");
    let front = start(|sender| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = listener.local_addr().unwrap();
        sender(format!("tcp://{front}"));
        let never = std::future::pending();
        serve(listener, address, Limits::default(), |_, _| {}, never).await;
    });
    let size = 32;
    for (job, endpoint) in [("direct", &back), ("through-gate", &front)] {
        let rate = runtime().block_on(measure(endpoint, size));
        println!("{job} {rate:.0} /s");
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Starts a server on a thread of its own, and returns where it is.
fn start<F: Future>(
    server: impl FnOnce(Box<dyn Fn(String)>) -> F + Send + 'static,
) -> String {
    let (sender, receiver) = channel();
    spawn(move || {
        let tell = Box::new(move |endpoint| sender.send(endpoint).unwrap());
        runtime().block_on(server(tell));
    });
    receiver.recv().unwrap()
}

async fn measure(endpoint: &str, size: usize) -> f64 {
    let mut client = ReqSocket::new();
    client.connect(endpoint).await.unwrap();
    let text = "x".repeat(size);
    let mut begin = Instant::now();
    for number in 0..ROUND_TRIPS + 1000 {
        if number == 1000 {
            begin = Instant::now();
        }
        client.send(text.clone().into()).await.unwrap();
        let answer = client.recv().await.unwrap();
        assert_eq!(answer.get(0).map(|part| part.len()), Some(size));
    }
    f64::from(ROUND_TRIPS) / begin.elapsed().as_secs_f64()
}
