//! Whether a server keeps up: 1,000 subscribers and 100 messages a second
//! for 10 s. Nothing may be lost; how late the slowest was, and how much
//! memory the server took, is said.
//!
//! cargo bench --bench load (REDIS_URL says where the server is, SERVER_PID,
//! on Linux, which process it is)

mod common;
#[path = "common/subscribers.rs"]
mod subscribers;

use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use common::{connect, is_wanted};
use redis::AsyncTypedCommands;
use redis_pubsub::{finish, say};
use subscribers::{Subscribers, frame};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, interval};

const SUBSCRIBERS: usize = 1000;
const MESSAGES: usize = 1000;
const PAUSE: Duration = Duration::from_millis(10);
const JOBS: [&str; 4] = [
    "load-delivered",
    "load-slowest",
    "load-server-memory-before",
    "load-server-memory-peak",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("load", run().await)
}

async fn run() -> Result<()> {
    // What is asked here is yes or no, and takes ten seconds: once will do.
    let round = env::var("BENCH_ROUND").unwrap_or("1".to_owned());
    if !JOBS.iter().any(|job| is_wanted(job)) || round != "1" {
        return Ok(());
    }
    // The runner starts benches in the order of their names: when it starts
    // this one, the first, the server has not done anything yet.
    let before = server_memory("VmRSS")?;
    let mut subscribers = Subscribers::open(SUBSCRIBERS).await?;
    let (sender, mut sent) = unbounded_channel();
    // The publisher must not wait for the subscribers: if they fell behind
    // it would slow down with them, and the delay would look small.
    let publisher = tokio::spawn(publish(sender));
    let mut delivered = 0;
    let mut slowest = Duration::ZERO;
    while let Some((hat, due)) = sent.recv().await {
        subscribers.receive(&frame(&hat)).await?;
        slowest = slowest.max(due.elapsed());
        delivered += subscribers.count();
    }
    publisher.await??;
    subscribers.expect_nothing_more().await?;
    ensure!(
        delivered == SUBSCRIBERS * MESSAGES,
        "only {delivered} messages were delivered"
    );
    say(format_args!("load-delivered {delivered} messages"))?;
    let slowest = slowest.as_secs_f64() * 1000.0;
    say(format_args!("load-slowest {slowest:.1} ms"))?;
    // The most since the server was started.
    let peak = server_memory("VmHWM")?;
    if let (Some(before), Some(peak)) = (before, peak) {
        say(format_args!("load-server-memory-before {before} KiB"))?;
        say(format_args!("load-server-memory-peak {peak} KiB"))?;
    }
    Ok(())
}

/// Publishes hats of different names, a hundred in a second, and tells each
/// with the time at which it was due: its delay is counted from then, so a
/// publisher that is late itself hides nothing.
async fn publish(sent: UnboundedSender<(String, Instant)>) -> Result<()> {
    let mut publisher = connect().await?;
    let mut clock = interval(PAUSE);
    for number in 0..MESSAGES {
        let due = clock.tick().await;
        let hat = format!("hat{number:05}");
        sent.send((hat.clone(), due))?;
        let heard = publisher.publish("catA", hat).await?;
        ensure!(
            heard == SUBSCRIBERS,
            "the server has {heard} subscribers, not {SUBSCRIBERS}"
        );
    }
    Ok(())
}

/// A line of the server's status in KiB, where a system tells it.
fn server_memory(line: &str) -> Result<Option<u64>> {
    let Ok(id) = env::var("SERVER_PID") else {
        return Ok(None);
    };
    let Ok(status) = fs::read_to_string(format!("/proc/{id}/status")) else {
        return Ok(None);
    };
    let size = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))
        .and_then(|text| text.split_whitespace().next())
        .with_context(|| format!("no {line} in the server's status"))?;
    Ok(Some(size.parse()?))
}
