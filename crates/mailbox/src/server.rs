// ANCHOR: all
//! Serves the letters of one mailbox, to one session at a time.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, timeout};

use crate::dots::Dots;
use crate::maildrop::Maildrop;
use crate::session::{Event, Session};
use crate::words::say;

/// Connections at a time.
const MAX_CLIENTS: usize = 100;
/// Bytes of a letter that are in memory at once.
const PIECE: usize = 64 << 10;
/// Between two attempts to accept when the system has nothing left for us.
const PAUSE: Duration = Duration::from_millis(100);

/// A mailbox, and who may open it.
pub struct Mailbox {
    pub folder: PathBuf,
    pub user: String,
    pub password: String,
    /// From the greeting to the right password, whatever is said meanwhile.
    pub login_within: Duration,
    /// After that: for each command, and for each piece of an answer.
    /// RFC 1939 wants ten minutes at least.
    pub patience: Duration,
    /// Whoever has it has the session.
    pub lock: Arc<Mutex<()>>,
}

/// Serves clients that connect to `listener`, until `shutdown`. A session
/// that is open then deletes nothing.
pub async fn serve(
    mailbox: Arc<Mailbox>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let mut clients = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = clients.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("cannot accept: {error}");
                    sleep(PAUSE).await;
                    continue;
                }
            },
        };
        let full = clients.len() >= MAX_CLIENTS;
        let mailbox = mailbox.clone();
        clients.spawn(async move {
            let mut client = Client {
                stream,
                patience: mailbox.patience,
                login_by: Some(Instant::now() + mailbox.login_within),
                open: None,
            };
            let result = match full {
                true => client.write("-ERR [SYS/TEMP] too many clients").await,
                false => client.talk(&mailbox).await,
            };
            if let Err(error) = result {
                tracing::debug!("hung up: {error}");
            }
            if client.open.is_some() {
                let _ = say("Session lost: nothing is deleted");
            }
        });
    }
    clients.shutdown().await;
}

struct Client {
    stream: TcpStream,
    patience: Duration,
    /// Until it is in.
    login_by: Option<Instant>,
    /// The letters, while the session lasts, and the right to have it.
    open: Option<(Arc<Maildrop>, OwnedMutexGuard<()>)>,
}

impl Client {
    async fn talk(&mut self, mailbox: &Mailbox) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.write("+OK POP3 server ready").await?;
        let mut session = Session::default();
        let mut buffer = [0; 4096];
        loop {
            while let Some(event) = session.event() {
                let event = match event {
                    Event::Login { user, password } => {
                        let right = user == mailbox.user
                            && password == mailbox.password;
                        self.login(mailbox, right, &mut session).await
                    }
                    event => event,
                };
                match event {
                    Event::Say(line) => self.write(&line).await?,
                    Event::Send(index, lines) => {
                        self.send(index, lines).await?;
                    }
                    Event::Quit(deleted) => return self.quit(deleted).await,
                    Event::Close(line) => return self.write(&line).await,
                    Event::Login { .. } => {}
                }
            }
            let patience = self.patience();
            let read = timeout(patience, self.stream.read(&mut buffer));
            match read.await.map_err(|_| io::ErrorKind::TimedOut)?? {
                0 => return Ok(()),
                length => session.feed(&buffer[..length]),
            }
        }
    }

    async fn login(
        &mut self,
        mailbox: &Mailbox,
        right: bool,
        session: &mut Session,
    ) -> Event {
        if !right {
            return session.refuse("[AUTH] Authentication failed.");
        }
        // ANCHOR: lock
        // While one session deletes, the numbers of another would be wrong.
        let Ok(lock) = mailbox.lock.clone().try_lock_owned() else {
            return session.refuse("[IN-USE] another session is open");
        };
        // ANCHOR_END: lock
        let folder = mailbox.folder.clone();
        // When the server ends, nobody needs the letters any more.
        let wanted = Arc::new(());
        let asks = Arc::downgrade(&wanted);
        let open = move || Maildrop::open(&folder, || asks.strong_count() > 0);
        match blocking(open).await {
            Ok(maildrop) => {
                let reply = session.open(&maildrop.letters);
                self.open = Some((Arc::new(maildrop), lock));
                self.login_by = None;
                Event::Say(reply)
            }
            Err(error) => {
                tracing::warn!("cannot read the mailbox: {error}");
                session.refuse("[SYS/TEMP] cannot read the mailbox")
            }
        }
    }

    async fn send(
        &mut self,
        index: usize,
        lines: Option<u64>,
    ) -> io::Result<()> {
        let path = self.maildrop()?.path(index);
        let opened = match path {
            Ok(path) => File::open(path).await,
            Err(error) => Err(error),
        };
        let Ok(mut file) = opened else {
            return self
                .write("-ERR [SYS/TEMP] that letter is not there")
                .await;
        };
        self.write("+OK the letter").await?;
        let (mut dots, mut out) = (Dots::new(lines), Vec::new());
        let mut piece = vec![0; PIECE];
        while !dots.is_done() {
            // If this fails, the client gets no lone dot, and so knows that
            // it does not have all of the letter.
            let length = file.read(&mut piece).await?;
            if length == 0 {
                break;
            }
            dots.push(&piece[..length], &mut out);
            self.pass(&out).await?;
            out.clear();
        }
        dots.end(&mut out);
        out.extend(b".\r\n");
        self.pass(&out).await
    }

    // ANCHOR: quit
    async fn quit(&mut self, deleted: Vec<usize>) -> io::Result<()> {
        let maildrop = self.maildrop()?;
        let count = deleted.len();
        let remove = move || {
            deleted
                .into_iter()
                .try_for_each(|index| maildrop.remove(index))
        };
        let removed = blocking(remove).await;
        // The next session may begin before this client has heard.
        self.open = None;
        match removed {
            Ok(()) => {
                let _ = say(format_args!("Session ends: {count} deleted"));
                self.write(&format!("+OK {count} letters deleted")).await
            }
            Err(error) => {
                tracing::warn!("cannot delete: {error}");
                self.write("-ERR [SYS/TEMP] not all are deleted").await
            }
        }
    }
    // ANCHOR_END: quit

    fn maildrop(&self) -> io::Result<Arc<Maildrop>> {
        let open = self.open.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        Ok(open.0.clone())
    }

    fn patience(&self) -> Duration {
        let left = |by: Instant| by.saturating_duration_since(Instant::now());
        self.login_by.map_or(self.patience, left)
    }

    async fn write(&mut self, line: &str) -> io::Result<()> {
        self.pass(format!("{line}\r\n").as_bytes()).await
    }

    async fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let write = timeout(self.patience(), self.stream.write_all(bytes));
        write.await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

/// Work on files, where it keeps no other client waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Makes a Maildir with three letters where no folder is.
///
/// # Errors
/// When the folder cannot be written.
pub fn furnish(folder: &Path) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    for part in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(folder.join(part))?;
    }
    for (name, letter) in LETTERS {
        std::fs::write(folder.join("new").join(name), letter)?;
    }
    Ok(())
}

const LETTERS: [(&str, &[u8]); 3] = [
    (
        "1700000001.desk",
        include_bytes!("../letters/new/1700000001.desk"),
    ),
    (
        "1700000002.desk",
        include_bytes!("../letters/new/1700000002.desk"),
    ),
    (
        "1700000003.desk",
        include_bytes!("../letters/new/1700000003.desk"),
    ),
];
// ANCHOR_END: all
