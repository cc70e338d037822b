//! A gate in front of a real REP, strangers, and a client that goes on
//! talking meanwhile.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use zeromq::{RepSocket, ReqSocket, Socket, SocketRecv, SocketSend};
use zmq_gate::{End, Limits, Passed, Refused, serve};

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);
const READY: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REQ";

struct Gate {
    address: String,
    refused: Receiver<End>,
    end: oneshot::Sender<()>,
    passed: JoinHandle<Passed>,
}

impl Gate {
    async fn before(back: &str, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, refused) = channel();
        let tell = move |_: &str, end: End| sender.send(end).unwrap();
        let (end, ended) = oneshot::channel();
        let shutdown = async { drop(ended.await) };
        let gate = serve(listener, back.into(), limits, tell, shutdown);
        Self {
            address,
            refused,
            end,
            passed: tokio::spawn(gate),
        }
    }

    async fn client(&self) -> ReqSocket {
        let mut client = ReqSocket::new();
        let endpoint = format!("tcp://{}", self.address);
        client.connect(&endpoint).await.unwrap();
        client
    }

    /// A stranger that sends `bytes` and reads until it is hung up on.
    async fn stranger(&self, bytes: &[u8]) {
        let mut stranger = self.connect(bytes).await;
        hung_up(&mut stranger).await;
    }

    async fn connect(&self, bytes: &[u8]) -> TcpStream {
        let mut stranger = TcpStream::connect(&self.address).await.unwrap();
        stranger.write_all(bytes).await.unwrap();
        stranger
    }

    async fn close(self) -> (Passed, Vec<End>) {
        drop(self.end);
        let passed = timeout(LIMIT, self.passed).await.unwrap().unwrap();
        (passed, self.refused.iter().collect())
    }
}

async fn hung_up(stranger: &mut TcpStream) {
    let mut heard = Vec::new();
    // A reset is an end, too: there were bytes that nobody read.
    let _ = timeout(LIMIT, stranger.read_to_end(&mut heard))
        .await
        .expect("should be hung up on");
}

/// A REP that repeats what it hears, and its address.
async fn cat() -> (JoinHandle<()>, String) {
    let mut socket = RepSocket::new();
    let endpoint = socket.bind("tcp://127.0.0.1:0").await.unwrap();
    let cat = tokio::spawn(async move {
        loop {
            let message = socket.recv().await.unwrap();
            socket.send(message).await.unwrap();
        }
    });
    (cat, endpoint.to_string().replace("tcp://", ""))
}

async fn talk(client: &mut ReqSocket, text: &str) {
    let answer = timeout(LIMIT, async {
        client.send(text.into()).await.unwrap();
        client.recv().await.unwrap()
    });
    let answer: String = answer.await.unwrap().try_into().unwrap();
    assert_eq!(answer, text);
}

