//! The echo server, in the process of the test.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use udp_echo::{Counts, Faults, Limits, serve};

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<Counts>>,
}

impl Server {
    async fn start(at: &str, limits: Limits, faults: Faults) -> Self {
        let socket = UdpSocket::bind(at).await.unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve(socket, limits, faults, shutdown));
        Self {
            address,
            stop,
            task,
        }
    }

    async fn stop(self) -> Counts {
        self.stop.send(()).unwrap();
        within(self.task).await.unwrap().unwrap()
    }

    async fn client(&self) -> UdpSocket {
        let any = if self.address.is_ipv4() {
            "127.0.0.1:0"
        } else {
            "[::1]:0"
        };
        let client = UdpSocket::bind(any).await.unwrap();
        client.connect(self.address).await.unwrap();
        client
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("this takes too long")
}

fn limits() -> Limits {
    Limits {
        largest: 65_507,
        held: 1024,
    }
}

async fn echo(client: &UdpSocket, bytes: &[u8]) {
    client.send(bytes).await.unwrap();
    assert_eq!(receive(client).await, bytes);
}

async fn receive(client: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let length = within(client.recv(&mut buffer)).await.unwrap();
    buffer.truncate(length);
    buffer
}

#[tokio::test]
async fn every_client_gets_its_own_back() {
    let server =
        Server::start("127.0.0.1:0", limits(), Faults::default()).await;
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(server.client().await);
    }
    for round in 0..10 {
        for (number, client) in clients.iter().enumerate() {
            let text = format!("client {number}, round {round}");
            client.send(text.as_bytes()).await.unwrap();
            // Not all at once: the server's receive buffer is not endless.
            assert_eq!(receive(client).await, text.as_bytes());
        }
    }
    let counts = server.stop().await;
    assert_eq!((counts.received, counts.echoed), (1000, 1000));
}

#[tokio::test]
async fn any_bytes_and_none() {
    let server =
        Server::start("127.0.0.1:0", limits(), Faults::default()).await;
    let client = server.client().await;
    for bytes in [&b""[..], b"\0", b"\xff\xfe", &[0; 508], &[7; 8000]] {
        echo(&client, bytes).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn ipv6() {
    if UdpSocket::bind("[::1]:0").await.is_err() {
        return; // a machine without it
    }
    let server = Server::start("[::1]:0", limits(), Faults::default()).await;
    echo(&server.client().await, b"Hello!").await;
    server.stop().await;
}

#[tokio::test]
async fn too_long_is_not_answered_and_not_cut() {
    let limits = Limits {
        largest: 10,
        held: 1,
    };
    let server = Server::start("127.0.0.1:0", limits, Faults::default()).await;
    let client = server.client().await;
    client.send(&[1; 11]).await.unwrap();
    client.send(&[2; 5000]).await.unwrap();
    echo(&client, &[3; 10]).await;
    let counts = server.stop().await;
    assert_eq!((counts.too_long, counts.echoed), (2, 1));
}

#[tokio::test]
async fn a_client_that_has_gone_stops_nobody() {
    let faults = Faults {
        late: 100,
        delay: Duration::from_millis(20),
        ..Faults::default()
    };
    let server = Server::start("127.0.0.1:0", limits(), faults).await;
    for _ in 0..50 {
        // The answer meets a port that nobody has any more.
        let client = server.client().await;
        client.send(b"Bye!").await.unwrap();
        drop(client);
    }
    let client = server.client().await;
    for _ in 0..3 {
        echo(&client, b"Hello!").await;
    }
    assert_eq!(server.stop().await.received, 53);
}

#[tokio::test]
async fn a_seed_repeats_its_losses() {
    let mut fates = Vec::new();
    for _ in 0..2 {
        let faults = Faults {
            drop: 40,
            chance: fastrand::Rng::with_seed(1),
            ..Faults::default()
        };
        let server = Server::start("127.0.0.1:0", limits(), faults).await;
        let client = server.client().await;
        for number in 0..50u8 {
            client.send(&[number]).await.unwrap();
        }
        // Then a mark, as often as it takes: what came before it is all.
        let mut buffer = [0; 1];
        let mut arrived = Vec::new();
        loop {
            client.send(&[99]).await.unwrap();
            let wait = Duration::from_millis(50);
            while let Ok(came) = timeout(wait, client.recv(&mut buffer)).await {
                came.unwrap();
                arrived.extend(buffer);
            }
            if arrived.contains(&99) {
                break;
            }
        }
        let counts = server.stop().await;
        assert_eq!(counts.echoed, arrived.len() as u64);
        assert_eq!(counts.dropped + counts.echoed, counts.received);
        arrived.retain(|number| *number < 99);
        fates.push(arrived);
    }
    assert_eq!(fates[0], fates[1]);
    assert!((10..40).contains(&fates[0].len()));
}

#[tokio::test]
async fn what_is_held_back_comes_later_and_is_limited() {
    let faults = Faults {
        late: 100,
        delay: Duration::from_millis(300),
        ..Faults::default()
    };
    let limits = Limits {
        largest: 100,
        held: 2,
    };
    let server = Server::start("127.0.0.1:0", limits, faults).await;
    let client = server.client().await;
    for number in 0..5u8 {
        client.send(&[number]).await.unwrap();
    }
    assert_eq!(receive(&client).await, [0]);
    assert_eq!(receive(&client).await, [1]);
    let counts = server.stop().await;
    assert_eq!((counts.echoed, counts.dropped), (2, 3));
}

#[tokio::test]
async fn a_shutdown_forgets_what_is_held_back() {
    let faults = Faults {
        late: 100,
        delay: Duration::from_secs(3600),
        ..Faults::default()
    };
    let server = Server::start("127.0.0.1:0", limits(), faults).await;
    server.client().await.send(b"Hello!").await.unwrap();
    assert_eq!(server.stop().await.echoed, 0);
}

#[tokio::test]
async fn what_claims_to_come_from_the_server_itself_is_not_answered() {
    for at in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0"] {
        let socket = std::net::UdpSocket::bind(at).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut itself = socket.local_addr().unwrap();
        if itself.ip().is_unspecified() {
            itself.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        // The sender's address is the server's own, as if it were forged.
        socket.send_to(b"echo me", itself).unwrap();
        let socket = UdpSocket::from_std(socket).unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let served = serve(socket, limits(), Faults::default(), shutdown);
        let served = tokio::spawn(served);
        // It goes on for others.
        let client = UdpSocket::bind((itself.ip(), 0)).await.unwrap();
        client.connect(itself).await.unwrap();
        echo(&client, b"Hello!").await;
        stop.send(()).unwrap();
        let counts = within(served).await.unwrap().unwrap();
        assert_eq!((counts.echoed, counts.dropped), (1, 1), "{at}");
    }
}
