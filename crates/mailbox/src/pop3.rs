// ANCHOR: all
//! A POP3 client (RFC 1939), with a time limit on every answer.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::account::Account;
use crate::reply::{Fault, Reply};

/// The largest letter, in bytes.
pub const LARGEST: usize = 64 << 20;
/// The largest list of letters. Each is a line in two of them.
const LARGEST_LIST: usize = 4 << 20;
/// For all of one answer, so that one byte now and then is not enough.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// What went wrong, and at which step.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("cannot connect: {0}; is a server there?")]
    Connect(io::ErrorKind),
    #[error("{0}: {1}")]
    Answer(&'static str, Fault),
    /// What has arrived so far is not all of it.
    #[error("{0}: the server hung up in the middle; try again")]
    CutOff(&'static str),
    #[error("{0}: no answer in time; try again")]
    Late(&'static str),
    #[error("{0}: {1}")]
    Lost(&'static str, io::Error),
    #[error("{0}: the answer makes no sense")]
    Nonsense(&'static str),
}

/// A letter as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// In this session; another one may count differently.
    pub number: usize,
    pub size: u64,
    /// The same in every session.
    pub id: String,
}

/// An open session.
#[derive(Debug)]
pub struct Pop3 {
    stream: TcpStream,
    /// Bytes of the next answer that have come already.
    rest: Vec<u8>,
    limit: Duration,
}

type Result<T> = std::result::Result<T, Failure>;

impl Pop3 {
    /// Connects and logs in. Each step, and each pause in an answer, may be as
    /// long as `limit`.
    ///
    /// # Errors
    /// When there is no server, or it refuses.
    pub async fn open(account: &Account, limit: Duration) -> Result<Self> {
        let stream = account.connect(limit).await;
        let stream = stream.map_err(|error| Failure::Connect(error.kind()))?;
        let rest = Vec::new();
        let mut session = Self {
            stream,
            rest,
            limit,
        };
        session.reply("the greeting", None).await?;
        session.ask("USER", &account.user).await?;
        match session.ask("PASS", &account.password).await {
            Err(Failure::Answer(word, Fault::Refused(why))) => {
                let why = Fault::Refused(account.hide(&why));
                Err(Failure::Answer(word, why))
            }
            answer => answer.map(|()| session),
        }
    }

    /// All letters.
    ///
    /// # Errors
    /// As with all commands: when the server refuses, hangs up, is late, or
    /// speaks no POP3.
    pub async fn list(&mut self) -> Result<Vec<Listed>> {
        let sizes = self.fetch("LIST", "", LARGEST_LIST).await?;
        let ids = self.fetch("UIDL", "", LARGEST_LIST).await?;
        let pairs = |text: Vec<u8>| -> Option<Vec<(usize, String)>> {
            let text = String::from_utf8(text).ok()?;
            let pair = |line: &str| {
                let (number, rest) = line.split_once(' ')?;
                let number = number.parse().ok().filter(|one| *one > 0)?;
                // RFC 1939 allows more behind it, but not nothing.
                let word = rest.split_whitespace().next()?;
                Some((number, word.to_owned()))
            };
            text.lines().map(pair).collect()
        };
        let both = pairs(sizes).zip(pairs(ids));
        let both = both.filter(|(sizes, ids)| sizes.len() == ids.len());
        let (sizes, ids) = both.ok_or(Failure::Nonsense("LIST or UIDL"))?;
        let pairs = sizes.into_iter().zip(ids);
        let listed = pairs.map(|((number, size), (same, id))| {
            let size = size.parse().ok().filter(|_| number == same)?;
            Some(Listed { number, size, id })
        });
        let listed: Option<_> = listed.collect();
        listed.ok_or(Failure::Nonsense("LIST or UIDL"))
    }

    /// A letter as it is. Each line ends with CR LF.
    ///
    /// # Errors
    /// See [`Self::list`]. Half a letter is an error, too.
    pub async fn retrieve(&mut self, number: usize) -> Result<Vec<u8>> {
        self.fetch("RETR", &number.to_string(), LARGEST).await
    }

    /// Only its header, without the text.
    ///
    /// # Errors
    /// See [`Self::list`].
    pub async fn header(&mut self, number: usize) -> Result<Vec<u8>> {
        self.fetch("TOP", &format!("{number} 0"), LARGEST).await
    }

    /// Marks a letter. It is deleted when [`Self::quit`] returns.
    ///
    /// # Errors
    /// See [`Self::list`].
    pub async fn delete(&mut self, number: usize) -> Result<()> {
        self.ask("DELE", &number.to_string()).await
    }

    /// Ends the session, and deletes what is marked.
    ///
    /// # Errors
    /// See [`Self::list`]. If the answer is missing, nobody knows whether the
    /// letters are deleted.
    pub async fn quit(mut self) -> Result<()> {
        self.ask("QUIT", "").await
    }

    async fn ask(&mut self, word: &'static str, argument: &str) -> Result<()> {
        self.send(word, argument).await?;
        self.reply(word, None).await.map(drop)
    }

    async fn fetch(
        &mut self,
        word: &'static str,
        argument: &str,
        largest: usize,
    ) -> Result<Vec<u8>> {
        self.send(word, argument).await?;
        self.reply(word, Some(largest)).await
    }

    async fn send(&mut self, word: &'static str, argument: &str) -> Result<()> {
        let blank = if argument.is_empty() { "" } else { " " };
        let line = format!("{word}{blank}{argument}\r\n");
        let write = self.stream.write_all(line.as_bytes());
        let written = timeout(self.limit, write).await;
        let written = written.map_err(|_| Failure::Late(word))?;
        written.map_err(|error| Failure::Lost(word, error))
    }

    /// Reads an answer to its end: its text, if it may have one of so many
    /// bytes.
    async fn reply(
        &mut self,
        word: &'static str,
        largest: Option<usize>,
    ) -> Result<Vec<u8>> {
        let mut reply =
            Reply::new(largest.is_some(), largest.unwrap_or_default());
        let mut buffer = vec![0; 16 << 10];
        // ANCHOR: reply
        let read_all = async {
            loop {
                let left = reply.feed(&self.rest);
                let left = left.map_err(|why| Failure::Answer(word, why))?;
                self.rest.drain(..self.rest.len() - left);
                if reply.is_done() {
                    return Ok(reply.text);
                }
                let read = timeout(self.limit, self.stream.read(&mut buffer));
                let read = read.await.map_err(|_| Failure::Late(word))?;
                match read.map_err(|error| Failure::Lost(word, error))? {
                    0 => return Err(Failure::CutOff(word)),
                    length => self.rest.extend(&buffer[..length]),
                }
            }
        };
        // ANCHOR_END: reply
        let read_all = timeout(ANSWER_WITHIN, read_all).await;
        read_all.map_err(|_| Failure::Late(word))?
    }
}
// ANCHOR_END: all
