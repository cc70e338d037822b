// ANCHOR: all
//! A subscriber that is too slow is told how many messages it missed.
//! cargo run --example local-slow [CAPACITY]

use anyhow::Context;
use tokio::sync::broadcast::{channel, error::RecvError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let capacity = std::env::args().nth(1).unwrap_or("3".into());
    let capacity: usize = capacity.parse().context("CAPACITY is a number")?;
    anyhow::ensure!((1..=1024).contains(&capacity), "from 1 to 1024");
    let (publisher, mut subscriber) = channel(capacity);
    println!("Capacity: {capacity}");

    // Nobody reads while these are sent: the oldest are overwritten.
    for number in 1..=10 {
        println!("Publish: message {number}");
        publisher.send(number)?;
    }
    drop(publisher);

    // ANCHOR: read
    loop {
        match subscriber.recv().await {
            Ok(number) => println!("Subscribe: message {number}"),
            Err(RecvError::Lagged(missed)) => println!("Missed: {missed}"),
            Err(RecvError::Closed) => return Ok(()),
        }
    }
    // ANCHOR_END: read
}
// ANCHOR_END: all
