//! `serve` and its limits.

use std::time::Duration;

#[cfg(target_os = "linux")]
use tcp_echo::connect;
use tcp_echo::{Limits, Served, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);
/// Long enough for nothing to happen, short enough to wait for.
const SHORT: Duration = Duration::from_millis(200);

struct Server {
    address: std::net::SocketAddr,
    shutdown: oneshot::Sender<()>,
    hurry: oneshot::Sender<()>,
    task: JoinHandle<Served>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let (hurry, hurried) = oneshot::channel();
        let hurried = async {
            let _ = hurried.await;
        };
        let task = tokio::spawn(serve(listener, limits, stopped, hurried));
        Self {
            address,
            shutdown,
            hurry,
            task,
        }
    }

    async fn client(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) -> Served {
        self.shutdown.send(()).unwrap();
        timeout(LIMIT, self.task).await.unwrap().unwrap()
    }
}

async fn echo(client: &mut TcpStream, bytes: &[u8]) {
    client.write_all(bytes).await.unwrap();
    let mut echo = vec![0; bytes.len()];
    let read = client.read_exact(&mut echo);
    timeout(LIMIT, read).await.unwrap().unwrap();
    assert_eq!(echo, bytes);
}

/// Waits until the server has closed the connection, one way or another.
async fn closed(client: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = timeout(LIMIT, client.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn every_byte_comes_back_also_after_a_half_close() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let mut random = fastrand::Rng::with_seed(7);
    let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(3_000_000)
        .collect();
    let (mut reader, mut writer) = client.into_split();
    let sent = bytes.clone();
    let sending = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut echo = Vec::new();
    let read = reader.read_to_end(&mut echo);
    timeout(LIMIT, read).await.unwrap().unwrap();
    assert!(echo == bytes);
    sending.await.unwrap();
    let served = server.stop().await;
    assert_eq!(served.to_string(), "Clients served: 1");
}

#[tokio::test]
async fn past_the_limit_a_client_waits_until_another_has_gone() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    echo(&mut one, b"1").await;
    echo(&mut two, b"2").await;
    let mut three = server.client().await;
    three.write_all(b"3").await.unwrap();
    let mut reply = [0];
    let early = timeout(SHORT, three.read(&mut reply)).await;
    assert!(early.is_err(), "served although the server was full");
    drop(one);
    timeout(LIMIT, three.read(&mut reply))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reply, *b"3");
    drop((two, three));
    assert_eq!(server.stop().await.clients, 3);
}

#[tokio::test]
async fn a_limit_of_none_counts_as_one() {
    let limits = Limits {
        connections: 0,
        buffer: 0,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut client = server.client().await;
    echo(&mut client, b"Hello!").await;
    drop(client);
    assert_eq!(server.stop().await.clients, 1);
}

#[tokio::test]
async fn the_silent_and_those_who_do_not_read_are_closed() {
    let limits = Limits {
        idle: SHORT,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut silent = server.client().await;
    closed(&mut silent).await;
    let mut pouring = server.client().await;
    let bytes = vec![0; 65_536];
    let pour = async { while pouring.write_all(&bytes).await.is_ok() {} };
    timeout(LIMIT, pour).await.unwrap();
    let served = server.stop().await;
    assert_eq!((served.silent, served.not_reading), (1, 1));
    assert_eq!(served.clients, 2);
}

#[tokio::test]
async fn a_byte_now_and_then_keeps_a_connection_open() {
    let limits = Limits {
        idle: SHORT * 5,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut client = server.client().await;
    let begin = Instant::now();
    let mut ticks = tokio::time::interval(SHORT / 4);
    while begin.elapsed() < SHORT * 7 {
        ticks.tick().await;
        echo(&mut client, b"?").await;
    }
    drop(client);
    assert_eq!(server.stop().await.silent, 0);
}

#[tokio::test]
async fn shutdown_lets_a_talk_finish_and_refuses_new_ones() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.client().await;
    echo(&mut client, b"before").await;
    let address = server.address;
    let stopping = tokio::spawn(server.stop());
    // It is over with accepting as soon as a connection is refused.
    let begin = Instant::now();
    while TcpStream::connect(address).await.is_ok() {
        assert!(begin.elapsed() < LIMIT);
    }
    echo(&mut client, b"after").await;
    drop(client);
    let served = stopping.await.unwrap();
    assert_eq!((served.cut_off, served.lost), (0, 0));
}

#[tokio::test]
async fn who_stays_longer_than_the_grace_time_is_cut_off() {
    let limits = Limits {
        grace: SHORT,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut client = server.client().await;
    echo(&mut client, b"?").await;
    let begin = Instant::now();
    let served = server.stop().await;
    assert!(begin.elapsed() >= SHORT);
    assert_eq!((served.clients, served.cut_off), (1, 1));
    closed(&mut client).await;
}

#[tokio::test]
async fn whoever_is_in_a_hurry_cuts_the_grace_time_short() {
    let limits = Limits {
        grace: LIMIT * 10,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut client = server.client().await;
    echo(&mut client, b"?").await;
    server.hurry.send(()).unwrap();
    server.shutdown.send(()).unwrap();
    let served = timeout(LIMIT, server.task).await.unwrap().unwrap();
    assert_eq!((served.clients, served.cut_off), (1, 1));
    closed(&mut client).await;
}

/// The first address swallows what comes: its backlog is full.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn each_address_of_a_name_has_its_share_of_the_time() {
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    let full = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::STREAM,
        None,
    );
    let full = full.unwrap();
    full.bind(&any.into()).unwrap();
    full.listen(0).unwrap();
    let silent = full.local_addr().unwrap().as_socket().unwrap();
    let waits = Duration::from_millis(300);
    let mut waiting = Vec::new();
    while let Ok(client) = std::net::TcpStream::connect_timeout(&silent, waits)
    {
        waiting.push(client);
    }
    let listener = TcpListener::bind(any).await.unwrap();
    let there = listener.local_addr().unwrap();
    let limit = Duration::from_secs(2);
    let stream = connect(&[silent, there], limit).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), there);
    let error = connect(&[silent, silent], waits).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}
