//! Shows what is said about all cats, until Ctrl-C.
//! cargo run --example short-rabbit-listen [URL]
//! Its partner in Python: python/short_rabbit_listen.py

use futures_util::StreamExt;
use lapin::options::QueueDeclareOptions;
use lapin::{Connection, ExchangeKind::Fanout};

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
    // Our own queue, named by the broker, gone when we go.
    let how = QueueDeclareOptions {
        exclusive: true,
        ..Default::default()
    };
    let (name, etc) = Default::default();
    let own = channel.queue_declare(name, how, etc).await?;
    let own = || own.name().clone();
    let (key, how, etc) = Default::default();
    channel.queue_bind(own(), to(), key, how, etc).await?;
    let (tag, how, etc) = Default::default();
    let cats = channel.basic_consume(own(), tag, how, etc);
    let mut cats = cats.await?;
    println!("Subscribed to all cats");
    while let Some(news) = cats.next().await.transpose()? {
        println!("Subscribe: {}", news.data.escape_ascii());
        news.ack(Default::default()).await?;
    }
    Ok(())
}
