//! What a client may ask, and what it is told, in Redis's own words.

use std::time::Duration;

use bytes::Bytes;

use super::client::Client;
use super::id::Id;
use super::lock;
use super::reply::{Protocol, Reply};
use super::request::number;
use super::store::{Answer, Read, Store, no_group};
use super::stream::{Claimed, PENDING, Stream};

/// The version whose commands these are: clients ask, some decide by it.
const VERSION: &str = "7.0.0";

/// `~` trims whole nodes only; Redis puts so many entries into one.
const NODE: usize = 100;

/// XAUTOCLAIM looks at ten times as many as it may claim.
const ATTEMPTS: usize = 10;

/// Every command, and how many words it has at least, its name included.
const COMMANDS: &[(&str, usize)] = &[
    ("client", 2),
    ("command", 1),
    ("del", 2),
    ("hello", 1),
    ("ping", 1),
    ("quit", 1),
    ("xack", 4),
    ("xadd", 5),
    ("xautoclaim", 6),
    ("xclaim", 6),
    ("xgroup", 2),
    ("xinfo", 2),
    ("xlen", 2),
    ("xpending", 3),
    ("xrange", 4),
    ("xread", 4),
    ("xreadgroup", 7),
    ("xtrim", 4),
];

pub enum Outcome {
    Done(Reply),
    /// Nothing is there yet; the client waits so long, or for ever.
    Wait(Read, Option<Duration>),
    Leave,
}

impl Client {
    pub fn execute(&mut self, command: &[Bytes]) -> Outcome {
        let outcome = self.try_execute(command);
        outcome.unwrap_or_else(Outcome::Done)
    }

    fn try_execute(&mut self, command: &[Bytes]) -> Result<Outcome, Reply> {
        let (name, words) = (lower(&command[0]), &command[1..]);
        let known = COMMANDS.iter().find(|(known, _)| *known == name);
        let Some((name, least)) = known else {
            return Err(unknown(command));
        };
        if command.len() < *least {
            return Err(wrong_arity(name));
        }
        match *name {
            "quit" => return Ok(Outcome::Leave),
            "hello" => return self.hello(words).map(Outcome::Done),
            "client" => return self.client(words).map(Outcome::Done),
            _ => {}
        }
        let mut store = lock(&self.store);
        let store = &mut *store;
        let reply = match *name {
            "xread" | "xreadgroup" => return read(store, name, words),
            "command" => Reply::Array(Vec::new()),
            "ping" => match words.first() {
                Some(echo) => Reply::Bulk(echo.clone()),
                None => Reply::Status("PONG"),
            },
            "del" => {
                let gone = words.iter().filter(|key| store.remove(key));
                Reply::integer(gone.count())
            }
            "xack" => ack(store, words)?,
            "xadd" => add(store, words)?,
            "xautoclaim" => auto_claim(store, words)?,
            "xclaim" => claim(store, words)?,
            "xgroup" => group(store, words)?,
            "xinfo" => info(store, words)?,
            "xlen" => {
                let stream = store.get(&words[0]);
                Reply::integer(stream.map_or(0, |one| one.entries.len()))
            }
            "xpending" => pending(store, words)?,
            "xrange" => range(store, words)?,
            "xtrim" => {
                let (trimming, rest) = Trimming::parse(&words[1..])?;
                match (trimming, rest) {
                    (Some(trimming), []) => trim(store, &words[0], &trimming),
                    _ => return Err(syntax()),
                }
            }
            other => return Err(fail(format!("ERR no '{other}' here"))),
        };
        Ok(Outcome::Done(reply))
    }