fn greeted(rest: &[u8]) -> Vec<u8> {
    let mut greeting = [0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting[12..16].copy_from_slice(b"NULL");
    [&greeting[..], READY, rest].concat()
}

fn limits() -> Limits {
    Limits {
        handshake: SHORT,
        stall: SHORT,
        ..Limits::default()
    }
}

/// The REP behind it panics at any error: nothing bad may reach it.
#[tokio::test]
async fn strangers_are_refused_and_the_others_go_on() {
    let (cat, back) = cat().await;
    let gate = Gate::before(&back, Limits::default()).await;
    let mut client = gate.client().await;
    talk(&mut client, "before").await;
    let mut random = fastrand::Rng::with_seed(3);
    let huge = [&b"\x02"[..], &(1u64 << 62).to_be_bytes()].concat();
    let mut expected = Vec::new();
    let refused = End::Refused;
    for round in 0..50 {
        let mut noise = vec![0; random.usize(1..2000)];
        random.fill(&mut noise);
        noise[0] &= 0x7f;
        let bytes = u64::pow(2, 62);
        let limit = Limits::default().message;
        for (stranger, end) in [
            (noise, refused(Refused::NoGreeting)),
            (b"GET / HTTP/1.1\r\n\r\n".into(), {
                refused(Refused::NoGreeting)
            }),
            (greeted(&huge), refused(Refused::TooLong { bytes, limit })),
            (greeted(&[1, 0].repeat(101)), {
                refused(Refused::TooManyParts { limit: 100 })
            }),
            (greeted(b"\x09\0"), refused(Refused::NoFrame)),
        ] {
            gate.stranger(&stranger).await;
            expected.push(end);
        }
        talk(&mut client, &format!("round {round}")).await;
    }
    // Ends in the middle of a message, and in the middle of a greeting.
    for bytes in [&greeted(b"\x01\0\0\x05hel"), &greeted(b"")[..30]] {
        let mut stranger = gate.connect(bytes).await;
        stranger.shutdown().await.unwrap();
        hung_up(&mut stranger).await;
        expected.push(End::CutOff);
    }
    talk(&mut client, "after").await;
    drop(client);
    let (passed, ends) = gate.close().await;
    assert_eq!(ends, expected);
    assert_eq!((passed.messages, passed.refused), (52, 252));
    assert!(!cat.is_finished());
}

#[tokio::test]
async fn messages_up_to_the_limits_come_back() {
    let (_cat, back) = cat().await;
    let gate = Gate::before(&back, Limits::default()).await;
    let mut client = gate.client().await;
    // The empty part before it takes nothing of it.
    talk(&mut client, &"x".repeat(Limits::default().message)).await;
    let part = bytes::Bytes::from("part");
    let parts = vec![part; Limits::default().parts - 1];
    let message = zeromq::ZmqMessage::try_from(parts.clone()).unwrap();
    client.send(message).await.unwrap();
    let answer = timeout(LIMIT, client.recv()).await.unwrap().unwrap();
    assert_eq!(answer.into_vec(), parts);
    client
        .send("x".repeat(Limits::default().message + 1).into())
        .await
        .unwrap();
    assert!(timeout(LIMIT, client.recv()).await.unwrap().is_err());
}

#[tokio::test]
async fn who_is_silent_or_slow_is_hung_up_on() {
    let (_cat, back) = cat().await;
    let gate = Gate::before(&back, limits()).await;
    for begin in [&b""[..], &greeted(b"")[..63], &greeted(b"\x01\0\0\x05h")] {
        gate.stranger(begin).await;
    }
    // A byte now and then is not enough: the whole message has a limit.
    let mut drip = gate.connect(&greeted(b"\0\xff")).await;
    let begin = Instant::now();
    let mut byte = [0];
    while drip.write_all(b"x").await.is_ok() && begin.elapsed() < LIMIT {
        let _ = timeout(SHORT / 10, drip.read_exact(&mut byte)).await;
    }
    assert!(begin.elapsed() < LIMIT);
    let (passed, ends) = gate.close().await;
    let greeting = End::Stalled("its greeting");
    let rest = End::Stalled("the rest of its message");
    let expected = [greeting.clone(), greeting, rest.clone(), rest];
    assert_eq!(ends, expected);
    assert_eq!(passed.messages, 0);
}

/// Between two messages there is no limit.
#[tokio::test]
async fn a_client_that_has_nothing_to_say_stays() {
    let (_cat, back) = cat().await;
    let gate = Gate::before(&back, limits()).await;
    let mut client = gate.client().await;
    talk(&mut client, "hello").await;
    // Three strangers that are hung up on for silence, one after the other.
    for _ in 0..3 {
        gate.stranger(b"").await;
    }
    talk(&mut client, "still here").await;
}

#[tokio::test]
async fn connections_have_a_limit() {
    let (_cat, back) = cat().await;
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let gate = Gate::before(&back, limits).await;
    let mut first = gate.client().await;
    let mut second = pinned(gate.client());
    assert!(timeout(SHORT, &mut second).await.is_err());
    talk(&mut first, "alone").await;
    drop(first);
    let mut second = timeout(LIMIT, second).await.unwrap();
    talk(&mut second, "my turn").await;
}

fn pinned<T>(future: T) -> std::pin::Pin<Box<T>> {
    Box::pin(future)
}

#[tokio::test]
async fn nobody_behind_now_and_somebody_later() {
    // Bound, but not listening: nobody else can take the port.
    let behind = TcpSocket::new_v4().unwrap();
    behind.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let back = behind.local_addr().unwrap().to_string();
    let gate = Gate::before(&back, limits()).await;
    gate.stranger(&greeted(b"")).await;
    let limits = Limits {
        handshake: LIMIT,
        ..limits()
    };
    let patient = Gate::before(&back, limits).await;
    let client = patient.connect(b"").await;
    let behind = behind.listen(8).unwrap();
    timeout(LIMIT, behind.accept()).await.unwrap().unwrap();
    drop(client);
    let (_, ends) = gate.close().await;
    assert_eq!(ends, [End::NobodyBehind]);
}

/// A server that is slow to read is no fault of the peer, and what it gets
/// in the end is whole.
#[tokio::test]
async fn a_slow_server_costs_the_peer_nothing() {
    let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let back = behind.local_addr().unwrap().to_string();
    let gate = Gate::before(&back, limits()).await;
    // Far more than the buffers of the system take.
    let message = [&b"\x02\0\0\0\0\0\x0f\0\0"[..], &[7; 0xf_0000]].concat();
    let stream = greeted(&message.repeat(40));
    let address = gate.address.clone();
    let sent = stream.clone();
    let peer = tokio::spawn(async move {
        let mut peer = TcpStream::connect(&address).await.unwrap();
        peer.write_all(&sent).await.unwrap();
        peer
    });
    let (mut server, _) =
        timeout(LIMIT, behind.accept()).await.unwrap().unwrap();
    // Until then nobody has read anything; the stranger's time is over.
    gate.stranger(b"").await;
    gate.stranger(b"").await;
    let mut heard = vec![0; stream.len()];
    let read = timeout(LIMIT, server.read_exact(&mut heard)).await;
    read.unwrap().unwrap();
    assert!(heard == stream);
    drop(peer.await.unwrap());
    let (passed, ends) = gate.close().await;
    let greeting = End::Stalled("its greeting");
    assert_eq!(ends, [greeting.clone(), greeting]);
    assert_eq!(passed.messages, 40);
}
