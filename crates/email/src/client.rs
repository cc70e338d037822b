// ANCHOR: all
//! Hands a letter to a server, with a time limit on each step.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{
    ClientId, MailBodyParameter, MailParameter,
};
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use url::Url;

use crate::clear::Clear;
use crate::words::printable;

/// Where a server is, and how to talk to it. Shown without the password.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    security: Security,
    login: Option<Credentials>,
}

#[derive(Clone, Copy, PartialEq)]
enum Security {
    /// Everybody on the way can read along.
    None,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// In the clear until `STARTTLS`, which the server must offer.
    StartTls,
}

/// Whose certificates are trusted.
pub enum Trust {
    /// Those of the authorities that browsers trust.
    Public,
    /// Those that this certificate, in PEM, stands for.
    Only(Vec<u8>),
    /// Anybody's. It keeps nobody from reading along.
    Anybody,
}

impl FromStr for Server {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "write it as smtps://HOST[:PORT], or smtp:// for a server \
                    without TLS, or smtp://HOST?tls=required for STARTTLS";
        // The text is not shown: a password may be in it.
        let url = Url::parse(text).with_context(|| form)?;
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Tls, 465),
            ("smtp", None) => (Security::None, 25),
            ("smtp", Some("tls=required")) => (Security::StartTls, 587),
            _ => bail!("this is no address of a mail server; {form}"),
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        let host =
            host.with_context(|| format!("a host is missing; {form}"))?;
        let login = match (decoded(url.username())?, url.password()) {
            (user, _) if user.is_empty() => None,
            (_, None) => bail!("a password is missing after the user"),
            (user, Some(password)) => {
                Some(Credentials::new(user, decoded(password)?))
            }
        };
        // ANCHOR: clear
        ensure!(
            login.is_none() || security != Security::None,
            "no password in the clear; use smtps://, or smtp://…?tls=required"
        );
        // ANCHOR_END: clear
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(port),
            security,
            login,
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

fn decoded(text: &str) -> anyhow::Result<String> {
    let bytes = percent_encoding::percent_decode_str(text);
    let text = bytes.decode_utf8().context("the user is not UTF-8")?;
    Ok(text.into_owned())
}

impl Server {
    /// Hands over the letter, for those on the envelope. Each step may take as
    /// long as `limit`. When this returns the server has it.
    ///
    /// # Errors
    /// With what was tried and why it failed. Only if the answer to the letter
    /// itself is missing, nobody knows whether the server has it.
    pub async fn send(
        &self,
        envelope: &Envelope,
        letter: &[u8],
        trust: &Trust,
        limit: Duration,
    ) -> anyhow::Result<Response> {
        let tls = match self.security {
            Security::None => None,
            _ => Some(self.tls(trust)?),
        };
        let name = ClientId::default();
        let found = find(self.host.clone(), self.port);
        let found = timeout(limit, found).await.map_err(|_| {
            Failure::late(
                format_args!("the question where {} is", self.host),
                limit,
            )
        })??;
        let what = "the connection";
        let mut server = if self.security == Security::StartTls {
            let stream = timeout(limit, TcpStream::connect(&found[..])).await;
            let stream = stream.map_err(|_| Failure::late(what, limit))?;
            let stream = stream.map_err(|error| Failure::of(what, &error))?;
            let stream = Box::new(Clear(stream));
            let greet =
                AsyncSmtpConnection::connect_with_transport(stream, &name);
            step(what, limit, greet).await?
        } else {
            let connect = AsyncSmtpConnection::connect_tokio1(
                &found[..],
                None,
                &name,
                tls.clone(),
                None,
            );
            step(what, limit, connect).await?
        };
        if let Some(tls) = tls.filter(|_| !server.is_encrypted()) {
            ensure!(
                server.can_starttls(),
                "the server offers no TLS; nothing was sent"
            );
            let starttls = server.starttls(tls, &name);
            step("STARTTLS", limit, starttls).await?;
        }
        if let Some(login) = &self.login {
            let ways = [Mechanism::Plain, Mechanism::Login];
            step("AUTH", limit, server.auth(&ways, login)).await?;
        }
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        let ascii = addresses.all(|one| AsRef::<str>::as_ref(one).is_ascii());
        ensure!(
            ascii,
            "an address is not ASCII; write its domain as xn--…, and its \
             owner's name without such letters; nothing was sent"
        );
        // lettre ends the last line, whether it has an end or not.
        let letter = letter.strip_suffix(b"\r\n").unwrap_or(letter);
        // ANCHOR: steps
        let body = MailParameter::Body(MailBodyParameter::EightBitMime);
        let extra = if letter.is_ascii() {
            vec![]
        } else {
            vec![body]
        };
        let mail = Mail::new(envelope.from().cloned(), extra);
        step("MAIL FROM", limit, server.command(mail)).await?;
        for to in envelope.to() {
            let rcpt = server.command(Rcpt::new(to.clone(), vec![]));
            step(format_args!("RCPT TO {to}"), limit, rcpt).await?;
        }
        step("DATA", limit, server.command(Data)).await?;
        // Until here the letter is ours. Once the server says 250 it is the
        // server's. If it says nothing, nobody knows.
        let taken = step("the letter", limit, server.message(letter)).await;
        let reply = taken.map_err(Failure::of_letter)?;
        // ANCHOR_END: steps
        let _ = timeout(limit, server.quit()).await;
        Ok(reply)
    }

