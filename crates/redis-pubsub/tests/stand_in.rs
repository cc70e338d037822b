//! The stand-in server, in process: what it says to the byte, its limits,
//! and that one client's trouble stays that client's.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

#[path = "../examples/redis-server/broker.rs"]
mod broker;
use broker::Limits;

/// Nothing here takes nearly as long, unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);

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

    async fn connect(&self) -> Peer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Peer(stream)
    }

    /// Ends the server, which must take no time and be no error.
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

    /// Receives exactly this.
    async fn expect(&mut self, wanted: impl AsRef<[u8]>) {
        let wanted = wanted.as_ref();
        let mut found = vec![0; wanted.len()];
        let mut at = 0;
        while at < found.len() {
            let read = self.0.read(&mut found[at..]);
            let count = timeout(LIMIT, read).await.unwrap().unwrap();
            assert!(count > 0, "closed after {}", show(&found[..at]));
            at += count;
            assert_eq!(show(&found[..at]), show(&wanted[..at]));
        }
    }

    async fn ask(&mut self, command: &str, reply: &str) {
        self.send(line(command)).await;
        self.expect(reply).await;
    }

    async fn read_line(&mut self) -> String {
        let mut line = String::new();
        while !line.ends_with("\r\n") {
            let byte = timeout(LIMIT, self.0.read_u8()).await.unwrap();
            line.push(byte.unwrap().into());
        }
        line
    }

    /// The server has closed: nothing more comes.
    async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let read = self.0.read_to_end(&mut rest);
        timeout(LIMIT, read).await.unwrap().unwrap();
        assert_eq!(show(&rest), "");
    }

    /// Reads to the end, whether that is a close or a reset.
    async fn drain(&mut self) -> usize {
        let mut total = 0;
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let read = self.0.read(&mut bytes);
            match timeout(LIMIT, read).await.unwrap() {
                Ok(0) | Err(_) => return total,
                Ok(count) => total += count,
            }
        }
    }
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// The words of `command` as an array of strings.
fn line(command: &str) -> Vec<u8> {
    array(command.split(' ').map(str::as_bytes))
}

fn array<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut count = 0;
    let mut strings = Vec::new();
    for word in words {
        count += 1;
        strings.extend(format!("${}\r\n", word.len()).bytes());
        strings.extend(word);
        strings.extend(b"\r\n");
    }
    let mut array = format!("*{count}\r\n").into_bytes();
    array.extend(strings);
    array
}

/// A reply of several strings; `kind` is `*` (RESP2) or `>` (RESP3).
fn reply(kind: char, words: &[&str]) -> String {
    let array = array(words.iter().map(|word| word.as_bytes()));
    String::from_utf8(array)
        .unwrap()
        .replacen('*', &kind.to_string(), 1)
}

fn confirmation(kind: char, verb: &str, name: &str, count: usize) -> String {
    let start = reply(kind, &[verb, name]).replacen("2\r\n", "3\r\n", 1);
    format!("{start}:{count}\r\n")
}

fn hello(protocol: u8, id: u32) -> String {
    let map = if protocol == 3 { "%7" } else { "*14" };
    format!(
        "{map}\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n\
         $5\r\n7.2.0\r\n$5\r\nproto\r\n:{protocol}\r\n$2\r\nid\r\n:{id}\r\n\
         $4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n\
         $7\r\nmodules\r\n*0\r\n"
    )
}

