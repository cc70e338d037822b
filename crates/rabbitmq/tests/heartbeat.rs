//! Work that takes longer than the broker waits for a heartbeat. Set
//! RABBITMQ_URL, such as amqp://127.0.0.1:5672, to ask a real broker.

use std::env;
use std::thread;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use lapin::{Channel, Connection, Consumer};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

mod common;
use common::{LIMIT, Server};

#[test]
fn work_that_blocks_the_runtime_loses_its_task() {
    let (url, _stand_in) = broker();
    block_until_the_task_is_lost(&url, "blocking", 1);
}

#[tokio::test]
async fn work_in_another_thread_keeps_it() {
    let (url, _stand_in) = broker();
    let (mine, _tasks, task) = take_a_task(&url, "spawning", 1).await;
    // It takes until the broker has given up a worker whose heartbeat is twice
    // as long, four seconds at least. For this one it waits three at most.
    let work = {
        let url = url.clone();
        move || block_until_the_task_is_lost(&url, "meanwhile", 2)
    };
    spawn_blocking(work).await.unwrap();
    assert!(!get_again(&url, "spawning").await);
    task.ack(Default::default()).await.unwrap();
    mine.0.close(200, "bye".into()).await.unwrap();
    assert!(!get_again(&url, "spawning").await);
}

/// The broker's URL, and what keeps the stand-in alive, if it is one.
fn broker() -> (String, Option<Server>) {
    if let Ok(url) = env::var("RABBITMQ_URL") {
        return (url, None);
    }
    let server = Server::start();
    (server.url(), Some(server))
}

/// Takes a task, and keeps its own thread busy until another worker has it.
#[tokio::main(flavor = "current_thread")]
async fn block_until_the_task_is_lost(url: &str, queue: &str, heartbeat: u8) {
    let (mine, _tasks, task) = take_a_task(url, queue, heartbeat).await;
    // No `await` here: nothing else of this program runs until it is over.
    let again = thread::scope(|scope| {
        let other = scope.spawn(|| wait_for_a_task(url, queue));
        other.join().unwrap()
    });
    // Somebody else has it by now, before this program knows of anything.
    assert!(again);
    // Now it does.
    let late = task.ack(Default::default()).await;
    assert!(!matches!(late, Ok(true)), "{late:?}");
    assert!(!mine.0.status().connected());
}

/// Another worker. Says whether somebody had the task before.
#[tokio::main(flavor = "current_thread")]
async fn wait_for_a_task(url: &str, queue: &str) -> bool {
    let (_connection, channel) = open(url, "").await;
    let how = BasicConsumeOptions {
        no_ack: true,
        ..Default::default()
    };
    let (tag, etc) = Default::default();
    let tasks = channel.basic_consume(queue.into(), tag, how, etc).await;
    let mut tasks = tasks.unwrap();
    let task = timeout(LIMIT, tasks.next()).await.unwrap();
    task.unwrap().unwrap().redelivered
}

/// When the last of it is dropped, lapin closes it, and the task goes back.
type Mine = (Connection, Channel);

async fn open(url: &str, query: &str) -> Mine {
    let url = format!("{url}/%2f{query}");
    let connection = Connection::connect(&url, Default::default());
    let connection = connection.await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// A task in this program's hands, with so many seconds between two
/// heartbeats.
async fn take_a_task(
    url: &str,
    queue: &str,
    heartbeat: u8,
) -> (Mine, Consumer, Delivery) {
    let query = format!("?heartbeat={heartbeat}");
    let (connection, channel) = open(url, &query).await;
    let (how, etc) = Default::default();
    let declared = channel.queue_declare(queue.into(), how, etc).await;
    declared.unwrap();
    let one = BasicQosOptions::default();
    channel.basic_qos(1, one).await.unwrap();
    let (to, how, etc) = Default::default();
    let sent = channel.basic_publish(to, queue.into(), how, b"knit", etc);
    sent.await.unwrap();
    let (tag, how, etc) = Default::default();
    let tasks = channel.basic_consume(queue.into(), tag, how, etc).await;
    let mut tasks = tasks.unwrap();
    let task = tasks.next().await.unwrap().unwrap();
    ((connection, channel), tasks, task)
}

/// Whether another worker finds a task in the queue.
async fn get_again(url: &str, queue: &str) -> bool {
    let (_connection, channel) = open(url, "").await;
    let how = BasicGetOptions { no_ack: true };
    let got = channel.basic_get(queue.into(), how).await.unwrap();
    got.is_some()
}
