//! What Nagle's algorithm does to a message that is written in two parts, to
//! a server that answers when it has both.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

mod common;

fn main() {
    for (job, nodelay) in
        [("two-writes-nagle", false), ("two-writes-nodelay", true)]
    {
        if common::wanted_once(job) {
            println!("{job} {:.0} /s", answers(nodelay));
        }
    }
}

fn answers(nodelay: bool) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the client");
        stream.set_nodelay(true).expect("set");
        let mut message = [0; 7];
        while stream.read_exact(&mut message).is_ok() {
            stream.write_all(b"Yes\n").expect("sent");
        }
    });
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_nodelay(nodelay).expect("set");
    let duration = Duration::from_secs(1);
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < duration {
        stream.write_all(b"Hello").expect("sent");
        stream.write_all(b"!\n").expect("sent");
        stream.read_exact(&mut [0; 4]).expect("answered");
        count += 1;
    }
    let rate = f64::from(count) / begin.elapsed().as_secs_f64();
    drop(stream);
    server.join().expect("it ends with the client");
    rate
}
