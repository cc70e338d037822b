// ANCHOR: all
//! Does tasks, one at a time, until Ctrl-C, and acknowledges each when it is
//! done. Its partner is rabbit-task.
//!
//! cargo run --bin rabbit-worker [amqp://HOST:PORT]

use std::process::ExitCode;

use clap::Parser;
use futures_util::StreamExt;
use lapin::options::{BasicNackOptions, BasicQosOptions};
use lapin::{Connection, Consumer};
use rabbitmq::{
    Broker, Place, Shelf, Steps, TASKS, declare_tasks, knit, shown,
};
use rabbitmq::{finish, parse, say, until_stopped, warn};

/// Does the tasks that rabbit-task sends
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    place: Place,
    /// How many tasks may wait here; 0 for no limit
    #[arg(long, default_value = "1", value_name = "COUNT")]
    prefetch: u16,
    /// Put each hat into this folder, and knit none twice
    #[arg(long, value_name = "FOLDER", value_parser = Shelf::from_path)]
    shelf: Option<Shelf>,
    /// Wait for Enter before each step
    #[arg(long)]
    step: bool,
    /// As for rabbit-task
    #[arg(long, value_name = "COUNT")]
    delivery_limit: Option<u8>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("rabbit-worker", until_stopped(work_on(&parse())).await)
}

// ANCHOR: reconnect
/// Works for ever, on one connection after another.
async fn work_on(options: &Options) -> anyhow::Result<()> {
    let broker = options.place.broker()?;
    let mut steps = Steps::new(options.step);
    let mut open = open(&broker, options)
        .await
        .map_err(|error| broker.cannot_begin(&error))?;
    say("Ready for tasks")?;
    loop {
        let end = work(&mut open.1, options, &mut steps).await?;
        warn(format_args!(
            "rabbit-worker: {end} at {broker}; trying again"
        ));
        // What was not acknowledged goes back into the queue.
        open = broker.again(|| self::open(&broker, options)).await;
        say("Ready again")?;
    }
}
// ANCHOR_END: reconnect

type Open = (Connection, Consumer);

async fn open(broker: &Broker, options: &Options) -> lapin::Result<Open> {
    let (connection, channel) = broker.channel().await?;
    let declared = declare_tasks(&channel, options.delivery_limit);
    broker.answer(declared).await?;
    // ANCHOR: prefetch
    // How many tasks the broker may send us before we acknowledge the first.
    let how = BasicQosOptions::default();
    broker
        .answer(channel.basic_qos(options.prefetch, how))
        .await?;
    let (tag, how, more) = Default::default();
    let consuming = channel.basic_consume(TASKS.into(), tag, how, more);
    let tasks = broker.answer(consuming).await?;
    // ANCHOR_END: prefetch
    Ok((connection, tasks))
}

/// Does tasks until there are no more, and says why.
async fn work(
    tasks: &mut Consumer,
    options: &Options,
    steps: &mut Steps,
) -> anyhow::Result<&'static str> {
    while let Some(task) = tasks.next().await {
        let Ok(task) = task else {
            return Ok("connection lost");
        };
        // ANCHOR: acknowledge
        let again = if task.redelivered { " (again)" } else { "" };
        say(format_args!("Task{again}: {}", shown(&task)))?;
        steps.wait("do it").await?;
        let why = match knit(&task, options.shelf.as_ref()) {
            Ok(done) => {
                say(done)?;
                steps.wait("acknowledge it").await?;
                // Now the broker forgets the task. It gives no answer. If the
                // connection is gone, the next task says so.
                let _ = task.ack(Default::default()).await;
                say("Acknowledged")?;
                continue;
            }
            Err(why) => why,
        };
        // ANCHOR_END: acknowledge
        // ANCHOR: refuse
        warn(format_args!("rabbit-worker: cannot do the task: {why}"));
        let how = BasicNackOptions {
            // Once more. What fails again goes to the dead letters.
            requeue: !task.redelivered,
            ..Default::default()
        };
        let _ = task.nack(how).await;
        say(if how.requeue { "Put back" } else { "Given up" })?;
        // ANCHOR_END: refuse
    }
    Ok("the queue is gone")
}
// ANCHOR_END: all
