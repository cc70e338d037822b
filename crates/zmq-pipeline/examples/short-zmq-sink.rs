//! Collects ten results, and says who did how many.
//! cargo run --example short-zmq-sink [ENDPOINT]
//! Its partner in Python: python/short_zmq_sink.py

use std::collections::BTreeMap;
use std::time::Instant;

use zeromq::{PullSocket, Socket, SocketRecv};

const RESULTS: &str = "tcp://127.0.0.1:6792";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let endpoint = std::env::args().nth(1);
    let endpoint = endpoint.unwrap_or(RESULTS.into());
    let mut results = PullSocket::new();
    let endpoint = results.bind(&endpoint).await?;
    println!("Waiting for results. Endpoint: {endpoint}");

    // The clock runs from the first result to the last.
    let mut done = BTreeMap::new();
    let mut begin = Instant::now();
    for count in 0..10 {
        let result = results.recv().await?.into_vec();
        if count == 0 {
            begin = Instant::now();
        }
        let [_, name] = &result[..] else { continue };
        *done.entry(name.clone()).or_insert(0) += 1;
    }
    let took = begin.elapsed().as_secs_f64();
    for (name, count) in done {
        println!("{}: {count}", str::from_utf8(&name)?);
    }
    println!("All 10 done in {took:.2} s");
    Ok(())
}
