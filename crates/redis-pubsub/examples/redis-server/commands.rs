//! What a client may ask, and what it is told, in Redis's own words.

use bytes::Bytes;

use super::client::Client;
use super::reply::{EncodeError, Protocol, Reply};
use super::request::number;
use super::{Kind, glob, lock};

/// The version whose commands these are: clients ask, some decide by it.
const VERSION: &str = "7.2.0";

/// Every command, and how many words it has, its name included; a negative
/// number is "at least".
const COMMANDS: &[(&str, i64)] = &[
    ("auth", -2),
    ("client", -2),
    ("client|getname", 2),
    ("client|id", 2),
    ("client|no-evict", 3),
    ("client|setinfo", 4),
    ("client|setname", 3),
    ("command", -1),
    ("command|count", 2),
    ("command|docs", -2),
    ("config", -2),
    ("config|get", -3),
    ("echo", 2),
    ("hello", -1),
    ("info", -1),
    ("ping", -1),
    ("psubscribe", -2),
    ("publish", 3),
    ("pubsub", -2),
    ("pubsub|channels", -2),
    ("pubsub|help", 2),
    ("pubsub|numpat", 2),
    ("pubsub|numsub", -2),
    ("punsubscribe", -1),
    ("quit", -1),
    ("reset", 1),
    ("select", 2),
    ("subscribe", -2),
    ("unsubscribe", -1),
];

/// What can be asked before the password.
const BEFORE_PASSWORD: &[&str] = &["auth", "hello", "quit", "reset"];

/// What a RESP2 client can ask once it is subscribed.
const WHILE_SUBSCRIBED: &[&str] = &[
    "subscribe",
    "unsubscribe",
    "psubscribe",
    "punsubscribe",
    "ping",
    "quit",
    "reset",
];

const PUBSUB_HELP: &[&str] = &[
    "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> \
     (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, \
     excluding",
    "    pattern subscriptions(default: no channels).",
    "HELP",
    "    Prints this help.",
];

const WRONG_PASSWORD: &str =
    "WRONGPASS invalid username-password pair or user is disabled.";

/// The reply, or the error to send in its place.
type Answer = Result<Reply, Reply>;

impl Client {
    /// Carries out one command. There is no reply to return if the command
    /// has sent its own: SUBSCRIBE confirms each channel by itself.
    pub fn execute(
        &mut self,
        command: &[Bytes],
    ) -> Result<Option<Reply>, EncodeError> {
        let name = match self.admit(command) {
            Ok(name) => name,
            Err(error) => return Ok(Some(error)),
        };
        tracing::debug!("client {}: {name}", self.id);
        let words = &command[1..];
        let answer = match name {
            "subscribe" => return self.subscribe(Kind::Channel, words),
            "psubscribe" => return self.subscribe(Kind::Pattern, words),
            "unsubscribe" => return self.unsubscribe(Kind::Channel, words),
            "punsubscribe" => return self.unsubscribe(Kind::Pattern, words),
            "publish" => self.publish(&words[0], &words[1])?,
            "pubsub|channels" => self.active_channels(&words[1..]),
            "pubsub|help" => {
                let lines = PUBSUB_HELP.iter().copied().map(Reply::Status);
                Ok(Reply::Array(lines.collect()))
            }
            "pubsub|numsub" => Ok(self.count_subscribers(&words[1..])),
            "pubsub|numpat" => {
                let broker = lock(&self.broker);
                Ok(Reply::integer(broker.table(Kind::Pattern).len()))
            }
            "hello" => self.hello(words),
            "auth" => self.auth(words),
            "quit" => {
                self.leaving = true;
                Ok(Reply::OK)
            }
            "reset" => Ok(self.reset()),
            "ping" => self.ping(words),
            "echo" => Ok(Reply::Bulk(words[0].clone())),
            "select" => select(&words[0]),
            "client|id" => Ok(Reply::Integer(self.id)),
            "client|getname" => {
                Ok(self.name.clone().map_or(Reply::Null, Reply::Bulk))
            }
            "client|setname" => self.set_name(&words[1]),
            "client|setinfo" => set_info(&words[1]),
            "client|no-evict" => no_evict(&words[1]),
            "command" => Ok(Reply::Array(Vec::new())),
            "command|count" => Ok(Reply::integer(COMMANDS.len())),
            "command|docs" => Ok(Reply::Map(Vec::new())),
            "config|get" => Ok(config(&words[1..])),
            "info" => Ok(info()),
            other => Err(Reply::error(format!("ERR no '{other}' here"))),
        };
        Ok(Some(answer.unwrap_or_else(|error| error)))
    }

