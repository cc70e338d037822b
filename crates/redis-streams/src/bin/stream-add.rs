// ANCHOR: all
//! Adds tasks to a stream, each a hat to knit. Its partner is stream-worker.
//!
//! cargo run --bin stream-add [redis://HOST:PORT] [--seed 7]

use std::process::ExitCode;

use clap::Parser;
use fastrand::Rng;
use redis::AsyncTypedCommands;
use redis::streams::StreamTrimmingMode::Exact;
use redis::streams::{StreamAddOptions, StreamTrimStrategy};
use redis_streams::{CATS, HATS, REPLY, Server, TASKS};
use redis_streams::{finish, is_refusal, parse, say, stop_signal, warn};

/// Adds tasks for stream-worker
#[derive(Parser)]
struct Options {
    /// Where the Redis server is
    #[arg(env = "REDIS_URL", hide_env_values = true)]
    #[arg(default_value = "redis://127.0.0.1:6379")]
    url: String,
    /// How many tasks to add
    #[arg(long, default_value = "3")]
    count: u64,
    /// Where chance starts: the same number gives the same tasks
    #[arg(long)]
    seed: Option<u64>,
    /// Add this one task instead
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Entries to keep; older ones go, done or not [default: all]
    #[arg(long, value_name = "COUNT")]
    max_length: Option<usize>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("stream-add", run(parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = add(&options) => result,
    }
}

async fn add(options: &Options) -> anyhow::Result<()> {
    let server = Server::from_url(&options.url)?;
    let connected = server.connect(REPLY).await;
    let mut connection =
        connected.map_err(|error| server.cannot("connect to", &error))?;
    let mut random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let one = options.task.as_ref();
    let count = one.map_or(options.count, |_| 1);
    let trimming = options.max_length.map(|most| {
        StreamAddOptions::default()
            .trim(StreamTrimStrategy::maxlen(Exact, most))
    });
    let how = trimming.unwrap_or_default();
    // With it in each id, no two tasks have the same.
    let run = format!("{:016x}", fastrand::u64(..));
    for number in 1..=count {
        let cat = CATS[random.usize(..CATS.len())];
        let hat = HATS[random.usize(..HATS.len())];
        let task = one.cloned().unwrap_or(format!("knit a {hat} for {cat}"));
        say(format_args!("Add: task {number} : {task}"))?;
        let entry = [("id", format!("{run}-{number}")), ("task", task)];
        // ANCHOR: again
        loop {
            match connection.xadd_options(TASKS, "*", &entry, &how).await {
                Ok(_) => break,
                // A refusal is an answer: nothing was added.
                Err(error) if is_refusal(&error) => {
                    return Err(server.cannot("add the task at", &error));
                }
                Err(_) => warn(format_args!(
                    "stream-add: connection to {server} lost; \
                     adding task {number} again"
                )),
            }
            // Redis may have it already. It gets it once more, with the same
            // id in it: better twice than never.
            let open = async || server.connect(REPLY).await;
            connection = server.again("stream-add", open).await;
        }
        // ANCHOR_END: again
    }
    say(format_args!("Tasks added: {count}"))?;
    Ok(())
}
// ANCHOR_END: all
