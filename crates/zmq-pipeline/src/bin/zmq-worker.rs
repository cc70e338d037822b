// ANCHOR: all
//! Takes tasks from a ventilator, works, and pushes the results on to a
//! sink. Run as many as you like. Its partners are zmq-ventilator and
//! zmq-sink.
//!
//! `cargo run --bin zmq-worker [TASKS] [RESULTS] [--name alice]`

use std::pin::pin;
use std::process::{self, ExitCode};
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Parser;
use futures_util::{FutureExt, Stream};
use tokio::time::{sleep, timeout};
use zeromq::{PullSocket, PushSocket, Socket, SocketEvent};
use zeromq::{SocketRecv, SocketSend, ZmqMessage};
use zmq_pipeline::{Note, Task, a_name, cause, close, connect, gone};
use zmq_pipeline::{finish, has_hung_up, say, seconds, socket_options};
use zmq_pipeline::{stop_signal, unless_stopped, warn};

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
    /// Seconds to wait for the ventilator, and for the sink
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    patience: Duration,
    /// Seconds that the sink may need to take a result, and in the end to
    /// take all; after Ctrl-C, at most 0.4
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    #[arg(value_parser = seconds, allow_negative_numbers = true)]
    linger: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("zmq-worker", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = pin!(stop_signal()?.fuse());
    let mut results = PushSocket::with_options(socket_options());
    let sink_events = results.monitor();
    let done = tokio::select! {
        () = &mut stop => None,
        done = work(&options, &mut results, sink_events) => Some(done),
    };
    // What is done is not lost, also after Ctrl-C, unless it takes too long.
    let closed = close(results, options.linger);
    let sent = unless_stopped(closed, &mut stop).await;
    let done = done.transpose()?;
    if sent != Some(true) {
        bail!(
            "cannot push all results to {}: timed out; the sink says which \
             it misses (see --linger)",
            options.results
        );
    }
    if let Some(done) = done {
        say(format_args!("The ventilator has gone. Tasks done: {done}"))?;
    }
    Ok(())
}

/// Works until the ventilator has gone and all it had sent here is done;
/// says how many tasks that were.
async fn work(
    options: &Options,
    results: &mut PushSocket,
    mut sink_events: impl Stream<Item = SocketEvent> + Unpin,
) -> anyhow::Result<u64> {
    let default = || format!("worker-{}", process::id());
    let name = options.name.clone().unwrap_or_else(default);
    let patience = options.patience;
    connect(results, &options.results, "zmq-sink", patience).await?;
    let mut tasks = PullSocket::with_options(socket_options());
    let mut events = tasks.monitor();
    connect(&mut tasks, &options.tasks, "zmq-ventilator", patience).await?;
    say(format_args!("{name} is ready for tasks"))?;
    let mut done = 0;
    loop {
        // ANCHOR: receive
        // A PULL socket that has lost its last peer waits for ever. Only
        // the monitor tells, and not before the last task was received.
        let received = tokio::select! {
            biased;
            () = gone(&mut sink_events) => return Err(no_sink(options)),
            received = tasks.recv() => received,
            () = gone(&mut events) => return Ok(done),
        };
        // ANCHOR_END: receive
        let task = match received {
            Ok(message) => read(&message),
            Err(error) if has_hung_up(&error) => {
                let cause = cause(&error);
                warn(format_args!("zmq-worker: tasks broke off: {cause}"));
                None
            }
            // It lives, and has more tasks: this is no end of the work.
            Err(error) => bail!(
                "cannot take tasks from {}: {}",
                options.tasks,
                cause(&error)
            ),
        };
        let Some(Task { number, size }) = task else {
            continue;
        };
        say(format_args!("Task {number}: {size} ms"))?;
        // In place of work.
        let size = Duration::from_millis(size.into());
        sleep(size.mul_f64(options.factor)).await;
        let worker = name.clone();
        let note = Note::Done { number, worker };
        // Waits only when the queue is full.
        let sent = timeout(options.linger, results.send(note.into())).await;
        let sent = sent.map_err(|_| {
            anyhow!(
                "cannot push results to {}: timed out; the sink does not \
                 read (see --linger)",
                options.results
            )
        })?;
        sent.map_err(|_| no_sink(options))?;
        done += 1;
    }
}

/// A PUSH socket does not read, so it finds out when writing fails. The
/// result before that was written, and nobody says that it did not arrive.
fn no_sink(options: &Options) -> anyhow::Error {
    anyhow!(
        "cannot push results to {}: connection reset; the sink has gone, and \
         the last results may be lost: begin again",
        options.results
    )
}

fn read(message: &ZmqMessage) -> Option<Task> {
    let skipped =
        |why| warn(format_args!("zmq-worker: message skipped: {why}"));
    Task::read(message).map_err(skipped).ok()
}

/// Reads how many times slower, or faster, a worker is.
fn times(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(times) if (0.001..=1000.0).contains(&times) => Ok(times),
        _ => Err("must be a number from 0.001 to 1000".into()),
    }
}
// ANCHOR_END: all
