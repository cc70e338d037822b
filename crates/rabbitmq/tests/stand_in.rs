//! The stand-in server, in process: it answers as RabbitMQ 3.10 does (the
//! texts are RabbitMQ's own), keeps its limits, and survives what is sent to
//! it. The frames are made and read by hand, not by the library that it uses.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[path = "../examples/rabbitmq-server/broker.rs"]
mod broker;
use broker::Limits;

/// Nothing here takes nearly as long, unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);
const HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(broker::serve(listener, limits, shutdown));
        Self {
            address,
            stop,
            task,
        }
    }

    async fn raw(&self) -> Peer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Peer(stream)
    }

    /// With a connection and channel 1 open.
    async fn peer(&self) -> Peer {
        let mut peer = self.raw().await;
        peer.send(opening("guest", "/", 0)).await;
        let tune = "tune 2047 131072 60";
        for reply in ["10.10", tune, "10.41", "20.11"] {
            assert_eq!(peer.hear().await, reply);
        }
        peer
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        timeout(LIMIT, self.task).await.unwrap().unwrap().unwrap();
    }
}

struct Peer(TcpStream);

impl Peer {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let write = self.0.write_all(bytes.as_ref());
        timeout(LIMIT, write).await.unwrap().unwrap();
    }

    async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes).await;
        self.hear().await
    }

    async fn all(&mut self, dialogue: &[(Vec<u8>, &str)]) {
        for (question, answer) in dialogue {
            assert_eq!(self.ask(question).await, *answer);
        }
    }

    /// A frame's type, channel and payload.
    async fn frame(&mut self) -> io::Result<(u8, u16, Vec<u8>)> {
        let mut head = [0; 7];
        self.0.read_exact(&mut head).await?;
        let size = number(&mut &head[3..], 4) as usize;
        let mut payload = vec![0; size + 1];
        self.0.read_exact(&mut payload).await?;
        assert_eq!(payload.pop(), Some(0xce));
        Ok((head[0], number(&mut &head[1..], 2) as u16, payload))
    }

    /// What comes next, with its message if it brings one, in a few words.
    async fn hear(&mut self) -> String {
        let frame = timeout(LIMIT, self.frame()).await.unwrap();
        let Ok((kind, channel, payload)) = frame else {
            return "the end".into();
        };
        if kind == 8 {
            return "heartbeat".into();
        }
        assert_eq!(kind, 1);
        let at = &mut &payload[..];
        match (number(at, 2), number(at, 2)) {
            (10, 30) => {
                let (most, size) = (number(at, 2), number(at, 4));
                format!("tune {most} {size} {}", number(at, 2))
            }
            (class @ (10 | 20), 50 | 40) if at.len() > 5 => {
                let (code, why) = (number(at, 2), text(at));
                let ok = if class == 10 { 51 } else { 41 };
                self.send(method(channel, class as u16, ok, &[])).await;
                let what = if class == 10 { "closed " } else { "" };
                format!("{what}{code} {why}")
            }
            (50, 11) => {
                let (_, messages) = (text(at), number(at, 4));
                format!("{messages} messages, {} consumers", number(at, 4))
            }
            (50, 31 | 41) => format!("{} gone", number(at, 4)),
            (60, 30) => format!("cancel {}", text(at)),
            (60, 50) => {
                let (code, why) = (number(at, 2), text(at));
                format!("{code} {why} {}", self.body().await)
            }
            (60, 60) => {
                let (consumer, tag) = (text(at), number(at, 8));
                let again = if at[0] == 1 { " again" } else { "" };
                format!("{consumer} {tag} {}{again}", self.body().await)
            }
            (60, 71) => {
                let tag = number(at, 8);
                let again = if number(at, 1) == 1 { " again" } else { "" };
                let (_, _, left) = (text(at), text(at), number(at, 4));
                format!("{tag} {}{again}, {left} left", self.body().await)
            }
            (60, 72) => "empty".into(),
            (60, 80) => format!("ack {}", number(at, 8)),
            (class, method) => format!("{class}.{method}"),
        }
    }

    /// A body, and the places in which it died.
    async fn body(&mut self) -> String {
        let (kind, _, header) = self.frame().await.unwrap();
        assert_eq!(kind, 2);
        let size = number(&mut &header[4..], 8) as usize;
        let mut body = Vec::new();
        while body.len() < size {
            body.extend(self.frame().await.unwrap().2);
        }
        let mut told = String::from_utf8(body).unwrap();
        let mut rest = &header[..];
        while let Some(at) = rest.windows(6).position(|it| it == b"\x05count") {
            rest = &rest[at + 7..];
            let count = number(&mut rest, 8);
            let at = rest.windows(7).position(|it| it == b"\x05queueS");
            rest = &rest[at.unwrap() + 10..];
            told += &format!(", dead {count} times in {}", text(&mut rest));
        }
        told
    }
}

