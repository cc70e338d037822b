//! Adds which cat wears which hat to a stream.
//! cargo run --example short-stream-add [URL]
//! Its partner in Python: python/short_stream_add.py

use redis::{Client, TypedCommands};
use std::env;

const NEWS: [(&str, &str); 4] = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
];

fn main() -> anyhow::Result<()> {
    // The server: an argument, a variable, or this machine.
    let set = env::var("REDIS_URL").ok();
    let local = "redis://127.0.0.1:6379".to_owned();
    let url = env::args().nth(1).or(set).unwrap_or(local);
    let mut server = Client::open(url)?.get_connection()?;

    for (cat, hat) in NEWS {
        println!("Add: {cat} wears a {hat}");
        // The star lets Redis number the entry: by its
        // clock, and never lower than one before it.
        let entry = [("cat", cat), ("hat", hat)];
        server.xadd("hats", "*", &entry)?;
    }
    let kept = server.xlen("hats")?;
    println!("Entries in the stream: {kept}");
    Ok(())
}
