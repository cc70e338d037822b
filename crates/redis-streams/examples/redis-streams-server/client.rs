//! One client: its commands, its replies, and how it ends. A mistake or a slow
//! network stays within its own task.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::commands::Outcome;
use super::reply::{Protocol, Reply};
use super::request::take_command;
use super::store::{Read, Store};
use super::{Limits, lock};

/// Bytes asked for in one read, as Redis does.
const READ_SIZE: usize = 16 * 1024;
/// Replies that wait to be sent together.
const WRITE_SIZE: usize = 64 * 1024;
/// How long one client's commands may be carried out while others wait.
const TURN: Duration = Duration::from_millis(1);

pub struct Client {
    pub id: i64,
    pub protocol: Protocol,
    pub store: Arc<Mutex<Store>>,
    limits: Limits,
    input: BytesMut,
    output: BytesMut,
}

impl Client {
    pub fn new(id: i64, store: Arc<Mutex<Store>>, limits: Limits) -> Self {
        Self {
            id,
            protocol: Protocol::Resp2,
            store,
            limits,
            input: BytesMut::new(),
            output: BytesMut::new(),
        }
    }

    /// Serves it until it goes. How it went is its own business.
    pub async fn serve(mut self, mut stream: TcpStream) {
        if let Err(last_words) = self.converse(&mut stream).await
            && let Some(text) = last_words
        {
            self.reply(Reply::error(format!("ERR {text}")));
            let _ = self.flush(&mut stream).await;
        }
    }

    /// `Err` says that its connection ends, and what it is told first.
    async fn converse(
        &mut self,
        stream: &mut TcpStream,
    ) -> Result<(), Option<String>> {
        // A reply is small and somebody waits for it: send it at once.
        stream.set_nodelay(true).map_err(|_| None)?;
        let mut turn = Instant::now();
        loop {
            let next = take_command(&mut self.input, &self.limits);
            let Some(command) = next.map_err(Some)? else {
                self.flush(stream).await.map_err(|_| None)?;
                // A long command has made it large: give that back.
                if self.input.is_empty() {
                    self.input = BytesMut::new();
                }
                self.input.reserve(READ_SIZE);
                match stream.read_buf(&mut self.input).await {
                    Ok(count) if count > 0 => continue,
                    _ => return Err(None),
                }
            };
            if command.is_empty() {
                continue;
            }
            if from_browser(&command) {
                return Err(None);
            }
            let reply = match self.execute(&command) {
                Outcome::Done(reply) => reply,
                Outcome::Wait(read, limit) => {
                    self.flush(stream).await.map_err(|_| None)?;
                    self.wait(stream, read, limit).await.ok_or(None)?
                }
                Outcome::Leave => {
                    self.reply(Reply::OK);
                    let _ = self.flush(stream).await;
                    return Err(None);
                }
            };
            self.reply(reply);
            if self.output.len() > WRITE_SIZE {
                self.flush(stream).await.map_err(|_| None)?;
            }
            // One thread serves all clients.
            if turn.elapsed() > TURN {
                yield_now().await;
                turn = Instant::now();
            }
        }
    }

    // ANCHOR: blocked
    /// Waits until there is something to read. The client's next commands wait
    /// meanwhile. `None` if it goes away: then it must give its ticket back, or
    /// the next entry would be handed to nobody.
    async fn wait(
        &mut self,
        stream: &mut TcpStream,
        read: Read,
        limit: Option<Duration>,
    ) -> Option<Reply> {
        let (number, mut answer) = lock(&self.store).wait(read);
        let store = self.store.clone();
        let ticket = Ticket { number, store };
        let late = sleep(limit.unwrap_or_default());
        tokio::pin!(late);
        loop {
            let full = self.input.len() >= self.limits.line;
            tokio::select! {
                biased;
                answer = &mut answer => {
                    let no = |_| Reply::error("ERR the server ends");
                    return Some(flat(answer.unwrap_or_else(|e| Err(no(e)))));
                }
                () = &mut late, if limit.is_some() => {
                    drop(ticket);
                    // It may have come in this very moment.
                    let last = answer.try_recv().ok().map(flat);
                    return Some(last.unwrap_or(Reply::NullArray));
                }
                count = stream.read_buf(&mut self.input), if !full => {
                    if count.ok()? == 0 {
                        return None;
                    }
                }
            }
        }
    }
    // ANCHOR_END: blocked

    fn reply(&mut self, reply: Reply) {
        let before = self.output.len();
        reply.encode(self.protocol, &mut self.output);
        if self.output.len() - before > self.limits.reply {
            self.output.truncate(before);
            let error = Reply::error("ERR the reply is too long; use COUNT");
            error.encode(self.protocol, &mut self.output);
        }
    }

    /// Sends what waits. A client that does not read must not keep it here.
    async fn flush(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let output = self.output.split();
        timeout(self.limits.reading, stream.write_all(&output)).await?
    }
}

fn flat(answer: Result<Reply, Reply>) -> Reply {
    answer.unwrap_or_else(|error| error)
}

/// A place among those that wait, given back however the waiting ends.
struct Ticket {
    number: u64,
    store: Arc<Mutex<Store>>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.store).stop_waiting(self.number);
    }
}

/// Whether this is a line of an HTTP request. To a web page that makes its
/// reader's browser post to this port, the body's lines would be commands.
fn from_browser(command: &[Bytes]) -> bool {
    let name = command[0].to_ascii_lowercase();
    name == b"post" || name == b"host:"
}
