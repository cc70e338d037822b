//! What waits for one client: replies and messages, in the order in which
//! they came. It decouples the publisher from the subscribers' networks.

use std::io::{self, IoSlice};
use std::sync::Mutex;

use bytes::{Buf, Bytes};
use bytes_utils::SegmentedBuf;
use tokio::net::tcp::WriteHalf;
use tokio::sync::Notify;

use super::lock;
use super::reply::{EncodeError, Message, Protocol};

/// Frames in one system call. More gain nothing: the socket's buffer is
/// full first.
pub const FRAMES_PER_WRITE: usize = 64;

pub struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
    limit: usize,
}

struct Queue {
    frames: SegmentedBuf<Bytes>,
    protocol: Protocol,
    overrun: bool,
}

impl Queue {
    /// Bytes in use, counting what each entry costs by itself: a million
    /// tiny messages must not slip under a limit in bytes.
    fn size(&self) -> usize {
        let entries = self.frames.segments() * size_of::<Bytes>();
        self.frames.remaining() + entries
    }
}

impl Outbox {
    pub fn new(limit: usize) -> Self {
        let queue = Queue {
            frames: SegmentedBuf::new(),
            protocol: Protocol::Resp2,
            overrun: false,
        };
        Self {
            queue: Mutex::new(queue),
            filled: Notify::new(),
            limit,
        }
    }

    // ANCHOR: slow_subscriber
    /// Lays a message into the outbox, and returns at once how many wait
    /// there. Whoever finds it empty has to `wake` the client.
    ///
    /// A client that reads more slowly than others publish cannot be waited
    /// for (everyone would be as slow as the slowest) nor kept for ever (the
    /// memory would end). Leaving out some messages would go unnoticed, so
    /// the client is cut off: that it can see.
    pub fn send(&self, message: &mut Message) -> Result<usize, EncodeError> {
        let mut queue = lock(&self.queue);
        if queue.overrun {
            return Ok(0);
        }
        let frame = message.encoded(queue.protocol)?;
        queue.frames.push(frame);
        if queue.size() > self.limit {
            queue.frames = SegmentedBuf::new();
            queue.overrun = true;
            self.wake();
        }
        Ok(queue.frames.segments())
    }
    // ANCHOR_END: slow_subscriber

    /// Has the client's task write what waits.
    pub fn wake(&self) {
        self.filled.notify_one();
    }

    /// Completes when the client was woken since the last call.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    pub fn is_empty(&self) -> bool {
        !lock(&self.queue).frames.has_remaining()
    }

    /// Whether the client was cut off because it did not read.
    pub fn overrun(&self) -> bool {
        lock(&self.queue).overrun
    }

    pub fn protocol(&self) -> Protocol {
        lock(&self.queue).protocol
    }

    pub fn set_protocol(&self, protocol: Protocol) {
        lock(&self.queue).protocol = protocol;
    }

    /// Writes as much as the socket takes now, many frames in one call.
    pub fn write_to(&self, socket: &WriteHalf<'_>) -> io::Result<()> {
        let mut queue = lock(&self.queue);
        if !queue.frames.has_remaining() {
            return Ok(());
        }
        let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE];
        let count = queue.frames.chunks_vectored(&mut slices);
        match socket.try_write_vectored(&slices[..count]) {
            Ok(written) => queue.frames.advance(written),
            // The socket seemed ready and is not: it will say so again.
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
