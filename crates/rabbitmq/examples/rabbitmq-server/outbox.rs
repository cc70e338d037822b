//! What waits to be written to one client. It decouples all clients from
//! each other's networks: nobody who hands out messages waits for a socket.

use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::time::Duration;

use tokio::net::tcp::WriteHalf;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::lock;

/// A frame of type 8, on channel 0, with nothing in it.
const HEARTBEAT: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 0xce];

pub struct Outbox {
    waiting: Mutex<VecDeque<u8>>,
    limit: usize,
    /// Seconds; 0 is never.
    pub heartbeat: AtomicU16,
    filled: Notify,
    drained: Notify,
}

impl Outbox {
    pub fn new(limit: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            limit,
            heartbeat: AtomicU16::new(0),
            filled: Notify::new(),
            drained: Notify::new(),
        }
    }

    pub fn push(&self, bytes: &[u8]) {
        lock(&self.waiting).extend(bytes);
        self.filled.notify_one();
    }

    /// Whether the client has so much to read that its next messages wait in
    /// their queues. More may be added all the same, but only by what it asks
    /// for, and then it is not read from until it has read.
    pub fn is_full(&self) -> bool {
        lock(&self.waiting).len() > self.limit
    }

    /// Completes when it is not full.
    pub async fn room(&self) {
        while self.is_full() {
            self.drained.notified().await;
        }
    }

    /// `None` if no heartbeats were agreed on.
    pub fn beats(&self, times: f64) -> Option<Duration> {
        let seconds = self.heartbeat.load(SeqCst);
        let time = Duration::from_secs(seconds.into()).mul_f64(times);
        (seconds > 0).then_some(time)
    }

    /// Writes what waits, for as long as the connection lasts; `refill` is
    /// called when a full outbox has room again. Two heartbeats are sent in
    /// the time after which the other side takes silence for death.
    pub async fn write_all(
        &self,
        socket: &WriteHalf<'_>,
        mut refill: impl FnMut(),
    ) -> io::Error {
        loop {
            if let Err(error) = self.flush(socket, &mut refill).await {
                return error;
            }
            let filled = self.filled.notified();
            match self.beats(0.5) {
                None => filled.await,
                Some(time) => {
                    if timeout(time, filled).await.is_err() {
                        self.push(&HEARTBEAT);
                    }
                }
            }
        }
    }

    /// Writes until nothing waits.
    pub async fn flush(
        &self,
        socket: &WriteHalf<'_>,
        mut refill: impl FnMut(),
    ) -> io::Result<()> {
        loop {
            let was_full = self.is_full();
            if !self.write_some(socket)? {
                return Ok(());
            }
            if was_full && !self.is_full() {
                self.drained.notify_one();
                refill();
            }
            socket.writable().await?;
        }
    }

    /// Writes what the socket takes now; `false` if nothing is left.
    fn write_some(&self, socket: &WriteHalf<'_>) -> io::Result<bool> {
        let mut waiting = lock(&self.waiting);
        if waiting.is_empty() {
            // One large message must not keep its room for ever.
            *waiting = VecDeque::new();
            return Ok(false);
        }
        match socket.try_write(waiting.as_slices().0) {
            Ok(written) => drop(waiting.drain(..written)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