#[tokio::test]
async fn resp2_conversation() {
    let server = Server::start(Limits::default()).await;
    let mut sub = server.connect().await;
    let mut publisher = server.connect().await;
    sub.ask("PING", "+PONG\r\n").await;
    sub.ask("hello 2", &hello(2, 1)).await;
    sub.ask("CLIENT GETNAME", "$-1\r\n").await;
    sub.ask("UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n")
        .await;
    sub.send(line("SUBSCRIBE catA catC")).await;
    sub.expect(confirmation('*', "subscribe", "catA", 1)).await;
    sub.expect(confirmation('*', "subscribe", "catC", 2)).await;
    sub.ask(
        "PSUBSCRIBE cat?",
        &confirmation('*', "psubscribe", "cat?", 3),
    )
    .await;
    sub.ask("PING", &reply('*', &["pong", ""])).await;
    sub.ask(
        "CLIENT ID",
        "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / \
         (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
         context\r\n",
    )
    .await;

    publisher.ask("PUBLISH catA hatA", ":2\r\n").await;
    sub.expect(reply('*', &["message", "catA", "hatA"])).await;
    sub.expect(reply('*', &["pmessage", "cat?", "catA", "hatA"]))
        .await;
    publisher.ask("PUBLISH catB hatB", ":1\r\n").await;
    sub.expect(reply('*', &["pmessage", "cat?", "catB", "hatB"]))
        .await;
    publisher.ask("PUBLISH dogA hatB", ":0\r\n").await;
    publisher
        .ask("PUBSUB CHANNELS", &reply('*', &["catA", "catC"]))
        .await;
    publisher
        .ask("PUBSUB CHANNELS *C", &reply('*', &["catC"]))
        .await;
    publisher
        .ask(
            "PUBSUB NUMSUB catA catB",
            "*4\r\n$4\r\ncatA\r\n:1\r\n$4\r\ncatB\r\n:0\r\n",
        )
        .await;
    publisher.ask("PUBSUB NUMPAT", ":1\r\n").await;
    publisher.ask("PUBSUB HELP", "*10\r\n+PUBSUB <sub").await;
    while publisher.read_line().await != "+    Prints this help.\r\n" {}

    sub.ask(
        "PUNSUBSCRIBE",
        &confirmation('*', "punsubscribe", "cat?", 2),
    )
    .await;
    sub.send(line("UNSUBSCRIBE")).await;
    sub.expect(confirmation('*', "unsubscribe", "catA", 1))
        .await;
    sub.expect(confirmation('*', "unsubscribe", "catC", 0))
        .await;
    publisher.ask("PUBLISH catA hatA", ":0\r\n").await;
    sub.ask("ECHO again", "$5\r\nagain\r\n").await;
    sub.ask("QUIT", "+OK\r\n").await;
    sub.expect_end().await;
    server.stop().await;
}

#[tokio::test]
async fn resp3_conversation() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.ask("HELLO 3 SETNAME hatter", &hello(3, 1)).await;
    client.ask("CLIENT GETNAME", "$6\r\nhatter\r\n").await;
    client.ask("CLIENT SETINFO LIB-NAME test", "+OK\r\n").await;
    client.ask("COMMAND DOCS", "%0\r\n").await;
    client
        .ask("SUBSCRIBE catA", &confirmation('>', "subscribe", "catA", 1))
        .await;
    // A RESP3 subscriber may ask anything: messages cannot be mistaken.
    client.ask("CLIENT ID", ":1\r\n").await;
    client.ask("PING", "+PONG\r\n").await;
    client.send(line("PUBLISH catA hatA")).await;
    client
        .expect(reply('>', &["message", "catA", "hatA"]))
        .await;
    client.expect(":1\r\n").await;
    client.ask("RESET", "+RESET\r\n").await;
    client.ask("CLIENT GETNAME", "$-1\r\n").await;
    client.ask("PUBLISH catA hatA", ":0\r\n").await;
    server.stop().await;
}

#[tokio::test]
async fn errors_in_redis_words() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    for (command, error) in [
        (
            "HATS a b",
            "ERR unknown command 'HATS', with args beginning with: 'a' 'b' ",
        ),
        (
            "publish catA",
            "ERR wrong number of arguments for 'publish' command",
        ),
        (
            "client setname",
            "ERR wrong number of arguments for 'client|setname' command",
        ),
        (
            "Client Hats",
            "ERR unknown subcommand 'Hats'. Try CLIENT HELP.",
        ),
        ("HELLO 4", "NOPROTO unsupported protocol version"),
        ("SELECT 16", "ERR DB index is out of range"),
        (
            "AUTH a b",
            "WRONGPASS invalid username-password pair or user is disabled.",
        ),
    ] {
        client.ask(command, &format!("-{error}\r\n")).await;
    }
    // What is quoted cannot end the line and forge a second reply.
    client.send(array([&b"HATS\r\n+OK"[..]])).await;
    client
        .expect(
            "-ERR unknown command 'HATS  +OK', with args beginning with: \r\n",
        )
        .await;
    server.stop().await;
}

