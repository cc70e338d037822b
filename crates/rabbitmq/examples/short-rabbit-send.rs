//! Sends four messages to a queue, which keeps them.
//! cargo run --example short-rabbit-send [amqp://HOST:PORT]
//! Its partner in Python: python/short_rabbit_send.py

use lapin::Connection;

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

    // Make the queue, unless it is there already.
    let (how, etc) = Default::default();
    channel.queue_declare("hats".into(), how, etc).await?;

    for (number, news) in (1..).zip(NEWS) {
        println!("Send: message {number} : {news}");
        // To the exchange "", which puts a message into the
        // queue that its routing key names.
        let (to, how, etc) = Default::default();
        let (key, it) = ("hats".into(), news.as_bytes());
        channel.basic_publish(to, key, how, it, etc).await?;
    }
    println!("Messages sent: {}", NEWS.len());
    broker.close(200, "bye".into()).await?;
    Ok(())
}
