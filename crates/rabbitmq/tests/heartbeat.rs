//! Work that takes longer than the broker waits for a heartbeat. Set
//! RABBITMQ_URL, such as amqp://127.0.0.1:5672, to ask a real broker.

use std::env;
use std::thread::sleep;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicGetOptions, BasicQosOptions};
use lapin::{Channel, Connection, Consumer};
use tokio::task::spawn_blocking;

mod common;
use common::Server;

/// Far longer than the second between two heartbeats, and than the three
/// after which RabbitMQ gives a client up.
const WORK: Duration = Duration::from_secs(5);

#[tokio::test]
async fn work_that_blocks_the_runtime_loses_its_task() {
    let broker = Broker::start();
    let (mine, _tasks, task) = broker.take_a_task("blocking").await;
    sleep(WORK);
    // Somebody else has it by now, before this program knows of anything.
    let again = broker.get_again("blocking").await;
    assert!(again.is_some_and(|again| again.redelivered));
    // Now it does.
    let late = task.ack(Default::default()).await;
    assert!(!matches!(late, Ok(true)), "{late:?}");
    assert!(!mine.0.status().connected());
}

#[tokio::test]
async fn work_in_another_thread_keeps_it() {
    let broker = Broker::start();
    let (mine, _tasks, task) = broker.take_a_task("spawning").await;
    spawn_blocking(|| sleep(WORK)).await.unwrap();
    assert!(broker.get_again("spawning").await.is_none());
    task.ack(Default::default()).await.unwrap();
    mine.0.close(200, "bye".into()).await.unwrap();
    assert!(broker.get_again("spawning").await.is_none());
}

/// When the last of it is dropped, lapin closes it, and the task goes back.
type Mine = (Connection, Channel);

struct Broker {
    url: String,
    _stand_in: Option<Server>,
}

impl Broker {
    fn start() -> Self {
        if let Ok(url) = env::var("RABBITMQ_URL") {
            return Self {
                url,
                _stand_in: None,
            };
        }
        let server = Server::start();
        Self {
            url: server.url(),
            _stand_in: Some(server),
        }
    }

    async fn channel(&self, query: &str) -> (Connection, Channel) {
        let url = format!("{}/%2f{query}", self.url);
        let connection = Connection::connect(&url, Default::default());
        let connection = connection.await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// A task in this program's hands, on a connection with a heartbeat a
    /// second.
    async fn take_a_task(&self, queue: &str) -> (Mine, Consumer, Delivery) {
        let (connection, channel) = self.channel("?heartbeat=1").await;
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

    /// What another worker finds in the queue.
    async fn get_again(&self, queue: &str) -> Option<Delivery> {
        let (_connection, channel) = self.channel("").await;
        let how = BasicGetOptions { no_ack: true };
        let got = channel.basic_get(queue.into(), how).await.unwrap();
        got.map(|got| got.delivery)
    }
}
