//! Stands between clients and servers, until Ctrl-C.
//! cargo run --example short-zmq-broker [FRONT] [BACK]
//! Its partner in Python: python/short_zmq_broker.py

use std::env;

use zeromq::{DealerSocket, RouterSocket, Socket, proxy};

const FRONT: &str = "tcp://127.0.0.1:6789";
const BACK: &str = "tcp://127.0.0.1:6790";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Other endpoints can be named as arguments.
    let front = env::args().nth(1).unwrap_or(FRONT.into());
    let back = env::args().nth(2).unwrap_or(BACK.into());

    // ROUTER notes on each request whose it is. DEALER
    // gives each to the next of its servers.
    let mut clients = RouterSocket::new();
    let mut servers = DealerSocket::new();
    let front = clients.bind(&front).await?;
    let back = servers.bind(&back).await?;
    print!("Waiting for clients at {front} ");
    println!("and for servers at {back}");

    // Requests that way and replies this way, for ever.
    proxy(clients, servers, None).await?;
    Ok(())
}
