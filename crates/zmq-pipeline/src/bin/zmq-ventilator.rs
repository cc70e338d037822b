//! Hands tasks out to the workers that are connected, in turn, and tells the
//! sink how many there are. Its partners are zmq-worker and zmq-sink.
//!
//! `cargo run --bin zmq-ventilator [TASKS] [SINK] [--workers 2] [--seed 7]`

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, value_parser};
use fastrand::Rng;
use futures_util::FutureExt;
use zeromq::{PushSocket, Socket};
use zmq_pipeline::{LONGEST_TASK, MOST_TASKS, Sink, Task, Waits, finish};
use zmq_pipeline::{gather, hand_over, log, push, say};
use zmq_pipeline::{socket_options, stop_signal};

/// Hands tasks out to workers, in turn
#[derive(Parser)]
struct Options {
    /// Where to wait for workers; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6791")]
    tasks: String,
    /// Where the sink is
    #[arg(default_value = "tcp://127.0.0.1:6792")]
    sink: String,
    /// How many tasks to hand out
    #[arg(long, value_name = "COUNT", default_value = "100")]
    #[arg(value_parser = value_parser!(u32).range(1..=i64::from(MOST_TASKS)))]
    count: u32,
    /// The most work in a task, in milliseconds; the least is 1
    #[arg(long, value_name = "MILLISECONDS", default_value = "100")]
    #[arg(value_parser = value_parser!(u32).range(1..=i64::from(LONGEST_TASK)))]
    largest: u32,
    /// Where chance starts: the same number gives the same tasks
    #[arg(long)]
    seed: Option<u64>,
    /// How many workers to wait for before the first task
    #[arg(long, value_name = "COUNT", default_value = "1")]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    workers: u32,
    #[command(flatten)]
    waits: Waits,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-ventilator", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let mut stop = pin!(stop_signal()?.fuse());
    let mut workers = PushSocket::with_options(socket_options());
    let ended = tokio::select! {
        () = &mut stop => Ok(None),
        work = ventilate(&options, &mut workers) => work.map(Some),
    };
    let Ok(Some(work)) = ended else {
        // Only lets go of the endpoint: what is in queues may be lost.
        workers.close().await;
        return ended.map(drop);
    };
    if hand_over(workers, options.waits.linger, &mut stop).await? {
        let (count, work) = (options.count, work.as_secs_f64());
        say(format_args!(
            "Tasks handed out: {count}, {work:.2} s of work"
        ))?;
    }
    Ok(())
}

/// Puts all tasks into the workers' queues; says how much work that was.
async fn ventilate(
    options: &Options,
    workers: &mut PushSocket,
) -> anyhow::Result<Duration> {
    let Waits { patience, linger } = options.waits;
    let mut sink = Sink::new(&options.sink, linger);
    sink.connect(patience).await?;
    // All tasks are in somebody's queue a moment after the first: who comes
    // later than that gets none of them.
    gather(workers, &options.tasks, options.workers, patience).await?;
    // Closed, it is on its way to the sink before any task is to a worker.
    sink.announce(options.count).await?;
    let mut random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let mut work = Duration::ZERO;
    for number in 1..=options.count {
        let size = random.u32(1..=options.largest);
        work += Duration::from_millis(size.into());
        say(format_args!("Task {number}: {size} ms"))?;
        push(workers, Task { number, size }, linger).await?;
    }
    Ok(work)
}