    /// The name of the command in full ("client|id"), if it exists and the
    /// client may ask it now.
    fn admit(&self, command: &[Bytes]) -> Result<&'static str, Reply> {
        let (name, arity) = find(command)?;
        let count = i64::try_from(command.len()).unwrap_or(i64::MAX);
        if count < arity.abs() || (arity > 0 && count != arity) {
            return Err(wrong_arity(name));
        }
        if !self.authenticated && !BEFORE_PASSWORD.contains(&name) {
            return Err(Reply::error("NOAUTH Authentication required."));
        }
        if self.is_listening_only() && !WHILE_SUBSCRIBED.contains(&name) {
            return Err(Reply::error(format!(
                "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / \
                 (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
                 this context"
            )));
        }
        Ok(name)
    }

    /// In RESP2 messages look like replies, so a subscriber that could ask
    /// anything would not know which reply is whose.
    fn is_listening_only(&self) -> bool {
        self.subscriptions() > 0 && self.outbox.protocol() == Protocol::Resp2
    }

    fn subscribe(
        &mut self,
        kind: Kind,
        names: &[Bytes],
    ) -> Result<Option<Reply>, EncodeError> {
        let verb = match kind {
            Kind::Channel => "subscribe",
            Kind::Pattern => "psubscribe",
        };
        for name in names {
            if name.len() > self.limits.name {
                return Ok(Some(name_too_long()));
            }
            if self.subscriptions() >= self.limits.subscriptions
                && !self.names_mut(kind).contains(name)
            {
                return Ok(Some(Reply::error("ERR too many subscriptions")));
            }
            if matches!(kind, Kind::Pattern)
                && self.patterns.len() >= self.limits.patterns
                && !self.patterns.contains(name)
            {
                return Ok(Some(Reply::error("ERR too many patterns")));
            }
            self.names_mut(kind).insert(name.clone());
            lock(&self.broker).subscribe(
                kind,
                name.clone(),
                self.id,
                self.outbox.clone(),
            );
            self.confirm(verb, Reply::Bulk(name.clone()))?;
        }
        Ok(None)
    }

    fn unsubscribe(
        &mut self,
        kind: Kind,
        names: &[Bytes],
    ) -> Result<Option<Reply>, EncodeError> {
        let verb = match kind {
            Kind::Channel => "unsubscribe",
            Kind::Pattern => "punsubscribe",
        };
        // Without a name it means all, and even "none" is confirmed.
        let all: Vec<Bytes> = self.names_mut(kind).iter().cloned().collect();
        let names = if names.is_empty() { &all } else { names };
        if names.is_empty() {
            self.confirm(verb, Reply::Null)?;
        }
        for name in names {
            self.names_mut(kind).remove(name);
            lock(&self.broker).unsubscribe(kind, name, self.id);
            self.confirm(verb, Reply::Bulk(name.clone()))?;
        }
        Ok(None)
    }

    /// Says what was done, and how many subscriptions there are now.
    fn confirm(
        &self,
        verb: &'static str,
        name: Reply,
    ) -> Result<(), EncodeError> {
        let count = Reply::integer(self.subscriptions());
        self.reply(Reply::Push(vec![Reply::bulk(verb), name, count]))
    }

    fn publish(
        &mut self,
        channel: &Bytes,
        payload: &Bytes,
    ) -> Result<Answer, EncodeError> {
        // Nobody can listen to such a name, but it would be matched against
        // every pattern.
        if channel.len() > self.limits.name {
            return Ok(Err(name_too_long()));
        }
        let broker = lock(&self.broker);
        let receivers = broker.publish(channel, payload, &mut self.later)?;
        Ok(Ok(Reply::integer(receivers)))
    }

    fn active_channels(&self, patterns: &[Bytes]) -> Answer {
        let pattern = match patterns {
            [] => None,
            [long] if long.len() > self.limits.name => {
                return Err(name_too_long());
            }
            [pattern] => Some(pattern),
            _ => {
                return fail(
                    "ERR unknown subcommand or wrong number of arguments \
                     for 'CHANNELS'. Try PUBSUB HELP.",
                );
            }
        };
        let broker = lock(&self.broker);
        let names = broker.table(Kind::Channel).keys();
        let wanted = names.filter(|name| {
            pattern.is_none_or(|pattern| glob::matches(pattern, name))
        });
        Ok(Reply::Array(wanted.cloned().map(Reply::Bulk).collect()))
    }

    fn count_subscribers(&self, channels: &[Bytes]) -> Reply {
        let broker = lock(&self.broker);
        let table = broker.table(Kind::Channel);
        let count = |channel: &Bytes| {
            let count = table.get(channel).map_or(0, |row| row.len());
            [Reply::Bulk(channel.clone()), Reply::integer(count)]
        };
        Reply::Array(channels.iter().flat_map(count).collect())
    }

    fn hello(&mut self, words: &[Bytes]) -> Answer {
        let protocol = match words.first().map(|word| number(word)) {
            None => self.outbox.protocol(),
            Some(Some(2)) => Protocol::Resp2,
            Some(Some(3)) => Protocol::Resp3,
            Some(Some(_)) => {
                return fail("NOPROTO unsupported protocol version");
            }
            Some(None) => {
                return fail(
                    "ERR Protocol version is not an integer or out of range",
                );
            }
        };
        let mut name = None;
        let mut credentials = None;
        let mut options = words.get(1..).unwrap_or_default();
        while let [option, rest @ ..] = options {
            options = match (option.to_ascii_lowercase().as_slice(), rest) {
                (b"auth", [user, password, rest @ ..]) => {
                    credentials = Some((user, password));
                    rest
                }
                (b"setname", [wanted, rest @ ..]) => {
                    check_name(wanted)?;
                    name = Some(wanted);
                    rest
                }
                _ => {
                    let option = quoted(option, usize::MAX);
                    return fail(format!(
                        "ERR Syntax error in HELLO option '{option}'"
                    ));
                }
            };
        }
        if let Some((user, password)) = credentials {
            self.log_in(user, password)?;
        }
        if !self.authenticated {
            return fail(
                "NOAUTH HELLO must be called with the client already \
                 authenticated, otherwise the HELLO AUTH <user> <pass> \
                 option can be used to authenticate the client and select \
                 the RESP protocol version at the same time",
            );
        }
        if let Some(name) = name {
            self.set_name(name)?;
        }
        self.outbox.set_protocol(protocol);
        let version = match protocol {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        };
        Ok(Reply::Map(vec![
            (Reply::bulk("server"), Reply::bulk("redis")),
            (Reply::bulk("version"), Reply::bulk(VERSION)),
            (Reply::bulk("proto"), Reply::Integer(version)),
            (Reply::bulk("id"), Reply::Integer(self.id)),
            (Reply::bulk("mode"), Reply::bulk("standalone")),
            (Reply::bulk("role"), Reply::bulk("master")),
            (Reply::bulk("modules"), Reply::Array(Vec::new())),
        ]))
    }

    fn auth(&mut self, words: &[Bytes]) -> Answer {
        match words {
            [_] if self.limits.password.is_none() => fail(
                "ERR AUTH <password> called without any password configured \
                 for the default user. Are you sure your configuration is \
                 correct?",
            ),
            [password] => self.log_in(b"default", password),
            [user, password] => self.log_in(user, password),
            _ => fail("ERR syntax error"),
        }
    }

    fn log_in(&mut self, user: &[u8], password: &[u8]) -> Answer {
        let wanted = self.limits.password.as_deref();
        let known = wanted.is_none_or(|wanted| wanted.as_bytes() == password);
        if user != b"default" || !known {
            return fail(WRONG_PASSWORD);
        }
        self.authenticated = true;
        Ok(Reply::OK)
    }

    fn set_name(&mut self, name: &Bytes) -> Answer {
        check_name(name)?;
        self.name = (!name.is_empty()).then(|| name.clone());
        Ok(Reply::OK)
    }

    fn ping(&self, words: &[Bytes]) -> Answer {
        match words {
            [_, _, ..] => Err(wrong_arity("ping")),
            _ if self.is_listening_only() => {
                let echo = words.first().cloned().unwrap_or_default();
                let pong = Reply::bulk("pong");
                Ok(Reply::Array(vec![pong, Reply::Bulk(echo)]))
            }
            [echo] => Ok(Reply::Bulk(echo.clone())),
            [] => Ok(Reply::Status("PONG")),
        }
    }

    /// As if the client had just come.
    fn reset(&mut self) -> Reply {
        self.unsubscribe_all();
        self.outbox.set_protocol(Protocol::Resp2);
        self.name = None;
        self.authenticated = self.limits.password.is_none();
        Reply::Status("RESET")
    }
}