/// Takes a number of so many bytes.
fn number(from: &mut &[u8], bytes: usize) -> u64 {
    let (number, rest) = from.split_at(bytes);
    *from = rest;
    number
        .iter()
        .fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// Takes a short text.
fn text(from: &mut &[u8]) -> String {
    let length = number(from, 1) as usize;
    let (text, rest) = from.split_at(length);
    *from = rest;
    String::from_utf8(text.to_vec()).unwrap()
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend(payload);
    bytes.push(0xce);
    bytes
}

fn method(channel: u16, class: u16, number: u16, rest: &[&[u8]]) -> Vec<u8> {
    let head = [class.to_be_bytes(), number.to_be_bytes()].concat();
    frame(1, channel, &[&head, &rest.concat()[..]].concat())
}

fn s(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn table(entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| {
        [s(key), b"S".to_vec(), long(value.as_bytes())].concat()
    };
    long(&entries.iter().flat_map(entry).collect::<Vec<u8>>())
}

/// All that a client says until it has channel 1.
fn opening(password: &str, vhost: &str, heartbeat: u16) -> Vec<u8> {
    let mut can = Vec::new();
    for name in ["authentication_failure_close", "consumer_cancel_notify"] {
        can.extend([s(name), b"t\x01".to_vec()].concat());
    }
    let can = [s("capabilities"), b"F".to_vec(), long(&can)].concat();
    let login = long(format!("\0guest\0{password}").as_bytes());
    let hello = [long(&can), s("PLAIN"), login, s("en_US")].concat();
    let mut tune = vec![7, 0xff, 0, 2, 0, 0];
    tune.extend(heartbeat.to_be_bytes());
    [
        HEADER.to_vec(),
        method(0, 10, 11, &[&hello]),
        method(0, 10, 31, &[&tune]),
        method(0, 10, 40, &[&s(vhost), &[0, 0]]),
        open(1),
    ]
    .concat()
}

fn open(channel: u16) -> Vec<u8> {
    method(channel, 20, 10, &[&[0]])
}

const DURABLE: u8 = 2;
const EXCLUSIVE: u8 = 4;
const AUTO_DELETE: u8 = 8;

fn declare(name: &str, flags: u8, arguments: &[(&str, &str)]) -> Vec<u8> {
    method(1, 50, 10, &[&[0, 0], &s(name), &[flags], &table(arguments)])
}

/// Asks whether a queue is there, and what is in it.
fn look(name: &str) -> Vec<u8> {
    declare(name, 1, &[])
}

fn bind(name: &str, exchange: &str, key: &str) -> Vec<u8> {
    let names = [s(name), s(exchange), s(key)].concat();
    method(1, 50, 20, &[&[0, 0], &names, &[0, 0, 0, 0, 0]])
}

fn delete(name: &str, flags: u8) -> Vec<u8> {
    method(1, 50, 40, &[&[0, 0], &s(name), &[flags]])
}

fn purge(name: &str) -> Vec<u8> {
    method(1, 50, 30, &[&[0, 0], &s(name), &[0]])
}

fn exchange(name: &str, kind: &str, flags: u8) -> Vec<u8> {
    let names = [s(name), s(kind)].concat();
    method(1, 40, 10, &[&[0, 0], &names, &[flags, 0, 0, 0, 0]])
}

fn confirms() -> Vec<u8> {
    method(1, 85, 10, &[&[0]])
}

fn message(exchange: &str, key: &str, flags: u8, body: &[u8]) -> Vec<u8> {
    let names = [s(exchange), s(key)].concat();
    let mut header = vec![0, 60, 0, 0];
    header.extend((body.len() as u64).to_be_bytes());
    header.extend([0, 0]);
    let mut bytes = method(1, 60, 40, &[&[0, 0], &names, &[flags]]);
    bytes.extend(frame(2, 1, &header));
    let pieces = body.chunks(100_000);
    bytes.extend(pieces.flat_map(|piece| frame(3, 1, piece)));
    bytes
}

/// To a queue, by its name.
fn to(queue: &str, body: &str) -> Vec<u8> {
    message("", queue, 0, body.as_bytes())
}

fn qos(prefetch: u8, global: u8) -> Vec<u8> {
    method(1, 60, 10, &[&[0, 0, 0, 0, 0, prefetch, global]])
}

fn consume(channel: u16, queue: &str, tag: &str, flags: u8) -> Vec<u8> {
    let names = [s(queue), s(tag)].concat();
    let rest: [&[u8]; 3] = [&[0, 0], &names, &[flags, 0, 0, 0, 0]];
    method(channel, 60, 20, &rest)
}

const NO_ACK: u8 = 1;

fn get(queue: &str, no_ack: u8) -> Vec<u8> {
    method(1, 60, 70, &[&[0, 0], &s(queue), &[no_ack]])
}

fn ack(tag: u64, multiple: u8) -> Vec<u8> {
    method(1, 60, 80, &[&tag.to_be_bytes(), &[multiple]])
}

/// Flags: 1 is multiple, 2 is to put it back.
fn nack(tag: u64, flags: u8) -> Vec<u8> {
    method(1, 60, 120, &[&tag.to_be_bytes(), &[flags]])
}

const NO_QUEUE: &str = "404 NOT_FOUND - no queue 'q' in vhost '/'";
const EMPTY: &str = "0 messages, 0 consumers";
const LOCKED: &str = "405 RESOURCE_LOCKED - cannot obtain exclusive access to \
    locked queue 'q' in vhost '/'. It could be originally declared on another \
    connection or the exclusive property value does not match that of the \
    original declaration.";

#[tokio::test]
async fn a_message_is_lost_confirmed_and_returned() {
    let server = Server::start(Limits::default()).await;
    let mut peer = server.peer().await;
    peer.send(to("q", "hatA")).await;
    let mandatory = message("", "q", 1, b"hatC");
    peer.all(&[
        (confirms(), "85.11"),
        (to("q", "hatB"), "ack 1"),
        (mandatory, "312 NO_ROUTE hatC"),
    ])
    .await;
    assert_eq!(peer.hear().await, "ack 2");
    // Before a queue is bound, messages are gone, and confirmed.
    peer.all(&[
        (exchange("cats", "fanout", 0), "40.11"),
        (message("cats", "", 0, b"hatA"), "ack 3"),
        (declare("q", EXCLUSIVE, &[]), EMPTY),
        (bind("q", "cats", ""), "50.21"),
        (bind("q", "cats", "other"), "50.21"),
        (message("cats", "ignored", 0, b"hatB"), "ack 4"),
        (message("cats", "", 1, b""), "ack 5"),
        (get("q", NO_ACK), "1 hatB, 1 left"),
        (get("q", NO_ACK), "2 , 0 left"),
        (get("q", NO_ACK), "empty"),
        // A direct exchange looks at the key, and no name is the last name.
        (bind("", "amq.direct", ""), "50.21"),
        (message("amq.direct", "q", 1, b"hatC"), "ack 6"),
        (message("amq.direct", "", 1, b"hatD"), "312 NO_ROUTE hatD"),
    ])
    .await;
    assert_eq!(peer.hear().await, "ack 7");
    let none = "404 NOT_FOUND - no exchange 'dogs' in vhost '/'";
    let purged = [(purge("q"), "1 gone"), (message("dogs", "", 0, b""), none)];
    peer.all(&purged).await;
    server.stop().await;
}

#[tokio::test]
async fn mistakes_close_a_channel_and_not_the_connection() {
    let server = Server::start(Limits::default()).await;
    let mut peer = server.peer().await;
    peer.all(&[
        (declare("q", 0, &[]), EMPTY),
        (exchange("x", "fanout", 0), "40.11"),
        (bind("q", "x", ""), "50.21"),
    ])
    .await;
    let wrong = [
        declare("q", DURABLE, &[]),
        declare("q", AUTO_DELETE, &[]),
        declare("q", 0, &[("x-dead-letter-exchange", "dead")]),
        declare("q", EXCLUSIVE, &[]),
        declare("amq.mine", 0, &[]),
        declare("dead", 0, &[("x-dead-letter-routing-key", "k")]),
        look(""),
        get("", 0),
        bind("q", "y", ""),
        bind("no", "y", ""),
        bind("q", "", "k"),
        exchange("x", "direct", 0),
        exchange("x", "fanout", DURABLE),
        exchange("amq.x", "fanout", 0),
        method(1, 40, 20, &[&[0, 0], &s("x"), &[1]]),
        method(1, 40, 20, &[&[0, 0], &s("amq.direct"), &[0]]),
        ack(9, 0),
        ack(9, 1),
        nack(0, 0),
        consume(1, "no", "", 0),
    ];
    let mut texts = include_str!("mistakes.txt").lines();
    for wrong in wrong {
        assert_eq!(Some(&*peer.ask(wrong).await), texts.next());
        assert_eq!(peer.ask(open(1)).await, "20.11");
    }
    assert_eq!(texts.next(), None);
    assert_eq!(peer.ask(look("q")).await, EMPTY);
    server.stop().await;
}

#[tokio::test]
async fn what_the_stand_in_lacks_it_does_not_pretend() {
    let server = Server::start(Limits::default()).await;
    let content = |flags: [u8; 2], properties: &[u8]| {
        let header = [&[0, 60, 0, 0][..], &[0; 8], &flags, properties];
        let publish = message("", "q", 0, b"");
        let method = &publish[..publish.len() - 22];
        [method, &frame(2, 1, &header.concat())].concat()
    };
    for lacking in [
        exchange("x", "topic", 0),
        exchange("x", "headers", 0),
        exchange("x", "fanout", AUTO_DELETE),
        declare("q", 0, &[("x-queue-type", "quorum")]),
        declare("q", 0, &[("x-message-ttl", "1000")]),
        qos(1, 1),
        message("", "q", 2, b""),
        content([0x01, 0], &s("1000")),
        content([0x20, 0], &table(&[("CC", "q")])),
        method(1, 90, 10, &[]),
        method(1, 60, 110, &[&[1]]),
        method(1, 20, 20, &[&[0]]),
    ] {
        let mut peer = server.peer().await;
        let told = peer.ask(lacking).await;
        assert!(told.starts_with("closed 540 NOT_IMPLEMENTED - "), "{told}");
        assert_eq!(peer.hear().await, "the end");
    }
    server.stop().await;
}

#[tokio::test]
async fn messages_are_handed_out_and_come_back() {
    let server = Server::start(Limits::default()).await;
    let mut peer = server.peer().await;
    assert_eq!(peer.ask(declare("q", 0, &[])).await, EMPTY);
    // A has two, B has two, and the rest waits.
    for body in ["0", "1", "2", "3", "4", "5"] {
        peer.send(to("q", body)).await;
    }
    let a = consume(1, "q", "A", 0);
    peer.all(&[(qos(2, 0), "60.11"), (a, "60.21")]).await;
    assert_eq!(peer.hear().await, "A 1 0");
    assert_eq!(peer.hear().await, "A 2 1");
    let mut other = server.peer().await;
    let b = consume(1, "q", "B", 0);
    other.all(&[(qos(2, 0), "60.11"), (b, "60.21")]).await;
    assert_eq!(other.hear().await, "B 1 2");
    assert_eq!(other.hear().await, "B 2 3");
    assert_eq!(other.ask(look("q")).await, "2 messages, 2 consumers");
    // Done: the next. Put back: to its old place, and at once to A again.
    assert_eq!(peer.ask(ack(1, 0)).await, "A 3 4");
    assert_eq!(peer.ask(nack(2, 2)).await, "A 4 1 again");
    // B goes away without a word. A gets what it held, and in its old order.
    drop(other);
    let alone = async {
        while peer.ask(look("q")).await != "3 messages, 1 consumers" {}
    };
    timeout(LIMIT, alone).await.unwrap();
    assert_eq!(peer.ask(ack(4, 1)).await, "A 5 2 again");
    assert_eq!(peer.hear().await, "A 6 3 again");
    // The queue goes, and tells its consumer; what was held is of nobody now.
    peer.send(delete("q", 0)).await;
    assert_eq!(peer.hear().await, "cancel A");
    assert_eq!(peer.hear().await, "1 gone");
    peer.all(&[
        (declare("q", AUTO_DELETE, &[]), EMPTY),
        (open(2), "20.11"),
        (method(2, 60, 10, &[&[0, 0, 0, 0, 0, 1, 0]]), "60.11"),
        (consume(2, "q", "A", 0), "60.21"),
        (method(1, 20, 40, &[&[0, 0, 0, 0, 0, 0, 0]]), "20.41"),
        (open(1), "20.11"),
        (look("q"), "0 messages, 1 consumers"),
        // Deleted with its last consumer.
        (method(2, 60, 30, &[&s("A"), &[0]]), "60.31"),
        (look("q"), NO_QUEUE),
    ])
    .await;
    server.stop().await;
}

#[tokio::test]
async fn dead_letters_tell_where_they_died() {
    let server = Server::start(Limits::default()).await;
    let mut peer = server.peer().await;
    let letters = [
        ("x-dead-letter-exchange", ""),
        ("x-dead-letter-routing-key", "dead"),
    ];
    peer.all(&[
        (declare("q", 0, &letters), EMPTY),
        (
            declare("dead", 0, &[("x-dead-letter-exchange", "amq.fanout")]),
            EMPTY,
        ),
        (bind("q", "amq.fanout", ""), "50.21"),
        (confirms(), "85.11"),
        (to("q", "poison"), "ack 1"),
        (get("q", 0), "1 poison, 0 left"),
    ])
    .await;
    peer.send(nack(1, 0)).await;
    let once = "2 poison, dead 1 times in q, 0 left";
    assert_eq!(peer.ask(get("dead", 0)).await, once);
    peer.send(nack(2, 0)).await;
    let twice = "3 poison, dead 1 times in dead, dead 1 times in q, 0 left";
    assert_eq!(peer.ask(get("q", 0)).await, twice);
    peer.send(nack(0, 1)).await;
    let thrice = "4 poison, dead 2 times in q, dead 1 times in dead, 0 left";
    assert_eq!(peer.ask(get("dead", NO_ACK)).await, thrice);
    server.stop().await;
}

#[tokio::test]
async fn an_exclusive_queue_is_its_connections_own() {
    let server = Server::start(Limits::default()).await;
    let mut owner = server.peer().await;
    let mut other = server.peer().await;
    assert_eq!(owner.ask(declare("q", EXCLUSIVE, &[])).await, EMPTY);
    for wrong in [declare("q", EXCLUSIVE, &[]), get("q", 0), delete("q", 0)] {
        assert_eq!(other.ask(wrong).await, LOCKED);
        assert_eq!(other.ask(open(1)).await, "20.11");
    }
    other.send(to("q", "for you")).await;
    assert_eq!(other.ask(confirms()).await, "85.11");
    let said = [(get("q", NO_ACK), "1 for you, 0 left")];
    owner.all(&said).await;
    // It ends with its connection, before the connection knows.
    let close = method(0, 10, 50, &[&[0, 200, 0, 0, 0, 0, 0]]);
    owner.all(&[(close, "10.51")]).await;
    assert_eq!(owner.hear().await, "the end");
    assert_eq!(other.ask(look("q")).await, NO_QUEUE);
    server.stop().await;
}

#[tokio::test]
async fn frames_have_rules() {
    let server = Server::start(Limits::default()).await;
    for (wrong, code) in [
        (frame(3, 1, &[0; 200_000]), "501 FRAME_ERROR"),
        (
            b"\x01\0\x01\0\0\0\x05\0\x32\0\x0a\0\0".to_vec(),
            "501 FRAME_ERROR",
        ),
        (frame(3, 1, b"x"), "505 UNEXPECTED_FRAME"),
        (frame(9, 1, b"x"), "501 FRAME_ERROR"),
        (frame(8, 1, b""), "505 UNEXPECTED_FRAME"),
        (frame(1, 1, b"\0\x32\0\x0a"), "501 FRAME_ERROR"),
        (frame(1, 1, &[0; 20_000]), "501 FRAME_ERROR"),
        (open(1), "504 CHANNEL_ERROR"),
        (
            method(7, 50, 10, &[&[0, 0], &s("q"), &[0, 0, 0, 0, 0]]),
            "504 CHANNEL_ERROR",
        ),
        (
            method(0, 50, 10, &[&[0, 0], &s("q"), &[0, 0, 0, 0, 0]]),
            "504 CHANNEL_ERROR",
        ),
    ] {
        let mut peer = server.peer().await;
        let told = peer.ask(wrong).await;
        assert!(told.starts_with(&format!("closed {code} - ")), "{told}");
        assert_eq!(peer.hear().await, "the end");
    }
    for first in ["AMQP\0\x01\0\0", "GET / HTTP/1.1\r\n\r\n"] {
        let mut peer = server.raw().await;
        peer.send(first).await;
        let mut told = Vec::new();
        peer.0.read_to_end(&mut told).await.unwrap();
        assert_eq!(told, HEADER);
    }
    for (hello, code) in [
        (
            opening("wrong", "/", 0),
            "closed 403 ACCESS_REFUSED - Login was ",
        ),
        (
            opening("guest", "no", 0),
            "closed 530 NOT_ALLOWED - vhost no not ",
        ),
    ] {
        let mut peer = server.raw().await;
        let mut told = peer.ask(hello).await;
        while !told.starts_with("closed") {
            told = peer.hear().await;
        }
        assert!(told.starts_with(code), "{told}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_silent_are_cut_off() {
    let limits = Limits {
        handshake: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    // One does not even say hello, the other no more after it.
    assert_eq!(server.raw().await.hear().await, "the end");
    let mut peer = server.raw().await;
    let start = Instant::now();
    peer.send(opening("guest", "/", 1)).await;
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "the end") {
        told.push(peer.hear().await);
    }
    let beats = told.iter().filter(|it| *it == "heartbeat").count();
    assert!(beats >= 2, "{told:?}");
    let seconds = start.elapsed().as_secs_f64();
    assert!((1.9..4.0).contains(&seconds), "{seconds}");
    server.stop().await;
}

#[tokio::test]
async fn everything_has_a_limit() {
    let limits = || Limits {
        connections: 2,
        channels: 2,
        queues: 2,
        exchanges: 3,
        bindings: 1,
        consumers: 1,
        length: 2,
        message: 1000,
        memory: 4000,
        ..Limits::default()
    };
    let server = Server::start(limits()).await;
    let made = [(declare("q", 0, &[]), EMPTY), (declare("r", 0, &[]), EMPTY)];
    server.peer().await.all(&made).await;
    let large = message("", "q", 0, &[b'x'; 1001]);
    let half = &message("", "r", 0, &[b'x'; 900])[..];
    for (wrong, told) in [
        ([open(2), open(3)].concat(), "2 channels"),
        (declare("s", 0, &[]), "2 queues"),
        (
            [exchange("x", "fanout", 0), exchange("y", "fanout", 0)].concat(),
            "3 exchanges",
        ),
        (
            [bind("q", "x", ""), bind("r", "x", "")].concat(),
            "1 bindings",
        ),
        (
            [consume(1, "r", "A", 0), consume(1, "r", "B", 0)].concat(),
            "1 consumers",
        ),
        (
            [to("q", "1"), to("q", "2"), to("q", "3")].concat(),
            "2 messages in queue 'q'",
        ),
        (
            large,
            "message size 1001 is larger than configured max size 1000",
        ),
        (
            [half; 5].concat(),
            "all messages together take too much memory",
        ),
    ] {
        let mut peer = server.peer().await;
        let mut last = peer.ask(wrong).await;
        while last.contains('.') {
            last = peer.hear().await;
        }
        assert!(last.ends_with(told), "{last}");
    }
    let mut peers = [server.peer().await, server.peer().await];
    assert_eq!(server.raw().await.hear().await, "the end");
    assert_eq!(peers[1].ask(look("q")).await, "2 messages, 0 consumers");
    server.stop().await;
}

/// One that does not read holds up neither the server nor the others, and its
/// messages wait in their queue.
#[tokio::test]
async fn who_does_not_read_holds_up_nobody() {
    let server = Server::start(Limits::default()).await;
    let mut lazy = server.peer().await;
    let mut peer = server.peer().await;
    assert_eq!(peer.ask(declare("q", 0, &[])).await, EMPTY);
    assert_eq!(lazy.ask(consume(1, "q", "A", NO_ACK)).await, "60.21");
    assert_eq!(peer.ask(confirms()).await, "85.11");
    let large = message("", "q", 0, &[b'x'; 1_000_000]);
    for number in 1..=60 {
        assert_eq!(peer.ask(&large).await, format!("ack {number}"));
    }
    let left = peer.ask(look("q")).await;
    let left: u32 = left.split(' ').next().unwrap().parse().unwrap();
    assert!(left > 30, "{left} wait");
    for number in 1..=60 {
        let told = lazy.hear().await;
        assert!(told.starts_with(&format!("A {number} xxx")));
    }
    assert_eq!(peer.ask(look("q")).await, "0 messages, 1 consumers");
    // It asks and asks, and does not read either: it is no longer read from.
    let asked = async {
        loop {
            lazy.0.write_all(&look("q").repeat(1000)).await.unwrap();
        }
    };
    assert!(timeout(Duration::from_secs(1), asked).await.is_err());
    assert_eq!(peer.ask(look("q")).await, "0 messages, 1 consumers");
    server.stop().await;
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Bytes of memory that this process has in use, where that is known.
fn in_use() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm");
    let pages = pages.unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|it| it.parse().ok());
    pages.unwrap_or(0) * 4096
}

/// Damaged frames: some nonsense that has the form, some without it. How many
/// is in the variable FUZZ.
#[tokio::test]
async fn nothing_that_is_sent_hurts() {
    let wanted = std::env::var("FUZZ").ok().and_then(|it| it.parse().ok());
    let wanted: usize = wanted.unwrap_or(5_000);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, SeqCst);
        hook(panic);
    }));
    let limits = Limits {
        memory: 8 * 1024 * 1024,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut random = fastrand::Rng::with_seed(9);
    let (mut sent, mut talks, mut most) = (0, 0, 0);
    let before = in_use();
    while sent < wanted {
        let mut bytes = opening("guest", "/", 0);
        for _ in 0..random.usize(1..40) {
            bytes.extend(damaged(&mut random));
            sent += 1;
            // After a mistake, nothing counts until the channel is new.
            let close = method(1, 20, 40, &[&[0; 7]]);
            bytes.extend([close, open(1)].concat());
        }
        let mut peer = server.raw().await;
        let end = timeout(LIMIT, async {
            // It may be closed before everything is sent.
            let _ = peer.0.write_all(&bytes).await;
            let _ = peer.0.shutdown().await;
            let _ = tokio::io::copy(&mut peer.0, &mut tokio::io::sink()).await;
        });
        end.await.unwrap();
        let _ = peer.0.set_zero_linger();
        talks += 1;
        most = most.max(in_use());
    }
    println!(
        "{sent} damaged frames in {talks} talks; memory {} KiB, at most {} KiB",
        before / 1024,
        most / 1024
    );
    assert!(most - before < 100 * 1024 * 1024);
    assert_eq!(PANICS.load(SeqCst), 0);
    let mut peer = server.peer().await;
    assert_eq!(peer.ask(declare("alive", 0, &[])).await, EMPTY);
    server.stop().await;
}