    fn hello(&mut self, words: &[Bytes]) -> Answer {
        match words.first().map(|word| number::<i64>(word)) {
            None => {}
            Some(Some(2)) => self.protocol = Protocol::Resp2,
            Some(Some(3)) => self.protocol = Protocol::Resp3,
            Some(Some(_)) => {
                return Err(fail("NOPROTO unsupported protocol version"));
            }
            Some(None) => {
                return Err(fail(
                    "ERR Protocol version is not an integer or out of range",
                ));
            }
        }
        if words.len() > 1 {
            return Err(fail("ERR this stand-in has no users: leave out AUTH"));
        }
        let version = match self.protocol {
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

    fn client(&mut self, words: &[Bytes]) -> Answer {
        match (lower(&words[0]).as_str(), &words[1..]) {
            ("id", []) => Ok(Reply::Integer(self.id)),
            ("setname", [_]) | ("setinfo", [_, _]) => Ok(Reply::OK),
            _ => Err(subcommand("client", &words[0])),
        }
    }
}

/// `key [MAXLEN …] id field value …`
fn add(store: &mut Store, words: &[Bytes]) -> Answer {
    let key = &words[0];
    let (trimming, rest) = Trimming::parse(&words[1..])?;
    let (wanted, fields) = rest.split_first().ok_or_else(syntax)?;
    if fields.is_empty() || !fields.len().is_multiple_of(2) {
        return Err(wrong_arity("xadd"));
    }
    store.has_room()?;
    let last = store.get(key).map_or(Id::MIN, |stream| stream.last);
    let id = match &wanted[..] {
        b"*" => last.following(),
        wanted => Some(Id::parse(wanted, 0)?),
    };
    if id == Some(Id::MIN) {
        return Err(fail(
            "ERR The ID specified in XADD must be greater than 0-0",
        ));
    }
    let Some(id) = id.filter(|id| *id > last) else {
        return Err(fail(
            "ERR The ID specified in XADD is equal or smaller than the target \
             stream top item",
        ));
    };
    let cost = store.make_stream(key).add(id, fields.to_vec());
    store.spend(cost);
    if let Some(trimming) = trimming {
        trim(store, key, &trimming);
    }
    store.serve_waiting(key);
    Ok(id.into())
}

/// How much of a stream's beginning is to go.
struct Trimming {
    keep: Keep,
    /// Only whole nodes: what is left over may be more than was asked for.
    about: bool,
}

enum Keep {
    Entries(usize),
    From(Id),
}

impl Trimming {
    /// `MAXLEN|MINID [=|~] threshold`; returns what comes after.
    fn parse(words: &[Bytes]) -> Result<(Option<Self>, &[Bytes]), Reply> {
        let Some((word, mut rest)) = words.split_first() else {
            return Err(syntax());
        };
        let word = lower(word);
        if word != "maxlen" && word != "minid" {
            return Ok((None, words));
        }
        let about = rest.first().is_some_and(|sign| sign == "~");
        if about || rest.first().is_some_and(|sign| sign == "=") {
            rest = &rest[1..];
        }
        let Some((threshold, rest)) = rest.split_first() else {
            return Err(syntax());
        };
        let keep = match word.as_str() {
            "maxlen" => match number::<i64>(threshold).map(usize::try_from) {
                Some(Ok(count)) => Keep::Entries(count),
                Some(Err(_)) => {
                    return Err(fail("ERR The MAXLEN argument must be >= 0."));
                }
                None => return Err(not_integer()),
            },
            _ => Keep::From(Id::parse(threshold, 0)?),
        };
        Ok((Some(Self { keep, about }), rest))
    }
}

fn trim(store: &mut Store, key: &[u8], trimming: &Trimming) -> Reply {
    let Some(stream) = store.get(key) else {
        return Reply::Integer(0);
    };
    let mut count = match trimming.keep {
        Keep::Entries(most) => stream.entries.len().saturating_sub(most),
        Keep::From(id) => stream.entries.range(..id).count(),
    };
    if trimming.about {
        count -= count % NODE;
    }
    let (gone, freed) = stream.trim(count);
    store.free(freed);
    Reply::integer(gone)
}

fn range(store: &mut Store, words: &[Bytes]) -> Answer {
    let first = Id::bound(&words[1], true)?;
    let last = Id::bound(&words[2], false)?;
    let count = match &words[3..] {
        [] => usize::MAX,
        [word, count] if lower(word) == "count" => counted(count)?,
        _ => return Err(syntax()),
    };
    if count == 0 {
        return Ok(Reply::NullArray);
    }
    let stream = store.get(&words[0]);
    let entries = stream.map(|one| one.range(first, last, count));
    Ok(Reply::Array(entries.unwrap_or_default()))
}

/// `[GROUP group consumer] [COUNT n] [BLOCK ms] [NOACK] STREAMS key … id …`
fn read(
    store: &mut Store,
    name: &str,
    words: &[Bytes],
) -> Result<Outcome, Reply> {
    let grouped = name == "xreadgroup";
    let (mut group, mut count, mut block) = (None, usize::MAX, None);
    let (mut remember, mut rest) = (true, words);
    let names = loop {
        let Some((word, after)) = rest.split_first() else {
            return Err(syntax());
        };
        rest = match (lower(word).as_str(), after) {
            ("streams", names) if !names.is_empty() => break names,
            ("count", [number, after @ ..]) => {
                count = match counted(number)? {
                    0 => usize::MAX,
                    count => count,
                };
                after
            }
            ("block", [time, after @ ..]) => {
                let time = number::<i64>(time).ok_or_else(|| {
                    fail("ERR timeout is not an integer or out of range")
                })?;
                let time = u64::try_from(time)
                    .map_err(|_| fail("ERR timeout is negative"))?;
                block = Some(Duration::from_millis(time));
                after
            }
            ("group", [name, consumer, after @ ..]) if grouped => {
                group = Some((name.clone(), consumer.clone()));
                after
            }
            ("noack", after) if grouped => {
                remember = false;
                after
            }
            _ => return Err(syntax()),
        };
    };
    if grouped && group.is_none() {
        return Err(fail("ERR Missing GROUP option for XREADGROUP"));
    }
    if !names.len().is_multiple_of(2) {
        return Err(fail(format!(
            "ERR Unbalanced {} list of streams: for each stream key an ID or \
             '$' must be specified.",
            name.to_ascii_uppercase()
        )));
    }
    let (keys, places) = names.split_at(names.len() / 2);
    let mut streams = Vec::new();
    for (key, place) in keys.iter().zip(places) {
        if let Some((group, _)) = &group {
            store.has_group(key, group)?;
        }
        let place = match (&place[..], grouped) {
            (b">", true) => None,
            (b">", false) => {
                return Err(fail(
                    "ERR The > ID can be specified only when calling \
                     XREADGROUP using the GROUP <group> <consumer> option.",
                ));
            }
            (b"$", true) => {
                return Err(fail(
                    "ERR The $ ID is meaningless in the context of \
                     XREADGROUP: you want to read the history of this \
                     consumer by specifying a proper ID, or use the > ID to \
                     get new messages. The $ ID would just return an empty \
                     result set.",
                ));
            }
            (b"$", false) => {
                Some(store.get(key).map_or(Id::MIN, |one| one.last))
            }
            (id, _) => Some(Id::parse(id, 0)?),
        };
        streams.push((key.clone(), place));
    }
    let read = Read {
        streams,
        group,
        count,
        remember,
    };
    if let Some(reply) = store.read(&read)? {
        return Ok(Outcome::Done(reply));
    }
    Ok(match block {
        None => Outcome::Done(Reply::NullArray),
        // Redis's way to say "for ever".
        Some(Duration::ZERO) => Outcome::Wait(read, None),
        Some(limit) => Outcome::Wait(read, Some(limit)),
    })
}

fn ack(store: &mut Store, words: &[Bytes]) -> Answer {
    let ids = ids(&words[2..])?;
    let group = store.get(&words[0]);
    let group = group.and_then(|one| one.groups.get_mut(&words[1]));
    let Some(group) = group else {
        return Ok(Reply::Integer(0));
    };
    let done = ids.iter().filter(|id| group.pending.remove(id).is_some());
    let done = done.count();
    store.free(done * PENDING);
    Ok(Reply::integer(done))
}

/// `CREATE key group id [MKSTREAM]` or `SETID key group id`
fn group(store: &mut Store, words: &[Bytes]) -> Answer {
    let name = lower(&words[0]);
    let (key, group, place, make) = match (name.as_str(), &words[1..]) {
        ("create" | "setid", [key, group, place]) => (key, group, place, false),
        ("create", [key, group, place, make]) if lower(make) == "mkstream" => {
            (key, group, place, true)
        }
        ("create" | "setid", _) => {
            return Err(wrong_arity(&format!("xgroup|{name}")));
        }
        _ => return Err(subcommand("xgroup", &words[0])),
    };
    store.has_room()?;
    if store.get(key).is_none() && !make {
        return Err(fail(
            "ERR The XGROUP subcommand requires the key to exist. Note that \
             for CREATE you may want to use the MKSTREAM option to create an \
             empty stream automatically.",
        ));
    }
    let last = match &place[..] {
        b"$" => store.get(key).map_or(Id::MIN, |stream| stream.last),
        id => Id::parse(id, 0)?,
    };
    if name == "create" {
        return match store.make_group(key, group, last) {
            true => Ok(Reply::OK),
            false => Err(fail("BUSYGROUP Consumer Group name already exists")),
        };
    }
    match store.make_stream(key).groups.get_mut(group) {
        Some(group) => group.last = last,
        None => {
            return Err(fail(format!(
                "NOGROUP No such consumer group '{}' for key name '{}'",
                beginning(group),
                beginning(key)
            )));
        }
    }
    Ok(Reply::OK)
}

/// The group, which must be there.
fn known<'a>(
    store: &'a mut Store,
    key: &[u8],
    group: &[u8],
) -> Result<&'a mut Stream, Reply> {
    let stream = store.get(key);
    let stream = stream.filter(|one| one.groups.contains_key(group));
    stream.ok_or_else(|| fail(no_group(key, group)))
}

