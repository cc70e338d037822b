// ANCHOR: all
//! The client's side of the talk, with a time limit on each step. The crate
//! suppaftp holds it; this file says which of its answers to believe.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use suppaftp::list::ListParser;
use suppaftp::tokio::{AsyncRustlsConnector, AsyncRustlsFtpStream};
use suppaftp::types::FileType;
use suppaftp::{FtpError, FtpResult, Mode, Status};
use tokio::fs::{File, OpenOptions};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt,
};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::place::Place;
use crate::words::printable;

/// A longer list is refused.
const LONGEST_LIST: u64 = 16 * 1024 * 1024;
/// How much of a file passes at a time.
const PIECE: usize = 64 * 1024;

/// Is told how many bytes are there, and of how many, where that is known.
pub type Report<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// A session with a server. Each step may take as long as `limit`.
pub struct Client {
    ftp: AsyncRustlsFtpStream,
    limit: Duration,
}

/// What a folder holds.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: String,
    /// In bytes; `None` for what is no file.
    pub size: Option<u64>,
}

impl Client {
    /// Connects to the first address of the host that takes it, all of them
    /// within `limit`, and logs in; with `trust`, through TLS only.
    ///
    /// # Errors
    /// With what was tried and why it failed.
    // ANCHOR: connect
    pub async fn connect(
        place: &Place,
        limit: Duration,
        trust: Option<TlsConnector>,
    ) -> anyhow::Result<Self> {
        let stream = reach(place, limit).await?;
        let peer = stream.peer_addr()?;
        let mut ftp = greeted(stream, &place.host, limit, trust).await?;
        // The second connection goes to where the first one went, whatever
        // host the server names. In IPv6, EPSV names none at all (RFC 2428).
        ftp.set_passive_nat_workaround(true);
        if peer.is_ipv6() {
            ftp.set_mode(Mode::ExtendedPassive);
        }
        step(limit, ftp.login(&place.user, &place.password))
            .await
            .context("cannot log in")?;
        // Without it, a server may change the ends of lines (RFC 959 3.1.1.1).
        step(limit, ftp.transfer_type(FileType::Binary)).await?;
        Ok(Self { ftp, limit })
    }
    // ANCHOR_END: connect

    /// What is in a folder, by name. Servers that know no MLSD
    /// (RFC 3659 7) are asked for a LIST, whose form is their own affair.
    ///
    /// # Errors
    /// When the server refuses, or is silent, or the list is too long.
    pub async fn list(
        &mut self,
        folder: Option<&str>,
    ) -> anyhow::Result<Vec<Entry>> {
        let folder = folder.map(one_line).transpose()?;
        let limit = self.limit;
        let asked = self.ask_for_list("MLSD", folder);
        let text = match timeout(limit, asked).await {
            Ok(Err(FtpError::UnexpectedResponse(reply)))
                if is_unknown(reply.status) =>
            {
                step(limit, self.ask_for_list("LIST", folder)).await?
            }
            Ok(text) => text.map_err(said)?,
            Err(_) => return Err(silent(limit)),
        };
        let mut found: Vec<_> = text.lines().filter_map(entry).collect();
        found.sort();
        Ok(found)
    }

    async fn ask_for_list(
        &mut self,
        command: &str,
        folder: Option<&str>,
    ) -> FtpResult<String> {
        let command = match folder {
            Some(folder) => format!("{command} {folder}"),
            None => command.to_owned(),
        };
        let begins = [Status::AboutToSend, Status::AlreadyOpen];
        let asked = self.ftp.custom_data_command(command, &begins);
        let (_, mut stream) = asked.await?;
        let mut text = Vec::new();
        let mut limited = (&mut stream).take(LONGEST_LIST);
        let read = limited.read_to_end(&mut text).await;
        read.map_err(FtpError::ConnectionError)?;
        if limited.limit() == 0 {
            let error = io::Error::from(ErrorKind::FileTooLarge);
            return Err(FtpError::ConnectionError(error));
        }
        stream.finish().await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Gets a file. Until all of it is there it is called `NAME.part`; with
    /// `resume`, what such a file holds is not asked for again. Returns how
    /// many bytes the file has.
    ///
    /// # Errors
    /// When it is not certain that the file is whole: what came stays in
    /// `NAME.part`.
    pub async fn get(
        &mut self,
        name: &str,
        file: &Path,
        resume: bool,
        report: Report<'_>,
    ) -> anyhow::Result<u64> {
        let name = one_line(name)?;
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let opened = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&part)
            .await;
        let cannot = || format!("cannot write {}.part", shown(file));
        let mut out = opened.with_context(cannot)?;
        if !resume {
            out.set_len(0).await.with_context(cannot)?;
        }
        let came = self.come(name, &mut out, report).await;
        // Nobody needs an empty part.
        if came.is_err() && out.metadata().await?.len() == 0 {
            tokio::fs::remove_file(&part).await?;
        }
        let length = came?;
        tokio::fs::rename(&part, file).await.with_context(cannot)?;
        Ok(length)
    }

