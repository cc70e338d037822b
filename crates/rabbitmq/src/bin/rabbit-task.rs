// ANCHOR: all
//! Sends tasks, each a hat to knit, and says what became of them at the
//! broker. Its partner is rabbit-worker.
//!
//! cargo run --bin rabbit-task [amqp://HOST:PORT] [--seed 7]

use std::process::ExitCode;

use anyhow::ensure;
use clap::Parser;
use fastrand::Rng;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use rabbitmq::{Broker, CATS, HATS, Place, TASKS, declare_tasks};
use rabbitmq::{finish, parse, say, until_stopped, warn};

/// Sends tasks to the queue of rabbit-worker
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    place: Place,
    /// How many tasks to send
    #[arg(long, default_value = "3")]
    count: u64,
    /// Where chance starts: the same number gives the same tasks
    #[arg(long)]
    seed: Option<u64>,
    /// Send this one task instead
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Make a queue that counts, and allows so many second tries
    #[arg(long, value_name = "COUNT")]
    delivery_limit: Option<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("rabbit-task", until_stopped(send(&parse())).await)
}

async fn send(options: &Options) -> anyhow::Result<()> {
    let broker = options.place.broker()?;
    let mut open = open(&broker, options)
        .await
        .map_err(|error| broker.cannot_begin(&error))?;
    let mut random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let one = options.task.as_ref();
    let count = one.map_or(options.count, |_| 1);
    // With it in each id, no two tasks have the same.
    let run = format!("{:016x}", fastrand::u64(..));
    let (mut confirmed, mut returned, mut refused) = (0, 0, 0);
    for number in 1..=count {
        let cat = CATS[random.usize(..CATS.len())];
        let hat = HATS[random.usize(..HATS.len())];
        let task = one.cloned().unwrap_or(format!("knit a {hat} for {cat}"));
        say(format_args!("Send: task {number} : {task}"))?;
        let id = format!("{run}-{number}");
        // ANCHOR: again
        let answer = loop {
            let answer = publish(&open.1, (&task, &id));
            match broker.answer(answer).await {
                Ok(answer) => break answer,
                Err(_) => warn("rabbit-task: no answer; sending it again"),
            }
            // The broker may have it already. It gets it once more, with the
            // same id: better twice than never.
            open = broker.again(|| self::open(&broker, options)).await;
        };
        // ANCHOR_END: again
        match answer {
            Confirmation::Ack(None) => confirmed += 1,
            Confirmation::Ack(Some(_)) => returned += 1,
            _ => refused += 1,
        }
    }
    say(format_args!(
        "Tasks sent: {count}; confirmed: {confirmed}, returned: {returned}, \
         refused: {refused}"
    ))?;
    ensure!(
        confirmed == count,
        "not every task is in a queue; send again"
    );
    let _ = broker.answer(open.0.close(200, "bye".into())).await;
    Ok(())
}

type Open = (Connection, Channel);

/// A channel on which the broker confirms each message.
async fn open(broker: &Broker, options: &Options) -> lapin::Result<Open> {
    let (connection, channel) = broker.channel().await?;
    let how = ConfirmSelectOptions::default();
    broker.answer(channel.confirm_select(how)).await?;
    let declared = declare_tasks(&channel, options.delivery_limit);
    broker.answer(declared).await?;
    Ok((connection, channel))
}

// ANCHOR: publish
async fn publish(
    channel: &Channel,
    (task, id): (&str, &str),
) -> lapin::Result<Confirmation> {
    let how = BasicPublishOptions {
        // What no queue takes comes back.
        mandatory: true,
        ..Default::default()
    };
    let more = BasicProperties::default()
        // Persistent: a durable queue writes it to disk.
        .with_delivery_mode(2)
        .with_message_id(id.into());
    let (to, key, task) = ("".into(), TASKS.into(), task.as_bytes());
    let sent = channel.basic_publish(to, key, how, task, more);
    // The first wait is for our own sending, the second for the answer.
    sent.await?.await
}
// ANCHOR_END: publish
// ANCHOR_END: all
