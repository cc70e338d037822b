//! The topic tree: who hears what, and what listeners may do.

use std::sync::{Arc, Mutex};

use anyhow::bail;
use local_pubsub::{DEEPEST, Error, Subscription, Topics};

type Heard = Arc<Mutex<Vec<String>>>;

fn listen(
    topics: &Topics<u32>,
    topic: &str,
    heard: &Heard,
) -> Subscription<u32> {
    let (name, heard) = (topic.to_owned(), Arc::clone(heard));
    let hear = move |about: &str, message: &u32| {
        heard
            .lock()
            .unwrap()
            .push(format!("{name}<{about}:{message}"));
        Ok(())
    };
    topics.subscribe(topic, hear).unwrap()
}

fn take(heard: &Heard) -> Vec<String> {
    std::mem::take(&mut heard.lock().unwrap())
}

#[test]
fn a_topic_hears_all_below_it_and_nothing_beside_it() {
    let (topics, heard) = (Topics::default(), Heard::default());
    let names = ["", "cat", "cat.A", "cat.A.hat"];
    let _kept = names.map(|name| listen(&topics, name, &heard));
    for (topic, listeners) in [
        ("cat.A.hat", &["", "cat", "cat.A", "cat.A.hat"][..]),
        ("cat.A", &["", "cat", "cat.A"]),
        ("cat", &["", "cat"]),
        ("catA", &[""]),
        ("Cat", &[""]),
        ("cat.B", &["", "cat"]),
    ] {
        let published = topics.publish(topic, &1).unwrap();
        let expected: Vec<String> = listeners
            .iter()
            .map(|one| format!("{one}<{topic}:1"))
            .collect();
        assert_eq!(take(&heard), expected);
        assert_eq!(published.heard, listeners.len());
    }
}

#[test]
fn which_names_are_topics() {
    let topics = Topics::<u32>::default();
    let long = "a".repeat(1000);
    for name in [
        "cat",
        "cat A",
        "_cat",
        "cat-a",
        "1",
        "ünïcode",
        "ALL",
        &long,
    ] {
        assert!(topics.subscribe(name, |_, _| Ok(())).is_ok(), "{name}");
        assert!(topics.publish(name, &1).is_ok(), "{name}");
    }
    for name in [".", "cat..A", ".cat", "cat."] {
        let refused = Error::EmptyPart(name.into());
        assert_eq!(topics.publish(name, &1).err(), Some(refused));
        assert!(topics.subscribe(name, |_, _| Ok(())).is_err(), "{name}");
    }
    // Whoever subscribes to it hears everything; nothing is about it.
    assert!(topics.publish("", &1).is_err());
}

#[test]
fn a_subscription_ends_with_its_handle() {
    let (topics, heard) = (Topics::default(), Heard::default());
    let (first, second) = (
        listen(&topics, "cat", &heard),
        listen(&topics, "cat", &heard),
    );
    // Two handles are two subscriptions.
    assert_eq!(topics.publish("cat", &1).unwrap().heard, 2);
    drop(first);
    assert_eq!(topics.publish("cat", &2).unwrap().heard, 1);
    drop(second);
    assert_eq!(topics.publish("cat", &3).unwrap().heard, 0);
    assert_eq!(take(&heard), ["cat<cat:1", "cat<cat:1", "cat<cat:2"]);
    // A handle may outlive the topics.
    let kept = listen(&topics, "cat", &heard);
    drop(topics);
    drop(kept);
}

#[test]
fn one_that_fails_keeps_the_message_from_nobody() {
    let (topics, heard) = (Topics::default(), Heard::default());
    let _fails = topics.subscribe("cat", |_, _| bail!("no room")).unwrap();
    let _hears = listen(&topics, "cat", &heard);
    let published = topics.publish("cat", &1).unwrap();
    assert_eq!(take(&heard), ["cat<cat:1"]);
    assert_eq!(published.failures[0].to_string(), "no room");
}

#[test]
fn listeners_may_leave_end_others_and_bring_others_in() {
    let topics = Arc::new(Topics::default());
    let heard = Heard::default();
    let others = Arc::new(Mutex::new(Vec::new()));
    let (theirs, weak) = (Arc::clone(&others), Arc::downgrade(&topics));
    let theirs_heard = Arc::clone(&heard);
    let ends = topics.subscribe("cat", move |_, _| {
        let topics = weak.upgrade().unwrap();
        let new = listen(&topics, "cat", &theirs_heard);
        // The handle of this listener is among those that are dropped.
        let dropped =
            std::mem::replace(&mut *theirs.lock().unwrap(), vec![new]);
        drop(dropped);
        Ok(())
    });
    let second = listen(&topics, "cat", &heard);
    others.lock().unwrap().extend([ends.unwrap(), second]);
    // The second had gone before its turn; the new one came too late.
    assert_eq!(topics.publish("cat", &1).unwrap().heard, 1);
    assert_eq!(topics.publish("cat", &2).unwrap().heard, 1);
    assert_eq!(take(&heard), ["cat<cat:2"]);
    others.lock().unwrap().clear();
}

#[test]
fn what_a_listener_publishes_is_delivered_inside_and_not_without_end() {
    let topics = Arc::new(Topics::default());
    let heard = Heard::default();
    let (weak, into) = (Arc::downgrade(&topics), Arc::clone(&heard));
    let _first = topics.subscribe("t", move |topic, n: &u32| {
        into.lock().unwrap().push(format!("a{n}"));
        if *n < 2 {
            weak.upgrade().unwrap().publish(topic, &(n + 1))?;
        }
        Ok(())
    });
    let into = Arc::clone(&heard);
    let _second = topics.subscribe("t", move |_, n| {
        into.lock().unwrap().push(format!("b{n}"));
        Ok(())
    });
    topics.publish("t", &0).unwrap();
    assert_eq!(take(&heard), ["a0", "a1", "a2", "b2", "b1", "b0"]);

    let weak = Arc::downgrade(&topics);
    let calls = Arc::new(Mutex::new(0));
    let count = Arc::clone(&calls);
    let _loop = topics.subscribe("loop", move |topic, n| {
        *count.lock().unwrap() += 1;
        let published = weak.upgrade().unwrap().publish(topic, n)?;
        published.failures.into_iter().next().map_or(Ok(()), Err)
    });
    let failures = topics.publish("loop", &0).unwrap().failures;
    assert_eq!(failures[0].downcast_ref(), Some(&Error::TooDeep));
    assert_eq!(*calls.lock().unwrap(), DEEPEST);
    // And the next message is an ordinary one.
    assert!(topics.publish("t", &2).unwrap().failures.is_empty());
}

#[test]
fn threads_publish_at_once() {
    let topics = Topics::default();
    let heard = Heard::default();
    let _kept = listen(&topics, "cat", &heard);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..1000 {
                    topics.publish("cat", &n).unwrap();
                    drop(listen(&topics, "dog", &heard));
                }
            });
        }
    });
    assert_eq!(take(&heard).len(), 4000);
}