    fn tls(&self, trust: &Trust) -> anyhow::Result<TlsParameters> {
        let tls = TlsParameters::builder(self.host.clone());
        let tls = match trust {
            Trust::Public => tls,
            Trust::Anybody => tls.dangerous_accept_invalid_certs(true),
            Trust::Only(pem) => {
                let certificate = Certificate::from_pem(pem);
                tls.add_root_certificate(
                    certificate.context("this is no certificate in PEM")?,
                )
            }
        };
        tls.build_rustls().context("cannot prepare TLS")
    }
}

/// Where a host is. A thread of its own asks: one of tokio's would keep the
/// program alive until it has an answer.
async fn find(host: String, port: u16) -> anyhow::Result<Vec<SocketAddr>> {
    let (sender, found) = oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        let _ = sender.send(found.map(Vec::from_iter));
    })?;
    let found = found.await?.ok().filter(|found| !found.is_empty());
    found.context("the name is unknown; correct it, or give an IP address")
}

/// Why a step failed, for a person.
#[derive(Debug)]
struct Failure {
    why: String,
    /// Whether the server said so.
    answered: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.why)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    fn late(what: impl fmt::Display, limit: Duration) -> Self {
        let seconds = limit.as_secs_f64();
        Self {
            why: format!("no answer to {what} in {seconds} s"),
            answered: false,
        }
    }

    fn of(what: &str, error: &io::Error) -> Self {
        let why = in_words(error).unwrap_or_else(|| error.to_string());
        Self {
            why: format!("{what}: {why}"),
            answered: false,
        }
    }

    fn of_letter(mut self) -> Self {
        if !self.answered {
            self.why += "; nobody knows whether the server has the letter, \
                         and sending it again may bring it twice";
        }
        self
    }
}

/// Takes a step, and waits for the answer until the limit. lettre's own limit
/// is for connecting only.
async fn step<T>(
    what: impl fmt::Display,
    limit: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    let answer = timeout(limit, answer).await;
    let answer = answer.map_err(|_| Failure::late(&what, limit))?;
    answer.map_err(|error| Failure {
        why: format!("{what}: {}", explain(&error)),
        answered: error.status().is_some(),
    })
}

fn explain(error: &Error) -> String {
    let source = std::error::Error::source(error);
    let why = source.map_or_else(|| error.to_string(), ToString::to_string);
    let why = printable(why);
    if let Some(code) = error.status() {
        return format!("the server refuses: {code} {why}");
    }
    let io = source.and_then(|source| source.downcast_ref::<io::Error>());
    if let Some(why) = io.and_then(in_words) {
        return why;
    }
    if why.contains("UnknownIssuer") {
        return "nobody who is trusted has signed the server's certificate; \
                give --ca FILE, or ask the server's owner"
            .to_owned();
    }
    if why.contains("certificate not valid for name") {
        let names = why.split("only valid for ").nth(1);
        let names = names.unwrap_or("another name");
        return format!(
            "the server's certificate is for {names}; connect to it by that \
             name"
        );
    }
    if why == "incomplete response" {
        return "the server hung up".to_owned();
    }
    match error.is_response() {
        true => format!("the server's reply cannot be read: {why}"),
        false => why,
    }
}

fn in_words(error: &io::Error) -> Option<String> {
    use ErrorKind::*;
    Some(match error.kind() {
        kind @ ConnectionRefused => {
            format!("{kind}; start a server there, or give another address")
        }
        ConnectionReset | BrokenPipe | UnexpectedEof => {
            "the server hung up".to_owned()
        }
        _ => return None,
    })
}

/// Whether every line may be sent: none longer than 998 bytes, no CR or LF
/// alone, no NUL (RFC 5321, 2.3.8 and 4.5.3.1.6; RFC 5322, 2.1.1).
///
/// # Errors
/// With what stands in the way.
pub fn is_legal(letter: &[u8]) -> Result<(), &'static str> {
    let mut rest = letter;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        if line.len() > 998 {
            return Err("a line has more than 998 bytes; shorten it");
        }
        if line.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Err("a line break stands alone; a line ends with CR LF");
        }
        if line.contains(&0) {
            return Err("a NUL is in it; send it as an attachment");
        }
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(())
}
// ANCHOR_END: all
