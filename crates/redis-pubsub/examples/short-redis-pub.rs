//! Publishes which cat wears which hat; counts who hears.
//! cargo run --example short-redis-pub [redis://HOST:PORT]
//! Its partner in Python: python/short_redis_pub.py

use redis::{Client, TypedCommands};

const NEWS: [(&str, &str); 4] = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
];

fn main() -> anyhow::Result<()> {
    // The server is the first argument, or on this machine.
    let local = "redis://127.0.0.1:6379".to_owned();
    let url = std::env::args().nth(1).unwrap_or(local);
    let mut server = Client::open(url)?.get_connection()?;

    let (mut sent, mut heard) = (0, 0);
    for (cat, hat) in NEWS {
        sent += 1;
        let news = format!("{cat} wears a {hat}");
        println!("Publish: message {sent} : {news}");
        // The cat is the channel. Redis answers how many
        // subscribers it passed the message to.
        let receivers = server.publish(cat, hat)?;
        heard += u32::from(receivers > 0);
    }
    let unheard = sent - heard;
    println!(
        "Messages sent: {sent}; \
         heard by somebody: {heard}, by nobody: {unheard}"
    );
    Ok(())
}
