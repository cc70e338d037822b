//! What the client makes of answers, by a clock of the test's own.

use std::time::{Duration, Instant};

use udp_echo::{Due, Plan, Talk, Tally};

const TIMEOUT: Duration = Duration::from_secs(1);

fn plan(count: u64, window: u64, retries: u32) -> Plan {
    Plan {
        count,
        window,
        retries,
        timeout: TIMEOUT,
        size: Vec::new(),
    }
}

/// What is due until nothing more is: the texts of what is sent, and those
/// of what is given up with a minus.
fn due(talk: &mut Talk, now: Instant) -> Vec<String> {
    std::iter::from_fn(|| talk.due(now))
        .map(|due| match due {
            Due::Send { text, .. } => text.replace("Hello! ", ""),
            Due::Silence { text } => text.replace("Hello! ", "-"),
        })
        .collect()
}

fn answer(talk: &mut Talk, text: &str, now: Instant) -> Option<(bool, bool)> {
    let answer = talk.answer(format!("Hello! {text}").as_bytes(), now)?;
    Some((answer.duplicate, answer.reordered))
}

#[test]
fn one_after_the_other() {
    let now = Instant::now();
    let mut talk = Talk::new(plan(2, 1, 0));
    assert_eq!(due(&mut talk, now), ["#1 try 1"]);
    assert_eq!(talk.until(now), Some(now + TIMEOUT));
    assert_eq!(answer(&mut talk, "#1 try 1", now), Some((false, false)));
    assert_eq!(due(&mut talk, now), ["#2 try 1"]);
    assert_eq!(answer(&mut talk, "#2 try 1", now), Some((false, false)));
    assert_eq!(due(&mut talk, now), [""; 0]);
    assert_eq!(talk.until(now), None);
    let tally = talk.tally();
    assert_eq!((tally.sent, tally.received, tally.lost()), (2, 2, 0));
}

#[test]
fn retries_then_lost() {
    let now = Instant::now();
    let mut talk = Talk::new(plan(1, 1, 2));
    assert_eq!(due(&mut talk, now), ["#1 try 1"]);
    let now = now + TIMEOUT;
    assert_eq!(due(&mut talk, now), ["-#1 try 1", "#1 try 2"]);
    assert_eq!(talk.until(now), Some(now + TIMEOUT));
    let now = now + TIMEOUT;
    assert_eq!(due(&mut talk, now), ["-#1 try 2", "#1 try 3"]);
    let now = now + TIMEOUT;
    assert_eq!(due(&mut talk, now), ["-#1 try 3"]);
    assert_eq!(talk.until(now), None);
    let tally = talk.tally();
    assert_eq!((tally.sent, tally.again, tally.lost()), (1, 2, 1));
}

#[test]
fn a_window_is_never_overrun() {
    let now = Instant::now();
    let mut talk = Talk::new(plan(5, 3, 0));
    assert_eq!(due(&mut talk, now).len(), 3);
    answer(&mut talk, "#2 try 1", now);
    assert_eq!(due(&mut talk, now), ["#4 try 1"]);
    let later = now + TIMEOUT;
    let all = due(&mut talk, later);
    assert_eq!(all, ["-#1 try 1", "-#3 try 1", "-#4 try 1", "#5 try 1"]);
}

#[test]
fn overtaken_answers_are_out_of_order() {
    let now = Instant::now();
    let mut talk = Talk::new(plan(4, 4, 0));
    due(&mut talk, now);
    for (text, expected) in [
        ("#2 try 1", (false, false)),
        ("#1 try 1", (false, true)),
        ("#4 try 1", (false, false)),
        ("#3 try 1", (false, true)),
    ] {
        assert_eq!(answer(&mut talk, text, now), Some(expected), "{text}");
    }
    assert_eq!(talk.tally().reordered, 2);
    assert_eq!(talk.until(now), None);
}

#[test]
fn sent_again_is_not_out_of_order() {
    // Number 1 is answered after number 2, but that try was sent after it.
    let now = Instant::now();
    let mut talk = Talk::new(plan(2, 2, 1));
    due(&mut talk, now);
    answer(&mut talk, "#2 try 1", now);
    let now = now + TIMEOUT;
    assert_eq!(due(&mut talk, now), ["-#1 try 1", "#1 try 2"]);
    assert_eq!(answer(&mut talk, "#1 try 2", now), Some((false, false)));
}

