//! Shows the messages of a queue, until Ctrl-C.
//! cargo run --example short-rabbit-receive [URL]
//! Its partner in Python: python/short_rabbit_receive.py

use futures_util::StreamExt;
use lapin::Connection;
use lapin::options::BasicConsumeOptions;

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

    let how = BasicConsumeOptions {
        // The broker forgets a message when it has sent it
        // to us, without waiting for our word.
        no_ack: true,
        ..Default::default()
    };
    let (tag, etc) = Default::default();
    let name = "hats".into();
    let hats = channel.basic_consume(name, tag, how, etc);
    let mut hats = hats.await?;
    println!("Waiting at the queue hats");

    while let Some(news) = hats.next().await.transpose()? {
        println!("Receive: {}", news.data.escape_ascii());
    }
    Ok(())
}
