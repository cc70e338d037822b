//! Shows which hats the cats wear, from the first entry on.
//! cargo run --example short-stream-read [redis://HOST:PORT]
//! Its partner in Python: python/short_stream_read.py

use anyhow::Context;
use redis::streams::StreamReadOptions;
use redis::{Client, TypedCommands};
use std::env;

fn main() -> anyhow::Result<()> {
    // The server: an argument, a variable, or this machine.
    let url = env::args().nth(1).or(env::var("REDIS_URL").ok());
    let url = url.unwrap_or("redis://127.0.0.1:6379".into());
    let mut server = Client::open(url)?.get_connection()?;

    // Redis keeps the entries. We keep our place: the number
    // of the last entry that we have read.
    let mut place = "0".to_owned();
    println!("Reading from the beginning");
    // 0 milliseconds: wait for entries for ever.
    let wait = StreamReadOptions::default().block(0);
    loop {
        let reply = server.xread_options(&["hats"], &[&place], &wait)?;
        let streams = reply.map_or(vec![], |reply| reply.keys);
        for entry in streams.into_iter().flat_map(|s| s.ids) {
            let cat: String = entry.get("cat").context("no cat")?;
            let hat: String = entry.get("hat").context("no hat")?;
            println!("Read: {cat} wears a {hat}");
            place = entry.id;
        }
    }
}
