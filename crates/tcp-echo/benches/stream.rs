//! One client streams 1 GiB to an echo server and back, and compares every
//! byte. With `ECHO_SERVER=PROGRAM` in the environment the same client
//! measures that server: so it does for peers/c-epoll.sh.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

mod common;

/// Not a power of two, so that no buffer's size hides a shifted byte.
const PATTERN: usize = 1_000_003;
const PIECE: usize = 256 * 1024;

fn main() {
    if !common::wanted("stream") {
        return;
    }
    let total = common::setting("STREAM_MIB", 1024) * 1024 * 1024;
    let mut random = fastrand::Rng::with_seed(7);
    let mut pattern = vec![0; PATTERN];
    random.fill(&mut pattern);
    // Twice, so that a piece can begin anywhere in the first.
    pattern.extend_from_within(..);

    // As much at once as the server in C reads.
    let server = common::Server::start(&["--buffer", "65536"]);
    let mut reader = TcpStream::connect(&server.address).expect("connected");
    reader.set_nodelay(true).expect("set");
    let mut writer = reader.try_clone().expect("the same socket");
    let begin = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sent = 0;
            while sent < total {
                let at = sent % PATTERN;
                let length = PIECE.min(total - sent);
                writer.write_all(&pattern[at..at + length]).expect("sent");
                sent += length;
            }
            writer.shutdown(Shutdown::Write).expect("said all");
        });
        let mut piece = vec![0; PIECE];
        let mut received = 0;
        loop {
            let length = reader.read(&mut piece).expect("received");
            if length == 0 {
                break;
            }
            let at = received % PATTERN;
            assert!(piece[..length] == pattern[at..at + length]);
            received += length;
        }
        assert_eq!(received, total);
    });
    let rate = total as f64 / begin.elapsed().as_secs_f64() / 1e6;
    println!("stream {rate:.0} MB/s");
}