/// `key group [[IDLE ms] first last count [consumer]]`
fn pending(store: &mut Store, words: &[Bytes]) -> Answer {
    let stream = known(store, &words[0], &words[1])?;
    let pending = &stream.groups[&words[1]].pending;
    let (idle, rest) = match &words[2..] {
        [word, idle, rest @ ..] if lower(word) == "idle" => {
            let idle = number(idle).ok_or_else(not_integer)?;
            (Duration::from_millis(idle), rest)
        }
        rest => (Duration::ZERO, rest),
    };
    let (first, last, count, consumer) = match rest {
        [] => return Ok(summary(stream, &words[1])),
        [first, last, count] => (first, last, count, None),
        [first, last, count, consumer] => (first, last, count, Some(consumer)),
        _ => return Err(syntax()),
    };
    let (first, last) = (Id::bound(first, true)?, Id::bound(last, false)?);
    let count = counted(count)?;
    if first > last {
        return Ok(Reply::Array(Vec::new()));
    }
    let wanted = pending.range(first..=last).filter(|(_, one)| {
        one.since.elapsed() >= idle
            && consumer.is_none_or(|name| one.consumer == *name)
    });
    let rows = wanted.take(count).map(|(id, one)| {
        Reply::Array(vec![
            (*id).into(),
            Reply::Bulk(one.consumer.clone()),
            Reply::integer(one.since.elapsed().as_millis()),
            Reply::integer(one.deliveries),
        ])
    });
    Ok(Reply::Array(rows.collect()))
}

