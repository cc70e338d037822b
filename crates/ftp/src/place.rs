// ANCHOR: all
//! Where a server is, and who wants in.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, ensure};
use percent_encoding::percent_decode_str;
use url::Url;

/// The address of a server, with a user and a password. It is shown without
/// them.
#[derive(Clone)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
}

const FORM: &str = "write it as ftp://HOST[:PORT], or \
                    ftp://USER:PASSWORD@HOST[:PORT]";

impl FromStr for Place {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The text is not shown: a password may be in it.
        let url = Url::parse(text).with_context(|| FORM)?;
        let fits = url.scheme() == "ftp" && matches!(url.path(), "" | "/");
        ensure!(fits, "this is no address of an FTP server; {FORM}");
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.with_context(|| format!("no host; {FORM}"))?;
        let user = match decoded(url.username())? {
            user if user.is_empty() => "anonymous".to_owned(),
            user => user,
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(21),
            user,
            password: decoded(url.password().unwrap_or("guest"))?,
        })
    }
}

fn decoded(text: &str) -> anyhow::Result<String> {
    let text = percent_decode_str(text).decode_utf8();
    let text = text.context("the user or the password is not UTF-8")?;
    let is_line = !text.contains(['\r', '\n', '\0']);
    ensure!(is_line, "a line break in the user or the password");
    Ok(text.into_owned())
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}
// ANCHOR_END: all
