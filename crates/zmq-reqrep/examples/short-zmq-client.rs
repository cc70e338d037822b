//! Asks a server three times.
//! cargo run --example short-zmq-client [tcp://HOST:PORT]
//! Its partner in Python: python/short_zmq_client.py

use std::env;

use anyhow::bail;
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};

const THERE: &str = "tcp://127.0.0.1:6789";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Another endpoint can be named as an argument.
    let there = env::args().nth(1).unwrap_or(THERE.into());
    let mut client = ReqSocket::new();
    client.connect(&there).await?;

    for number in 1..=3 {
        let request = format!("message #{number}");
        println!("Sending {request}");
        client.send(request.clone().into()).await?;

        // REQ insists on it: after a request comes its
        // reply, and only then the next request.
        let parts = client.recv().await?.into_vec();
        let [reply] = &parts[..] else {
            bail!("a reply has {} parts", parts.len());
        };
        let reply = str::from_utf8(reply)?;
        println!("Sent {request}, received {reply}");
    }
    Ok(())
}