/// How many are pending, the first and the last of them, and with whom.
fn summary(stream: &Stream, group: &[u8]) -> Reply {
    let group = &stream.groups[group];
    let pending = &group.pending;
    let id = |id: Option<&Id>| id.map_or(Reply::Null, |id| (*id).into());
    let consumers = group.consumers.iter().filter_map(|name| {
        let own = pending.values().filter(|one| one.consumer == *name);
        let count = own.count();
        let row = || {
            let count = Reply::Bulk(count.to_string().into());
            Reply::Array(vec![Reply::Bulk(name.clone()), count])
        };
        (count > 0).then(row)
    });
    let consumers = match pending.is_empty() {
        true => Reply::NullArray,
        false => Reply::Array(consumers.collect()),
    };
    Reply::Array(vec![
        Reply::integer(pending.len()),
        id(pending.keys().next()),
        id(pending.keys().next_back()),
        consumers,
    ])
}

/// `key group consumer min-idle id … [JUSTID]`
fn claim(store: &mut Store, words: &[Bytes]) -> Answer {
    let (key, group, consumer) = (&words[0], &words[1], &words[2]);
    known(store, key, group)?;
    let idle = idle_time(&words[3], "XCLAIM")?;
    let (only_id, rest) = just_id(&words[4..]);
    let ids = ids(rest)?;
    store.meet(key, group, consumer);
    let stream = known(store, key, group)?;
    let (mut claimed, mut gone) = (Vec::new(), 0);
    for id in ids {
        match stream.claim(group, consumer, id, idle, only_id) {
            Claimed::Now(entry) => claimed.push(entry),
            Claimed::Gone => gone += 1,
            Claimed::Not => {}
        }
    }
    store.free(gone * PENDING);
    Ok(Reply::Array(claimed))
}

