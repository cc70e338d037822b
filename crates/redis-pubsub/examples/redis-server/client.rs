//! One client: what it said, what waits for it, and how it ends. A mistake
//! or a slow network stays within its own task.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::outbox::Outbox;
use super::reply::{EncodeError, Message, Reply};
use super::request::{CommandReader, ProtocolError};
use super::{Broker, ClientId, Kind, Limits, lock};

/// Bytes asked for in one read, as Redis does.
const READ_SIZE: usize = 16 * 1024;

/// How long one client's commands may be carried out while others wait.
const TURN: Duration = Duration::from_millis(1);

pub struct Client {
    pub id: ClientId,
    pub name: Option<Bytes>,
    pub authenticated: bool,
    /// It said goodbye: no more of its commands are read.
    pub leaving: bool,
    pub channels: BTreeSet<Bytes>,
    pub patterns: BTreeSet<Bytes>,
    pub outbox: Arc<Outbox>,
    /// Who is to be woken when its commands are carried out.
    pub later: Vec<Arc<Outbox>>,
    pub broker: Arc<Mutex<Broker>>,
    pub limits: Arc<Limits>,
}

/// Why a client's connection ends.
#[derive(Debug, Error)]
enum Ending {
    #[error("it closed the connection")]
    Closed,
    #[error("it said goodbye")]
    Quit,
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
    #[error("it speaks HTTP")]
    Browser,
    #[error("it did not read what waited for it")]
    Overrun,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("a reply could not be encoded: {0}")]
    Encode(#[from] EncodeError),
}

impl Client {
    pub fn new(
        id: ClientId,
        broker: Arc<Mutex<Broker>>,
        limits: Arc<Limits>,
    ) -> Self {
        Self {
            id,
            name: None,
            authenticated: limits.password.is_none(),
            leaving: false,
            channels: BTreeSet::new(),
            patterns: BTreeSet::new(),
            outbox: Arc::new(Outbox::new(limits.waiting)),
            later: Vec::new(),
            broker,
            limits,
        }
    }

    pub async fn serve(mut self, mut stream: TcpStream) {
        tracing::info!("client {} came", self.id);
        let ending = self.converse(&mut stream).await;
        if let Err(ending) = &ending {
            tracing::info!("client {} went: {ending}", self.id);
        }
        if let Err(Ending::Protocol(error)) = &ending {
            let _ = self.reply(Reply::error(format!("ERR {error}")));
        }
        if let Err(Ending::Protocol(_) | Ending::Quit) = ending {
            let farewell = self.say_goodbye(&mut stream);
            let _ = timeout(self.limits.farewell, farewell).await;
        }
    }

    // ANCHOR: converse
    /// Reads commands and writes what waits, as the network allows.
    async fn converse(&mut self, stream: &mut TcpStream) -> Result<(), Ending> {
        // A reply is small and somebody waits for it: send it at once.
        stream.set_nodelay(true)?;
        let (mut reader, writer) = stream.split();
        let mut commands = CommandReader::default();
        let mut input = BytesMut::new();
        loop {
            self.outbox.write_to(&writer)?;
            if self.outbox.overrun() {
                return Err(Ending::Overrun);
            }
            input.reserve(READ_SIZE);
            tokio::select! {
                count = reader.read_buf(&mut input) => {
                    if count? == 0 {
                        return Err(Ending::Closed);
                    }
                    let obeyed = self.obey(&mut commands, &mut input).await;
                    self.later.drain(..).for_each(|outbox| outbox.wake());
                    obeyed?;
                    // A long command has made it large: give that back.
                    if input.is_empty() {
                        input = BytesMut::new();
                    }
                }
                () = self.outbox.filled() => {}
                // Only if the socket could not take everything.
                ready = writer.writable(), if !self.outbox.is_empty() => {
                    ready?;
                }
            }
        }
    }
    // ANCHOR_END: converse

    /// Carries out the commands that are complete, in order. Their replies
    /// wait in the outbox meanwhile and leave together: many commands in one
    /// packet cost one write. There is one thread for all clients, and what
    /// does not wait for the network keeps it: hence the turns.
    async fn obey(
        &mut self,
        commands: &mut CommandReader,
        input: &mut BytesMut,
    ) -> Result<(), Ending> {
        let mut turn = Instant::now();
        while let Some(command) =
            commands.next(input, &self.limits, self.authenticated)?
        {
            if from_browser(&command) {
                return Err(Ending::Browser);
            }
            let reply = self.execute(&command)?;
            if let Some(reply) = reply {
                self.reply(reply)?;
            }
            if self.leaving {
                return Err(Ending::Quit);
            }
            if turn.elapsed() > TURN {
                yield_now().await;
                turn = Instant::now();
            }
        }
        Ok(())
    }

    pub fn reply(&self, reply: Reply) -> Result<(), EncodeError> {
        // Written as soon as this client's commands are carried out.
        self.outbox.send(&mut Message::new(reply)).map(|_| ())
    }

    /// Sends what still waits, and reads to the end. If bytes from the
    /// client were left unread, closing would reset the connection, and
    /// that can take the last reply away from under the client's eyes.
    async fn say_goodbye(&self, stream: &mut TcpStream) -> io::Result<()> {
        let (mut reader, mut writer) = stream.split();
        while !self.outbox.is_empty() {
            writer.writable().await?;
            self.outbox.write_to(&writer)?;
        }
        writer.shutdown().await?;
        let mut unread = [0; 4096];
        while reader.read(&mut unread).await? > 0 {}
        Ok(())
    }

    pub fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    pub fn names_mut(&mut self, kind: Kind) -> &mut BTreeSet<Bytes> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
        }
    }

    /// Takes the client out of the broker's tables.
    pub fn unsubscribe_all(&mut self) {
        let mut broker = lock(&self.broker);
        for name in std::mem::take(&mut self.channels) {
            broker.unsubscribe(Kind::Channel, &name, self.id);
        }
        for name in std::mem::take(&mut self.patterns) {
            broker.unsubscribe(Kind::Pattern, &name, self.id);
        }
    }
}

/// Whether this is a line of an HTTP request. To a web page that makes its
/// reader's browser post to this port, the body's lines would be commands.
fn from_browser(command: &[Bytes]) -> bool {
    let name = command[0].to_ascii_lowercase();
    name == b"post" || name == b"host:"
}

/// However a client ends, also when its task is cancelled, nothing of it
/// stays in the tables.
impl Drop for Client {
    fn drop(&mut self) {
        self.unsubscribe_all();
    }
}
