//! Sends ten messages in one of four ways; each loses them.
//! cargo run --example rabbit-lost WAY [amqp://HOST:PORT]
//!
//! Ways: left, plain, confirmed, mandatory.

use std::env;

use anyhow::bail;
use lapin::options::{BasicPublishOptions, QueueDeleteOptions};
use lapin::{Confirmation, Connection, ConnectionProperties};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let way = env::args().nth(1).unwrap_or("plain".to_owned());
    let local = "amqp://127.0.0.1:5672".to_owned();
    let url = env::args().nth(2).unwrap_or(local);
    let broker =
        Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = broker.create_channel().await?;
    let (with_queue, confirmed, mandatory) = match way.as_str() {
        // There is a queue, and we leave as soon as we have sent.
        "left" => (true, false, false),
        // There is none. We say goodbye, and wait for the broker's.
        "plain" => (false, false, false),
        // The broker says that it has each message.
        "confirmed" => (false, true, false),
        // It must also return what it has no queue for.
        "mandatory" => (false, true, true),
        _ => bail!("no such way: {way}"),
    };
    if with_queue {
        let (how, more) = Default::default();
        channel.queue_declare("lost".into(), how, more).await?;
    } else {
        let how = QueueDeleteOptions::default();
        channel.queue_delete("lost".into(), how).await?;
    }
    if confirmed {
        channel.confirm_select(Default::default()).await?;
    }

    let (mut acks, mut returned) = (0, 0);
    for number in 1..=10 {
        let task = format!("message {number}");
        println!("Send: {task}");
        let how = BasicPublishOptions {
            mandatory,
            ..Default::default()
        };
        let confirm = channel
            .basic_publish(
                "".into(),
                "lost".into(),
                how,
                task.as_bytes(),
                Default::default(),
            )
            .await?;
        match confirm.await? {
            Confirmation::Ack(None) => acks += 1,
            Confirmation::Ack(Some(_)) => {
                acks += 1;
                returned += 1;
            }
            Confirmation::Nack(_) | Confirmation::NotRequested => {}
        }
    }
    print!("Messages sent: 10");
    if confirmed {
        print!("; confirmed: {acks}");
    }
    if mandatory {
        print!("; returned: {returned}");
    }
    println!();
    if way != "left" {
        broker.close(200, "bye".into()).await?;
    }
    Ok(())
}
