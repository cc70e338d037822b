//! What the page says of tokio's channels.

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, watch};

/// The capacity is rounded up to a power of two.
#[test]
fn a_slow_receiver_is_told_how_many_it_missed() {
    for (capacity, missed) in [(2, 8), (3, 6), (4, 6), (5, 2)] {
        let (sender, mut receiver) = broadcast::channel(capacity);
        for number in 1..=10 {
            sender.send(number).unwrap();
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(missed)));
        for number in missed + 1..=10 {
            assert_eq!(receiver.try_recv(), Ok(number));
        }
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}

#[tokio::test]
async fn nobody_the_late_one_and_the_end() {
    let (sender, receiver) = broadcast::channel(4);
    drop(receiver);
    assert_eq!(sender.send("hatA").unwrap_err().0, "hatA");
    let mut late = sender.subscribe();
    sender.send("hatB").unwrap();
    sender.send("hatC").unwrap();
    drop(sender);
    assert_eq!(late.recv().await, Ok("hatB"));
    assert_eq!(late.recv().await, Ok("hatC"));
    assert_eq!(late.recv().await, Err(RecvError::Closed));
}

#[tokio::test]
async fn watch_keeps_the_newest_only() {
    let (sender, mut receiver) = watch::channel(0);
    assert!(!receiver.has_changed().unwrap());
    for number in 1..=3 {
        sender.send(number).unwrap();
    }
    receiver.changed().await.unwrap();
    assert_eq!(*receiver.borrow_and_update(), 3);
    sender.send(4).unwrap();
    drop(sender);
    receiver.changed().await.unwrap();
    assert_eq!(*receiver.borrow_and_update(), 4);
    assert!(receiver.changed().await.is_err());
}

#[test]
fn a_full_queue_takes_no_more_until_there_is_room() {
    let (sender, mut receiver) = mpsc::channel(2);
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert!(sender.try_send(3).is_err());
    assert_eq!(receiver.try_recv(), Ok(1));
    sender.try_send(3).unwrap();
}
