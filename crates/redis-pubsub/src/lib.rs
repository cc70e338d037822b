//! What `redis-pub` and `redis-sub` share: a server to connect to, errors a
//! person can act on, a clean end, and the cats and their hats. A
//! subscription that outlives its server is in a module of its own.

mod subscription;

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo,
};
use redis::{ErrorKind, ProtocolVersion, PushInfo, RedisError, RedisResult};
use tokio::sync::mpsc::UnboundedSender;

pub use subscription::{Patience, Subscription};

/// Each cat is a channel.
pub const CATS: [&str; 4] = ["catA", "catB", "catC", "catD"];
/// Each hat is something to publish about a cat.
pub const HATS: [&str; 4] = ["hatA", "hatB", "hatC", "hatD"];

/// A Redis server, known by its URL. Shows itself without the password.
pub struct Server {
    client: Client,
    address: String,
}

impl Server {
    /// Reads a URL: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`, or
    /// `unix:///PATH`. The errors never quote it: a password may be in it,
    /// and in a URL that cannot be read nobody knows where.
    pub fn from_url(url: &str) -> anyhow::Result<Self> {
        let url = redis::parse_redis_url(url).context(
            "the URL cannot be read: \
             write it as redis://HOST:PORT or redis://:PASSWORD@HOST:PORT",
        )?;
        let info = match url.clone().into_connection_info() {
            Ok(info) => info,
            Err(_) if matches!(url.scheme(), "rediss" | "valkeys") => bail!(
                "{}:// means TLS, and this program was built without it: add \
                 the feature \"tokio-native-tls-comp\" to redis in Cargo.toml",
                url.scheme()
            ),
            Err(error) => bail!(
                "the URL cannot be used: {}",
                error.to_string().split(" - ").next().unwrap_or_default()
            ),
        };
        let place = match info.addr() {
            ConnectionAddr::Unix(path) => path.display().to_string(),
            _ => format!(
                "{}:{}",
                url.host_str().unwrap_or_default(),
                url.port().unwrap_or(6379)
            ),
        };
        // RESP3 opens with HELLO, whose reply tells at once whether this is a
        // Redis server that lets us in, and it lets messages come in between
        // the replies. Telling the library's name is a courtesy that Redis
        // before 7.2 answers with an error.
        let settings = info.redis_settings().clone();
        let settings = settings.set_protocol(ProtocolVersion::RESP3);
        let settings = settings.set_skip_set_lib_name();
        Ok(Self {
            client: Client::open(info.set_redis_settings(settings))?,
            address: format!("{}://{place}", url.scheme()),
        })
    }

    /// Connects and logs in. `timeout` limits this, and then the wait for
    /// each reply. What the server sends unasked (the messages of a
    /// subscription, and the news that the connection is gone) goes to
    /// `pushes`.
    pub async fn connect(
        &self,
        timeout: Duration,
        pushes: Option<UnboundedSender<PushInfo>>,
    ) -> RedisResult<MultiplexedConnection> {
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        if let Some(pushes) = pushes {
            config = config.set_push_sender(pushes);
        }
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// Says why something failed and what to do, for a person.
    pub fn explain(&self, error: &RedisError) -> String {
        if let Some(error) = io_error(error) {
            return explain_io(error);
        }
        match (error.kind(), error.code()) {
            (_, Some("NOAUTH")) => "a password is asked for; \
                 put it in the URL, redis://:PASSWORD@HOST:PORT"
                .into(),
            (_, Some("WRONGPASS")) => "wrong user or password; \
                 correct it in the URL, redis://USER:PASSWORD@HOST:PORT"
                .into(),
            (ErrorKind::Parse, _) => "what answers there is no Redis \
                 server; is it the right port?"
                .into(),
            (ErrorKind::RESP3NotSupported, _) => {
                "the server does not know RESP3; take Redis 6 or newer".into()
            }
            (_, Some(code)) => {
                let detail = error.detail().unwrap_or_default();
                // Some servers quote the whole of a command they refuse.
                let secret = self.client.get_connection_info().redis_settings();
                let detail = match secret.password() {
                    Some(word) if !word.is_empty() => {
                        detail.replace(word, "***")
                    }
                    _ => detail.to_string(),
                };
                printable(format!("the server says {code} {detail}").trim())
            }
            _ => printable(error.to_string()),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.address)
    }
}

/// The system's own error, when it is one: redis keeps it inside an `Arc`,
/// so one `downcast_ref` is not enough.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    type Shared = Arc<dyn std::error::Error + Send + Sync>;
    error.source()?.downcast_ref::<Shared>()?.downcast_ref()
}

fn explain_io(error: &io::Error) -> String {
    use io::ErrorKind::*;
    // Which of these a vanished peer leaves behind is a matter of timing.
    let kind = match error.kind() {
        BrokenPipe | ConnectionAborted | UnexpectedEof => ConnectionReset,
        kind => kind,
    };
    match kind {
        ConnectionRefused | NotFound => {
            format!("{kind}; start a Redis server there, or give another URL")
        }
        TimedOut => format!("{kind}; is a Redis server running there?"),
        ConnectionReset => format!("{kind}; did the server end?"),
        // The name of the host, most likely: no kind stands for that.
        _ if error.raw_os_error().is_none() => error.to_string(),
        _ => kind.to_string(),
    }
}

/// The bytes as one line of text that cannot play with a terminal: control
/// characters, backslashes and what is not UTF-8 are shown as escapes.
pub fn printable(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for chunk in bytes.as_ref().utf8_chunks() {
        for char in chunk.valid().chars() {
            if char.is_control() || char == '\\' {
                text.extend(char.escape_default());
            } else {
                text.push(char);
            }
        }
        text.push_str(&chunk.invalid().escape_ascii().to_string());
    }
    text
}

/// Prints a line and flushes it, so that who waits for it sees it. Unlike
/// `println!` it does not panic when nobody reads any more.
pub fn say(line: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Prints a line to stderr. If even that is closed, nothing can be done.
pub fn warn(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Turns the result of a program into its last words and its exit code. A
/// closed stdout (`redis-sub | head -1`) is a normal end.
pub fn finish(program: &str, result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<io::Error>() {
            Some(closed) if closed.kind() == io::ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            _ => {
                warn(format_args!("{program}: {error:#}"));
                ExitCode::FAILURE
            }
        },
    }
}

/// Completes on Ctrl-C or SIGTERM (on Windows: Ctrl-C or Ctrl-Break). The
/// signals are caught from this call on, not from the first `await`.
#[cfg(unix)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes on Ctrl-C or Ctrl-Break. The signals are caught from this call
/// on, not from the first `await`.
#[cfg(windows)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c};
    let (mut interrupt, mut stop) = (ctrl_c()?, ctrl_break()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
        }
    })
}

/// Reads an option that is a time in seconds, such as `5` or `0.3`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    match Duration::try_from_secs_f64(number) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("must be more than 0 seconds".into()),
    }
}
