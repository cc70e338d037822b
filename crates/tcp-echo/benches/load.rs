//! 10,000 connections open at once, each echoing once a second for 30 s. The
//! server and this load are processes of their own, since each needs a file
//! descriptor for every connection.
//!
//! LOAD_CONNECTIONS=1000 LOAD_SECONDS=5 cargo bench --bench load

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

mod common;

/// An echo that takes longer is lost.
const LONGEST: Duration = Duration::from_secs(10);

fn main() {
    if common::wanted_once("load") {
        tokio::runtime::Runtime::new()
            .expect("a runtime")
            .block_on(load());
    }
}

async fn load() {
    let wanted = common::setting("LOAD_CONNECTIONS", 10_000);
    let rounds = common::setting("LOAD_SECONDS", 30);
    let allowed = rlimit::increase_nofile_limit(wanted as u64 + 64)
        .expect("the limit can be read");
    let count = wanted.min(allowed as usize - 64);
    if count < wanted {
        eprintln!("the file-descriptor limit allows {count} connections");
    }
    let server = common::Server::start(&["--connections", &count.to_string()]);
    // One round trip first, so that what the server loads once is loaded.
    let mut first = TcpStream::connect(&server.address).await.expect("one");
    echo(&mut first, b"first").await.expect("an echo");
    drop(first);
    let before = server.memory();
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(&server.address)
            .await
            .expect("a connection");
        // With its echo it is known to be accepted.
        echo(&mut stream, b"here").await.expect("an echo");
        streams.push(stream);
    }
    let memory = (server.memory() - before) / count as f64;
    let begin = Instant::now() + Duration::from_secs(1);
    let mut clients = JoinSet::new();
    for (number, mut stream) in streams.into_iter().enumerate() {
        // Spread over the second.
        let offset = Duration::from_secs(1) * number as u32 / count as u32;
        clients.spawn(async move {
            let (mut echoed, mut slowest) = (0, Duration::ZERO);
            for round in 0..rounds {
                let start = begin + offset + Duration::from_secs(round as u64);
                sleep_until(start).await;
                let message = format!("client {number}, round {round}\n");
                let echo = echo(&mut stream, message.as_bytes());
                if timeout(LONGEST, echo).await.is_ok_and(|it| it.is_ok()) {
                    echoed += 1;
                    slowest = slowest.max(start.elapsed());
                }
            }
            (stream, echoed, slowest)
        });
    }
    let (mut open, mut echoed, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    while let Some(client) = clients.join_next().await {
        let (stream, echoes, time) = client.expect("it does not panic");
        // Kept: all connections are open until the last one is done.
        open.push(stream);
        echoed += echoes;
        slowest = slowest.max(time);
    }
    let peak = (server.memory() - before) / count as f64;
    println!("load-connections {count} connections");
    println!("load-echoes {echoed} echoes");
    println!("load-lost {} echoes", count * rounds - echoed);
    println!("load-slowest {:.1} ms", slowest.as_secs_f64() * 1e3);
    println!("load-memory-silent {memory:.0} bytes/connection");
    println!("load-memory-after {peak:.0} bytes/connection");
}

async fn echo(stream: &mut TcpStream, message: &[u8]) -> std::io::Result<()> {
    stream.write_all(message).await?;
    let mut echo = vec![0; message.len()];
    stream.read_exact(&mut echo).await?;
    if echo == message {
        Ok(())
    } else {
        Err(std::io::ErrorKind::InvalidData.into())
    }
}
