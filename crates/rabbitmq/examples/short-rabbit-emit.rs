//! Tells an exchange which cat wears which hat.
//! cargo run --example short-rabbit-emit [amqp://HOST:PORT]
//! Its partner in Python: python/short_rabbit_emit.py

use lapin::{Connection, ExchangeKind::Fanout};

const NEWS: [&str; 4] = [
    "catD wears a hatA",
    "catC wears a hatB",
    "catA wears a hatA",
    "catB wears a hatD",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // The broker is the first argument, or on this machine.
    let local = "amqp://127.0.0.1:5672".to_owned();
    let url = std::env::args().nth(1).unwrap_or(local);
    let options = Default::default();
    let broker = Connection::connect(&url, options).await?;
    let channel = broker.create_channel().await?;

    // It copies a message to every queue bound to it.
    let to = || "cats".into();
    let (how, etc) = Default::default();
    channel.exchange_declare(to(), Fanout, how, etc).await?;

    for (number, news) in (1..).zip(NEWS) {
        println!("Publish: message {number} : {news}");
        let (key, how, etc) = Default::default();
        let (to, it) = (to(), news.as_bytes());
        channel.basic_publish(to, key, how, it, etc).await?;
    }
    println!("Messages sent: {}", NEWS.len());
    broker.close(200, "bye".into()).await?;
    Ok(())
}
