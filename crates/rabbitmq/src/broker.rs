// ANCHOR: all
//! A broker, known by its URL: connecting within a limit, and words for what
//! went wrong.

use std::fmt;
use std::io::ErrorKind::*;
use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties, Error, ErrorKind};
use tokio::time::{sleep, timeout};

use crate::words::printable;

/// Seconds between two heartbeats, if the URL does not say `?heartbeat=…`.
/// A broker that was silent for twice as long counts as gone.
const HEARTBEAT: u16 = 10;
/// How long to wait between two attempts to connect again: doubled from the
/// first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A RabbitMQ broker. Shows itself without the password.
pub struct Broker {
    uri: AMQPUri,
    patience: Duration,
}

impl Broker {
    /// Reads a URL, `amqp://[USER:PASSWORD@]HOST[:PORT][/VIRTUAL_HOST]`.
    /// `patience` limits connecting, and each wait for an answer.
    ///
    /// # Errors
    /// They never quote the URL: a password may be in it.
    pub fn from_url(url: &str, patience: Duration) -> anyhow::Result<Self> {
        let mut uri: AMQPUri = url.parse().map_err(|_| {
            anyhow!(
                "the URL cannot be read: write it as amqp://HOST:PORT or \
                 amqp://USER:PASSWORD@HOST:PORT/VIRTUAL_HOST"
            )
        })?;
        ensure!(
            uri.scheme == AMQPScheme::AMQP,
            "amqps:// means TLS, and this program was built without it: add \
             the feature \"rustls\" to lapin in Cargo.toml, and take this \
             check out of src/broker.rs"
        );
        // The crate reads an IPv6 address as no host at all, and then
        // connects to localhost.
        let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
        if let Some((_, host)) = host.split_once('[') {
            let Some((host, _)) = host.split_once(']') else {
                bail!("the URL cannot be read: an IPv6 address ends with ]");
            };
            uri.authority.host = host.to_owned();
        }
        // To RabbitMQ a slash and nothing behind it is a virtual host without
        // a name, and there is hardly ever one.
        if uri.vhost.is_empty() {
            uri.vhost = "/".into();
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        Ok(Self { uri, patience })
    }

    // ANCHOR: connect
    /// Connects and logs in, within the limit.
    async fn connect(&self) -> lapin::Result<Connection> {
        let options = ConnectionProperties::default();
        let connecting = Connection::connect_uri(self.uri.clone(), options);
        self.answer(connecting).await
    }

    /// A connection, and a channel on it. When the connection is dropped, the
    /// channel is closed.
    pub async fn channel(&self) -> lapin::Result<(Connection, Channel)> {
        let connection = self.connect().await?;
        let channel = self.answer(connection.create_channel()).await?;
        Ok((connection, channel))
    }

    /// Waits for an answer of the broker, within the limit.
    pub async fn answer<T>(
        &self,
        answer: impl Future<Output = lapin::Result<T>>,
    ) -> lapin::Result<T> {
        match timeout(self.patience, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::from(TimedOut).into()),
        }
    }
    // ANCHOR_END: connect

    // ANCHOR: again
    /// Tries again and again, until it works. Each pause is twice as long as
    /// the one before, and partly random, so that a thousand clients do not
    /// all come back at one moment.
    pub async fn again<T>(
        &self,
        open: impl AsyncFn() -> lapin::Result<T>,
    ) -> T {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            if let Ok(opened) = open().await {
                return opened;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    // ANCHOR_END: again

    /// The error with which a program ends that could not even begin.
    pub fn cannot_begin(&self, error: &Error) -> anyhow::Error {
        anyhow!("cannot begin at {self}: {}", self.explain(error))
    }

    /// Says why nothing more comes. A soft error ends the channel only; which
    /// of the others is seen at the end of a connection is a matter of timing.
    pub fn end(&self, error: &Error) -> String {
        match error.kind() {
            ErrorKind::ProtocolError(error)
                if matches!(error.kind(), AMQPErrorKind::Soft(_)) =>
            {
                let text = printable(error.get_message().as_str());
                // What follows the first sentence is advice for its operator.
                let text = text.split(". ").next().unwrap_or_default();
                format!("channel closed, {} {text},", error.get_id())
            }
            _ => "connection lost".into(),
        }
    }

    /// Says why something failed and what to do, for a person.
    pub fn explain(&self, error: &Error) -> String {
        match error.kind() {
            ErrorKind::IOError(error) => explain_io(error),
            ErrorKind::ParsingError(_)
            | ErrorKind::InvalidProtocolVersion(_) => {
                "what answers there is no RabbitMQ broker; \
                 is it the right port?"
                    .into()
            }
            ErrorKind::MissingHeartbeatError => {
                "the broker fell silent; is it busy, or the network gone?"
                    .into()
            }
            ErrorKind::ProtocolError(error) => {
                use AMQPErrorKind::{Hard, Soft};
                let advice = match error.kind() {
                    Soft(AMQPSoftError::ACCESSREFUSED) => {
                        "; correct USER:PASSWORD in the URL"
                    }
                    Soft(AMQPSoftError::PRECONDITIONFAILED) => {
                        "; declare it the same way everywhere, or delete it"
                    }
                    Hard(AMQPHardError::NOTALLOWED) => {
                        "; correct the virtual host, the last part of the URL"
                    }
                    _ => "",
                };
                let text = printable(error.get_message().as_str());
                let code = error.get_id();
                format!("the broker says {code} {text}{advice}")
            }
            _ => printable(error.to_string()),
        }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.uri.authority;
        let (host, port) = (printable(&place.host), place.port);
        match host.contains(':') {
            true => write!(out, "amqp://[{host}]:{port}")?,
            false => write!(out, "amqp://{host}:{port}")?,
        }
        match self.uri.vhost.as_str() {
            "/" => Ok(()),
            name => write!(out, "/{}", printable(name)),
        }
    }
}

fn explain_io(error: &std::io::Error) -> String {
    // Which of these a vanished peer leaves behind is a matter of timing.
    let kind = match error.kind() {
        BrokenPipe | ConnectionAborted | UnexpectedEof => ConnectionReset,
        kind => kind,
    };
    let advice = match kind {
        ConnectionRefused => {
            "start a RabbitMQ broker there, or give another URL"
        }
        TimedOut => "is a RabbitMQ broker running there?",
        ConnectionReset => "did the broker end?",
        // No kind stands for it, and each system has its own words.
        _ if error.raw_os_error().is_none() => {
            return "host name not found; check the spelling".into();
        }
        _ => "check the URL, and this machine's network",
    };
    format!("{kind}; {advice}")
}
// ANCHOR_END: all
