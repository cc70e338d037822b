// ANCHOR: all
//! What `stream-add` and `stream-worker` share: a server to connect to, errors
//! a person can act on, a clean end, and the cats and their hats. A worker's
//! place in a consumer group is in a module of its own.

mod group;
mod keys;
mod steps;
pub mod stop;
mod trim;
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
use redis::{ErrorKind, ProtocolVersion, RedisError, RedisResult};
use tokio::time::sleep;

pub use group::{Membership, Task};
pub use steps::Steps;
pub use stop::stop_signal;
pub use trim::trim_done;
pub use words::{beginning, finish, printable, say, seconds, warn};

/// The stream with the tasks, and the group of those that do them.
pub const TASKS: &str = "tasks";
pub const WORKERS: &str = "workers";
/// The stream for tasks that nobody could do.
pub const GIVEN_UP: &str = "tasks:given-up";

pub const CATS: [&str; 4] = ["catA", "catB", "catC", "catD"];
/// A worker can knit these.
pub const HATS: [&str; 4] = ["hatA", "hatB", "hatC", "hatD"];

/// How long connecting and logging in may take.
const CONNECTING: Duration = Duration::from_secs(3);
/// How long a reply may take that need not wait for anything.
pub const REPLY: Duration = Duration::from_secs(3);
/// Before the first new attempt to connect, and between two at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

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
        // Redis server that lets us in. Telling the library's name is a
        // courtesy that Redis before 7.2 answers with an error.
        let settings = info.redis_settings().clone();
        let settings = settings.set_protocol(ProtocolVersion::RESP3);
        let settings = settings.set_skip_set_lib_name();
        Ok(Self {
            client: Client::open(info.set_redis_settings(settings))?,
            address: format!("{}://{place}", url.scheme()),
        })
    }

    // ANCHOR: connect
    /// Connects and logs in. `reply` limits the wait for each reply: where a
    /// command waits at the server, it must be longer than that wait.
    pub async fn connect(
        &self,
        reply: Duration,
    ) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(reply));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| self.first_reply(error))
    }
    // ANCHOR_END: connect

    /// Calls `open` until it works. The pauses grow, to spare a server in
    /// trouble, and are of random length, so that a thousand workers do not
    /// all come back in the same moment. When the server is there but refuses,
    /// only a person can mend that: `program` says so, once.
    pub async fn again<Open>(
        &self,
        program: &str,
        mut open: impl AsyncFnMut() -> RedisResult<Open>,
    ) -> Open {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match open().await {
                Ok(open) => return open,
                Err(error) if error.is_io_error() || told => {}
                Err(error) => {
                    let why = self.explain(&error);
                    warn(format_args!("{program}: {self} refuses: {why}"));
                    told = true;
                }
            }
        }
    }

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

/// Whether the server has answered, and would say the same again. (One that has
/// just started reads its file first, and says LOADING.)
pub fn is_refusal(error: &RedisError) -> bool {
    error.code().is_some_and(|code| code != "LOADING")
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

const UNKNOWN_HOST: &str = "host name not found; check the spelling";

/// Whether this came of looking up a host's name. No `ErrorKind` stands for
/// that, each system has its own words, and only Windows has numbers.
fn is_unknown_host(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, Other};
    match error.raw_os_error() {
        Some(number) => cfg!(windows) && (11_001..=11_004).contains(&number),
        None => !matches!(error.kind(), InvalidInput | Other),
    }
}
// ANCHOR_END: all
