//! Shows which hats two cats wear, until Ctrl-C.
//! cargo run --example short-redis-sub [redis://HOST:PORT]
//! Its partner in Python: python/short_redis_sub.py

use redis::Client;

fn main() -> anyhow::Result<()> {
    // The server is the first argument, or on this machine.
    let local = "redis://127.0.0.1:6379".to_owned();
    let url = std::env::args().nth(1).unwrap_or(local);
    let mut server = Client::open(url)?.get_connection()?;

    // Ask for two of the four cats. Redis confirms that:
    // what is published from now on reaches us.
    let mut subscription = server.as_pubsub();
    subscription.subscribe(&["catA", "catC"])?;
    println!("Subscribed to catA, catC");

    loop {
        // Its channel is the cat, its payload the hat.
        let message = subscription.get_message()?;
        let cat = message.get_channel_name();
        let hat: String = message.get_payload()?;
        println!("Subscribe: {cat} wears a {hat}");
    }
}
