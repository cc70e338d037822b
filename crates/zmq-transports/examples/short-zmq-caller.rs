//! Says Hello! at an endpoint and shows the answer.
//! cargo run --example short-zmq-caller [ENDPOINT]
//! Its partner in Python: python/short_zmq_caller.py

use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};

const DEFAULT: &str = "tcp://127.0.0.1:6789";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let endpoint = std::env::args().nth(1);
    let endpoint = endpoint.unwrap_or(DEFAULT.into());

    // A port or a file: the endpoint says which.
    println!("Looking for a listener at {endpoint}");
    let mut socket = ReqSocket::new();
    socket.connect(&endpoint).await?;

    println!("Saying to {endpoint}: Hello!");
    socket.send("Hello!".into()).await?;

    let answer = socket.recv().await?.into_vec();
    let answer = str::from_utf8(&answer[0])?;
    println!("{endpoint} said {answer}");
    Ok(())
}
