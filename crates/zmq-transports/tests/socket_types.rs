//! What each type of socket does without a peer, and when its peer does not
//! read: the page's table of types says it, and this shows it.

use std::time::Duration;

use bytes::Bytes;
use tokio::task::yield_now;
use tokio::time::timeout;
use zeromq::{DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket};
use zeromq::{ReqSocket, RouterSocket, SubSocket, XPubSocket, XSubSocket};
use zeromq::{Socket, SocketRecv, SocketSend, ZmqMessage};

/// Who has not gone on after this stands still.
const STILL: Duration = Duration::from_millis(300);

/// No wait is longer, however slow the machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Between two attempts to be heard.
const BEAT: Duration = Duration::from_millis(20);

fn message() -> ZmqMessage {
    Bytes::from_static(&[0; 1000]).into()
}

async fn refusal(socket: &mut impl SocketSend) -> String {
    socket.send(message()).await.unwrap_err().to_string()
}

async fn waits(socket: &mut impl SocketRecv) -> bool {
    timeout(STILL, socket.recv()).await.is_err()
}

#[tokio::test]
async fn without_a_peer() {
    // Those who hand a message to one peer say that there is none.
    let nobody = "Not connected to peers";
    for why in [
        refusal(&mut ReqSocket::new()).await,
        refusal(&mut DealerSocket::new()).await,
        refusal(&mut PushSocket::new()).await,
    ] {
        assert!(why.contains(nobody), "{why}");
    }
    let why = refusal(&mut RepSocket::new()).await;
    assert!(why.contains("No request in progress"), "{why}");
    let mut to_somebody: ZmqMessage = message();
    to_somebody.push_front(Bytes::from_static(b"nobody"));
    let why = RouterSocket::new().send(to_somebody).await.unwrap_err();
    assert!(why.to_string().contains("not found by identity"), "{why}");
    // Those who publish drop it.
    PubSocket::new().send(message()).await.unwrap();
    XPubSocket::new().send(message()).await.unwrap();
    XSubSocket::new().send(message()).await.unwrap();
    // Those who receive wait, but for one that must ask first.
    let why = ReqSocket::new().recv().await.unwrap_err().to_string();
    assert!(why.contains("No request in progress"), "{why}");
    assert!(waits(&mut RepSocket::new()).await);
    assert!(waits(&mut DealerSocket::new()).await);
    assert!(waits(&mut RouterSocket::new()).await);
    assert!(waits(&mut SubSocket::new()).await);
    assert!(waits(&mut XPubSocket::new()).await);
    assert!(waits(&mut XSubSocket::new()).await);
    assert!(waits(&mut PullSocket::new()).await);
}

/// How many messages go out before the sender stands still, or `most`.
async fn sent_until_still(
    sender: &mut impl SocketSend,
    to: Option<&Bytes>,
    most: u32,
) -> u32 {
    for count in 0..most {
        let mut message = message();
        if let Some(identity) = to {
            message.push_front(identity.clone());
        }
        match timeout(STILL, sender.send(message)).await {
            Ok(sent) => sent.unwrap(),
            Err(_) => return count,
        }
    }
    most
}

/// `socket` and its peer, connected over loopback.
async fn connected<A: Socket, B: Socket>() -> (A, B) {
    let (mut bound, mut socket) = (A::new(), B::new());
    let place = bound.bind("tcp://127.0.0.1:0").await.unwrap();
    socket.connect(&place.to_string()).await.unwrap();
    (bound, socket)
}

/// More than the queue and all buffers hold.
const MANY: u32 = 300_000;

#[tokio::test]
async fn when_the_peer_does_not_read() {
    let queue = 100_000;
    let (_pull, mut push) = connected::<PullSocket, PushSocket>().await;
    let count = sent_until_still(&mut push, None, MANY).await;
    assert!((queue..MANY).contains(&count), "PUSH {count}");
    println!("PUSH stands still after {count} messages");

    let (mut router, mut dealer) =
        connected::<RouterSocket, DealerSocket>().await;
    let count = sent_until_still(&mut dealer, None, MANY).await;
    assert!((queue..MANY).contains(&count), "DEALER {count}");
    println!("DEALER stands still after {count} messages");
    let first = router.recv().await.unwrap();
    let who = first.get(0).unwrap();
    let count = sent_until_still(&mut router, Some(who), MANY).await;
    assert!((queue..MANY).contains(&count), "ROUTER {count}");
    println!("ROUTER stands still after {count} messages");

    let (mut xpub, mut sub) = connected::<XPubSocket, SubSocket>().await;
    sub.subscribe("").await.unwrap();
    xpub.recv().await.unwrap();
    let count = sent_until_still(&mut xpub, None, MANY).await;
    assert!(count < MANY, "XPUB {count}");
    println!("XPUB stands still after {count} messages");

    // PUB never does. And as long as its own task gets to run, it does not
    // drop either: if this fails, its queues have an end now.
    let (mut publisher, mut sub) = audience().await;
    for _ in 0..MANY {
        publisher.send(message()).await.unwrap();
        yield_now().await;
    }
    assert_eq!(received(&mut publisher, &mut sub).await, MANY);
}

/// A loop that never yields drops what does not fit into the queue between
/// PUB and the task of its own that sends.
#[tokio::test]
async fn when_a_publisher_does_not_yield() {
    let (mut publisher, mut sub) = audience().await;
    for _ in 0..MANY {
        publisher.send(message()).await.unwrap();
    }
    assert_eq!(received(&mut publisher, &mut sub).await, 100_000);
}

/// A publisher whose subscriber is known to be there.
async fn audience() -> (PubSocket, SubSocket) {
    let (mut publisher, mut sub) = connected::<PubSocket, SubSocket>().await;
    sub.subscribe("").await.unwrap();
    // PUB tells nobody who has subscribed: what arrives does.
    let arrives = async {
        loop {
            publisher.send("Hello!".into()).await.unwrap();
            if timeout(BEAT, sub.recv()).await.is_ok() {
                return;
            }
        }
    };
    timeout(LIMIT, arrives).await.unwrap();
    (publisher, sub)
}

/// How many messages arrive before one that is sent now.
async fn received(publisher: &mut PubSocket, sub: &mut SubSocket) -> u32 {
    // PUB's task makes room for one more.
    yield_now().await;
    publisher.send("That was all.".into()).await.unwrap();
    let all = async {
        let mut count = 0;
        loop {
            let message = sub.recv().await.unwrap();
            match &message.get(0).unwrap()[..] {
                b"That was all." => return count,
                part => count += u32::from(part.len() == 1000),
            }
        }
    };
    timeout(LIMIT, all).await.unwrap()
}
