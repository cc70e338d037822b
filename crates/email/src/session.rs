// ANCHOR: all
//! The server's side of SMTP (RFC 5321) without a socket: bytes go in, events
//! come out. Whoever drives it writes what is to be said and keeps the letter.

use std::mem::take;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN, Error, MAIL_SMTPUTF8, Request};

use crate::data::{BIG, DataReader};

/// The longest command, its end counted. RFC 5321 wants 512 bytes at least,
/// and its extensions some more.
const MAX_COMMAND: usize = 2_048;
/// RFC 5321 wants at least 100 (4.5.3.1.8).
const MAX_RECIPIENTS: usize = 100;
/// Refused commands until the server hangs up.
const MAX_REFUSED: usize = 30;

/// What a server offers and demands.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What the server calls itself.
    pub name: String,
    /// Bytes of the largest letter.
    pub max_size: usize,
    /// Whether it has a certificate.
    pub tls: bool,
    /// The user and the password without which it takes no letter. They are
    /// taken over TLS only.
    pub login: Option<(String, String)>,
}

/// Who a letter is from and for, in the server's eyes: what `MAIL` and `RCPT`
/// say. The letter itself may say something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// What the client calls itself.
    pub client: String,
    /// Empty for a report about a letter that could not be delivered.
    pub from: String,
    pub to: Vec<String>,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Write this line (or lines).
    Say(String),
    /// A letter begins: make room for it, and call [`Session::accept`], or say
    /// why not.
    Begin(Envelope),
    /// More of it.
    Text(Vec<u8>),
    /// That was all of it: keep it and say so. If there is a reply here, do
    /// not keep it and say that.
    End(Option<&'static str>),
    /// Write this, do the handshake, and call [`Session::secured`].
    StartTls(String),
    /// Write this and hang up.
    Close(String),
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Command,
    /// In a line that is too long.
    Skip,
    /// Waits for an answer to `AUTH`; with the user's name, for the password.
    Plain,
    User,
    Password(Vec<u8>),
    Letter(DataReader),
    /// With why it is refused, if it is.
    Ended(Option<&'static str>),
}

/// One client's talk.
#[derive(Debug)]
pub struct Session {
    rules: Arc<Rules>,
    input: Vec<u8>,
    state: State,
    encrypted: bool,
    logged_in: bool,
    has_mail: bool,
    envelope: Envelope,
    refused: usize,
}

impl Session {
    pub fn new(rules: Arc<Rules>, encrypted: bool) -> Self {
        Self {
            rules,
            input: Vec::new(),
            state: State::Command,
            encrypted,
            logged_in: false,
            has_mail: false,
            envelope: Envelope::default(),
            refused: 0,
        }
    }

    pub fn greeting(&self) -> String {
        format!("220 {} ESMTP ready", self.rules.name)
    }

    /// Takes bytes from the client. Ask for events until there are none before
    /// the next ones.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Goes on to the text of the letter that has been announced.
    pub fn accept(&mut self) -> &'static str {
        self.state = State::Letter(DataReader::new(self.rules.max_size));
        "354 send the letter, and a dot alone on a line after it"
    }

    // ANCHOR: secured
    /// The handshake is done. Nothing that was said before it counts: anybody
    /// on the way could have said it (RFC 3207, 4.2). `STARTTLS` has thrown
    /// away what was sent along with it.
    pub fn secured(&mut self) {
        *self = Self::new(self.rules.clone(), true);
    }
    // ANCHOR_END: secured

    /// What to do next, if enough has come to know it.
    pub fn event(&mut self) -> Option<Event> {
        match &mut self.state {
            State::Letter(reader) => {
                let mut text = Vec::new();
                let (used, ended) = reader.read(&self.input, &mut text);
                self.input.drain(..used);
                if ended {
                    self.state = State::Ended(reader.fault());
                }
                match text.is_empty() {
                    true if ended => self.event(),
                    true => None,
                    false => Some(Event::Text(text)),
                }
            }
            State::Ended(fault) => {
                let fault = *fault;
                self.reset();
                Some(Event::End(fault))
            }
            _ => self.next_line(),
        }
    }

    fn next_line(&mut self) -> Option<Event> {
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            if self.input.len() > MAX_COMMAND {
                self.input.clear();
                self.state = State::Skip;
            }
            return None;
        };
        let line: Vec<u8> = self.input.drain(..=end).collect();
        let too_long = line.len() > MAX_COMMAND;
        let text = line.strip_suffix(b"\r\n");
        let event = match (take(&mut self.state), text) {
            (State::Skip, _) => Err(LONG),
            _ if too_long => Err(LONG),
            (_, None) => {
                Err("500 5.5.2 end each line with CR LF (nc needs -C)")
            }
            (_, Some(text)) if text.contains(&b'\r') => {
                Err("500 5.5.2 a CR stands alone; a line ends with CR LF")
            }
            (State::Plain, Some(text)) => self.plain(text),
            (State::User, Some(text)) => self.user(text),
            (State::Password(user), Some(text)) => self.password(user, text),
            (_, Some(text)) if !text.is_ascii() => {
                Err("553 5.6.7 this is not ASCII; SMTPUTF8 is not offered")
            }
            _ => self.command(&line),
        };
        Some(event.unwrap_or_else(|reply| {
            self.refused += 1;
            if self.refused > MAX_REFUSED {
                return Event::Close("421 4.7.0 too many errors".into());
            }
            Event::Say(reply.into())
        }))
    }

    /// The error is a reply, too: one that refuses.
    fn command(&mut self, line: &[u8]) -> Result<Event, &'static str> {
        let request = Request::parse(&mut line.iter()).map_err(refusal)?;
        let known = !self.envelope.client.is_empty();
        let say = |reply: &str| Ok(Event::Say(reply.into()));
        match request {
            Request::Ehlo { host } => {
                self.reset();
                self.envelope.client = host.into_owned();
                Ok(Event::Say(self.offer()))
            }
            Request::Helo { host } => {
                self.reset();
                self.envelope.client = host.into_owned();
                Ok(Event::Say(format!("250 {}", self.rules.name)))
            }
            Request::Noop { .. } => say("250 2.0.0 ok"),
            Request::Rset => {
                self.reset();
                say("250 2.0.0 forgotten")
            }
            Request::Quit => Ok(Event::Close("221 2.0.0 bye".into())),
            Request::Help { .. } => {
                say("214 2.0.0 see RFC 5321, or send EHLO for what is offered")
            }
            Request::Vrfy { .. } => {
                say("252 2.0.0 send a letter, and see whether it arrives")
            }
            Request::StartTls if self.encrypted => {
                Err("503 5.5.1 this is encrypted already")
            }
            Request::StartTls if !self.rules.tls => {
                Err("502 5.5.1 there is no certificate here")
            }
            Request::StartTls => {
                self.input.clear();
                Ok(Event::StartTls("220 2.0.0 start TLS".into()))
            }
            _ if !known => Err("503 5.5.1 say EHLO first"),
            Request::Auth {
                mechanism,
                initial_response,
            } => self.auth(mechanism, &initial_response),
            Request::Mail { .. }
                if self.rules.login.is_some() && !self.logged_in =>
            {
                Err("530 5.7.0 log in first")
            }
            Request::Mail { .. } if self.has_mail => {
                Err("503 5.5.1 one letter at a time")
            }
            Request::Mail { from } if from.size > self.rules.max_size => {
                Err(BIG)
            }
            Request::Mail { from } if from.flags & MAIL_SMTPUTF8 != 0 => {
                Err("555 5.5.4 SMTPUTF8 is not offered")
            }
            Request::Mail { from } => {
                self.has_mail = true;
                self.envelope.from = from.address.into_owned();
                say("250 2.1.0 ok")
            }
            Request::Rcpt { .. } if !self.has_mail => {
                Err("503 5.5.1 say MAIL first")
            }
            Request::Rcpt { .. }
                if self.envelope.to.len() >= MAX_RECIPIENTS =>
            {
                Err("452 4.5.3 too many recipients; send these first")
            }
            Request::Rcpt { to } => {
                // The library's word for <Postmaster>, which has no domain.
                let to = match to.address.is_empty() {
                    true if is_postmaster(line) => "postmaster".into(),
                    true => return Err("501 5.1.3 there is no address"),
                    false => to.address.into_owned(),
                };
                self.envelope.to.push(to);
                say("250 2.1.5 ok")
            }
            Request::Data if self.envelope.to.is_empty() => {
                Err("503 5.5.1 say MAIL and RCPT first")
            }
            Request::Data => Ok(Event::Begin(self.envelope.clone())),
            _ => Err("502 5.5.1 this is not offered"),
        }
    }

    fn offer(&self) -> String {
        let name = &self.rules.name;
        let mut lines = vec![name.clone(), "PIPELINING".into()];
        lines.push(format!("SIZE {}", self.rules.max_size));
        lines.push("8BITMIME".into());
        lines.push("ENHANCEDSTATUSCODES".into());
        if self.rules.tls && !self.encrypted {
            lines.push("STARTTLS".into());
        }
        if self.rules.login.is_some() && self.encrypted {
            lines.push("AUTH PLAIN LOGIN".into());
        }
        let last = lines.pop().unwrap_or_default();
        let lines: String =
            lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        format!("{lines}250 {last}")
    }

    /// The envelope is forgotten; who the client is, is not.
    fn reset(&mut self) {
        self.state = State::Command;
        self.has_mail = false;
        self.envelope.from.clear();
        self.envelope.to.clear();
    }

    /// `AUTH` (RFC 4954).
    fn auth(
        &mut self,
        mechanism: u64,
        first: &str,
    ) -> Result<Event, &'static str> {
        if self.rules.login.is_none() {
            return Err("502 5.5.1 there are no users here");
        } else if !self.encrypted {
            return Err("538 5.7.11 no password in the clear; use TLS");
        } else if self.logged_in {
            return Err("503 5.5.1 you are logged in");
        } else if self.has_mail {
            return Err("503 5.5.1 not within a letter");
        }
        let ask = |question: &str| Ok(Event::Say(question.into()));
        match (mechanism, first) {
            (AUTH_PLAIN, "") => {
                self.state = State::Plain;
                ask("334 ")
            }
            (AUTH_PLAIN, answer) => self.plain(answer.as_bytes()),
            (AUTH_LOGIN, "") => {
                self.state = State::User;
                ask("334 VXNlcm5hbWU6")
            }
            (AUTH_LOGIN, answer) => self.user(answer.as_bytes()),
            _ => Err("504 5.5.4 only PLAIN and LOGIN are offered"),
        }
    }

    fn plain(&mut self, answer: &[u8]) -> Result<Event, &'static str> {
        let answer = decoded(answer)?;
        let mut parts = answer.splitn(3, |byte| *byte == 0).skip(1);
        let (user, password) = (parts.next(), parts.next());
        self.check(user.unwrap_or_default(), password.unwrap_or_default())
    }

    fn user(&mut self, answer: &[u8]) -> Result<Event, &'static str> {
        self.state = State::Password(decoded(answer)?);
        Ok(Event::Say("334 UGFzc3dvcmQ6".into()))
    }

    fn password(
        &mut self,
        user: Vec<u8>,
        answer: &[u8],
    ) -> Result<Event, &'static str> {
        let password = decoded(answer)?;
        self.check(&user, &password)
    }

    fn check(
        &mut self,
        user: &[u8],
        password: &[u8],
    ) -> Result<Event, &'static str> {
        let login = self.rules.login.as_ref().is_some_and(|right| {
            user == right.0.as_bytes() && password == right.1.as_bytes()
        });
        if !login {
            return Err("535 5.7.8 the user or the password is wrong");
        }
        self.logged_in = true;
        Ok(Event::Say("235 2.7.0 welcome".into()))
    }
}

const LONG: &str = "500 5.5.2 the line is too long";

fn decoded(answer: &[u8]) -> Result<Vec<u8>, &'static str> {
    if answer == b"*" {
        return Err("501 5.7.0 as you like");
    }
    let answer = answer.strip_suffix(b" ").unwrap_or(answer);
    let answer = if answer == b"=" { b"" } else { answer };
    let bytes = BASE64_STANDARD.decode(answer);
    bytes.map_err(|_| "501 5.5.2 this is not base64")
}

fn is_postmaster(line: &[u8]) -> bool {
    let line = line.to_ascii_lowercase();
    line.windows(12).any(|word| word == b"<postmaster>")
}

fn refusal(error: Error) -> &'static str {
    match error {
        Error::InvalidSenderAddress => "501 5.1.7 this is no address",
        Error::InvalidRecipientAddress => "501 5.1.3 this is no address",
        Error::UnsupportedParameter { .. } => {
            "555 5.5.4 this parameter is not offered"
        }
        Error::InvalidParameter { .. } => "501 5.5.4 this parameter is wrong",
        Error::SyntaxError { .. } => {
            "501 5.5.4 this is not how the command is written"
        }
        _ => "500 5.5.1 there is no such command",
    }
}
// ANCHOR_END: all
