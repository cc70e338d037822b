// ANCHOR: all
//! What `redis-pub` and `redis-sub` share: a server to connect to, errors a
//! person can act on, a clean end, and the cats and their hats. A
//! subscription that outlives its server is in a module of its own.

mod keys;
pub mod stop;
mod subscription;
pub mod words;

use std::env;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use clap::Parser;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo,
    make_extension_error,
};
use redis::{ErrorKind, ProtocolVersion, PushInfo, RedisError, RedisResult};
use tokio::sync::mpsc::UnboundedSender;

pub use keys::enter_keys;
pub use stop::stop_signal;
pub use subscription::{Patience, Subscription};
pub use words::{beginning, finish, printable, say, seconds, warn};

/// Each cat is a channel.
pub const CATS: [&str; 4] = ["catA", "catB", "catC", "catD"];
/// Each hat is something to publish about a cat.
pub const HATS: [&str; 4] = ["hatA", "hatB", "hatC", "hatD"];

/// Reads the program's arguments, or ends the program.
pub fn parse<Options: Parser>() -> Options {
    // To clap a variable that is set to nothing is set.
    let command = Options::command().mut_args(|argument| {
        let value = argument.get_env().and_then(env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            argument.env(None::<&str>)
        } else {
            argument
        }
    });
    let options = command
        .try_get_matches()
        .and_then(|mut matches| Options::from_arg_matches_mut(&mut matches));
    options.unwrap_or_else(|error| {
        // It quotes what it cannot use, and that may be a URL.
        if error.use_stderr() {
            warn(hide_password(error.render().to_string().trim_end()));
        } else {
            let _ = error.print();
        }
        process::exit(error.exit_code())
    })
}

/// Hides what may be a password: all that stands between `://`, or else the
/// first quote, and the last `@`, or else the last quote. Too much is better
/// than too little.
fn hide_password(text: &str) -> String {
    let (before, after) = match (text.rsplit_once('@'), text.find("://")) {
        (Some((before, after)), _) => (before, format!("@{after}")),
        (None, Some(_)) => {
            let (before, after) = text.rsplit_once('\'').unwrap_or((text, ""));
            (before, format!("'{after}"))
        }
        (None, None) => return text.into(),
    };
    let secret = |mark| Some(before.find(mark)? + str::len(mark));
    let start = secret("://").or_else(|| secret("'")).unwrap_or(0);
    format!("{}***{after}", &before[..start])
}

/// Whether a password holds a character that ends the part of a URL in which
/// passwords stand. What comes before it would be taken for the host, and
/// shown.
fn cut_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match (rest.find(['/', '?', '#']), rest.rfind('@')) {
        (Some(end), Some(at)) => end < at,
        _ => false,
    }
}

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
        ensure!(
            !cut_password(url),
            "the URL cannot be read: in a password write # as %23, \
             / as %2F, ? as %3F, @ as %40 and % as %25"
        );
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

    // ANCHOR: connect
    /// Connects and logs in, within the limit `connecting`; `timeout` limits
    /// the wait for each later reply. What the server sends unasked (the
    /// messages of a subscription, and the news that the connection is gone)
    /// goes to `pushes`.
    pub async fn connect(
        &self,
        connecting: Duration,
        timeout: Duration,
        pushes: Option<UnboundedSender<PushInfo>>,
    ) -> RedisResult<MultiplexedConnection> {
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connecting))
            .set_response_timeout(Some(timeout));
        if let Some(pushes) = pushes {
            config = config.set_push_sender(pushes);
        }
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| self.first_reply(error))
    }
    // ANCHOR_END: connect

    /// The error reply to `HELLO`. A server older than RESP3 does not know
    /// the command, and each says so in words of its own. A server that
    /// refuses the login may quote the whole command, and the password is in
    /// it. Not the word alone is hidden but the sentence: it would tell a
    /// short password, by where it has holes.
    fn first_reply(&self, error: RedisError) -> RedisError {
        let detail = error.detail().unwrap_or_default().to_lowercase();
        if detail.contains("unknown command") && detail.contains("hello") {
            return (ErrorKind::RESP3NotSupported, "no HELLO").into();
        }
        let settings = self.client.get_connection_info().redis_settings();
        match (error.code(), error.detail(), settings.password()) {
            (Some(code), Some(detail), Some(password))
                if detail.contains(password) =>
            {
                let hidden = "and more, not shown to hide the password";
                make_extension_error(code.into(), Some(hidden.into()))
            }
            _ => error,
        }
    }

    /// What was tried here, why it failed and what to do.
    pub fn cannot(&self, what: &str, error: &RedisError) -> anyhow::Error {
        let why = self.explain(error);
        anyhow!("cannot {what} {self}: {why}")
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

// ANCHOR: explain_io
fn explain_io(error: &io::Error) -> String {
    use io::ErrorKind::*;
    // Which of these a vanished peer leaves behind is a matter of timing.
    let kind = match error.kind() {
        BrokenPipe | ConnectionAborted | UnexpectedEof => ConnectionReset,
        kind => kind,
    };
    let advice = match kind {
        ConnectionRefused | NotFound => {
            "start a Redis server there, or give another URL"
        }
        TimedOut => "is a Redis server running there?",
        ConnectionReset => "did the server end?",
        _ if is_unknown_host(error) => return UNKNOWN_HOST.into(),
        _ => "check the URL, and this machine's network",
    };
    format!("{kind}; {advice}")
}
// ANCHOR_END: explain_io

pub const UNKNOWN_HOST: &str = "host name not found; check the spelling";

/// Whether this came of looking up a host's name. No `ErrorKind` stands for
/// that, each system has its own words, and only Windows has numbers.
pub fn is_unknown_host(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, Other};
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && (11_001..=11_004).contains(&number),
        None => !matches!(error.kind(), InvalidInput | Other),
    }
}

/// As `printable`, but no more than the first `limit` bytes are shown.
pub fn shortened(bytes: &[u8], limit: usize) -> String {
    let shown = printable(beginning(bytes, limit));
    match bytes.len() {
        length if length > limit => format!("{shown}... ({length} bytes)"),
        _ => shown,
    }
}
// ANCHOR_END: all
