// ANCHOR: all
//! The client's side of a talk in numbered datagrams: what to send and when,
//! and what an answer means. It touches neither the socket nor the clock, so
//! it can be tested without waiting and used with any kind of socket.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::seconds;

/// What to say and how patiently; options of a program.
#[derive(Clone, Debug, clap::Args)]
pub struct Plan {
    /// How many numbers to send
    #[arg(long, default_value = "10")]
    pub count: u64,
    /// Bytes to fill each datagram up to; several take turns: 100,200
    #[arg(long, value_name = "BYTES", value_delimiter = ',')]
    pub size: Vec<u16>,
    /// Datagrams that may be on their way at a time
    #[arg(long, value_name = "COUNT", default_value = "1")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub window: u64,
    /// How often to send a number again when no answer comes
    #[arg(long, value_name = "COUNT", default_value = "2")]
    pub retries: u32,
    /// Seconds to wait for each answer
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub timeout: Duration,
}

impl Plan {
    fn fill(&self, number: u64, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        if !self.size.is_empty() {
            let size = self.size[(number as usize - 1) % self.size.len()];
            bytes.resize(usize::from(size).max(bytes.len()), b'.');
        }
        bytes
    }
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    Send {
        text: String,
        bytes: Vec<u8>,
    },
    /// Too late: no answer came to this.
    Silence {
        text: String,
    },
}

/// What an answer turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub length: usize,
    pub round_trip: Duration,
    /// Its number was answered before.
    pub duplicate: bool,
    /// The answer to something that was sent later has come before.
    pub reordered: bool,
}

/// The outcome of a talk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Numbers sent, and how many datagrams again for those.
    pub sent: u64,
    pub again: u64,
    /// Numbers answered, and answers to a number beyond the first.
    pub received: u64,
    pub duplicated: u64,
    /// First answers that came after the answer to a later datagram.
    pub reordered: u64,
    pub round_trips: Vec<Duration>,
}

impl Tally {
    /// Numbers that no try got an answer to.
    pub fn lost(&self) -> u64 {
        self.sent - self.received
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Sent: {} (and {} again); received: {}, lost: {}, \
             duplicated: {}, reordered: {}",
            self.sent,
            self.again,
            self.received,
            self.lost(),
            self.duplicated,
            self.reordered
        )?;
        let times = &self.round_trips;
        let (Some(least), Some(most)) =
            (times.iter().min(), times.iter().max())
        else {
            return Ok(());
        };
        let mean = times.iter().sum::<Duration>().div_f64(times.len() as f64);
        let [least, most, mean] = [*least, *most, mean].map(milliseconds);
        write!(
            out,
            "\nRound trips: {least:.2} ms to {most:.2} ms, \
             {mean:.2} ms on average"
        )
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, length, .. } = self;
        let time = milliseconds(self.round_trip);
        write!(out, "{text}, {length} bytes, {time:.2} ms")?;
        if self.duplicate {
            write!(out, ", a duplicate")?;
        }
        if self.reordered {
            write!(out, ", out of order")?;
        }
        Ok(())
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A talk in progress.
pub struct Talk {
    plan: Plan,
    /// For each number when it was sent, try by try, and in which place.
    numbers: Vec<Number>,
    /// Tries without an answer, in the order of sending.
    waiting: VecDeque<(u64, usize)>,
    /// Numbers to send again.
    again: VecDeque<u64>,
    /// Numbers neither answered nor given up.
    open: u64,
    /// The latest place in the order of sending that was answered.
    furthest: u64,
    /// When something was sent last, and which try of its number it was.
    last_sent: Option<(Instant, usize)>,
    /// Tries that no answer has come to yet.
    unanswered: u64,
    tally: Tally,
}

#[derive(Default)]
struct Number {
    tries: Vec<Try>,
    answered: bool,
    given_up: bool,
}

struct Try {
    sent: Instant,
    place: u64,
    answered: bool,
}

