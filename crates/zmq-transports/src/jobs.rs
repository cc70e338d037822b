//! Two jobs over any transport: questions that are answered one by one, and
//! many small messages one way. Each side has a thread of its own, so what
//! is measured is the way from one thread to another.

use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context, Result, bail, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use zeromq::{PullSocket, PushSocket, RepSocket, ReqSocket, Socket};

use crate::ends::{Answers, Asks, Pulls, Pushes};
use crate::sockets::{SocketFile, bind, connect, socket_options};

/// Messages that a channel keeps for a receiver that is busy: as many as the
/// library keeps for each peer of a socket, where that cannot be set.
pub const QUEUE: usize = 100_000;

/// A partner in the same program comes soon, or not at all.
const CONNECT: Duration = Duration::from_secs(5);

// ANCHOR: place
/// Where two threads meet.
#[derive(Clone, Debug)]
pub enum Place {
    /// At an endpoint. It has a name, so anybody can come there.
    Endpoint(String),
    /// Nowhere: both ends of a channel are made together, and each thread is
    /// given one of them.
    Channels,
}
// ANCHOR_END: place

/// How many messages, and how large: at least 8 bytes, for their number.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub count: u64,
    pub size: usize,
}

impl Job {
    fn message(self, number: u64) -> Bytes {
        let mut message = BytesMut::zeroed(self.size);
        (&mut message[..]).put_u64(number);
        message.freeze()
    }

    /// Message after message, none missing, none twice, none changed.
    fn check(self, message: &Bytes, number: u64) -> Result<()> {
        ensure!(
            message.len() == self.size
                && message.starts_with(&number.to_be_bytes()),
            "message {number} came back as something else"
        );
        Ok(())
    }
}

/// How long questions took to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    pub median: Duration,
    pub slowest: Duration,
    pub total: Duration,
}

// ANCHOR: round_trips
/// Asks `job.count` questions, each when the last is answered.
pub async fn round_trips(place: &Place, job: Job) -> Result<Latency> {
    let Place::Endpoint(endpoint) = place.clone() else {
        let (client, server) = mpsc::channel(1);
        let server = on_a_thread(move || answer(server, job))?;
        let client = on_a_thread(move || ask(client, job))?;
        return Ok(tokio::try_join!(client, server)?.0);
    };
    let (found, place) = oneshot::channel();
    let server = on_a_thread(async move || {
        let mut socket = RepSocket::with_options(socket_options());
        let _ = found.send(bind(&mut socket, &endpoint).await?);
        answer(socket, job).await
    })?;
    let Ok(endpoint) = place.await else {
        bail!(server.await.err().context("the server has ended")?);
    };
    let _file = SocketFile::of(&endpoint);
    let client = on_a_thread(async move || {
        let mut socket = ReqSocket::with_options(socket_options());
        connect(&mut socket, &endpoint.to_string(), CONNECT).await?;
        ask(socket, job).await
    })?;
    Ok(tokio::try_join!(client, server)?.0)
}
// ANCHOR_END: round_trips

/// Pushes `job.count` messages one way; returns how many came in a second.
pub async fn messages(place: &Place, job: Job) -> Result<f64> {
    let Place::Endpoint(endpoint) = place.clone() else {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let receiver = on_a_thread(move || pull(receiver, job))?;
        let sender = on_a_thread(move || push(sender, job))?;
        return Ok(tokio::try_join!(receiver, sender)?.0);
    };
    let (found, place) = oneshot::channel();
    let receiver = on_a_thread(async move || {
        let mut socket = PullSocket::with_options(socket_options());
        let _ = found.send(bind(&mut socket, &endpoint).await?);
        pull(socket, job).await
    })?;
    let Ok(endpoint) = place.await else {
        bail!(receiver.await.err().context("the receiver has ended")?);
    };
    let _file = SocketFile::of(&endpoint);
    let sender = on_a_thread(async move || {
        let mut socket = PushSocket::with_options(socket_options());
        connect(&mut socket, &endpoint.to_string(), CONNECT).await?;
        push(socket, job).await
    })?;
    Ok(tokio::try_join!(receiver, sender)?.0)
}

// ANCHOR: jobs
async fn ask(mut server: impl Asks, job: Job) -> Result<Latency> {
    let mut times = Vec::new();
    for number in 0..job.count {
        let question = job.message(number);
        let start = Instant::now();
        let answer = server.ask(question).await?;
        times.push(start.elapsed());
        job.check(&answer, number)?;
    }
    times.sort_unstable();
    Ok(Latency {
        median: times[times.len() / 2],
        slowest: times[times.len() - 1],
        total: times.iter().sum(),
    })
}

async fn answer(mut clients: impl Answers, job: Job) -> Result<()> {
    for _ in 0..job.count {
        clients.answer().await?;
    }
    clients.end().await
}

async fn push(mut receiver: impl Pushes, job: Job) -> Result<()> {
    for number in 0..job.count {
        receiver.push(job.message(number)).await?;
    }
    receiver.end().await
}

/// From the first message on: what was before is not the transport's speed.
async fn pull(mut sender: impl Pulls, job: Job) -> Result<f64> {
    job.check(&sender.pull().await?, 0)?;
    let start = Instant::now();
    for number in 1..job.count {
        job.check(&sender.pull().await?, number)?;
    }
    let rate = (job.count - 1) as f64 / start.elapsed().as_secs_f64();
    sender.end().await?;
    Ok(rate)
}
// ANCHOR_END: jobs

// ANCHOR: on_a_thread
/// Runs `side` on a thread of its own with a runtime of its own. The thread
/// is not waited for, only its result: who drops that can end.
pub fn on_a_thread<T, Side>(
    side: impl FnOnce() -> Side + Send + 'static,
) -> io::Result<impl Future<Output = Result<T>>>
where
    T: Send + 'static,
    Side: Future<Output = Result<T>>,
{
    let (sender, result) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().spawn(move || {
        // Nobody may want to know it any more.
        let _ = sender.send(runtime.block_on(async { side().await }));
    })?;
    Ok(async { result.await.context("the other thread has died")? })
}
// ANCHOR_END: on_a_thread
