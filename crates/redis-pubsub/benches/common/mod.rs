//! What the benches share.

use std::env;
use std::time::Duration;

use anyhow::{Result, anyhow};
use redis::aio::MultiplexedConnection;
use redis_pubsub::Server;

/// Whoever does not answer in this time is lost.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Whether BENCH_ONLY, if it is set, is a part of the job's name.
pub fn is_wanted(job: &str) -> bool {
    env::var("BENCH_ONLY").map_or(true, |only| job.contains(&only))
}

/// A publisher's connection, made as redis-pub makes it.
pub async fn connect() -> Result<MultiplexedConnection> {
    let server = Server::from_url(&url())?;
    server
        .connect(PATIENCE, PATIENCE, None)
        .await
        .map_err(|error| {
            anyhow!("cannot connect to {server}: {}", server.explain(&error))
        })
}

pub fn url() -> String {
    env::var("REDIS_URL").unwrap_or("redis://127.0.0.1:6379".to_owned())
}
