// ANCHOR: all
//! Takes letters from many clients at once.

use std::fmt::Write as _;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::maildir::{Incoming, Maildir};
use crate::session::{Envelope, Event, Rules, Session};
use crate::words::{printable, say, warn};

/// Clients at a time.
const MAX_CLIENTS: usize = 100;
/// For the text of one letter.
const LETTER_WITHIN: Duration = Duration::from_secs(600);
/// For open connections after the end was asked for.
const GRACE: Duration = Duration::from_secs(1);

/// A server's post office.
pub struct Post {
    pub rules: Arc<Rules>,
    pub maildir: Maildir,
    pub tls: Option<TlsAcceptor>,
    /// For each command, and to take each reply.
    pub patience: Duration,
}

/// Serves clients that connect to `listener`, until `shutdown`: in the clear
/// at first, or with TLS from the first byte.
pub async fn serve(
    post: Arc<Post>,
    listener: TcpListener,
    tls_first: bool,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let (stop, stopping) = watch::channel(false);
    let mut clients = JoinSet::new();
    loop {
        while clients.try_join_next().is_some() {}
        let (stream, peer) = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, perhaps: some are free soon.
                    warn(format_args!("email-server: cannot accept: {error}"));
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let full = clients.len() >= MAX_CLIENTS;
        let (post, stopping) = (post.clone(), stopping.clone());
        clients.spawn(async move {
            let met = post.meet(stream, tls_first, full, stopping);
            if let Err(why) = met.await
                && !has_gone(&why)
            {
                warn(format_args!("email-server: hung up on {peer}: {why}"));
            }
        });
    }
    let _ = stop.send(true);
    let ended = async { while clients.join_next().await.is_some() {} };
    let _ = timeout(GRACE, ended).await;
}

/// Serves two listeners until `shutdown`, the second with TLS from the first
/// byte.
pub async fn serve_both(
    post: Arc<Post>,
    clear: TcpListener,
    tls: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let (ended, end) = oneshot::channel::<()>();
    let first = async {
        shutdown.await;
        drop(ended);
    };
    let second = async {
        let _ = end.await;
    };
    tokio::join!(
        serve(post.clone(), clear, false, first),
        serve(post, tls, true, second),
    );
}

/// Listens at an address.
pub async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow!("cannot listen at {address}: {error}; give another address")
    })
}

impl Post {
    async fn meet(
        &self,
        mut stream: TcpStream,
        tls_first: bool,
        full: bool,
        mut stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if full {
            return self.write(&mut stream, "421 4.3.2 too many clients").await;
        }
        let mut session = Session::new(self.rules.clone(), tls_first);
        let greeting = session.greeting();
        if !tls_first {
            self.write(&mut stream, &greeting).await?;
            if !self.talk(&mut stream, &mut session, &mut stop).await? {
                return Ok(());
            }
        }
        let Some(tls) = &self.tls else {
            return Ok(());
        };
        let handshake = timeout(self.patience, tls.accept(stream));
        let mut stream =
            handshake.await.map_err(|_| late("no handshake"))??;
        if tls_first {
            self.write(&mut stream, &greeting).await?;
        } else {
            session.secured();
        }
        self.talk(&mut stream, &mut session, &mut stop).await?;
        // A farewell, so that the client knows that nothing was cut off.
        let _ = timeout(self.patience, stream.shutdown()).await;
        Ok(())
    }