/// The entry of a command in the table.
fn find(command: &[Bytes]) -> Result<(&'static str, i64), Reply> {
    let lookup = |name: &[u8]| {
        let name = name.to_ascii_lowercase();
        let mut entries = COMMANDS.iter().copied();
        entries.find(|(known, _)| known.as_bytes() == name)
    };
    let Some((word, rest)) = command.split_first() else {
        return Err(Reply::error("ERR empty command"));
    };
    let entry = lookup(word).filter(|(name, _)| !name.contains('|'));
    let entry = entry.ok_or_else(|| unknown(word, rest))?;
    let prefix = format!("{}|", entry.0);
    let has_parts = COMMANDS.iter().any(|(n, _)| n.starts_with(&prefix));
    match rest.first() {
        Some(part) if has_parts => {
            let full = [prefix.as_bytes(), part].concat();
            lookup(&full).ok_or_else(|| {
                Reply::error(format!(
                    "ERR unknown subcommand '{}'. Try {} HELP.",
                    quoted(part, 128),
                    entry.0.to_ascii_uppercase(),
                ))
            })
        }
        _ => Ok(entry),
    }
}

fn unknown(name: &[u8], rest: &[Bytes]) -> Reply {
    let name = quoted(name, 128);
    let mut beginning = String::new();
    for word in rest {
        let room = 128_usize.saturating_sub(beginning.len());
        if room == 0 {
            break;
        }
        beginning += &format!("'{}' ", quoted(word, room));
    }
    Reply::error(format!(
        "ERR unknown command '{name}', with args beginning with: {beginning}"
    ))
}

