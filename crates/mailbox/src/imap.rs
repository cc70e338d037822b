// ANCHOR: all
//! An IMAP client (RFC 3501). The crate async-imap takes the server's answers
//! apart; what is checked here, it does not check for us.

use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use async_imap::error::Error;
use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response, Status};
use async_imap::{Client, Session};
use tokio::io::{AsyncReadExt, Join, Take, join};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::account::Account;
use crate::words::printable;

/// The largest letter that is read, in bytes.
const LARGEST: u32 = 64 << 20;
/// The largest answer, with all that the server says in between.
const LARGEST_ANSWER: u64 = LARGEST as u64 + (1 << 20);
/// For each answer. A large letter is one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);
/// For how many letters one command asks.
const AT_ONCE: usize = 100;

/// What the server says of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In this session; another one may count differently.
    pub number: u32,
    /// The same in every session, as long as the mailbox lives.
    pub uid: u32,
    pub size: u32,
    /// Such as `\Seen`; no blank or control character is in one.
    pub flags: Vec<String>,
    /// Its header, or all of it, as was asked.
    pub text: Vec<u8>,
}

/// An open session with one mailbox.
#[derive(Debug)]
pub struct Imap(Session<Stream>);

/// Reads no more than it is told to.
type Stream = Join<Take<OwnedReadHalf>, OwnedWriteHalf>;

impl Imap {
    /// Connects, logs in and selects the mailbox `INBOX`. Each of these steps
    /// may take as long as `limit`.
    ///
    /// # Errors
    /// When there is no server, or it refuses.
    pub async fn open(
        account: &Account,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        let stream = account.connect(limit).await;
        let stream = stream.map_err(|error| {
            anyhow!("cannot connect: {}; is a server there?", error.kind())
        })?;
        let (read, write) = stream.into_split();
        let mut client = Client::new(join(read.take(LARGEST_ANSWER), write));
        let greeting = timeout(limit, client.read_response()).await;
        let greeting = greeting.context("no greeting in time")?;
        let greeting = greeting.map_err(plain)?;
        let greeting = greeting.context("the server hung up")?;
        match greeting.parsed() {
            Response::Data {
                status: Status::Ok | Status::PreAuth,
                ..
            } => {}
            other => bail!(words(other)),
        }
        let login = client.login(&account.user, &account.password);
        let login = timeout(limit, login).await;
        let session = login.context("LOGIN: no answer in time")?;
        let mut imap = Self(session.map_err(|(error, _)| match error {
            Error::No(_) => anyhow!("LOGIN: wrong user or password"),
            Error::Io(error) => plain(error).context("LOGIN"),
            other => {
                let said = account.hide(&printable(other.to_string()));
                anyhow!("LOGIN: {said}")
            }
        })?);
        let select = imap.ask("SELECT INBOX", |_| {});
        timeout(limit, select)
            .await
            .context("SELECT: no answer in time")??;
        Ok(imap)
    }

    /// The UIDs of the letters for which all these keys are true, such as
    /// `UNSEEN SUBJECT hat` (RFC 3501, 6.4.4).
    ///
    /// # Errors
    /// As with all commands: when the server refuses, hangs up or is late.
    pub async fn search(&mut self, keys: &str) -> anyhow::Result<Vec<u32>> {
        let mut uids = Vec::new();
        let search = format!("UID SEARCH {keys}");
        self.ask(&search, |said| {
            if let Response::MailboxData(MailboxDatum::Search(found)) = said {
                uids.extend(found);
            }
        })
        .await?;
        uids.sort_unstable();
        Ok(uids)
    }

    /// These letters, without their texts.
    ///
    /// # Errors
    /// See [`Self::search`].
    pub async fn headers(
        &mut self,
        uids: &[u32],
    ) -> anyhow::Result<Vec<Found>> {
        let mut found = Vec::new();
        for uids in uids.chunks(AT_ONCE) {
            let uids: Vec<String> = uids.iter().map(u32::to_string).collect();
            let items = "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER])";
            let fetch = format!("UID FETCH {} {items}", uids.join(","));
            self.ask(&fetch, |said| found.extend(letter(said))).await?;
        }
        Ok(found)
    }

    // ANCHOR: peek
    /// A letter, all of it. Without PEEK, that would give it the flag `\Seen`.
    ///
    /// # Errors
    /// See [`Self::search`]; and when it is not there or too large.
    pub async fn read(&mut self, uid: u32) -> anyhow::Result<Vec<u8>> {
        let about = self.headers(&[uid]).await?;
        let about = about.first();
        let about = about.with_context(|| format!("there is no UID {uid}"))?;
        ensure!(about.size <= LARGEST, "it is larger than {LARGEST} bytes");
        let found = self.bodies(&uid.to_string()).await?;
        let letter = found.into_iter().find(|letter| letter.uid == uid);
        Ok(letter.context("the server sends no such letter")?.text)
    }
    // ANCHOR_END: peek

