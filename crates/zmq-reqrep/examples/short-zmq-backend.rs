//! Answers what a broker hands out, until Ctrl-C.
//! cargo run --example short-zmq-backend [tcp://HOST:PORT]
//! Its partner in Python: python/short_zmq_backend.py

use std::env;

use anyhow::bail;
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend};

const BACK: &str = "tcp://127.0.0.1:6790";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Another endpoint can be named as an argument.
    let broker = env::args().nth(1).unwrap_or(BACK.into());
    let mut server = RepSocket::new();
    // The one difference: this server connects.
    server.connect(&broker).await?;
    println!("Waiting for requests at {broker}");

    loop {
        let parts = server.recv().await?.into_vec();
        let [request] = &parts[..] else {
            bail!("a request has {} parts", parts.len());
        };
        let request = str::from_utf8(request)?;
        println!("Request says: {request}");

        let reply = format!("Stop saying: {request}");
        println!("Answering: {reply}");
        server.send(reply.into()).await?;
    }
}
