//! Takes tasks from a ventilator, works, and pushes the results on to a
//! sink. Run as many as you like. Its partners are zmq-ventilator and
//! zmq-sink.
//!
//! `cargo run --bin zmq-worker [TASKS] [RESULTS] [--name alice]`

use std::pin::pin;
use std::process::{self, ExitCode};
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use futures_util::FutureExt;
use tokio::time::sleep;
use zmq_pipeline::{Note, Sink, Task, Tasks, Waits, a_name, finish};
use zmq_pipeline::{say, stop_signal, times, unless_stopped};

/// Takes tasks, works, and pushes the results on
#[derive(Parser)]
struct Options {
    /// Where the ventilator is
    #[arg(default_value = "tcp://127.0.0.1:6791")]
    tasks: String,
    /// Where the sink is
    #[arg(default_value = "tcp://127.0.0.1:6792")]
    results: String,
    /// What the sink calls this worker [default: worker- and its process id]
    #[arg(long, value_parser = a_name)]
    name: Option<String>,
    /// What the size of a task is multiplied by: 10 makes a slow worker
    #[arg(long, value_name = "TIMES", default_value = "1")]
    #[arg(value_parser = times, allow_negative_numbers = true)]
    factor: f64,
    #[command(flatten)]
    waits: Waits,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-worker", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = pin!(stop_signal()?.fuse());
    let mut sink = Sink::new(&options.results, options.waits.linger);
    let done = tokio::select! {
        () = &mut stop => None,
        done = work(&options, &mut sink) => Some(done),
    };
    // What is done is not lost, also after Ctrl-C, unless it takes too long.
    let sent = unless_stopped(sink.close(), &mut stop).await;
    let done = done.transpose()?;
    ensure!(
        sent == Some(true),
        "cannot push all results to {}: timed out; the sink says which it \
         misses (see --linger)",
        options.results
    );
    if let Some(done) = done {
        say(format_args!("The ventilator has gone. Tasks done: {done}"))?;
    }
    Ok(())
}

/// Works until the ventilator has gone and all it had sent here is done;
/// says how many tasks that were.
async fn work(options: &Options, sink: &mut Sink) -> anyhow::Result<u64> {
    let default = || format!("worker-{}", process::id());
    let name = options.name.clone().unwrap_or_else(default);
    let patience = options.waits.patience;
    sink.connect(patience).await?;
    let mut tasks = Tasks::connect(&options.tasks, patience).await?;
    say(format_args!("{name} is ready for tasks"))?;
    let mut done = 0;
    while let Some(Task { number, size }) = tasks.next(sink).await? {
        say(format_args!("Task {number}: {size} ms"))?;
        // In place of work.
        let size = Duration::from_millis(size.into());
        sleep(size.mul_f64(options.factor)).await;
        let worker = name.clone();
        sink.push(Note::Done { number, worker }).await?;
        done += 1;
    }
    Ok(done)
}
