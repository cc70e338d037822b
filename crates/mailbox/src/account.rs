// ANCHOR: all
//! Where a mailbox is, and who opens it.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use percent_encoding::percent_decode_str;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use crate::words::printable;

/// Shown without the password.
#[derive(Clone)]
pub struct Account {
    host: String,
    port: u16,
    pub user: String,
    pub password: String,
}

impl Account {
    /// Reads `SCHEME://[USER:PASSWORD@]HOST[:PORT]`. Without a user it is Bob,
    /// whom the servers of this section know.
    ///
    /// # Errors
    /// When it is something else. The text, which may hold a password, is not
    /// part of the error.
    pub fn read(text: &str, scheme: &str, port: u16) -> anyhow::Result<Self> {
        let form = format!("write it as {scheme}://USER:PASSWORD@HOST:PORT");
        let url = Url::parse(text).with_context(|| form.clone())?;
        ensure!(url.scheme() == scheme, "this is no address here; {form}");
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.with_context(|| format!("no host; {form}"))?;
        let (user, password) = match (url.username(), url.password()) {
            ("", None) => ("bob".to_owned(), "secret".to_owned()),
            (_, None) => bail!("a password is missing after the user; {form}"),
            (user, Some(password)) => (decoded(user)?, decoded(password)?),
        };
        // Each would be the end of a command, and begin another one.
        let lines = [&user, &password].map(|text| text.contains(['\r', '\n']));
        ensure!(lines == [false; 2], "a user or a password is one line");
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
            user,
            password,
        })
    }

    /// What a server says, without the password, which it may say back.
    pub fn hide(&self, said: &str) -> String {
        match &printable(&self.password)[..] {
            "" => said.to_owned(),
            password => said.replace(password, "***"),
        }
    }

    /// Connects to the first address of the name that answers; each gets a
    /// share of the time left.
    ///
    /// # Errors
    /// With the last address's reason, or `TimedOut`.
    pub async fn connect(&self, limit: Duration) -> io::Result<TcpStream> {
        let until = Instant::now() + limit;
        let found = lookup_host((&self.host[..], self.port));
        let found: Vec<_> = timeout(limit, found).await??.collect();
        let mut why = io::ErrorKind::NotFound.into();
        for (number, address) in found.iter().enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            let share = left / (found.len() - number) as u32;
            let stream = timeout(share, TcpStream::connect(address)).await;
            match stream.unwrap_or_else(|late| Err(late.into())) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}

fn decoded(text: &str) -> anyhow::Result<String> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.context("user and password are UTF-8")?.into_owned())
}

impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}
// ANCHOR_END: all
