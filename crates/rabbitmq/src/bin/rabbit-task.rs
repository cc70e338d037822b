// ANCHOR: all
//! Sends tasks, each a hat to knit, and says what became of them at the
//! broker. Its partner is rabbit-worker.
//!
//! cargo run --bin rabbit-task [amqp://HOST:PORT] [--seed 7]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use fastrand::Rng;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use rabbitmq::{Broker, CATS, HATS, TASKS, declare_tasks};
use rabbitmq::{finish, parse, say, seconds, stop_signal, warn};

/// Sends tasks to the queue of rabbit-worker
#[derive(Parser)]
struct Options {
    /// Where the RabbitMQ broker is
    #[arg(env = "AMQP_URL", hide_env_values = true)]
    #[arg(default_value = "amqp://127.0.0.1:5672")]
    url: String,
    /// How many tasks to send
    #[arg(long, default_value = "3")]
    count: u64,
    /// Where chance starts: the same number gives the same tasks
    #[arg(long)]
    seed: Option<u64>,
    /// Send this one task instead
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Make a queue that counts deliveries, at most so many and one [default:
    /// no limit]
    #[arg(long, value_name = "COUNT")]
    delivery_limit: Option<u8>,
    /// Seconds to wait for the connection, and for each answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("rabbit-task", run(parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = send(&options) => result,
    }
}

async fn send(options: &Options) -> anyhow::Result<()> {
    let broker = Broker::from_url(&options.url, options.timeout)?;
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
            let answer = publish(&open.1, &task, &id);
            match broker.answer(answer).await {
                Ok(answer) => break answer,
                Err(_) => warn(format_args!(
                    "rabbit-task: connection to {broker} lost; \
                     sending task {number} again"
                )),
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

/// A channel on which the broker answers each message.
async fn open(
    broker: &Broker,
    options: &Options,
) -> lapin::Result<(Connection, Channel)> {
    let connection = broker.connect().await?;
    let channel = broker.answer(connection.create_channel()).await?;
    let how = ConfirmSelectOptions::default();
    broker.answer(channel.confirm_select(how)).await?;
    let declared = declare_tasks(&channel, options.delivery_limit);
    broker.answer(declared).await?;
    Ok((connection, channel))
}

// ANCHOR: publish
async fn publish(
    channel: &Channel,
    task: &str,
    id: &str,
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
    let sent = channel.basic_publish(
        "".into(),
        TASKS.into(),
        how,
        task.as_bytes(),
        more,
    );
    // The first wait is for our own sending, the second for the answer.
    sent.await?.await
}
// ANCHOR_END: publish
// ANCHOR_END: all
