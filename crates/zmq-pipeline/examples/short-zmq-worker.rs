//! Takes tasks, works, and pushes the results on.
//! cargo run --example short-zmq-worker [NAME]
//! Its partner in Python: python/short_zmq_worker.py

use std::{env, time::Duration};

use tokio::time::sleep;
use zeromq::{PullSocket, PushSocket, Socket};
use zeromq::{SocketRecv, SocketSend, ZmqMessage};

const TASKS: &str = "tcp://127.0.0.1:6791";
const RESULTS: &str = "tcp://127.0.0.1:6792";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let name = env::args().nth(1).unwrap_or("alice".into());
    let from = env::args().nth(2).unwrap_or(TASKS.into());
    let to = env::args().nth(3).unwrap_or(RESULTS.into());

    let mut tasks = PullSocket::new();
    tasks.connect(&from).await?;
    let mut results = PushSocket::new();
    results.connect(&to).await?;
    println!("{name} is ready for tasks");

    loop {
        let task = tasks.recv().await?.into_vec();
        let [number, size] = &task[..] else { continue };
        let number = str::from_utf8(number)?.to_owned();
        let size = str::from_utf8(size)?.parse()?;
        println!("Task {number}: {size} ms");
        // In place of work.
        sleep(Duration::from_millis(size)).await;
        let mut result = ZmqMessage::from(number);
        result.push_back(name.clone().into());
        results.send(result).await?;
    }
}