fn damaged(random: &mut fastrand::Rng) -> Vec<u8> {
    let names = ["q", "r", "", "dead", "amq.fanout", "amq.gen-x", "x"];
    let a = *random.choice(&names).unwrap();
    let b = *random.choice(&names).unwrap();
    let body = vec![b'x'; random.usize(0..3000)];
    let flags = if random.u8(..3) == 0 {
        random.u8(..)
    } else {
        0
    };
    let letters = [("x-dead-letter-exchange", b)];
    let mut bytes = match random.u8(..18) {
        0 => declare(a, flags, &[]),
        1 => declare(a, flags, &letters),
        2 => bind(a, b, a),
        3 => delete(a, flags),
        4 => purge(a),
        5 => exchange(a, "fanout", flags),
        6 => confirms(),
        7..10 => message(a, b, flags, &body),
        10 => qos(random.u8(..3), 0),
        11 => consume(1, a, b, flags),
        12 => get(a, flags & 1),
        13 => ack(random.u64(..9), flags),
        14 => nack(random.u64(..9), flags),
        15 => open(random.u16(..4)),
        16 => frame(random.u8(..10), random.u16(..3), &body),
        _ => method(1, random.u16(..99), random.u16(..130), &[&body]),
    };
    for _ in 0..random.usize(..5).saturating_sub(2) {
        let at = random.usize(..bytes.len());
        match random.u8(..8) {
            // The bytes that say how long it is.
            0 => bytes[at.min(6)] = random.u8(..),
            1 => bytes.truncate(at.max(1)),
            2 => bytes.insert(at, random.u8(..)),
            _ => bytes[at] ^= 1 << random.u8(..8),
        }
    }
    bytes
}
