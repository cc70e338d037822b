//! How fast messages go into a durable queue and out of it, with every
//! promise that this section has: persistent, confirmed, acknowledged. Prints
//! `job value unit`; more is better.
//!
//! cargo bench --bench queue (AMQP_URL says where the broker is)

use std::collections::VecDeque;
use std::env;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::{BasicProperties, Channel, Connection};
use rabbitmq::{finish, say};

const QUEUE: &str = "bench";
/// Messages of each job, and before it, to warm up.
const COUNT: usize = 20_000;
const WARM_UP: usize = 500;
/// For the job that waits for each confirm.
const ONE_BY_ONE: usize = 1_000;
/// Messages that may be on the way, unconfirmed or unacknowledged.
const WINDOW: u16 = 100;
const HAT: [u8; 32] = [b'h'; 32];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("queue", run().await)
}

async fn run() -> Result<()> {
    let local = "amqp://127.0.0.1:5672".to_owned();
    let url = env::var("AMQP_URL").unwrap_or(local);
    let broker = Connection::connect(&url, Default::default()).await?;
    let channel = broker.create_channel().await?;
    channel.confirm_select(Default::default()).await?;
    channel
        .basic_qos(WINDOW, BasicQosOptions::default())
        .await?;
    let how = QueueDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .queue_declare(QUEUE.into(), how, Default::default())
        .await?;
    publish(&channel, WARM_UP, 1).await?;
    consume(&channel, WARM_UP).await?;
    let only = env::var("BENCH_ONLY").unwrap_or_default();
    let jobs = [
        ("confirm-each", ONE_BY_ONE, 1),
        ("confirm", COUNT, WINDOW.into()),
    ];
    for (job, count, window) in jobs {
        let speed = publish(&channel, count, window).await?;
        if job.contains(&only) {
            say(format_args!("{job} {speed:.0} messages/s"))?;
        }
    }
    let speed = consume(&channel, ONE_BY_ONE + COUNT).await?;
    if "acknowledge".contains(&only) {
        say(format_args!("acknowledge {speed:.0} messages/s"))?;
    }
    channel
        .queue_delete(QUEUE.into(), Default::default())
        .await?;
    broker.close(200, "bye".into()).await?;
    Ok(())
}

/// At most `window` messages wait for their confirm.
async fn publish(
    channel: &Channel,
    count: usize,
    window: usize,
) -> Result<f64> {
    let begin = Instant::now();
    let mut waiting = VecDeque::new();
    for number in 0..count + window {
        if number < count {
            let (to, how) = Default::default();
            let more = BasicProperties::default().with_delivery_mode(2);
            let sent = channel.basic_publish(to, QUEUE.into(), how, &HAT, more);
            waiting.push_back(sent.await?);
        }
        if waiting.len() >= window || number >= count {
            let Some(confirm) = waiting.pop_front() else {
                break;
            };
            ensure!(confirm.await?.is_ack(), "the broker refused a message");
        }
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// Each message is acknowledged for itself.
async fn consume(channel: &Channel, count: usize) -> Result<f64> {
    let (how, more) = Default::default();
    let tag = "bench";
    let mut messages = channel
        .basic_consume(QUEUE.into(), tag.into(), how, more)
        .await?;
    let begin = Instant::now();
    for _ in 0..count {
        let message = messages.next().await.context("the queue is gone")??;
        message.ack(BasicAckOptions::default()).await?;
    }
    let speed = count as f64 / begin.elapsed().as_secs_f64();
    channel.basic_cancel(tag.into(), Default::default()).await?;
    Ok(speed)
}
