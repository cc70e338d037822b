//! Answers requests, one at a time, until Ctrl-C.
//! cargo run --example short-zmq-server [tcp://HOST:PORT]
//! Its partner in Python: python/short_zmq_server.py

use std::env;

use anyhow::bail;
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend};

const HERE: &str = "tcp://127.0.0.1:6789";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Another endpoint can be named as an argument.
    let here = env::args().nth(1).unwrap_or(HERE.into());
    let mut server = RepSocket::new();
    let here = server.bind(&here).await?;
    println!("Waiting for requests at {here}");

    // Whoever sent this request gets the next reply: REP
    // keeps the address. The others wait for their turn.
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
