//! Publishes which cat wears which hat.
//! cargo run --example short-zmq-pub [tcp://HOST:PORT]
//! Its partner in Python: python/short_zmq_pub.py

use std::env;

use zeromq::{Socket, SocketRecv, SocketSend};
use zeromq::{XPubSocket, ZmqMessage};

const HERE: &str = "tcp://127.0.0.1:6789";
const NEWS: [(&str, &str); 4] = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Another endpoint can be named as an argument.
    let here = env::args().nth(1).unwrap_or(HERE.into());
    let mut publisher = XPubSocket::new();
    let here = publisher.bind(&here).await?;
    println!("Waiting for 2 subscriptions at {here}");
    // Each is a message: a byte 1, and what the messages
    // that the subscriber wants begin with.
    for _ in 0..2 {
        let wanted = publisher.recv().await?.into_vec();
        let wanted = wanted.concat();
        println!("Subscription: {}", wanted.escape_ascii());
    }
    for (number, (cat, hat)) in (1..).zip(NEWS) {
        let news = format!("{cat} wears a {hat}");
        println!("Publish: message {number} : {news}");
        let mut message = ZmqMessage::from(cat);
        message.push_back(hat.into());
        publisher.send(message).await?;
    }
    Ok(())
}