impl Talk {
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            numbers: Vec::new(),
            waiting: VecDeque::new(),
            again: VecDeque::new(),
            open: 0,
            furthest: 0,
            last_sent: None,
            unanswered: 0,
            tally: Tally::default(),
        }
    }

    /// The next thing to do at this time; `None` if there is nothing to do
    /// before [`Talk::until`], or an answer.
    pub fn due(&mut self, now: Instant) -> Option<Due> {
        // ANCHOR: due
        while let Some((number, attempt)) = self.waiting.front().copied() {
            let entry = &mut self.numbers[number as usize - 1];
            if entry.answered {
                self.waiting.pop_front();
                continue;
            }
            if now < entry.tries[attempt - 1].sent + self.plan.timeout {
                break;
            }
            self.waiting.pop_front();
            if attempt <= self.plan.retries as usize {
                self.again.push_back(number);
            } else {
                entry.given_up = true;
                self.open -= 1;
            }
            let text = text(number, attempt);
            return Some(Due::Silence { text });
        }
        // ANCHOR_END: due
        while let Some(number) = self.again.pop_front() {
            // The answer to an earlier try may have come just now.
            if !self.numbers[number as usize - 1].answered {
                self.tally.again += 1;
                return Some(self.send(number, now));
            }
        }
        if self.tally.sent < self.plan.count && self.open < self.plan.window {
            self.open += 1;
            self.tally.sent += 1;
            self.numbers.push(Number::default());
            return Some(self.send(self.tally.sent, now));
        }
        None
    }

    fn send(&mut self, number: u64, now: Instant) -> Due {
        let tries = &mut self.numbers[number as usize - 1].tries;
        tries.push(Try {
            sent: now,
            place: self.tally.sent + self.tally.again,
            answered: false,
        });
        let attempt = tries.len();
        self.waiting.push_back((number, attempt));
        self.last_sent = Some((now, attempt));
        self.unanswered += 1;
        let text = text(number, attempt);
        let bytes = self.plan.fill(number, &text);
        Due::Send { text, bytes }
    }

    /// When to ask [`Talk::due`] again if no answer comes before; `None` when
    /// the talk is over. Once every number is answered or given up, it listens
    /// on for what is late, until the last datagram has had its time.
    pub fn until(&self, now: Instant) -> Option<Instant> {
        let answered = |number: u64| self.numbers[number as usize - 1].answered;
        let mut waiting = self.waiting.iter();
        let first = waiting.find(|(number, _)| !answered(*number));
        if let Some((number, attempt)) = first {
            let entry = &self.numbers[*number as usize - 1];
            return Some(entry.tries[attempt - 1].sent + self.plan.timeout);
        }
        let end = self.last_sent?.0 + self.plan.timeout;
        (self.unanswered > 0 && now < end).then_some(end)
    }

    /// Takes in what came; `None` if it is no answer to what was sent, byte
    /// for byte.
    pub fn answer(&mut self, bytes: &[u8], now: Instant) -> Option<Answer> {
        let (number, attempt) = parse(bytes)?;
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        let entry = self.numbers.get_mut(index)?;
        let found = entry.tries.get_mut(attempt.checked_sub(1)?)?;
        let text = text(number, attempt);
        if self.plan.fill(number, &text) != bytes {
            return None;
        }
        let duplicate = entry.answered;
        let reordered = !duplicate && found.place < self.furthest;
        let round_trip = now.saturating_duration_since(found.sent);
        self.unanswered -= u64::from(!found.answered);
        found.answered = true;
        entry.answered = true;
        self.furthest = self.furthest.max(found.place);
        if duplicate {
            self.tally.duplicated += 1;
        } else {
            self.tally.received += 1;
            self.tally.reordered += u64::from(reordered);
            self.tally.round_trips.push(round_trip);
            self.open -= u64::from(!entry.given_up);
        }
        Some(Answer {
            text,
            length: bytes.len(),
            round_trip,
            duplicate,
            reordered,
        })
    }

    /// What was last due to be sent could not be sent after all.
    pub fn unsent(&mut self) {
        match self.last_sent {
            Some((_, 1)) => self.tally.sent -= 1,
            Some(_) => self.tally.again -= 1,
            None => {}
        }
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// Each try says which it is: else nobody could tell whether an answer is for
/// the first or the second, and how long it took (RFC 6298 calls it Karn's
/// algorithm not to measure then).
fn text(number: u64, attempt: usize) -> String {
    format!("Hello! #{number} try {attempt}")
}

fn parse(bytes: &[u8]) -> Option<(u64, usize)> {
    let text = bytes.strip_prefix(b"Hello! #")?;
    let text = text.split(|byte| *byte == b'.').next()?;
    let text = std::str::from_utf8(text).ok()?;
    let (number, attempt) = text.split_once(" try ")?;
    Some((number.parse().ok()?, attempt.parse().ok()?))
}
// ANCHOR_END: all
