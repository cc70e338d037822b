//! Messages of 8 bytes that arrive in a second: one PUSH and one PULL over
//! TCP, each in a thread of its own with a single-threaded runtime. The clock
//! runs from before the first message is sent until the last one was received,
//! and all are counted. The library keeps up to 100,000 messages for a peer
//! that does not read; the peers' high-water marks are set to as many. The
//! same job by libzmq in C and by pyzmq: peers/.

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use futures_util::StreamExt;
use zeromq::{PullSocket, PushSocket, Socket, SocketRecv, SocketSend};
use zeromq::{SocketEvent, ZmqError, ZmqMessage};

const MESSAGES: u32 = 2_000_000;
const MESSAGE: Bytes = Bytes::from_static(b"8 bytes.");

fn main() -> Result<(), Box<dyn Error>> {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    if !"push-pull".contains(&only) {
        return Ok(());
    }
    let (endpoint_sender, endpoint) = mpsc::channel();
    let (begin_sender, begin) = mpsc::channel();
    let pushing = thread::spawn(move || {
        runtime()?.block_on(async {
            let mut socket = PushSocket::new();
            let mut events = socket.monitor();
            let bound = socket.bind("tcp://127.0.0.1:0").await?;
            let _ = endpoint_sender.send(bound.to_string());
            while !matches!(
                events.next().await,
                Some(SocketEvent::Accepted(..))
            ) {}
            let _ = begin_sender.send(Instant::now());
            for _ in 0..MESSAGES {
                socket.send(ZmqMessage::from(MESSAGE)).await?;
            }
            zmq_pipeline::close(socket, std::time::Duration::from_secs(60))
                .await;
            Ok::<(), ZmqError>(())
        })
    });
    let endpoint = endpoint.recv()?;
    let end = runtime()?.block_on(async {
        let mut socket = PullSocket::new();
        socket.connect(&endpoint).await?;
        for _ in 0..MESSAGES {
            let message = socket.recv().await?;
            assert_eq!(message.get(0), Some(&MESSAGE));
        }
        Ok::<Instant, ZmqError>(Instant::now())
    })?;
    let duration = end - begin.recv()?;
    pushing
        .join()
        .map_err(|_| "the thread that pushes failed")??;
    let rate = f64::from(MESSAGES) / duration.as_secs_f64();
    println!("push-pull {rate:.0} messages/s");
    Ok(())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}
