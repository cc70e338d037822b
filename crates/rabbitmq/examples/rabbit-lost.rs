// ANCHOR: all
//! Sends ten messages in one of four ways, each of which loses them.
//! cargo run --example rabbit-lost WAY (AMQP_URL says where the broker is)
//!
//! Ways: no-queue, unconfirmed, confirmed, mandatory.

use std::env;
use std::io::{self, Write, stdout};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Confirmation, Connection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let way = env::args().nth(1).unwrap_or_default();
    let local = "amqp://127.0.0.1:5672".to_owned();
    let url = env::var("AMQP_URL").unwrap_or(local);
    let options = Default::default();
    let broker = Connection::connect(&url, options).await?;
    let channel = broker.create_channel().await?;

    // In the other ways nobody has declared the queue.
    if way == "unconfirmed" {
        let (how, etc) = Default::default();
        channel.queue_declare("lost".into(), how, etc).await?;
        println!("Press Enter to send");
        io::stdin().read_line(&mut String::new())?;
    }
    // ANCHOR: confirm
    // From here on the broker answers each message.
    if way == "confirmed" || way == "mandatory" {
        let how = ConfirmSelectOptions::default();
        channel.confirm_select(how).await?;
    }
    let how = BasicPublishOptions {
        // It also returns what no queue takes.
        mandatory: way == "mandatory",
        ..Default::default()
    };
    // ANCHOR_END: confirm

    let (mut confirmed, mut returned) = (0, 0);
    for number in 1..=10 {
        println!("Send: message {number}");
        let news = format!("message {number}");
        let (to, key) = ("".into(), "lost".into());
        let (news, etc) = (news.as_bytes(), Default::default());
        let sent = channel.basic_publish(to, key, how, news, etc);
        let answer = sent.await?.await?;
        confirmed += u8::from(answer.is_ack());
        let came_back = matches!(answer, Confirmation::Ack(Some(_)));
        returned += u8::from(came_back);
    }
    print!("Messages sent: 10");
    if way == "confirmed" || way == "mandatory" {
        print!("; confirmed: {confirmed}");
    }
    if way == "mandatory" {
        print!("; returned: {returned}");
    }
    println!();
    stdout().flush()?;
    // A polite end waits for the broker. This way does not.
    if way != "unconfirmed" {
        broker.close(200, "bye".into()).await?;
    }
    Ok(())
}
// ANCHOR_END: all