    // ANCHOR: whole
    /// The rest of a file, behind what is there.
    async fn come(
        &mut self,
        name: &str,
        out: &mut File,
        report: Report<'_>,
    ) -> anyhow::Result<u64> {
        let start = out.metadata().await?.len();
        let size = self.size(name).await?;
        self.ftp.resume_transfer(start.try_into()?).await?;
        let limit = self.limit;
        let mut stream = step(limit, self.ftp.retr_as_stream(name)).await?;
        let length = pass(&mut stream, out, limit, start, size, report).await?;
        // 226: the server has sent all that it wanted to.
        step(limit, stream.finish()).await?;
        out.sync_all().await?;
        let wanted = size.unwrap_or(length);
        ensure!(
            length >= wanted,
            "the server says that this was all, and {length} of {wanted} \
             bytes are here; get the rest with --resume"
        );
        Ok(length)
    }
    // ANCHOR_END: whole

    /// Puts a file; with `resume`, without what the server has of it. Returns
    /// how many bytes the file has.
    ///
    /// # Errors
    /// When it is not certain that the server has all of it.
    pub async fn put(
        &mut self,
        file: &Path,
        name: &str,
        resume: bool,
        report: Report<'_>,
    ) -> anyhow::Result<u64> {
        let name = one_line(name)?;
        let cannot = || format!("cannot read {}", shown(file));
        let mut from = File::open(file).await.with_context(cannot)?;
        let size = from.metadata().await?.len();
        let start = match resume {
            true => self.size(name).await?.unwrap_or(0),
            false => 0,
        };
        ensure!(start <= size, "the server's file is longer than this one");
        from.seek(io::SeekFrom::Start(start)).await?;
        self.ftp.resume_transfer(start.try_into()?).await?;
        let mut stream =
            step(self.limit, self.ftp.put_with_stream(name)).await?;
        let limit = self.limit;
        let passed =
            pass(&mut from, &mut stream, limit, start, Some(size), report);
        let passed = passed.await;
        // A server that breaks off says why: its disk is full, say.
        step(limit, stream.finish()).await?;
        let length = passed?;
        if let Some(there) = self.size(name).await? {
            ensure!(
                there == length,
                "the server says that this was all, and has {there} of \
                 {length} bytes; put the rest there with --resume"
            );
        }
        Ok(length)
    }

    /// How many bytes a file has; `None` if the server does not tell.
    async fn size(&mut self, name: &str) -> anyhow::Result<Option<u64>> {
        match timeout(self.limit, self.ftp.size(name)).await {
            Ok(Ok(size)) => Ok(Some(size as u64)),
            // No such file, or no such command: RETR will tell which.
            Ok(Err(FtpError::UnexpectedResponse(_))) => Ok(None),
            Ok(Err(error)) => Err(said(error)),
            Err(_) => Err(silent(self.limit)),
        }
    }

    /// Says goodbye. What was asked for is there already, so nobody needs to
    /// know whether the server heard it.
    pub async fn quit(mut self) {
        let _ = timeout(self.limit, self.ftp.quit()).await;
    }
}

/// Waits for the server's first words, and begins TLS: from then on, both
/// connections are encrypted (RFC 4217).
async fn greeted(
    stream: TcpStream,
    host: &str,
    limit: Duration,
    trust: Option<TlsConnector>,
) -> anyhow::Result<AsyncRustlsFtpStream> {
    let connected = AsyncRustlsFtpStream::connect_with_stream(stream);
    let ftp = step(limit, connected).await?;
    let Some(trust) = trust else { return Ok(ftp) };
    let trust = AsyncRustlsConnector::from(trust);
    let secured = step(limit, ftp.into_secure(trust, host)).await;
    secured.context("cannot begin TLS")
}

