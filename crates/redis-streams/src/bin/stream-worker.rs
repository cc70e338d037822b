// ANCHOR: all
//! Does tasks, one at a time, until Ctrl-C, and acknowledges each when it is
//! done. Takes over what other workers have left. Its partner is stream-add.
//!
//! cargo run --bin stream-worker [redis://HOST:PORT] [--name alice]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
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
    /// What Redis calls it: no other's, and the same after a restart
    #[arg(long, default_value = "alice")]
    name: String,
    /// Seconds until a task is taken over: longer than any takes
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

/// Works for ever, on one connection after another.
async fn work_on(options: &Options) -> anyhow::Result<()> {
    let server = Server::from_url(&options.url)?;
    let mut steps = Steps::new(options.step);
    let joined = Membership::join(&server, &options.name, options.idle).await;
    let mut group = joined.map_err(|error| server.cannot("ask", &error))?;
    say("Ready for tasks")?;
    loop {
        let Err(error) = work(&mut group, options, &mut steps).await else {
            continue;
        };
        let error = error.downcast()?;
        group.join_again("stream-worker", &error).await;
        say("Ready again")?;
    }
}

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
    let (text, shown) = (task.text(), printable(task.text()));
    if task.deliveries > options.max_deliveries {
        group.give_up(&task).await?;
        return Ok(say(format_args!("Given up: {shown}"))?);
    }
    let again = if task.deliveries > 1 { " (again)" } else { "" };
    say(format_args!("Task{again}: {shown}"))?;
    steps.wait("do it").await?;
    if !HATS.iter().any(|hat| text.contains(hat)) {
        // Not acknowledged: it comes again.
        warn("stream-worker: cannot do the task: nobody here knows such a hat");
        return Ok(());
    }
    say(format_args!("Done: {shown}"))?;
    steps.wait("acknowledge it").await?;
    Ok(say(match group.acknowledge(&task).await? {
        true => "Acknowledged",
        false => "Acknowledged too late: another worker took it over",
    })?)
}
// ANCHOR_END: work
// ANCHOR_END: all
