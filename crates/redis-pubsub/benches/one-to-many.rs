//! How fast a server delivers to 1, 10, 100 and 1,000 subscribers: messages
//! a second, those to all of them together. Prints `job value unit`; more is
//! better.
//!
//! cargo bench --bench one-to-many (REDIS_URL says where the server is)

mod common;
#[path = "common/subscribers.rs"]
mod subscribers;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use common::{connect, is_wanted};
use redis::aio::MultiplexedConnection;
use redis_pubsub::{finish, say};
use subscribers::{Subscribers, frame};

/// How long each job is measured, after a short warm-up.
const TIME: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(200);
/// Messages that are published before anybody looks whether they arrived.
/// Two batches are under way at most: 6 kB for each subscriber, far below
/// what these servers let wait before they close a slow one.
const BATCH: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("one-to-many", run().await)
}

async fn run() -> Result<()> {
    for subscribers in [1, 10, 100, 1000] {
        let job = format!("deliver-{subscribers}");
        if is_wanted(&job) {
            let speed = deliver(subscribers).await?;
            say(format_args!("{job} {speed:.0} messages/s"))?;
        }
    }
    Ok(())
}

/// Messages to all `count` subscribers, together, in a second.
///
/// What is to be measured is the server, so the subscribers do little. They
/// are bare sockets that know what must come, byte for byte, and take a
/// whole batch in one read, one socket after the other; the others' batches
/// wait in the sockets' buffers meanwhile. The server is never idle, because
/// the next batch is published before the last one is read.
async fn deliver(count: usize) -> Result<f64> {
    let mut publisher = connect().await?;
    let mut subscribers = Subscribers::open(count).await?;
    let batch = frame("hatA").repeat(BATCH);
    publish_batch(&mut publisher, count).await?;
    let warm = Instant::now() + WARM_UP;
    while Instant::now() < warm {
        next_batch(&mut publisher, &mut subscribers, &batch).await?;
    }
    let start = Instant::now();
    let mut delivered = 0;
    while start.elapsed() < TIME {
        next_batch(&mut publisher, &mut subscribers, &batch).await?;
        delivered += count * BATCH;
    }
    let speed = delivered as f64 / start.elapsed().as_secs_f64();
    subscribers.receive(&batch).await?;
    // Each has had exactly what was sent: no less, and now no more.
    subscribers.expect_nothing_more().await?;
    Ok(speed)
}

/// Publishes a batch, and receives the one before it.
async fn next_batch(
    publisher: &mut MultiplexedConnection,
    subscribers: &mut Subscribers,
    batch: &[u8],
) -> Result<()> {
    let count = subscribers.count();
    tokio::try_join!(
        publish_batch(publisher, count),
        subscribers.receive(batch)
    )?;
    Ok(())
}

/// Publishes without waiting for each reply: a pipeline.
async fn publish_batch(
    publisher: &mut MultiplexedConnection,
    subscribers: usize,
) -> Result<()> {
    let mut pipeline = redis::pipe();
    for _ in 0..BATCH {
        pipeline.publish("catA", "hatA");
    }
    let heard: Vec<usize> = pipeline.query_async(publisher).await?;
    ensure!(
        heard == [subscribers; BATCH],
        "the server did not pass each message to {subscribers} subscribers"
    );
    Ok(())
}