/// `key group consumer min-idle first [COUNT n] [JUSTID]`
fn auto_claim(store: &mut Store, words: &[Bytes]) -> Answer {
    let (key, group, consumer) = (&words[0], &words[1], &words[2]);
    let idle = idle_time(&words[3], "XAUTOCLAIM")?;
    let first = Id::bound(&words[4], true)?;
    let (only_id, rest) = just_id(&words[5..]);
    let count = match rest {
        [] => 100,
        [word, count] if lower(word) == "count" => match counted(count)? {
            0 => return Err(fail("ERR COUNT must be > 0")),
            count => count,
        },
        _ => return Err(syntax()),
    };
    known(store, key, group)?;
    store.meet(key, group, consumer);
    let stream = known(store, key, group)?;
    let looked_at: Vec<Id> = stream.groups[group]
        .pending
        .range(first..)
        .map(|(id, _)| *id)
        .take(count.saturating_mul(ATTEMPTS).saturating_add(1))
        .collect();
    let (mut claimed, mut gone) = (Vec::new(), Vec::new());
    let mut next = Id::MIN;
    for (attempt, id) in looked_at.into_iter().enumerate() {
        if claimed.len() == count || attempt == count.saturating_mul(ATTEMPTS) {
            next = id;
            break;
        }
        match stream.claim(group, consumer, id, idle, only_id) {
            Claimed::Now(entry) => claimed.push(entry),
            Claimed::Gone => gone.push(id.into()),
            Claimed::Not => {}
        }
    }
    store.free(gone.len() * PENDING);
    Ok(Reply::Array(vec![
        next.into(),
        Reply::Array(claimed),
        Reply::Array(gone),
    ]))
}

/// `GROUPS key`
fn info(store: &mut Store, words: &[Bytes]) -> Answer {
    let key = match (lower(&words[0]).as_str(), &words[1..]) {
        ("groups", [key]) => key,
        _ => return Err(subcommand("xinfo", &words[0])),
    };
    let stream = store.get(key);
    let stream = stream.ok_or_else(|| fail("ERR no such key"))?;
    let rows = stream.groups.iter().map(|(name, group)| {
        Reply::Map(vec![
            (Reply::bulk("name"), Reply::Bulk(name.clone())),
            (
                Reply::bulk("consumers"),
                Reply::integer(group.consumers.len()),
            ),
            (Reply::bulk("pending"), Reply::integer(group.pending.len())),
            (Reply::bulk("last-delivered-id"), group.last.into()),
            // Not counted here; Redis, too, sometimes does not know.
            (Reply::bulk("entries-read"), Reply::Null),
            (Reply::bulk("lag"), Reply::Null),
        ])
    });
    Ok(Reply::Array(rows.collect()))
}

fn ids(words: &[Bytes]) -> Result<Vec<Id>, Reply> {
    words.iter().map(|word| Id::parse(word, 0)).collect()
}

fn just_id(words: &[Bytes]) -> (bool, &[Bytes]) {
    match words.split_last() {
        Some((last, rest)) if lower(last) == "justid" => (true, rest),
        _ => (false, words),
    }
}

fn idle_time(word: &[u8], command: &str) -> Result<Duration, Reply> {
    let wrong = || format!("ERR Invalid min-idle-time argument for {command}");
    let time = number::<i64>(word).ok_or_else(|| fail(wrong()))?;
    Ok(Duration::from_millis(u64::try_from(time).unwrap_or(0)))
}

/// A count; less than nothing is nothing.
fn counted(word: &[u8]) -> Result<usize, Reply> {
    let count = number::<i64>(word).ok_or_else(not_integer)?;
    Ok(usize::try_from(count.max(0)).unwrap_or(usize::MAX))
}

fn lower(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_ascii_lowercase()
}

fn fail(message: impl ToString) -> Reply {
    Reply::error(message)
}

fn syntax() -> Reply {
    fail("ERR syntax error")
}

fn not_integer() -> Reply {
    fail("ERR value is not an integer or out of range")
}

fn wrong_arity(name: &str) -> Reply {
    let message = "ERR wrong number of arguments for";
    fail(format!("{message} '{name}' command"))
}

fn subcommand(name: &str, word: &[u8]) -> Reply {
    fail(format!(
        "ERR unknown subcommand '{}'. Try {} HELP.",
        beginning(word),
        name.to_ascii_uppercase()
    ))
}

fn unknown(command: &[Bytes]) -> Reply {
    let name = beginning(&command[0]);
    let words = command[1..].iter().take(4);
    let words = words.map(|word| format!("'{}' ", beginning(word)));
    let words: String = words.collect();
    fail(format!(
        "ERR unknown command '{name}', with args beginning with: {words}"
    ))
}

/// What an error quotes of a client's word.
fn beginning(word: &[u8]) -> String {
    String::from_utf8_lossy(&word[..word.len().min(128)]).into_owned()
}
