//! Hands out ten tasks to the workers, in turn.
//! cargo run --example short-zmq-ventilator [ENDPOINT]
//! Its partner in Python: python/short_zmq_ventilator.py

use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use zeromq::{PushSocket, Socket, SocketSend, ZmqMessage};

const TASKS: &str = "tcp://127.0.0.1:6791";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let endpoint = std::env::args().nth(1);
    let endpoint = endpoint.unwrap_or(TASKS.into());
    let mut workers = PushSocket::new();
    let endpoint = workers.bind(&endpoint).await?;
    println!("Waiting for workers. Endpoint: {endpoint}");

    // A worker that connects later gets none of the tasks.
    println!("Press Enter when they are there");
    let mut keyboard = BufReader::new(stdin()).lines();
    keyboard.next_line().await?;

    for number in 1..=10 {
        let size = 10 * number;
        println!("Task {number}: {size} ms");
        // A message of two parts. It goes to one worker.
        let mut task = ZmqMessage::from(number.to_string());
        task.push_back(size.to_string().into());
        workers.send(task).await?;
    }

    // What is still in its queue is lost when it ends.
    println!("Tasks handed out: 10. Press Enter to end");
    keyboard.next_line().await?;
    Ok(())
}
