//! One connection: how it is opened, what keeps it alive, and how it ends. A
//! mistake or a slow network stays within its own task.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};

use amq_protocol::frame::{AMQPFrame, ProtocolVersion};
use amq_protocol::protocol::AMQPClass;
use amq_protocol::protocol::connection::{
    AMQPMethod as Method, Start, StartOk,
};
use amq_protocol::types::{AMQPValue, FieldTable};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use super::frames::{self, Failure, Frame, refuse};
use super::outbox::Outbox;
use super::{Broker, Connection, ConnectionId, Limits, lock};

/// What RabbitMQ proposes, too.
pub const FRAME_MAX: u32 = 131_072;
/// The least that a client may ask for.
const FRAME_MIN: u32 = 4096;
const CHANNEL_MAX: u16 = 2047;
const HEARTBEAT: u16 = 60;
/// What RabbitMQ's clients do without being told otherwise.
const LOGIN: &[u8] = b"\0guest\0guest";

type Reader<'a> = BufReader<ReadHalf<'a>>;

/// Why a connection ends.
pub enum Ending {
    /// The client has said so.
    Left,
    Failed(Failure),
    /// The login failed, and the client cannot be told why.
    Unwelcome,
    /// It speaks something else.
    Stranger,
    /// Nothing was heard for two heartbeats.
    Silent,
    Lost(io::Error),
}

impl From<io::Error> for Ending {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub struct Guest {
    pub id: ConnectionId,
    pub broker: Arc<Mutex<Broker>>,
    pub limits: Arc<Limits>,
}

impl Guest {
    pub async fn serve(self, mut stream: TcpStream) {
        // Frames are small, and somebody waits for them: send them at once.
        let _ = stream.set_nodelay(true);
        let outbox = Arc::new(Outbox::new(self.limits.outbox));
        let (reader, mut writer) = stream.split();
        let mut reader = BufReader::new(reader);
        let refill = || lock(&self.broker).refill(self.id);
        let ending = tokio::select! {
            Err(ending) = self.converse(&mut reader, &outbox) => ending,
            lost = outbox.write_all(&writer, refill) => Ending::Lost(lost),
        };
        // First what it held goes back; only then is it told the end.
        lock(&self.broker).disconnect(self.id);
        let farewell = self.part(&ending, &mut reader, &mut writer, &outbox);
        let _ = timeout(self.limits.farewell, farewell).await;
        if let Ending::Silent = ending {
            // As RabbitMQ does: a reset, and no waiting for the dead.
            let _ = stream.set_zero_linger();
        }
    }

    /// Reads what the client says, until one of the two ends it.
    async fn converse(
        &self,
        reader: &mut Reader<'_>,
        outbox: &Arc<Outbox>,
    ) -> Result<Infallible, Ending> {
        let opening = self.open(reader, outbox);
        match timeout(self.limits.handshake, opening).await {
            Ok(opened) => opened?,
            Err(_) => return Err(Ending::Silent),
        }
        loop {
            let next = async {
                outbox.room().await;
                frames::read(reader, FRAME_MAX as usize).await
            };
            let (channel, frame) = match outbox.beats(2.0) {
                None => next.await?,
                Some(limit) => match timeout(limit, next).await {
                    Ok(frame) => frame?,
                    Err(_) => return Err(Ending::Silent),
                },
            };
            match frame {
                Frame::Heartbeat => {}
                Frame::Method(AMQPClass::Connection(Method::Close(_)))
                    if channel == 0 =>
                {
                    return Err(Ending::Left);
                }
                frame => lock(&self.broker).take(self.id, channel, frame)?,
            }
            // There is one thread for all clients, and a talkative one must
            // not keep it.
            consume_budget().await;
        }
    }

