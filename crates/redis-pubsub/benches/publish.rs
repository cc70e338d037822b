//! How fast one client publishes, one message after the other, as redis-pub
//! does it. Prints `job value unit`; more is better.
//!
//! cargo bench --bench publish (REDIS_URL says where the server is)

mod common;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use common::{connect, is_wanted};
use redis::AsyncTypedCommands;
use redis::aio::MultiplexedConnection;
use redis_pubsub::{finish, say};

/// How long is measured, after a short warm-up.
const TIME: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("publish", run().await)
}

async fn run() -> Result<()> {
    if is_wanted("publish") {
        let mut publisher = connect().await?;
        publish_for(&mut publisher, WARM_UP).await?;
        let speed = publish_for(&mut publisher, TIME).await?;
        say(format_args!("publish {speed:.0} messages/s"))?;
    }
    Ok(())
}

/// The next message is sent when the reply to the last has come. Nobody is
/// subscribed, so this is the way there and back, and little else.
async fn publish_for(
    publisher: &mut MultiplexedConnection,
    time: Duration,
) -> Result<f64> {
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < time {
        let heard = publisher.publish("catA", "hatA").await?;
        ensure!(heard == 0, "somebody else is subscribed to catA");
        sent += 1;
    }
    Ok(f64::from(sent) / start.elapsed().as_secs_f64())
}
