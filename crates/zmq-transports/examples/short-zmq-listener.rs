//! Answers whoever says something, until Ctrl-C.
//! cargo run --example short-zmq-listener [ENDPOINT]
//! Its partner in Python: python/short_zmq_listener.py

use zeromq::{RepSocket, Socket, SocketRecv, SocketSend};

const DEFAULT: &str = "tcp://127.0.0.1:6789";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let endpoint = std::env::args().nth(1);
    let endpoint = endpoint.unwrap_or(DEFAULT.into());

    // A port or a file: the endpoint says which.
    let mut socket = RepSocket::new();
    let endpoint = socket.bind(&endpoint).await?;
    println!("Waiting for callers. Endpoint: {endpoint}");

    loop {
        let heard = socket.recv().await?.into_vec();
        let heard = str::from_utf8(&heard[0])?;
        println!("A caller said {heard}");

        let answer = "Are you talking to me?";
        println!("Answering: {answer}");
        socket.send(answer.into()).await?;
    }
}