/// Tries one address after the other; each gets a share of the time left.
async fn reach(place: &Place, limit: Duration) -> anyhow::Result<TcpStream> {
    let until = Instant::now() + limit;
    let found = timed(limit, lookup_host((&*place.host, place.port))).await?;
    let mut addresses: Vec<_> = found.collect();
    addresses.dedup();
    let mut why = anyhow!("the host has no address");
    for (number, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / (addresses.len() - number) as u32;
        match timed(share, TcpStream::connect(address)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// Passes bytes on until they end; each piece has the time `limit`.
async fn pass(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    limit: Duration,
    start: u64,
    size: Option<u64>,
    report: Report<'_>,
) -> anyhow::Result<u64> {
    let mut length = start;
    let mut piece = vec![0; PIECE];
    loop {
        report(length, size);
        let count = timed(limit, from.read(&mut piece)).await?;
        if count == 0 {
            timed(limit, to.flush()).await?;
            return Ok(length);
        }
        timed(limit, to.write_all(&piece[..count])).await?;
        length += count as u64;
    }
}

// ANCHOR: one-line
/// A line break in a name would begin a command of its own.
fn one_line(name: &str) -> anyhow::Result<&str> {
    let fits = !name.is_empty() && !name.contains(['\r', '\n', '\0']);
    ensure!(fits, "'{}' is no name of a file", printable(name));
    Ok(name)
}
// ANCHOR_END: one-line

/// A line of MLSD or LIST. One that cannot be taken apart is shown whole.
fn entry(line: &str) -> Option<Entry> {
    if line.is_empty() || line.starts_with("total ") {
        return None;
    }
    // Not the folder itself, nor the one that it is in.
    let facts = line.split(' ').next().unwrap_or_default();
    let facts = facts.to_ascii_lowercase();
    if facts.contains("type=cdir;") || facts.contains("type=pdir;") {
        return None;
    }
    let is_machine = facts.ends_with(';') && facts.contains('=');
    let parsed = match is_machine {
        true => ListParser::parse_mlsd(line),
        false => ListParser::parse_posix(&without_mark(line))
            .or_else(|_| ListParser::parse_dos(line)),
    };
    let Ok(listed) = parsed else {
        let name = line.to_owned();
        return Some(Entry { name, size: None });
    };
    let mut name = listed.name().to_owned();
    if listed.is_directory() {
        name.push('/');
    }
    let size = listed.is_file().then_some(listed.size() as u64);
    Some(Entry { name, size })
}

/// The line without the mark of further rights behind `rwx`.
fn without_mark(line: &str) -> String {
    match line.split_at_checked(10) {
        Some((rights, rest)) if rest.starts_with(['+', '.', '@']) => {
            format!("{rights}{}", &rest[1..])
        }
        _ => line.to_owned(),
    }
}

fn is_unknown(status: Status) -> bool {
    matches!(status, Status::BadCommand | Status::NotImplemented)
}

async fn step<T>(
    limit: Duration,
    step: impl Future<Output = FtpResult<T>>,
) -> anyhow::Result<T> {
    match timeout(limit, step).await {
        Ok(done) => done.map_err(said),
        Err(_) => Err(silent(limit)),
    }
}

async fn timed<T>(
    limit: Duration,
    step: impl Future<Output = io::Result<T>>,
) -> anyhow::Result<T> {
    match timeout(limit, step).await {
        Ok(done) => done.map_err(|error| broken(&error)),
        Err(_) => Err(silent(limit)),
    }
}

fn silent(limit: Duration) -> anyhow::Error {
    anyhow!("nothing came within {limit:?}; is this an FTP server, and alive?")
}

fn broken(error: &io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            anyhow!("connection refused; is the server running there?")
        }
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe => {
            anyhow!("the server broke off the connection; try again")
        }
        ErrorKind::StorageFull => {
            anyhow!("the disk is full; make room, and go on with --resume")
        }
        kind => anyhow!("{kind}"),
    }
}

/// What the server or the connection has to say, on one line.
fn said(error: FtpError) -> anyhow::Error {
    match error {
        FtpError::ConnectionError(error) => broken(&error),
        FtpError::UnexpectedResponse(reply) => {
            let text = reply.body.trim_ascii_end();
            anyhow!("the server says {}", printable(text))
        }
        other => {
            let text = other.to_string();
            let text = text.rsplit("Secure error: ").next();
            anyhow!("{}", printable(text.unwrap_or_default()))
        }
    }
}

fn shown(file: &Path) -> String {
    printable(file.as_os_str().as_encoded_bytes())
}
// ANCHOR_END: all

#[cfg(test)]
mod tests {
    use super::{Entry, entry};

    /// What servers write, as tests/cases/lists.tsv has it.
    #[test]
    fn lines_of_lists() {
        let cases = include_str!("../tests/cases/lists.tsv");
        let mut count = 0;
        for case in cases.lines().filter(|line| !line.starts_with('#')) {
            let [line, name, size] = case.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("not three fields: {case}");
            };
            let expected = (name != "-").then(|| Entry {
                name: name.to_owned(),
                size: size.parse().ok(),
            });
            assert_eq!(entry(line), expected, "{line}");
            count += 1;
        }
        assert!(count > 10);
    }
}
