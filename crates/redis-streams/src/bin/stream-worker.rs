// ANCHOR: all
//! Does tasks, one at a time, until Ctrl-C, and acknowledges each when it is
//! done. Takes over what other workers have left. Its partner is stream-add.
//!
//! cargo run --bin stream-worker [redis://HOST:PORT] [--name alice]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Parser;
use redis::RedisError;
use redis_streams::{HATS, Membership, Server, Steps};
use redis_streams::{
    finish, parse, printable, say, seconds, stop_signal, warn,
};

/// Does the tasks that stream-add adds
#[derive(Parser)]
struct Options {
    /// Where the Redis server is
    #[arg(env = "REDIS_URL", hide_env_values = true)]
    #[arg(default_value = "redis://127.0.0.1:6379")]
    url: String,
    /// What Redis knows it by: its own at each time, the same after a restart
    #[arg(long, default_value = "alice")]
    name: String,
    /// Seconds after which a task that nobody acknowledged is taken over; longer
    /// than any task takes
    #[arg(long, default_value = "30", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    idle: Duration,
    /// How often a task may be handed out before it is given up
    #[arg(long, value_name = "COUNT", default_value = "3")]
    max_deliveries: usize,
    /// Wait for Enter before each step
    #[arg(long)]
    step: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("stream-worker", run(parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = work_on(&options) => result,
    }
}

// ANCHOR: reconnect
/// Works for ever, on one connection after another.
async fn work_on(options: &Options) -> anyhow::Result<()> {
    let server = Server::from_url(&options.url)?;
    let mut steps = Steps::new(options.step);
    let joining = Membership::join(&server, &options.name, options.idle);
    let mut group = joining.await.map_err(|error| {
        anyhow!("cannot begin at {server}: {}", server.explain(&error))
    })?;
    say("Ready for tasks")?;
    loop {
        let end = work(&mut group, options, &mut steps).await;
        // Whatever Redis has against it, a new connection is a new start.
        let error = match end.map_err(anyhow::Error::downcast) {
            Err(Ok(error)) => error,
            Err(Err(other)) => return Err(other),
            Ok(()) => continue,
        };
        let why = server.explain(&error);
        warn(format_args!("stream-worker: {server}: {why}; trying again"));
        let refused = |error: &RedisError| {
            let why = server.explain(error);
            warn(format_args!("stream-worker: {server} refuses: {why}"));
        };
        group.join_again(refused).await;
        say("Ready again")?;
    }
}
// ANCHOR_END: reconnect

// ANCHOR: work
/// Does one task, if there is one.
async fn work(
    group: &mut Membership<'_>,
    options: &Options,
    steps: &mut Steps,
) -> anyhow::Result<()> {
    let Some(task) = group.next().await? else {
        return Ok(());
    };
    let text = task.text();
    let shown = printable(&text);
    if task.deliveries > options.max_deliveries {
        group.give_up(&task).await?;
        say(format_args!("Given up: {shown}"))?;
        return Ok(());
    }
    let again = if task.deliveries > 1 { " (again)" } else { "" };
    say(format_args!("Task{again}: {shown}"))?;
    steps.wait("do it").await?;
    if !HATS.iter().any(|hat| text.contains(hat)) {
        // Not acknowledged: it comes again, here or to another worker.
        warn("stream-worker: cannot do the task: nobody here knows such a hat");
        return Ok(());
    }
    say(format_args!("Done: {shown}"))?;
    steps.wait("acknowledge it").await?;
    match group.acknowledge(&task).await? {
        true => say("Acknowledged")?,
        false => say("Acknowledged too late: another worker has done it")?,
    }
    Ok(())
}
// ANCHOR_END: work
// ANCHOR_END: all
