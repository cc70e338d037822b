//! 1,000 connections that send random bytes (every other one never reads)
//! and 1,000 that say nothing, while one good client works: its slowest round
//! trip, and the server's memory before, meanwhile and afterwards. Then the
//! same for a short time with a server whose allocator has a single arena: so
//! one sees whether it is the server or the allocator that keeps memory.
//!
//! HOSTILE_CLIENTS=100 HOSTILE_SECONDS=2 cargo bench --bench hostile

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

mod common;

fn main() {
    if common::wanted_once("hostile") {
        tokio::runtime::Runtime::new()
            .expect("a runtime")
            .block_on(run());
    }
}

async fn run() {
    let count = common::setting("HOSTILE_CLIENTS", 1000);
    let duration = common::seconds("HOSTILE_SECONDS", 10);
    rlimit::increase_nofile_limit(2 * count as u64 + 64).expect("a limit");
    let connections = (2 * count + 16).to_string();
    let options = ["--idle", "2", "--connections", &connections];
    let server = common::Server::start(&options);
    let cold = server.memory();
    warm_up(&server, count).await;
    let quiet = Good::start(&server.address);
    sleep(Duration::from_secs(1)).await;
    let (quiet, _) = quiet.stop();
    let before = server.memory();

    let attacked = attack(&server, count, duration).await;
    let after = server.memory();
    attack(&server, count, duration).await;
    let after_two = server.memory();
    drop(server);

    let one_arena = [("MALLOC_ARENA_MAX", "1")];
    let server = common::Server::start_with(&options, &one_arena);
    warm_up(&server, count).await;
    sleep(Duration::from_secs(1)).await;
    let before_one_arena = server.memory();
    attack(&server, count, duration.min(Duration::from_secs(3))).await;
    let after_one_arena = server.memory();

    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!("hostile-slowest-before {:.1} ms", milliseconds(quiet));
    println!("hostile-slowest {:.1} ms", milliseconds(attacked.slowest));
    println!("hostile-round-trips {} round-trips", attacked.trips);
    for (when, memory) in [
        ("cold", cold),
        ("before", before),
        ("during", attacked.memory),
        ("after", after),
        ("after-two", after_two),
        ("before-one-arena", before_one_arena),
        ("after-one-arena", after_one_arena),
    ] {
        println!("hostile-memory-{when} {:.1} MB", memory / 1e6);
    }
}

/// As many ordinary clients first: what an allocator keeps for the next time
/// is no trace of the attack.
async fn warm_up(server: &common::Server, count: usize) {
    let mut ordinary = Vec::new();
    for _ in 0..2 * count {
        let mut stream = connect(&server.address).await;
        stream.write_all(b"?").await.expect("sent");
        stream.read_exact(&mut [0]).await.expect("echoed");
        ordinary.push(stream);
    }
}

struct Attacked {
    slowest: Duration,
    trips: usize,
    memory: f64,
}

async fn attack(
    server: &common::Server,
    count: usize,
    duration: Duration,
) -> Attacked {
    let good = Good::start(&server.address);
    let mut silent = Vec::new();
    let mut random = JoinSet::new();
    for number in 0..count {
        silent.push(connect(&server.address).await);
        let stream = connect(&server.address).await;
        let reads = number % 2 == 0;
        random.spawn(pour(stream, number as u64, reads));
    }
    sleep(duration).await;
    let memory = server.memory();
    let (slowest, trips) = good.stop();
    random.shutdown().await;
    drop(silent);
    // Until the server has let all of them go: the idle limit and a little.
    sleep(Duration::from_secs(3)).await;
    Attacked {
        slowest,
        trips,
        memory,
    }
}

async fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("set");
    stream
}

/// Sends random bytes in pieces of random size until the server has enough.
async fn pour(mut stream: TcpStream, seed: u64, reads: bool) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut echo = vec![0; 4096];
    loop {
        let mut bytes = vec![0; random.usize(1..4096)];
        random.fill(&mut bytes);
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
        if reads {
            let echo = &mut echo[..bytes.len()];
            if stream.read_exact(echo).await.is_err() || *echo != bytes {
                return;
            }
        }
    }
}

/// A client that does all right, in a thread of its own.
struct Good {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(Duration, usize)>,
}

impl Good {
    fn start(address: &str) -> Self {
        let mut stream =
            std::net::TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("set");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut slowest, mut count) = (Duration::ZERO, 0);
            while !stopped.load(Relaxed) {
                let start = Instant::now();
                stream.write_all(b"Are you talking to me?").expect("sent");
                stream.read_exact(&mut [0; 22]).expect("echoed");
                slowest = slowest.max(start.elapsed());
                count += 1;
            }
            (slowest, count)
        });
        Self { stop, thread }
    }

    /// Its slowest round trip, and how many it made.
    fn stop(self) -> (Duration, usize) {
        self.stop.store(true, Relaxed);
        self.thread.join().expect("it does not panic")
    }
}
