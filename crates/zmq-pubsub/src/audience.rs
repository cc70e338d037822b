// ANCHOR: all
//! Who listens to a publisher.

use std::time::Duration;

use anyhow::ensure;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use zeromq::{Endpoint, Socket, SocketEvent, SocketRecv, XPubSocket};
use zeromq::{ZmqError, ZmqMessage};

use crate::greeting::broke_off;
use crate::sockets::has_hung_up;
use crate::{cause, list, plural, say, seconds, warn};

/// Who is to be there before the first message; options of a program.
#[derive(Clone, Copy, clap::Args)]
pub struct Expected {
    /// Subscriptions to wait for: zmq-sub makes two, one for each cat
    #[arg(long, value_name = "SUBSCRIPTIONS", default_value = "2")]
    #[arg(value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    expect: u32,
    /// Seconds to wait for them
    #[arg(long, default_value = "60", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    patience: Duration,
}

/// The subscriptions that an XPUB socket has been told of. (A subscriber that
/// just goes away takes nothing back: here it stays.)
pub struct Audience {
    events: BoxStream<'static, SocketEvent>,
    prefixes: Vec<Vec<u8>>,
}

impl Audience {
    /// To be called before the socket is bound: what happens earlier is not
    /// reported.
    pub fn new(publisher: &mut XPubSocket) -> Self {
        Self {
            events: publisher.monitor().boxed(),
            prefixes: Vec::new(),
        }
    }

    /// Waits for so many subscriptions to the publisher, which is bound to
    /// `endpoint`, and says so.
    pub async fn await_all(
        &mut self,
        publisher: &mut XPubSocket,
        endpoint: &Endpoint,
        expected: Expected,
    ) -> anyhow::Result<()> {
        let Expected { expect, patience } = expected;
        let expected = expect as usize;
        if expected == 0 {
            say(format_args!("Waiting for nobody at {endpoint}"))?;
            return Ok(());
        }
        let all = plural(expected, "subscription");
        say(format_args!("Waiting for {all} at {endpoint}"))?;
        // ANCHOR: patience
        let gathered = self.gather(publisher, expected);
        let in_time = timeout(patience, gathered).await.is_ok();
        ensure!(
            in_time,
            "waited for {all} at {endpoint}, and there were {}: timed out; \
             start zmq-sub, or say how many to --expect",
            self.count()
        );
        // ANCHOR_END: patience
        say(format_args!("Subscriptions: {}", self.list()))?;
        Ok(())
    }

    // ANCHOR: gather
    /// Takes in subscriptions until there are enough.
    pub async fn gather(&mut self, publisher: &mut XPubSocket, enough: usize) {
        while self.count() < enough {
            if let Err(why) = self.hear(publisher).await {
                warn(format_args!("zmq-pub: {why}"));
            }
        }
    }
    // ANCHOR_END: gather

    /// If there is an `enter`, waits for it to be pressed; false when that
    /// will not be any more. Who has come before is served.
    pub async fn press_enter(
        &mut self,
        publisher: &mut XPubSocket,
        enter: &mut Option<Receiver<()>>,
        number: u64,
    ) -> anyhow::Result<bool> {
        let Some(enter) = enter else {
            return Ok(true);
        };
        say(format_args!("Press Enter to publish message {number}"))?;
        tokio::select! {
            biased;
            error = self.welcome(publisher) => Err(error),
            pressed = enter.recv() => Ok(pressed.is_some()),
        }
    }

    /// Takes in subscriptions, and says so each time, until it is dropped.
    /// Returns only if stdout is closed.
    pub async fn welcome(
        &mut self,
        publisher: &mut XPubSocket,
    ) -> anyhow::Error {
        loop {
            if let Err(why) = self.hear(publisher).await {
                warn(format_args!("zmq-pub: {why}"));
                continue;
            }
            let line = format!("Subscriptions: {}", self.list());
            if let Err(error) = say(line) {
                return error.into();
            }
        }
    }

    /// Takes in what has come and was not received yet. To be called before
    /// the end: the system resets a connection that is closed with something
    /// unread, and throws away what is on its way to that subscriber.
    pub async fn catch_up(&mut self, publisher: &mut XPubSocket) {
        // However short, it is enough to look at each connection once.
        let moment = Duration::from_millis(1);
        while let Ok(heard) = timeout(moment, self.hear(publisher)).await {
            if let Err(why) = heard {
                warn(format_args!("zmq-pub: {why}"));
            }
        }
    }

    /// Waits until something changes. A subscription counts from the moment
    /// it was received here, no earlier: messages go past a subscriber while
    /// the publisher does not receive.
    ///
    /// # Errors
    /// Says, for a person, why somebody was turned away. The others stay.
    pub async fn hear(
        &mut self,
        publisher: &mut XPubSocket,
    ) -> Result<(), String> {
        loop {
            // ANCHOR: hear
            tokio::select! {
                received = publisher.recv() => match received {
                    Ok(message) => {
                        self.take_in(&message);
                        return Ok(());
                    }
                    Err(error) if has_hung_up(&error) => {}
                    Err(error) => {
                        let why = broke_off(&error)
                            .unwrap_or("it does not speak ZMTP 3");
                        return Err(format!("a subscriber was cut off: {why}"));
                    }
                },
                event = self.events.next() => {
                    if let Some(SocketEvent::AcceptFailed(error)) = event
                        && let Some(why) = turned_away(&error)
                    {
                        return Err(why);
                    }
                }
            }
            // ANCHOR_END: hear
        }
    }

    /// A subscription is a message of one part: a byte 1 and the prefix. With
    /// a byte 0 it is taken back. Whatever else comes is not for us.
    fn take_in(&mut self, message: &ZmqMessage) {
        let part = message.get(0).filter(|_| message.len() == 1);
        match part.map(|part| &part[..]) {
            Some([1, prefix @ ..]) => self.prefixes.push(prefix.to_vec()),
            Some([0, prefix @ ..]) => {
                let mut all = self.prefixes.iter();
                if let Some(index) = all.position(|known| known == prefix) {
                    self.prefixes.swap_remove(index);
                }
            }
            _ => {}
        }
    }

    /// How many subscriptions there are.
    pub fn count(&self) -> usize {
        self.prefixes.len()
    }

    /// All of them for a person, sorted: they come in any order.
    pub fn list(&self) -> String {
        let mut prefixes = self.prefixes.clone();
        prefixes.sort();
        list(&prefixes)
    }
}

/// Why somebody was turned away. Who just hangs up is not worth a word: so
/// does a subscriber whose patience ends while it connects.
fn turned_away(error: &ZmqError) -> Option<String> {
    let why = match error {
        ZmqError::Other(
            "Failed Greeting exchange" | "No reply from server",
        ) => {
            return None;
        }
        error if has_hung_up(error) => return None,
        ZmqError::Codec(_) | ZmqError::UnsupportedVersion(_) => {
            "it does not speak ZMTP 3".into()
        }
        ZmqError::Other("Provided sockets combination is not compatible") => {
            "it is no SUB or XSUB socket".into()
        }
        error => cause(error),
    };
    Some(format!("somebody was turned away: {why}"))
}
// ANCHOR_END: all
