//! Shows the hats of two cats, until Ctrl-C.
//! cargo run --example short-zmq-sub [tcp://HOST:PORT]
//! Its partner in Python: python/short_zmq_sub.py

use std::env;

use anyhow::bail;
use zeromq::{Socket, SocketRecv, SubSocket};

const THERE: &str = "tcp://127.0.0.1:6789";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Another endpoint can be named as an argument.
    let there = env::args().nth(1).unwrap_or(THERE.into());
    let mut subscriber = SubSocket::new();
    subscriber.connect(&there).await?;

    // Ask for two of the four cats. Nobody confirms it: the
    // line below means sent, not arrived.
    subscriber.subscribe("catA").await?;
    subscriber.subscribe("catC").await?;
    println!("Subscribed to catA, catC");

    // A message comes whole: a cat and a hat, two parts.
    loop {
        let parts = subscriber.recv().await?.into_vec();
        let [cat, hat] = &parts[..] else {
            bail!("a message has {} parts", parts.len());
        };
        let cat = str::from_utf8(cat)?;
        let hat = str::from_utf8(hat)?;
        println!("Subscribe: {cat} wears a {hat}");
    }
}
