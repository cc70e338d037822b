//! A publisher and a subscriber in one process.
//! cargo run --example short-local
//! Its partner in Python: python/short_local.py

use tokio::sync::broadcast::channel;

const NEWS: [(&str, &str); 4] = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // Each receiver gets a copy of what is sent from now
    // on, up to 16 messages at a time.
    let (publisher, mut subscriber) = channel(16);
    let listening = tokio::spawn(async move {
        while let Ok((cat, hat)) = subscriber.recv().await {
            // A channel has no topics: choose by hand.
            if matches!(cat, "catA" | "catC") {
                println!("Subscribe: {cat} wears a {hat}");
            }
        }
    });
    let mut sent = 0;
    for (cat, hat) in NEWS {
        sent += 1;
        let news = format!("{cat} wears a {hat}");
        println!("Publish: message {sent} : {news}");
        publisher.send((cat, hat))?;
    }
    // The last publisher goes: the subscriber reads the
    // rest, then its loop ends.
    drop(publisher);
    listening.await?;
    Ok(())
}