/// What an error quotes of a client's word: a text, not too long of it.
fn quoted(word: &[u8], length: usize) -> String {
    let end = word
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(word.len());
    String::from_utf8_lossy(&word[..end.min(length)]).into_owned()
}

fn fail(message: impl ToString) -> Answer {
    Err(Reply::error(message))
}

fn wrong_arity(name: &str) -> Reply {
    let message = "ERR wrong number of arguments for";
    Reply::error(format!("{message} '{name}' command"))
}

fn name_too_long() -> Reply {
    Reply::error("ERR channel name or pattern too long")
}

fn check_name(name: &[u8]) -> Result<(), Reply> {
    if name.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    let rule = "cannot contain spaces, newlines or special characters.";
    Err(Reply::error(format!("ERR Client names {rule}")))
}

/// There is one database here, with nothing in it, but clients select one.
fn select(index: &[u8]) -> Answer {
    match number(index) {
        Some(0..16) => Ok(Reply::OK),
        Some(_) => fail("ERR DB index is out of range"),
        None => fail("ERR value is not an integer or out of range"),
    }
}

fn set_info(attribute: &[u8]) -> Answer {
    match attribute.to_ascii_lowercase().as_slice() {
        b"lib-name" | b"lib-ver" => Ok(Reply::OK),
        _ => fail(format!(
            "ERR Unrecognized option '{}'",
            quoted(attribute, 128)
        )),
    }
}

fn no_evict(state: &[u8]) -> Answer {
    match state.to_ascii_lowercase().as_slice() {
        b"on" | b"off" => Ok(Reply::OK),
        _ => fail("ERR syntax error"),
    }
}

/// What redis-benchmark asks for: nothing is kept on disk here.
fn config(names: &[Bytes]) -> Reply {
    let known = [("save", ""), ("appendonly", "no")].into_iter();
    let wanted = known.filter(|(known, _)| {
        names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(known.as_bytes()))
    });
    let pair = |(name, value)| (Reply::bulk(name), Reply::bulk(value));
    Reply::Map(wanted.map(pair).collect())
}

fn info() -> Reply {
    Reply::Text(format!(
        "# Server\r\nredis_version:{VERSION}\r\nredis_mode:standalone\r\n"
    ))
}
