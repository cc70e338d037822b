//! Tells an exchange which cat wears which hat, and counts what went into
//! somebody's queue. Its partner is rabbit-listen.
//!
//! cargo run --bin rabbit-emit [amqp://HOST:PORT] [--seed 7]

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Parser;
use fastrand::Rng;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use rabbitmq::{Broker, CATS, CATS_EXCHANGE, HATS, Place, declare_cats};
use rabbitmq::{finish, parse, say, until_stopped};

/// Says which cat wears which hat
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    place: Place,
    /// How many messages to publish
    #[arg(long, default_value = "10")]
    count: u64,
    /// Where chance starts: the same number gives the same messages
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("rabbit-emit", until_stopped(emit(&parse())).await)
}

async fn emit(options: &Options) -> anyhow::Result<()> {
    let broker = options.place.broker()?;
    let (connection, channel) = open(&broker)
        .await
        .map_err(|error| broker.cannot_begin(&error))?;
    let mut random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let (mut sent, mut heard) = (0, 0);
    for number in 1..=options.count {
        let cat = CATS[random.usize(..CATS.len())];
        let hat = HATS[random.usize(..HATS.len())];
        say(format_args!(
            "Publish: message {number} : {cat} wears a {hat}"
        ))?;
        let answer = broker.answer(publish(&channel, cat, hat)).await;
        let answer = answer.map_err(|error| {
            let why = broker.explain(&error);
            anyhow!(
                "cannot publish message {number} at {broker}: {why} \
                 ({sent} answered before; this one may be published or not)"
            )
        })?;
        sent += 1;
        // The broker had no queue for it if it returned the message.
        heard += u64::from(answer == Confirmation::Ack(None));
    }
    let unheard = sent - heard;
    say(format_args!(
        "Messages sent: {sent}; \
         heard by somebody: {heard}, by nobody: {unheard}"
    ))?;
    let _ = broker.answer(connection.close(200, "bye".into())).await;
    Ok(())
}

/// A channel on which the broker answers each message.
async fn open(broker: &Broker) -> lapin::Result<(Connection, Channel)> {
    let (connection, channel) = broker.channel().await?;
    let how = ConfirmSelectOptions::default();
    broker.answer(channel.confirm_select(how)).await?;
    broker.answer(declare_cats(&channel)).await?;
    Ok((connection, channel))
}

async fn publish(
    channel: &Channel,
    cat: &str,
    hat: &str,
) -> lapin::Result<Confirmation> {
    let how = BasicPublishOptions {
        // What nobody has bound a queue for comes back.
        mandatory: true,
        ..Default::default()
    };
    let (exchange, none) = (CATS_EXCHANGE.into(), BasicProperties::default());
    let hat = hat.as_bytes();
    let sent = channel.basic_publish(exchange, cat.into(), how, hat, none);
    sent.await?.await
}
