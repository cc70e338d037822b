//! Listens to two cats and shows each hat that is announced for them, until
//! Ctrl-C. Its partner is rabbit-emit.
//!
//! cargo run --bin rabbit-listen [amqp://HOST:PORT]

use std::process::ExitCode;

use clap::Parser;
use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, Consumer};
use rabbitmq::{Broker, CATS_EXCHANGE, Place, declare_cats, printable, shown};
use rabbitmq::{finish, parse, say, until_stopped, warn};

/// The cats to listen to; each is a routing key.
const WANTED: [&str; 2] = ["catA", "catC"];

/// Shows what is said about catA and catC
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    place: Place,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("rabbit-listen", until_stopped(listen(&parse())).await)
}

async fn listen(options: &Options) -> anyhow::Result<()> {
    let broker = options.place.broker()?;
    let mut open = open(&broker)
        .await
        .map_err(|error| broker.cannot_begin(&error))?;
    say("Subscribed to catA, catC")?;
    loop {
        while let Some(Ok(message)) = open.1.next().await {
            let cat = printable(message.routing_key.as_str());
            let hat = shown(&message);
            say(format_args!("Subscribe: {cat} wears a {hat}"))?;
        }
        warn(format_args!(
            "rabbit-listen: connection to {broker} lost; trying again"
        ));
        // The queue went with the connection. What is published until there
        // is another one is gone.
        open = broker.again(|| self::open(&broker)).await;
        say("Subscribed again to catA, catC")?;
    }
}

async fn open(broker: &Broker) -> lapin::Result<(Connection, Consumer)> {
    let (connection, channel) = broker.channel().await?;
    broker.answer(declare_cats(&channel)).await?;
    let own = QueueDeclareOptions {
        // Nobody else's, and gone with the connection.
        exclusive: true,
        ..Default::default()
    };
    let none = FieldTable::default;
    let declared = channel.queue_declare("".into(), own, none());
    let queue = broker.answer(declared).await?.name().clone();
    for cat in WANTED {
        let (name, from) = (queue.clone(), CATS_EXCHANGE.into());
        let how = Default::default();
        let bound = channel.queue_bind(name, from, cat.into(), how, none());
        broker.answer(bound).await?;
    }
    let how = BasicConsumeOptions {
        no_ack: true,
        ..Default::default()
    };
    let consuming = channel.basic_consume(queue, "".into(), how, none());
    let messages = broker.answer(consuming).await?;
    Ok((connection, messages))
}