    /// All of the letters with UIDs in this set, such as `1:*`.
    ///
    /// # Errors
    /// See [`Self::search`].
    pub async fn bodies(&mut self, uids: &str) -> anyhow::Result<Vec<Found>> {
        let fetch = format!("UID FETCH {uids} (UID RFC822.SIZE BODY.PEEK[])");
        let mut found = Vec::new();
        self.ask(&fetch, |said| found.extend(letter(said))).await?;
        Ok(found)
    }

    /// Gives a letter a flag, such as `\Seen`.
    ///
    /// # Errors
    /// See [`Self::search`].
    pub async fn flag(&mut self, uid: u32, flag: &str) -> anyhow::Result<()> {
        let store = format!("UID STORE {uid} +FLAGS ({flag})");
        let mut is_there = false;
        let notice = |said: &Response| {
            is_there |= matches!(said, Response::Fetch(..));
        };
        self.ask(&store, notice).await?;
        // Servers say OK, too, when there is no such letter.
        ensure!(is_there, "there is no UID {uid}");
        Ok(())
    }

    /// Deletes a letter now, and no other one (RFC 4315).
    ///
    /// # Errors
    /// See [`Self::search`].
    pub async fn delete(&mut self, uid: u32) -> anyhow::Result<()> {
        self.flag(uid, "\\Deleted").await?;
        self.ask(&format!("UID EXPUNGE {uid}"), |_| {}).await
    }

    /// Ends the session.
    ///
    /// # Errors
    /// See [`Self::search`].
    pub async fn logout(mut self) -> anyhow::Result<()> {
        self.ask("LOGOUT", |_| {}).await
    }

    /// Sends a command, and calls `each` with what the server says before its
    /// `OK`.
    async fn ask(
        &mut self,
        command: &str,
        mut each: impl FnMut(&Response),
    ) -> anyhow::Result<()> {
        let word = command.split(' ').find(|word| *word != "UID");
        let word = word.unwrap_or_default();
        self.0.as_mut().reader_mut().set_limit(LARGEST_ANSWER);
        // ANCHOR: ask
        // The crate would send a second line, and the server obey it.
        ensure!(
            !command.contains(['\r', '\n', '\0']),
            "{word}: one line only"
        );
        let talk = async {
            let tag = self.0.run_command(command).await?;
            loop {
                let said = self.0.read_response().await.map_err(plain)?;
                let said = said.context("the server hung up; try again")?;
                match said.parsed() {
                    Response::Done {
                        tag: end, status, ..
                    } if *end == tag => {
                        ensure!(*status == Status::Ok, words(said.parsed()));
                        return anyhow::Ok(());
                    }
                    Response::Data {
                        status: Status::Bye,
                        ..
                    } if word != "LOGOUT" => bail!(words(said.parsed())),
                    other => each(other),
                }
            }
        };
        // ANCHOR_END: ask
        let result = timeout(ANSWER_WITHIN, talk).await;
        let result = result
            .context("no answer in time; try again")
            .and_then(|end| end);
        let left = self.0.as_mut().reader_mut().limit();
        let result = match left {
            0 => Err(anyhow!("it is larger than {LARGEST_ANSWER} bytes")),
            _ => result,
        };
        result.with_context(|| word.to_owned())
    }
}

/// The letter that the server sends, if this is one. It may tell of others in
/// between: their flags have changed, perhaps.
fn letter(said: &Response) -> Option<Found> {
    let Response::Fetch(number, items) = said else {
        return None;
    };
    let (mut uid, mut text) = (None, None);
    let (mut size, mut flags) = (0, Vec::new());
    for item in items {
        match item {
            AttributeValue::Uid(value) => uid = Some(*value),
            AttributeValue::Rfc822Size(value) => size = *value,
            AttributeValue::Flags(values) => {
                // RFC 9051 has done away with that one.
                let kept = values.iter().filter(|flag| **flag != "\\Recent");
                flags = kept.map(ToString::to_string).collect();
            }
            AttributeValue::BodySection { data, .. } => {
                text = Some(data.as_deref().unwrap_or_default());
            }
            _ => {}
        }
    }
    Some(Found {
        number: *number,
        uid: uid?,
        size,
        flags,
        text: unquoted(text?, size),
    })
}

/// A text without line breaks may have come between quotation marks, and the
/// crate leaves the backslashes in it that were put there for the way.
fn unquoted(text: &[u8], size: u32) -> Vec<u8> {
    let is_as_sent = text.len() == size as usize;
    if is_as_sent || text.iter().any(|byte| b"\r\n".contains(byte)) {
        return text.to_vec();
    }
    let mut escaped = false;
    let kept = text.iter().filter(|byte| {
        escaped = **byte == b'\\' && !escaped;
        !escaped
    });
    kept.copied().collect()
}

/// The crate shows all that it could not take apart, byte by byte.
fn plain(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::Other => anyhow!("the server does not speak IMAP"),
        _ => error.into(),
    }
}

/// What a server says to a person.
fn words(response: &Response) -> String {
    match response {
        Response::Done {
            status, outcome, ..
        }
        | Response::Data { status, outcome } => {
            let text = outcome.information.as_deref().unwrap_or_default();
            let status = format!("{status:?}").to_uppercase();
            format!("the server says {status}: {}", printable(text))
        }
        _ => "the server does not speak IMAP".to_owned(),
    }
}
// ANCHOR_END: all