    // ANCHOR: handshake
    /// Both say what they are and agree on limits, in a fixed order.
    async fn open(
        &self,
        reader: &mut Reader<'_>,
        outbox: &Arc<Outbox>,
    ) -> Result<(), Ending> {
        let mut header = [0; 8];
        reader.read_exact(&mut header).await?;
        // RabbitMQ takes the second one, which is 0-9's, for the first, too.
        if !matches!(&header, b"AMQP\0\0\x09\x01" | b"AMQP\x01\x01\0\x09") {
            return Err(Ending::Stranger);
        }
        outbox.push(&start());
        let Method::StartOk(hello) = hear(reader).await? else {
            return Ok(refuse(504, "connection.start-ok must come first")?);
        };
        let can = capabilities(&hello);
        if hello.response.as_bytes() != LOGIN
            || hello.mechanism.as_str() != "PLAIN"
        {
            tracing::info!("client {}: login refused", self.id);
            if !can("authentication_failure_close") {
                return Err(Ending::Unwelcome);
            }
            let text = format!(
                "Login was refused using authentication mechanism {}. For \
                 details see the broker logfile.",
                hello.mechanism
            );
            return Ok(refuse(403, text)?);
        }
        let mut tune = CHANNEL_MAX.to_be_bytes().to_vec();
        tune.extend(FRAME_MAX.to_be_bytes());
        tune.extend(HEARTBEAT.to_be_bytes());
        outbox.push(&frames::method(0, 10, 30, &tune));
        let Method::TuneOk(tuned) = hear(reader).await? else {
            return Ok(refuse(504, "connection.tune-ok must come next")?);
        };
        // The client has the last word. Nothing and too much is our maximum.
        outbox.heartbeat.store(tuned.heartbeat, SeqCst);
        let frame_max = match tuned.frame_max {
            0 => FRAME_MAX,
            wanted => wanted.clamp(FRAME_MIN, FRAME_MAX),
        };
        let Method::Open(open) = hear(reader).await? else {
            return Ok(refuse(504, "connection.open must come next")?);
        };
        let vhost = open.virtual_host;
        if vhost.as_str() != "/" {
            return Ok(refuse(530, format_args!("vhost {vhost} not found"))?);
        }
        let connection = Connection {
            outbox: outbox.clone(),
            frame_max: frame_max as usize,
            hears_cancel: can("consumer_cancel_notify"),
            channels: BTreeMap::new(),
        };
        lock(&self.broker).connections.insert(self.id, connection);
        outbox.push(&frames::method(0, 10, 41, &[0]));
        Ok(())
    }
    // ANCHOR_END: handshake

    /// The last words.
    async fn part(
        &self,
        ending: &Ending,
        reader: &mut Reader<'_>,
        writer: &mut WriteHalf<'_>,
        outbox: &Outbox,
    ) -> io::Result<()> {
        match ending {
            Ending::Left => {
                tracing::info!("client {} went", self.id);
                outbox.push(&frames::method(0, 10, 51, &[]));
            }
            Ending::Failed(failure) => {
                tracing::warn!("client {}: {}", self.id, failure.text);
                let told = failure.to_bytes();
                outbox.push(&frames::method(0, 10, 50, &told));
            }
            Ending::Stranger => {
                tracing::warn!("client {} speaks no AMQP 0-9-1", self.id);
                let version = ProtocolVersion::amqp_0_9_1();
                let header = AMQPFrame::ProtocolHeader(version);
                outbox.push(&frames::encode(&header));
            }
            Ending::Silent => {
                tracing::warn!("client {}: missed heartbeats", self.id);
                return Ok(());
            }
            Ending::Lost(error) => {
                tracing::warn!("client {} was lost: {error}", self.id);
                return Ok(());
            }
            Ending::Unwelcome => return Ok(()),
        }
        outbox.flush(writer, || ()).await?;
        if let Ending::Failed(_) = ending {
            until_heard(reader).await;
        }
        writer.shutdown().await?;
        // If bytes were left unread, closing would reset the connection, and
        // that can take the last words away from under the client's eyes.
        tokio::io::copy(reader, &mut tokio::io::sink()).await?;
        Ok(())
    }
}

/// The next method of the opening.
async fn hear(reader: &mut Reader<'_>) -> Result<Method, Ending> {
    match frames::read(reader, FRAME_MAX as usize).await? {
        (0, Frame::Method(AMQPClass::Connection(Method::Close(_)))) => {
            Err(Ending::Left)
        }
        (0, Frame::Method(AMQPClass::Connection(method))) => Ok(method),
        _ => Ok(refuse(504, "the connection is not open yet")?),
    }
}

/// The client may have sent much before it hears that this is the end.
async fn until_heard(reader: &mut Reader<'_>) {
    use AMQPClass::Connection;
    while let Ok(frame) = frames::read(reader, FRAME_MAX as usize).await {
        if let (0, Frame::Method(Connection(Method::CloseOk(_)))) = frame {
            return;
        }
    }
}

fn start() -> Vec<u8> {
    let text = |text: &str| AMQPValue::LongString(text.into());
    let mut capabilities = FieldTable::default();
    for name in [
        "authentication_failure_close",
        "basic.nack",
        "consumer_cancel_notify",
        "per_consumer_qos",
        "publisher_confirms",
    ] {
        capabilities.insert(name.into(), AMQPValue::Boolean(true));
    }
    let mut properties = FieldTable::default();
    properties
        .insert("product".into(), text("RabbitMQ stand-in"))
        .insert("version".into(), text(env!("CARGO_PKG_VERSION")))
        .insert("information".into(), text("everything is kept in memory"))
        .insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    let start = Method::Start(Start {
        version_major: 0,
        version_minor: 9,
        server_properties: properties,
        mechanisms: "PLAIN".into(),
        locales: "en_US".into(),
    });
    frames::encode(&AMQPFrame::Method(0, AMQPClass::Connection(start)))
}

/// What the client says that it can do.
fn capabilities(hello: &StartOk) -> impl Fn(&str) -> bool {
    let table = hello.client_properties.inner().get("capabilities");
    move |name| match table {
        Some(AMQPValue::FieldTable(table)) => {
            table.inner().get(name) == Some(&AMQPValue::Boolean(true))
        }
        _ => false,
    }
}