#[test]
fn late_answers_are_duplicates_or_save_the_number() {
    let now = Instant::now();
    let mut talk = Talk::new(plan(1, 1, 1));
    due(&mut talk, now);
    let now = now + TIMEOUT;
    due(&mut talk, now);
    assert_eq!(answer(&mut talk, "#1 try 2", now), Some((false, false)));
    // It listens on for the answer to the first try.
    assert_eq!(talk.until(now), Some(now + TIMEOUT));
    assert_eq!(answer(&mut talk, "#1 try 1", now), Some((true, false)));
    assert_eq!(answer(&mut talk, "#1 try 1", now), Some((true, false)));
    assert_eq!(talk.until(now), None);
    assert_eq!(talk.tally().duplicated, 2);

    let mut talk = Talk::new(plan(2, 1, 0));
    due(&mut talk, now);
    let now = now + TIMEOUT;
    assert_eq!(due(&mut talk, now), ["-#1 try 1", "#2 try 1"]);
    assert_eq!(talk.tally().lost(), 2);
    assert_eq!(answer(&mut talk, "#1 try 1", now), Some((false, false)));
    assert_eq!(answer(&mut talk, "#2 try 1", now), Some((false, false)));
    assert_eq!(talk.tally().lost(), 0);
    let times = [TIMEOUT, Duration::ZERO];
    assert_eq!(talk.tally().round_trips, times);
}

#[test]
fn what_was_not_sent_is_no_answer() {
    let now = Instant::now();
    let mut talk = Talk::new(plan(1, 1, 0));
    due(&mut talk, now);
    for text in [
        "",
        "#",
        "#0 try 1",
        "#1 try 0",
        "#1 try 2",
        "#2 try 1",
        "#1 try 1 ",
        "#1 try 1.",
        "#01 try 1",
        "#1 try +1",
        "#-1 try 1",
        "#1",
        "#1 try ",
        "#18446744073709551615 try 18446744073709551615",
        "#99999999999999999999999 try 1",
    ] {
        assert_eq!(answer(&mut talk, text, now), None, "{text}");
    }
    assert_eq!(talk.answer(b"\xff\xfe", now), None);
    assert_eq!(talk.answer(b"Hello! #\xff try 1", now), None);
    assert_eq!(talk.tally().received, 0);
}

#[test]
fn sizes_take_turns() {
    let now = Instant::now();
    let mut plan = plan(4, 4, 0);
    plan.size = vec![0, 100, 65_507];
    let mut talk = Talk::new(plan);
    let mut lengths = Vec::new();
    while let Some(Due::Send { bytes, .. }) = talk.due(now) {
        lengths.push(bytes.len());
        assert!(talk.answer(&bytes, now).is_some());
    }
    assert_eq!(lengths, [15, 100, 65_507, 15]);
}

#[test]
fn unsent_is_not_lost() {
    let now = Instant::now();
    let mut talk = Talk::new(plan(2, 1, 1));
    due(&mut talk, now);
    answer(&mut talk, "#1 try 1", now);
    due(&mut talk, now);
    talk.unsent();
    assert_eq!((talk.tally().sent, talk.tally().lost()), (1, 0));
}

#[test]
fn an_unsent_retry_does_not_unsend_its_number() {
    // The last number is answered, so the retries are of earlier ones.
    let now = Instant::now();
    let mut talk = Talk::new(plan(3, 3, 1));
    due(&mut talk, now);
    answer(&mut talk, "#3 try 1", now);
    let now = now + TIMEOUT;
    let all = ["-#1 try 1", "-#2 try 1", "#1 try 2", "#2 try 2"];
    assert_eq!(due(&mut talk, now), all);
    talk.unsent();
    let tally = talk.tally();
    assert_eq!((tally.sent, tally.again, tally.lost()), (3, 1, 2));
}

#[test]
fn the_report() {
    let tally = Tally {
        sent: 5,
        again: 2,
        received: 4,
        round_trips: [1, 2, 3, 6].map(Duration::from_millis).to_vec(),
        ..Tally::default()
    };
    assert_eq!(
        tally.to_string(),
        "Sent: 5 (and 2 again); received: 4, lost: 1, duplicated: 0, \
         reordered: 0\n\
         Round trips: 1.00 ms to 6.00 ms, 3.00 ms on average"
    );
}
