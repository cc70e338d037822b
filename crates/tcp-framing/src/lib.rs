//! What `tcp-framed-server` and `tcp-framed-client` share. The framing itself
//! is in a file of its own, which can be lifted out, and so is the server's
//! accepting of many clients. Here is the rest: options, errors a person can
//! act on, and a clean end.

mod framing;
pub mod log;
mod server;
pub mod stop;
pub mod words;

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use anyhow::anyhow;
use bytes::BytesMut;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_util::codec::Encoder;

pub use framing::{FrameCodec, FrameError, Framing};
pub use log::log;
pub use server::{Limits, serve};
pub use stop::stop_signal;
pub use words::{beginning, finish, printable, say, seconds, warn};

/// The largest size or limit of a message that an option takes: 16 MiB. More
/// is for a protocol that sends in parts.
const MOST: i64 = 16 << 20;

/// The options that both ends must give alike.
#[derive(clap::Args)]
pub struct FramingOptions {
    /// How messages are told apart
    #[arg(long, value_enum, default_value = "length")]
    framing: Name,
    /// Bytes of every frame, where the size is fixed
    #[arg(long, value_name = "BYTES", default_value = "32")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MOST))]
    size: u32,
    /// Bytes of the longest message, where the size is not fixed
    #[arg(long, value_name = "BYTES", default_value = "65536")]
    #[arg(value_parser = clap::value_parser!(u32).range(..=MOST))]
    max_frame: u32,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Name {
    /// All have one size, filled up with zero bytes
    Fixed,
    /// A length goes before each: four bytes, the highest first
    Length,
    /// A line feed goes after each
    Delimiter,
}

impl FramingOptions {
    pub fn framing(&self) -> Framing {
        // Where a usize has 16 bits there is less memory than that anyway.
        let bytes = |count| usize::try_from(count).unwrap_or(usize::MAX);
        let limit = bytes(self.max_frame);
        match self.framing {
            Name::Fixed => Framing::Fixed {
                size: bytes(self.size),
            },
            Name::Length => Framing::Length { limit },
            Name::Delimiter => Framing::Delimiter {
                delimiter: b'\n',
                limit,
            },
        }
    }
}

/// Says before the first message comes whether its answer can be framed.
pub fn check_answer(framing: Framing, answer: &str) -> anyhow::Result<()> {
    let mut codec = framing.codec();
    let frame = codec.encode(answer.as_bytes(), &mut BytesMut::new());
    frame.map_err(|error| {
        anyhow!("cannot answer: {error}; raise --size or --max-frame")
    })
}

impl fmt::Display for FramingOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.framing {
            Name::Fixed => "fixed size",
            Name::Length => "length prefix",
            Name::Delimiter => "delimiter",
        })
    }
}

/// The socket addresses that `HOST:PORT` stands for, never none. HOST is a
/// name, an IPv4 address, or an IPv6 address in brackets. A name is looked
/// up, which blocks for as long as the system's resolver takes.
///
/// # Errors
/// With a text of its own, since each system has other words for it.
pub fn lookup(address: &str) -> io::Result<Vec<SocketAddr>> {
    let unreadable = || {
        let text = "this is no address; write it as HOST:PORT";
        io::Error::new(ErrorKind::InvalidInput, text)
    };
    if let Ok(address) = address.parse() {
        return Ok(vec![address]);
    }
    let (host, port) = address.rsplit_once(':').ok_or_else(unreadable)?;
    let port: u16 = port.parse().map_err(|_| unreadable())?;
    // What has brackets or another colon would be an IPv6 address, and that
    // was tried above.
    if host.is_empty() || host.contains([':', '[', ']', '/', ' ']) {
        return Err(unreadable());
    }
    let found = (host, port).to_socket_addrs().map(Vec::from_iter);
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| {
        let text = "the name is unknown; correct it, or give an IP address";
        io::Error::new(ErrorKind::NotFound, text)
    })
}

