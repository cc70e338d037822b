//! The raw peer: it connects or listens, sends just the bytes it is told to,
//! and takes down what it receives. Demos use it for everybody who does not
//! keep to the protocol: silent, half-closed, talking nonsense.

use std::io::{Read, Write};
use std::net::{
    Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs,
    UdpSocket,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::script::RawPeer;

/// What a raw peer heard.
pub enum RawEvent {
    /// A line of a stream with its line break, or a datagram; escaped.
    Said(String),
    /// The other side closed, and how.
    Ended(String),
}

/// A raw peer at work. Its sockets are closed when it is dropped.
pub struct Peer {
    wire: Wire,
    describe: String,
    listens_at: Option<SocketAddr>,
}

enum Wire {
    Stream(TcpStream),
    /// The stream comes when somebody has connected.
    Listener {
        accepted: Receiver<TcpStream>,
        stream: Option<TcpStream>,
        address: SocketAddr,
    },
    /// A datagram socket, and who last wrote to it (or whom it is bound to).
    Datagrams {
        socket: Arc<UdpSocket>,
        partner: Arc<Mutex<Option<SocketAddr>>>,
        closed: Arc<AtomicBool>,
        reader: Option<JoinHandle<()>>,
    },
}

/// How often the reader of a datagram socket looks whether it is to end: there
/// is no end of stream to wake it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// From how many equal bytes on they are counted.
const LONG_RUN: usize = 16;

impl RawPeer {
    /// The same with its address filled in.
    pub fn with_address(
        &self,
        mut fill_in: impl FnMut(&str) -> Result<String>,
    ) -> Result<Self> {
        Ok(match self {
            Self::Connect { address, udp } => Self::Connect {
                address: fill_in(address)?,
                udp: *udp,
            },
            Self::Listen { udp } => Self::Listen { udp: *udp },
        })
    }
}

impl Peer {
    pub fn start(
        raw: &RawPeer,
        until: Instant,
        report: impl Fn(RawEvent) + Send + 'static,
    ) -> Result<Self> {
        match raw {
            RawPeer::Connect {
                address,
                udp: false,
            } => {
                let left = until.saturating_duration_since(Instant::now());
                let stream =
                    TcpStream::connect_timeout(&resolve(address)?, left)
                        .with_context(|| {
                            format!("cannot connect to {address}")
                        })?;
                stream.set_nodelay(true)?;
                let reader = stream.try_clone()?;
                thread::spawn(move || read_stream(reader, &report));
                Ok(Self {
                    wire: Wire::Stream(stream),
                    describe: format!("connects to {address}"),
                    listens_at: None,
                })
            }
            RawPeer::Listen { udp: false } => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let address = listener.local_addr()?;
                let (sender, accepted) = mpsc::channel();
                thread::spawn(move || {
                    let Ok((stream, _)) = listener.accept() else {
                        return;
                    };
                    if let Ok(writer) = stream.try_clone()
                        && sender.send(writer).is_ok()
                    {
                        read_stream(stream, &report);
                    }
                });
                Ok(Self {
                    wire: Wire::Listener {
                        accepted,
                        stream: None,
                        address,
                    },
                    describe: format!("listens at {address}"),
                    listens_at: Some(address),
                })
            }
            RawPeer::Connect { address, udp: true } => {
                let address = resolve(address)?;
                Self::datagrams(
                    Some(address),
                    format!("sends to {address}"),
                    report,
                )
            }
            RawPeer::Listen { udp: true } => {
                Self::datagrams(None, String::new(), report)
            }
        }
    }

    fn datagrams(
        partner: Option<SocketAddr>,
        describe: String,
        report: impl Fn(RawEvent) + Send + 'static,
    ) -> Result<Self> {
        let local = match partner {
            Some(SocketAddr::V6(_)) => "[::1]:0",
            _ => "127.0.0.1:0",
        };
        let socket = Arc::new(UdpSocket::bind(local)?);
        let address = socket.local_addr()?;
        let listens_at = partner.is_none().then_some(address);
        let partner = Arc::new(Mutex::new(partner));
        let closed = Arc::new(AtomicBool::new(false));
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        let for_reader = (
            Arc::clone(&socket),
            Arc::clone(&partner),
            Arc::clone(&closed),
        );
        let reader = thread::spawn(move || {
            let (socket, partner, closed) = for_reader;
            read_datagrams(&socket, &partner, &closed, &report);
        });
        let describe = if describe.is_empty() {
            format!("listens at {address}")
        } else {
            describe
        };
        Ok(Self {
            wire: Wire::Datagrams {
                socket,
                partner,
                closed,
                reader: Some(reader),
            },
            describe,
            listens_at,
        })
    }

    /// What it did to begin with, for the recording.
    pub fn describe(&self) -> String {
        self.describe.clone()
    }

    pub fn listens_at(&self) -> Option<SocketAddr> {
        self.listens_at
    }

    pub fn send(&mut self, bytes: &[u8], until: Instant) -> Result<()> {
        match &mut self.wire {
            Wire::Stream(stream) => send_stream(stream, bytes, until),
            Wire::Listener {
                accepted, stream, ..
            } => {
                if stream.is_none() {
                    let left = until.saturating_duration_since(Instant::now());
                    let came = accepted
                        .recv_timeout(left)
                        .context("nobody connected")?;
                    *stream = Some(came);
                }
                match stream {
                    Some(stream) => send_stream(stream, bytes, until),
                    None => bail!("nobody connected"),
                }
            }
            Wire::Datagrams {
                socket, partner, ..
            } => {
                let to = partner
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .context(
                        "nobody wrote to it yet, so there is nobody to answer",
                    )?;
                socket.send_to(bytes, to)?;
                Ok(())
            }
        }
    }

    /// Closes, wholly or only the own direction of a stream.
    pub fn close(&mut self, half: bool) -> Result<()> {
        let how = if half {
            Shutdown::Write
        } else {
            Shutdown::Both
        };
        match &mut self.wire {
            Wire::Stream(stream) => stream.shutdown(how)?,
            Wire::Listener {
                accepted,
                stream,
                address,
            } => {
                if let Some(stream) =
                    stream.take().or_else(|| accepted.try_recv().ok())
                {
                    stream.shutdown(how)?;
                } else {
                    // Wakes the thread that is still waiting for somebody.
                    drop(TcpStream::connect(*address));
                }
            }
            // The socket is closed once the reader has let go of it, too.
            Wire::Datagrams { closed, reader, .. } => {
                closed.store(true, Ordering::Relaxed);
                if let Some(reader) = reader.take() {
                    let _ = reader.join();
                }
            }
        }
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Closed already is as good.
        let _ = self.close(false);
    }
}