#[tokio::test]
async fn inline_commands() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    client.send("\r\n  ping  \n").await;
    client.expect("+PONG\r\n").await;
    client.send("echo \"a \\x41\\n\\\"\"\r\n").await;
    client.expect("$5\r\na A\n\"\r\n").await;
    client.send("echo 'it\\'s'\r\necho \"\"\r\n").await;
    client.expect("$4\r\nit's\r\n$0\r\n\r\n").await;
    client.send("echo \"a\"b\r\n").await;
    let error = "-ERR Protocol error: unbalanced quotes in request\r\n";
    client.expect(error).await;
    client.expect_end().await;
    server.stop().await;
}

#[tokio::test]
async fn password() {
    let server = Server::start(Limits {
        password: Some("secret".into()),
        ..Limits::default()
    })
    .await;
    let wrong =
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    let mut client = server.connect().await;
    let asked = "-NOAUTH Authentication required.\r\n";
    client.ask("PING", asked).await;
    client.ask("SUBSCRIBE catA", asked).await;
    client.ask("AUTH wrong", wrong).await;
    client.ask("HELLO 3 AUTH default wrong", wrong).await;
    client
        .ask("HELLO 3 AUTH default secret", &hello(3, 1))
        .await;
    client.ask("PING", "+PONG\r\n").await;
    client.ask("RESET", "+RESET\r\n").await;
    client.ask("PING", asked).await;
    client.ask("AUTH secret", "+OK\r\n").await;
    client.ask("PING", "+PONG\r\n").await;

    // Strangers may not make the server read much.
    for (bytes, what) in
        [("*11\r\n", "multibulk"), ("*1\r\n$16385\r\n", "bulk")]
    {
        let mut stranger = server.connect().await;
        stranger.send(bytes).await;
        let error =
            format!("-ERR Protocol error: unauthenticated {what} length\r\n");
        stranger.expect(error).await;
        stranger.expect_end().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn split_at_every_byte() {
    let server = Server::start(Limits::default()).await;
    let mut other = server.connect().await;
    let mut bytes = line("SUBSCRIBE catA");
    bytes.extend(b"ping 'a b'\r\n");
    bytes.extend(line("UNSUBSCRIBE catA"));
    bytes.extend(line("ECHO end"));
    let replies = [
        confirmation('*', "subscribe", "catA", 1),
        reply('*', &["pong", "a b"]),
        confirmation('*', "unsubscribe", "catA", 0),
        "$3\r\nend\r\n".into(),
    ]
    .concat();
    for split in 1..bytes.len() {
        let mut client = server.connect().await;
        client.send(&bytes[..split]).await;
        // By the time this is answered the first part has been read.
        other.ask("PING", "+PONG\r\n").await;
        client.send(&bytes[split..]).await;
        client.expect(&replies).await;
    }
    let mut client = server.connect().await;
    for byte in bytes.chunks(1) {
        client.send(byte).await;
        other.ask("PING", "+PONG\r\n").await;
    }
    client.expect(&replies).await;
    server.stop().await;
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    let numbers = 0..10_000;
    let commands: Vec<u8> = numbers
        .clone()
        .flat_map(|number| line(&format!("ECHO {number:05}")))
        .collect();
    let replies: String = numbers
        .map(|number| format!("$5\r\n{number:05}\r\n"))
        .collect();
    client.send(commands).await;
    client.expect(replies).await;
    server.stop().await;
}

#[tokio::test]
async fn patterns() {
    let server = Server::start(Limits::default()).await;
    let mut publisher = server.connect().await;
    for (pattern, heard, unheard) in [
        ("*", "catA", ""),
        ("c?t*", "cat", "ct"),
        ("cat[AC]", "catC", "catB"),
        ("cat[A-C]", "catB", "catD"),
        ("cat[C-A]", "catB", "catD"),
        ("cat[^A-C]", "catD", "catB"),
        ("cat[^", "catA", "cat"),
        ("cat\\*", "cat*", "catA"),
        ("cat[\\]]", "cat]", "cat\\"),
        ("*a*b*c", "a1b2b3cc", "a1b2b3cd"),
        ("cat\\", "cat\\", "cat"),
        ("cat[A", "catA", "catB"),
    ] {
        let mut sub = server.connect().await;
        let confirmed = confirmation('*', "psubscribe", pattern, 1);
        sub.ask(&format!("PSUBSCRIBE {pattern}"), &confirmed).await;
        for (channel, count) in [(unheard, 0), (heard, 1)] {
            let command = format!("PUBLISH {channel} hatA");
            publisher.ask(&command, &format!(":{count}\r\n")).await;
        }
        sub.expect(reply('*', &["pmessage", pattern, heard, "hatA"]))
            .await;
        sub.ask("QUIT", "+OK\r\n").await;
        sub.expect_end().await;
    }
    // A matcher that tries every star again would not end in this life.
    let hard = format!("{}b", "*a".repeat(40));
    let mut sub = server.connect().await;
    let confirmed = confirmation('*', "psubscribe", &hard, 1);
    sub.ask(&format!("PSUBSCRIBE {hard}"), &confirmed).await;
    let long = "a".repeat(128);
    publisher
        .ask(&format!("PUBLISH {long} hatA"), ":0\r\n")
        .await;
    server.stop().await;
}

#[tokio::test]
async fn limits_of_a_command() {
    let server = Server::start(Limits {
        command: 100,
        arguments: 5,
        line: 50,
        ..Limits::default()
    })
    .await;
    let too_many = "invalid multibulk length";
    let too_long = "invalid bulk length";
    for (bytes, error) in [
        ("*6\r\n".into(), too_many),
        ("*9223372036854775808\r\n".into(), too_many),
        (
            "*2\r\n$50\r\n".to_string() + &"x".repeat(50) + "\r\n$51\r\n",
            too_long,
        ),
        ("*1\r\n$999999999999\r\n".into(), too_long),
        ("*1\r\n$-1\r\n".into(), too_long),
        (
            "*".to_string() + &"1".repeat(50),
            "too big mbulk count string",
        ),
        (
            "*1\r\n".to_string() + &"$".repeat(51),
            "too big bulk count string",
        ),
        ("x".repeat(51), "too big inline request"),
        ("*1\r\n*1\r\n".into(), "expected '$', got '*'"),
        ("*x\r\n".into(), too_many),
    ] {
        let mut client = server.connect().await;
        client.send(bytes).await;
        client
            .expect(format!("-ERR Protocol error: {error}\r\n"))
            .await;
        client.expect_end().await;
    }
    // Up to the limit all is well, for each command anew.
    let mut client = server.connect().await;
    for _ in 0..3 {
        let text = "x".repeat(96);
        let echo = format!("$96\r\n{text}\r\n");
        client.ask(&format!("ECHO {text}"), &echo).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn limits_of_a_client() {
    let server = Server::start(Limits {
        clients: 2,
        subscriptions: 2,
        patterns: 1,
        name: 4,
        ..Limits::default()
    })
    .await;
    let mut first = server.connect().await;
    first.send(line("SUBSCRIBE catA")).await;
    first
        .expect(confirmation('*', "subscribe", "catA", 1))
        .await;
    first.send(line("PSUBSCRIBE cat? hatA")).await;
    first
        .expect(confirmation('*', "psubscribe", "cat?", 2))
        .await;
    first.expect("-ERR too many subscriptions\r\n").await;
    first.send(line("SUBSCRIBE catA")).await;
    first
        .expect(confirmation('*', "subscribe", "catA", 2))
        .await;

    let mut second = server.connect().await;
    let error = "-ERR channel name or pattern too long\r\n";
    second.ask("SUBSCRIBE catAB", error).await;
    second.ask("PUBLISH catAB x", error).await;
    second.ask("PUBSUB CHANNELS *****", error).await;
    second.send(line("PSUBSCRIBE cat? cat? hat?")).await;
    for _ in 0..2 {
        let confirmed = confirmation('*', "psubscribe", "cat?", 1);
        second.expect(confirmed).await;
    }
    second.expect("-ERR too many patterns\r\n").await;

    let mut third = server.connect().await;
    third.expect("-ERR max number of clients reached\r\n").await;
    third.expect_end().await;

    // A place that is given up is taken again.
    second.ask("QUIT", "+OK\r\n").await;
    second.expect_end().await;
    drop(second);
    timeout(LIMIT, async {
        loop {
            let mut next = server.connect().await;
            next.0.write_all(&line("PING")).await.unwrap();
            let mut answer = [0; 7];
            let read = next.0.read_exact(&mut answer).await;
            if read.is_ok() && &answer == b"+PONG\r\n" {
                break;
            }
        }
    })
    .await
    .unwrap();
    server.stop().await;
}

#[tokio::test]
async fn hostile_clients_are_alone_with_it() {
    let server = Server::start(Limits::default()).await;
    let mut sub = server.connect().await;
    let mut publisher = server.connect().await;
    sub.ask("SUBSCRIBE catA", &confirmation('*', "subscribe", "catA", 1))
        .await;
    let nested = "*1\r\n".repeat(250_000).into_bytes();
    let hostile: [&[u8]; 12] = [
        b"\x00\xff\xfe\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nPING\r\n",
        b"*1000000000\r\n",
        b"*3\r\n$7\r\nPUBLISH\r\n$4\r\ncatA\r\n$1048577\r\n",
        b"*3\r\n$7\r\nPUBLISH\r\n$4\r\ncatA\r\n$1000000\r\nhalf",
        b"$3\r\nfoo\r\n",
        b"+OK\r\n-ERR\r\n:1\r\n",
        b"*2\r\n$4\r\nECHO\r\n:1\r\n",
        b"\xe2\x82 \"\r\n",
        &nested,
    ];
    for bytes in hostile {
        let mut client = server.connect().await;
        // The server may close before it has read all.
        let _ = timeout(LIMIT, client.0.write_all(bytes)).await.unwrap();
        publisher.ask("PUBLISH catA hatA", ":1\r\n").await;
        sub.expect(reply('*', &["message", "catA", "hatA"])).await;
    }
    server.stop().await;
}

/// As much work as one client can make: the others are still served.
#[tokio::test]
async fn a_busy_client_does_not_hold_up_the_others() {
    let server = Server::start(Limits::default()).await;
    let mut other = server.connect().await;
    other.ask("PING", "+PONG\r\n").await;

    // Each byte of the long name begins a match that fails late.
    let mut listener = server.connect().await;
    for number in 0..1000 {
        let pattern = format!("*{}b{number}", "a".repeat(64));
        listener.send(line(&format!("PSUBSCRIBE {pattern}"))).await;
    }
    let mut publisher = server.connect().await;
    let publish = line(&format!("PUBLISH {} hat", "a".repeat(128)));
    publisher.send(publish.repeat(2000)).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begin = Instant::now();
        other.ask("PING", "+PONG\r\n").await;
        slowest = slowest.max(begin.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    server.stop().await;
}

/// The body of a browser's request must not be taken for commands.
#[tokio::test]
async fn browsers_are_closed() {
    let server = Server::start(Limits::default()).await;
    let mut browser = server.connect().await;
    browser
        .send("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nPING\r\n")
        .await;
    assert_eq!(browser.drain().await, 0);
    server.stop().await;
}

#[tokio::test]
async fn slow_subscriber_is_cut_off_and_the_others_get_all() {
    let server = Server::start(Limits {
        waiting: 256 * 1024,
        ..Limits::default()
    })
    .await;
    let subscribed = confirmation('*', "subscribe", "catA", 1);
    let mut slow = server.connect().await;
    slow.ask("SUBSCRIBE catA", &subscribed).await;
    let mut good = server.connect().await;
    good.ask("SUBSCRIBE catA", &subscribed).await;
    let mut publisher = server.connect().await;

    // More than all buffers of the system between the two take.
    let hat = "hat ".repeat(16 * 1024);
    let publish = array(["PUBLISH", "catA", &hat].map(str::as_bytes));
    let message = reply('*', &["message", "catA", &hat]);
    let messages = 1000;
    let mut cut_off = false;
    for _ in 0..messages {
        publisher.send(&publish).await;
        good.expect(&message).await;
        cut_off |= publisher.read_line().await == ":1\r\n";
    }
    assert!(cut_off, "the slow one is still there");
    let received = slow.drain().await;
    assert!(received < messages * message.len());
    good.ask("PING", &reply('*', &["pong", ""])).await;
    server.stop().await;
}

/// Replies count too: who asks and does not read is cut off.
#[tokio::test]
async fn asking_without_reading() {
    let server = Server::start(Limits {
        waiting: 256 * 1024,
        ..Limits::default()
    })
    .await;
    let mut client = server.connect().await;
    let mut other = server.connect().await;
    let echo = line(&format!("ECHO {}", "x".repeat(64 * 1024)));
    let flood = async { while client.0.write_all(&echo).await.is_ok() {} };
    timeout(LIMIT, flood).await.unwrap();
    other.ask("PING", "+PONG\r\n").await;
    server.stop().await;
}

#[tokio::test]
async fn fan_out_to_two_hundred() {
    let server = Server::start(Limits::default()).await;
    let mut subs = Vec::new();
    for number in 0..200 {
        let mut sub = server.connect().await;
        let mut kind = '*';
        if number % 2 == 0 {
            sub.ask("HELLO 3", &hello(3, number + 1)).await;
            kind = '>';
        }
        let confirmed = confirmation(kind, "subscribe", "catA", 1);
        sub.ask("SUBSCRIBE catA", &confirmed).await;
        subs.push((sub, kind));
    }
    let mut publisher = server.connect().await;
    let hats = (0..50).map(|number| format!("hat{number}"));
    for hat in hats.clone() {
        let command = format!("PUBLISH catA {hat}");
        publisher.ask(&command, ":200\r\n").await;
    }
    for (sub, kind) in &mut subs {
        for hat in hats.clone() {
            sub.expect(reply(*kind, &["message", "catA", &hat])).await;
        }
    }
    drop(subs);
    // Who is gone is soon gone from the table.
    let nobody = async {
        let mut count = String::new();
        while count != ":0\r\n" {
            publisher.send(line("PUBLISH catA hat")).await;
            count = publisher.read_line().await;
        }
    };
    timeout(LIMIT, nobody).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn ends_when_idle() {
    let idle = Duration::from_millis(100);
    let limits = || Limits {
        idle: Some(idle),
        ..Limits::default()
    };
    // Nobody ever came.
    let server = Server::start(limits()).await;
    timeout(LIMIT, server.task).await.unwrap().unwrap().unwrap();

    // A client that is there keeps it, and its going ends it.
    let mut server = Server::start(limits()).await;
    let mut client = server.connect().await;
    client.ask("PING", "+PONG\r\n").await;
    assert!(timeout(idle * 3, &mut server.task).await.is_err());
    client.ask("PING", "+PONG\r\n").await;
    drop(client);
    timeout(LIMIT, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_closes_every_client() {
    let server = Server::start(Limits::default()).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = server.connect().await;
        client.ask("PING", "+PONG\r\n").await;
        clients.push(client);
    }
    server.stop().await;
    for client in &mut clients {
        client.expect_end().await;
    }
}
