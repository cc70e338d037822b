//! The two jobs over each transport, both sides on threads of their own in
//! one process: questions answered one by one, and 8-byte messages pushed
//! one way. The library queues 100,000 messages for each peer, and that
//! cannot be set; the channel and the peers in peers/ are given the same.

use std::env;
use std::process::ExitCode;

use anyhow::Result;
use zmq_transports::{Job, Place, finish, messages, round_trips, say};

const ROUND_TRIPS: Job = Job {
    count: 30_000,
    size: 8,
};
const MESSAGES: Job = Job {
    count: 2_000_000,
    size: 8,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("transports", run().await)
}

async fn run() -> Result<()> {
    // A folder of the runner's, or where cargo is.
    let file = format!("ipc://zmq-{}.sock", std::process::id());
    let mut places = vec![
        ("tcp", Place::Endpoint("tcp://127.0.0.1:0".to_owned())),
        ("channel", Place::Channels),
    ];
    if cfg!(unix) {
        places.insert(1, ("ipc", Place::Endpoint(file)));
    }
    for (name, place) in places {
        let asked = format!("{name}-round-trips");
        if is_wanted(&asked) {
            let latency = round_trips(&place, ROUND_TRIPS).await?;
            let rate = ROUND_TRIPS.count as f64 / latency.total.as_secs_f64();
            say(format_args!("{asked} {rate:.0} /s"))?;
        }
        let pushed = format!("{name}-messages");
        if is_wanted(&pushed) {
            let rate = messages(&place, MESSAGES).await?;
            say(format_args!("{pushed} {rate:.0} messages/s"))?;
        }
    }
    Ok(())
}

/// Whether BENCH_ONLY, if it is set, is a part of the job's name.
fn is_wanted(job: &str) -> bool {
    env::var("BENCH_ONLY").map_or(true, |only| job.contains(&only))
}