fn resolve(address: &str) -> Result<SocketAddr> {
    address
        .to_socket_addrs()
        .with_context(|| format!("'{address}' is no address"))?
        .next()
        .with_context(|| format!("'{address}' resolves to nothing"))
}

/// The bytes in the escapes of programs. A long run of one byte that has no
/// letter is shown once, with its length.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for run in bytes.chunk_by(|one, other| one == other) {
        let escaped = run[..1].escape_ascii();
        if run.len() < LONG_RUN || run[0].is_ascii_graphic() {
            text.push_str(&run.escape_ascii().to_string());
        } else {
            text.push_str(&format!("{escaped}…({} times)", run.len()));
        }
    }
    text
}

fn send_stream(
    stream: &mut TcpStream,
    bytes: &[u8],
    until: Instant,
) -> Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    stream.set_write_timeout(Some(left.max(Duration::from_millis(1))))?;
    stream.write_all(bytes).context("cannot send")
}

/// Reports each line of a stream, and what is left over at its end.
fn read_stream(mut stream: TcpStream, report: &impl Fn(RawEvent)) {
    let said =
        |bytes: &[u8]| report(RawEvent::Said(format!("< {}", shown(bytes))));
    let mut pending = Vec::new();
    let mut buffer = [0; 4096];
    let ended = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break "closed by the other side".to_owned(),
            Ok(length) => pending.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break error.kind().to_string(),
        }
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            said(&line);
        }
    };
    if !pending.is_empty() {
        said(&pending);
    }
    report(RawEvent::Ended(ended));
}

fn read_datagrams(
    socket: &UdpSocket,
    partner: &Mutex<Option<SocketAddr>>,
    closed: &AtomicBool,
    report: &impl Fn(RawEvent),
) {
    let mut buffer = vec![0; 65_536];
    while !closed.load(Ordering::Relaxed) {
        // Nothing came in time, or the system tells that nobody was there.
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        *partner.lock().unwrap_or_else(PoisonError::into_inner) = Some(from);
        let said = shown(&buffer[..length]);
        report(RawEvent::Said(format!("< {said}")));
    }
}
