//! Round trips per second of one blocking client with a blocking server in a
//! process of its own. The same talk in C: peers/c-sockets.c. Both processes
//! share one core: else the figure would tell where the system happened to
//! put them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

mod common;

const MESSAGE: &[u8; 22] = b"Are you talking to me?";

fn main() {
    if std::env::args().nth(1).as_deref() == Some("client") {
        let address = std::env::args().nth(2).expect("an address");
        return client(&address);
    }
    if !common::wanted("round-trips") {
        return;
    }
    // What is started from here on inherits it.
    if let Some(core) = core_affinity::get_core_ids().unwrap_or_default().pop()
    {
        core_affinity::set_for_current(core);
    }
    // The client is this program once more, as the other process.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one").to_string();
    let program = std::env::current_exe().expect("this program");
    let mut client = std::process::Command::new(program)
        .args(["client", &address])
        .spawn()
        .expect("the client starts");
    let (mut stream, _) = listener.accept().expect("the client");
    let mut buffer = [0; 512];
    loop {
        let length = stream.read(&mut buffer).expect("a message");
        if length == 0 {
            break;
        }
        stream.write_all(&buffer[..length]).expect("an echo");
    }
    assert!(client.wait().expect("it was started").success());
}

fn client(address: &str) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))
        .expect("a socket");
    let address: std::net::SocketAddr = address.parse().expect("an address");
    socket.connect(&address.into()).expect("a connection");
    let mut stream = TcpStream::from(socket);
    round_trips(&mut stream, Duration::from_millis(200));
    let duration = common::seconds("BENCH_SECONDS", 2);
    let rate = round_trips(&mut stream, duration);
    println!("round-trips {rate:.0} /s");
}

fn round_trips(stream: &mut TcpStream, duration: Duration) -> f64 {
    let mut echo = [0; MESSAGE.len()];
    let begin = Instant::now();
    let mut count = 0;
    while count % 100 != 0 || begin.elapsed() < duration {
        stream.write_all(MESSAGE).expect("sent");
        stream.read_exact(&mut echo).expect("echoed");
        assert_eq!(echo, *MESSAGE);
        count += 1;
    }
    f64::from(count) / begin.elapsed().as_secs_f64()
}
