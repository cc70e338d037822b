// ANCHOR: all
//! Asks Redis to wait for a task, and gives up before Redis does.
//! cargo run --example stream-impatient [redis://HOST:PORT]
//!
//! It is called alice, as stream-worker is, and works in the same group.

use std::{env, io};

use anyhow::ensure;
use redis::streams::StreamReadOptions;
use redis::{AsyncTypedCommands, Client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = env::args().nth(1).or(env::var("REDIS_URL").ok());
    let url = url.unwrap_or("redis://127.0.0.1:6379".into());
    // ANCHOR: trap
    // With its usual settings, this connection waits 0.5 s for a reply.
    let mut server = Client::open(url)?
        .get_multiplexed_async_connection()
        .await?;
    let made = server.xgroup_create_mkstream("tasks", "workers", "0").await;
    let known = |error: &redis::RedisError| error.code() == Some("BUSYGROUP");
    ensure!(made.as_ref().err().is_none_or(known), "no group");

    let alice = || StreamReadOptions::default().group("workers", "alice");
    let minute = alice().block(60_000);
    let read = server.xread_options(&["tasks"], &[">"], &minute).await;
    if let Err(error) = read {
        println!("Read: {error}");
    }
    // ANCHOR_END: trap

    println!("Press Enter to read again");
    io::stdin().read_line(&mut String::new())?;
    let read = server.xread_options(&["tasks"], &[">"], &alice()).await?;
    println!("Read: {} tasks", read.map_or(0, |read| read.keys.len()));
    let (all, name) = ("-", "alice");
    let pending = server
        .xpending_consumer_count("tasks", "workers", all, "+", 10, name)
        .await?;
    println!("Pending for alice: {}", pending.ids.len());
    Ok(())
}
// ANCHOR_END: all