    /// Talks until the client goes, or wants TLS: then it returns true.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        session: &mut Session,
        stop: &mut watch::Receiver<bool>,
    ) -> io::Result<bool> {
        let mut buffer = vec![0; 16 << 10];
        let mut letter: Option<Result<Writing, io::Error>> = None;
        // For the whole command or the whole letter, so that one byte now and
        // then does not keep a connection open.
        let mut deadline = Instant::now() + self.patience;
        loop {
            while let Some(event) = session.event() {
                match event {
                    Event::Say(reply) => self.write(stream, &reply).await?,
                    Event::Begin(envelope) => {
                        match Writing::begin(&self.maildir, envelope).await {
                            Ok(begun) => {
                                letter = Some(Ok(begun));
                                let reply = session.accept();
                                self.write(stream, reply).await?;
                                deadline = Instant::now() + LETTER_WITHIN;
                                continue;
                            }
                            Err(error) => {
                                let reply = not_kept(&error);
                                self.write(stream, reply).await?;
                            }
                        }
                    }
                    Event::Text(text) => {
                        if let Some(Ok(writing)) = &mut letter
                            && let Err(error) = writing.write(&text).await
                        {
                            letter = Some(Err(error));
                        }
                        continue;
                    }
                    Event::End(fault) => {
                        let reply = match (fault, letter.take()) {
                            (Some(fault), _) => fault,
                            (None, Some(Ok(writing))) => writing.keep().await,
                            (None, Some(Err(error))) => not_kept(&error),
                            (None, None) => "451 4.3.0 there is no letter",
                        };
                        self.write(stream, reply).await?;
                    }
                    Event::StartTls(reply) => {
                        self.write(stream, &reply).await?;
                        return Ok(true);
                    }
                    Event::Close(reply) => {
                        self.write(stream, &reply).await?;
                        return Ok(false);
                    }
                }
                deadline = Instant::now() + self.patience;
            }
            let read = timeout_at(deadline, stream.read(&mut buffer));
            let read = tokio::select! {
                read = read => read,
                // A letter under way may still arrive.
                () = asked(stop), if letter.is_none() => {
                    self.write(stream, "421 4.3.2 the server ends").await?;
                    return Ok(false);
                }
            };
            let Ok(read) = read else {
                let _ = self.write(stream, "421 4.4.2 you are too slow").await;
                return Err(late("it was too slow"));
            };
            match read? {
                0 => return Ok(false),
                length => session.feed(&buffer[..length]),
            }
        }
    }

    async fn write(
        &self,
        stream: &mut (impl AsyncWrite + Unpin),
        reply: &str,
    ) -> io::Result<()> {
        let bytes = format!("{reply}\r\n");
        let write = async {
            stream.write_all(bytes.as_bytes()).await?;
            stream.flush().await
        };
        let write = timeout(self.patience, write);
        write.await.map_err(|_| late("it took no reply"))?
    }
}

/// Clients go without a word: that is no news.
fn has_gone(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    let kind = error.kind();
    matches!(kind, ConnectionReset | BrokenPipe | UnexpectedEof)
}

/// Completes when the end was asked for.
async fn asked(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn late(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what.to_owned())
}

/// The client keeps the letter, and tries again later.
fn not_kept(error: &io::Error) -> &'static str {
    warn(format_args!("email-server: cannot keep a letter: {error}"));
    "452 4.3.1 the letter cannot be kept now"
}

/// A letter on its way to the disk.
struct Writing {
    file: Incoming,
    envelope: Envelope,
    size: usize,
}

impl Writing {
    /// What the envelope said goes before the letter (RFC 5321, 4.4): there
    /// is no other place for it in a Maildir.
    async fn begin(
        maildir: &Maildir,
        mut envelope: Envelope,
    ) -> io::Result<Self> {
        let mut file = maildir.begin().await?;
        let from = quoted(&envelope.from);
        let mut header = format!("Return-Path: <{from}>\r\n");
        let mut known = Vec::new();
        envelope.to.retain(|to| {
            let new = !known.contains(to);
            known.push(to.clone());
            new
        });
        for to in &envelope.to {
            let _ = write!(header, "Delivered-To: {}\r\n", quoted(to));
        }
        let mut client = envelope.client.clone();
        client.retain(|char| char.is_ascii_graphic() && char != ';');
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs() as i64;
        let date = mail_parser::DateTime::from_timestamp(now).to_rfc822();
        let _ = write!(header, "Received: from {client}; {date}\r\n");
        file.write(header.as_bytes()).await?;
        Ok(Self {
            file,
            envelope,
            size: 0,
        })
    }

    async fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.size += text.len();
        self.file.write(text).await
    }

    // ANCHOR: reply
    /// The letter is ours from the moment we say 250, and not before it is on
    /// the disk.
    async fn keep(self) -> &'static str {
        let (size, envelope) = (self.size, self.envelope);
        match self.file.keep().await {
            Ok(()) => {
                let from = printable(&envelope.from);
                let to = printable(envelope.to.join(", "));
                let _ = say(format_args!(
                    "Letter from <{from}> to {to}: {size} bytes"
                ));
                "250 2.0.0 we have it"
            }
            Err(error) => not_kept(&error),
        }
    }
    // ANCHOR_END: reply
}

/// An address as it stands in a header: what needs quotes has them, and nothing
/// in it can end the line.
fn quoted(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let plain = |char: char| {
        char.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(char)
    };
    if local.chars().all(plain) {
        return address.to_owned();
    }
    let mut text = String::from("\"");
    for char in local.chars().filter(|char| !char.is_control()) {
        if matches!(char, '"' | '\\') {
            text.push('\\');
        }
        text.push(char);
    }
    format!("{text}\"@{domain}")
}
// ANCHOR_END: all