/// The same for programs that await. A thread of its own does the look-up:
/// one of tokio's would keep the program alive after Ctrl-C until it is done.
pub async fn find(address: &str) -> io::Result<Vec<SocketAddr>> {
    let (sender, found) = oneshot::channel();
    let address = address.to_string();
    std::thread::Builder::new().spawn(move || {
        let _ = sender.send(lookup(&address));
    })?;
    found.await.map_err(io::Error::other)?
}

/// Listens at the first of the addresses that `address` stands for.
pub async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    let listener = match find(address).await {
        Ok(found) => TcpListener::bind(&found[..]).await,
        Err(error) => Err(error),
    };
    listener.map_err(|error| {
        anyhow!("cannot listen at {address}: {}", explain(&error))
    })
}

/// Connects to the first of the addresses that answers: `localhost` is often
/// `[::1]` and `127.0.0.1`, and the server listens at one of them. Each has
/// its share of the time, so one that swallows what comes does not use it up
/// (RFC 8305 in short).
///
/// # Errors
/// That of the last address, or `TimedOut`.
pub async fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
) -> io::Result<TcpStream> {
    let deadline = Instant::now() + limit;
    let mut result = Err(ErrorKind::NotFound.into());
    let mut left = addresses.len() as u32;
    for address in addresses {
        let share = (deadline - Instant::now()) / left;
        left -= 1;
        result = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Err(error),
            Err(late) => Err(late.into()),
        };
    }
    result
}

/// Why an address or a connection failed and what to do, for a person.
pub fn explain(error: &io::Error) -> String {
    use ErrorKind::*;
    if error
        .raw_os_error()
        .is_some_and(|code| TOO_MANY.contains(&code))
    {
        return "too many open files; raise the limit (ulimit -n), \
                or end what else has many open"
            .into();
    }
    // Which of these a vanished peer leaves behind is a matter of timing.
    let kind = match error.kind() {
        BrokenPipe | ConnectionAborted | UnexpectedEof => ConnectionReset,
        kind => kind,
    };
    match kind {
        ConnectionRefused => {
            format!("{kind}; start a server there, or give another address")
        }
        ConnectionReset => format!(
            "{kind}; does the other end use the same framing and limits?"
        ),
        TimedOut => format!("{kind}; is a server running there?"),
        NetworkUnreachable | HostUnreachable => {
            format!("{kind}; is this machine connected to that network?")
        }
        AddrInUse => {
            format!("{kind}; end what listens there, or give another address")
        }
        AddrNotAvailable => format!("{kind}; give an address of this machine"),
        PermissionDenied => format!("{kind}; give a port above 1023"),
        // Not the socket's error but the look-up's, with words of its own.
        _ if error.get_ref().is_some() => error.to_string(),
        InvalidInput => format!(
            "{kind}; a fe80: address needs its interface, as in \
             [fe80::1%2]:6789"
        ),
        _ => kind.to_string(),
    }
}

/// The systems' numbers for "no descriptor left", in this process or in all:
/// no `ErrorKind` stands for them.
const TOO_MANY: [i32; 2] = if cfg!(windows) { [10_024, 4] } else { [24, 23] };

/// Why a talk over frames failed and what to do, for a person.
pub fn advise(error: &FrameError) -> String {
    let advice = match error {
        FrameError::Io(error) if error.kind() == ErrorKind::TimedOut => {
            "is there a server that uses the same framing?"
        }
        FrameError::Io(error) => return explain(error),
        FrameError::Announced { .. } | FrameError::Endless { .. } => {
            "does the other end use the same framing and limits?"
        }
        FrameError::CutShort => "did the other end break off?",
        FrameError::TooLong { .. } => {
            "shorten it, or raise the limit at both ends"
        }
        FrameError::HasDelimiter(_) | FrameError::HasPadding => {
            "give both ends --framing length"
        }
    };
    format!("{error}; {advice}")
}

/// The beginning of the bytes, printable, for a line that stays short.
pub fn excerpt(bytes: &[u8]) -> String {
    const MOST: usize = 32;
    let ending = if bytes.len() > MOST { "..." } else { "" };
    printable(beginning(bytes, MOST)) + ending
}
