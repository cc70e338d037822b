//! Shows which hats the cats wear, from the first entry on.
//! cargo run --example short-stream-read [URL]
//! Its partner in Python: python/short_stream_read.py

use anyhow::Context;
use redis::streams::StreamReadOptions;
use redis::{Client, TypedCommands};
use std::env;

fn main() -> anyhow::Result<()> {
    // The server: an argument, a variable, or this machine.
    let set = env::var("REDIS_URL").ok();
    let local = "redis://127.0.0.1:6379".to_owned();
    let url = env::args().nth(1).or(set).unwrap_or(local);
    let mut server = Client::open(url)?.get_connection()?;

    // Redis keeps the entries. We keep our place: the
    // number of the last entry that we have read.
    let mut place = "0".to_owned();
    println!("Reading from the beginning");
    // 0 milliseconds: wait for entries for ever.
    let how = StreamReadOptions::default().block(0);
    loop {
        let (hats, at) = (["hats"], [&place]);
        let reply = server.xread_options(&hats, &at, &how)?;
        let streams = reply.map_or(vec![], |r| r.keys);
        for entry in streams.iter().flat_map(|s| &s.ids) {
            let field = |name| entry.get::<String>(name);
            let cat = field("cat").context("no cat")?;
            let hat = field("hat").context("no hat")?;
            println!("Read: {cat} wears a {hat}");
            place = entry.id.clone();
        }
    }
}
