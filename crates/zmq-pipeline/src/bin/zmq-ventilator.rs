// ANCHOR: all
//! Hands tasks out to the workers that are connected, in turn, and tells the
//! sink how many there are. Its partners are zmq-worker and zmq-sink.
//!
//! `cargo run --bin zmq-ventilator [TASKS] [SINK] [--workers 2] [--seed 7]`

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::{Parser, value_parser};
use fastrand::Rng;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::time::timeout;
use zeromq::{PushSocket, Socket, SocketEvent, SocketSend, ZmqError};
use zmq_pipeline::{LONGEST_TASK, MOST_TASKS, Note, Task};
use zmq_pipeline::{bind, cause, close, connect, log_event, socket_options};
use zmq_pipeline::{finish, log, say, seconds, stop_signal, unless_stopped};

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
    /// Seconds to wait for the sink, and then for the workers
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    patience: Duration,
    /// Seconds that the workers may need to take a task, and in the end to
    /// take all that are on their way
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    linger: Duration,
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
    let closed = close(workers, options.linger);
    let Some(taken) = unless_stopped(closed, &mut stop).await else {
        return Ok(());
    };
    if !taken {
        bail!(
            "cannot tell whether all tasks were taken: timed out; somebody \
             who is connected does not read, or never greeted (see --linger)"
        );
    }
    let (count, work) = (options.count, work.as_secs_f64());
    say(format_args!(
        "Tasks handed out: {count}, {work:.2} s of work"
    ))?;
    Ok(())
}

/// Puts all tasks into the workers' queues; says how much work that was.
async fn ventilate(
    options: &Options,
    workers: &mut PushSocket,
) -> anyhow::Result<Duration> {
    let linger = options.linger;
    let mut sink = PushSocket::with_options(socket_options());
    connect(&mut sink, &options.sink, "zmq-sink", options.patience).await?;
    let events = workers.monitor();
    let bound = bind(workers, &options.tasks).await?;
    say(format_args!(
        "Waiting for workers: {}. Endpoint: {bound}",
        options.workers
    ))?;
    // All tasks are in somebody's queue a moment after the first: who comes
    // later than that gets none of them.
    gather(options, events).await?;
    // Closed, it is on its way to the sink before any task is to a worker.
    let sent = sink.send(Note::Tasks(options.count).into()).await;
    if sent.is_err() || !close(sink, linger).await {
        bail!(
            "cannot tell the sink at {} how many tasks there are: it does not \
             read, or has gone; start it, and then this again",
            options.sink
        );
    }
    let mut random = options.seed.map_or_else(Rng::new, Rng::with_seed);
    let mut work = Duration::ZERO;
    for number in 1..=options.count {
        let size = random.u32(1..=options.largest);
        work += Duration::from_millis(size.into());
        say(format_args!("Task {number}: {size} ms"))?;
        push(workers, Task { number, size }, linger)
            .await
            .map_err(|why| anyhow!("cannot push task {number}: {why}"))?;
    }
    Ok(work)
}

/// Waits until the workers are there.
async fn gather(
    options: &Options,
    mut events: impl Stream<Item = SocketEvent> + Unpin,
) -> anyhow::Result<()> {
    // ANCHOR: gather
    let (mut count, wanted) = (0, options.workers);
    let all = async {
        while count < wanted
            && let Some(event) = events.next().await
        {
            log_event(&event);
            if matches!(event, SocketEvent::Accepted(..)) {
                count += 1;
                say(format_args!("Worker {count} of {wanted} is there"))?;
            }
        }
        anyhow::Ok(())
    };
    timeout(options.patience, all).await.unwrap_or_else(|_| {
        Err(anyhow!(
            "cannot start with {count} of {wanted} workers: timed out; \
             start more of them, or ask for fewer (see --workers)"
        ))
    })
    // ANCHOR_END: gather
}

/// Hands a task to the worker whose turn it is; waits while that one's queue
/// is full.
async fn push(
    workers: &mut PushSocket,
    task: Task,
    limit: Duration,
) -> Result<(), String> {
    loop {
        let sent = timeout(limit, workers.send(task.into())).await;
        return match sent {
            Ok(Ok(())) => Ok(()),
            // This worker has gone. The next one's turn has come.
            Ok(Err(ZmqError::BufferFull(_))) => continue,
            Ok(Err(ZmqError::ReturnToSender { .. })) => {
                Err("no worker is left; start one, and then this again".into())
            }
            Ok(Err(error)) => Err(cause(&error)),
            Err(_) => Err("timed out; a worker takes no more tasks \
                           (see --linger)"
                .into()),
        };
    }
}
// ANCHOR_END: all
