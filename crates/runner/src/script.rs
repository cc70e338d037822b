//! A demo's script: demo.toml, read and checked.
//!
//! README.md has the reference. Every key that is not known is an error,
//! and so is every name of a role that does not exist: a demo that silently
//! does less than it says would be worse than none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use regex_lite::Regex;
use serde::Deserialize;

use crate::process::Signal;
use crate::server::{Choice, Kind};
use crate::wire::tap::Wire;
use crate::workspace::{Section, Servers};

/// How long a step may take when it does not say.
const WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub struct Script {
    /// One sentence: the caption of the terminals.
    pub about: String,
    /// `unix` or a value of `std::env::consts::OS`; empty for everywhere.
    pub systems: Vec<String>,
    /// What must be installed: `python:MODULE`, `program:NAME` or `file:PATH`.
    pub needs: Vec<String>,
    /// Files and folders of the section that the play needs, copied to where
    /// its programs run.
    pub files: Vec<String>,
    /// Whether its roles have a network of their own.
    pub own_network: bool,
    pub servers: Vec<Server>,
    /// How to read what crosses the wire, if that is to be recorded.
    pub wire: Option<Wire>,
    /// In the order of the file.
    pub roles: Vec<Role>,
    pub steps: Vec<Step>,
    pub causes: Vec<Cause>,
    /// Where the book stops the play and asks.
    pub predict: Option<Predict>,
    pub replacements: Vec<Replacement>,
    pub troubles: Vec<Trouble>,
}

/// A server that the demo plays on.
#[derive(Debug)]
pub struct Server {
    pub kind: String,
    /// Only a port at which nobody is.
    pub absent: bool,
    /// The one that it always plays on, whatever was chosen.
    pub only: Option<Choice>,
    pub arguments: Vec<String>,
}

#[derive(Debug)]
pub struct Role {
    pub name: String,
    pub actor: Actor,
    /// Shown in the book.
    pub arguments: Vec<String>,
    /// Passed before the others and not shown: what a person would not type,
    /// such as an address with port 0.
    pub hidden: Vec<String>,
    /// The line that says that the role is ready. Its named groups can be used
    /// by the arguments of others, as `{role.group}`.
    pub ready: Option<Regex>,
    /// What is shown for the values of the named groups.
    pub show: BTreeMap<String, String>,
    /// Whether a raw peer takes down what it receives.
    pub hears: bool,
}

/// Who plays a role.
#[derive(Debug)]
pub enum Actor {
    /// A program or an example of the section.
    Program(String),
    /// A file of the section's folder python/.
    Python(String),
    /// The runner's own peer.
    Raw(RawPeer),
}

/// A peer that does just what the steps say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawPeer {
    /// Connects to an address. `udp` sends datagrams, else it is a stream.
    Connect { address: String, udp: bool },
    /// Waits at a free port, which others know as `{role.address}`.
    Listen { udp: bool },
}

#[derive(Debug)]
pub struct Step {
    pub action: Action,
    pub within: Duration,
}

#[derive(Debug)]
pub enum Action {
    /// Starts a role and waits until it is ready.
    Start(String),
    /// Waits for a line that was not waited for before.
    Wait(String, Regex),
    /// Waits until the role has ended by itself.
    End(String),
    /// Sends a signal: stop (and waits for the end), pause, resume.
    Signal(String, Signal),
    /// Types a line, each time after waiting for a line (the prompt).
    Type {
        role: String,
        text: String,
        times: u32,
        prompt: Option<Regex>,
    },
    /// Has a raw peer send bytes.
    Send(String, Vec<u8>),
    /// Has a raw peer close: wholly, or only its own direction.
    Close { role: String, half: bool },
}

/// A line of one role that brings about a line of another.
#[derive(Debug)]
pub struct Cause {
    pub line: Pattern,
    /// Its text may have `{1}`: what the first group of the cause matched.
    pub effect: EffectPattern,
    /// Whether what was said before the other was ready reaches it still.
    pub queued: bool,
    /// Whether the book draws it. One line may surely come after another that
    /// is not its cause.
    pub arrow: bool,
}

#[derive(Debug)]
pub struct Pattern {
    pub roles: Vec<String>,
    pub text: Regex,
}

#[derive(Debug)]
pub struct EffectPattern {
    pub roles: Vec<String>,
    pub text: String,
    /// The line is the last of so many that belong together.
    pub block: usize,
}

/// A question to the reader: what is the line after this one?
#[derive(Debug)]
pub struct Predict {
    pub after: Pattern,
    pub ask: String,
    /// The right answer is what was recorded.
    pub wrong: Vec<String>,
}

/// Replaces what differs from run to run.
#[derive(Debug)]
pub struct Replacement {
    /// Whose lines; all lines, if it names nobody.
    pub role: Option<String>,
    pub pattern: Regex,
    /// For the first group, or the whole match where there is none.
    pub with: String,
}

/// Something that goes wrong here, for the page that gathers it.
#[derive(Debug)]
pub struct Trouble {
    /// What a person sees; troubles that look the same stand together.
    pub sees: String,
    /// The lines of the section's programs by which it is told; `None` for one
    /// that shows in no line.
    pub line: Option<Regex>,
    pub cause: String,
    pub cure: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    about: String,
    #[serde(default)]
    systems: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    own_network: bool,
    server: Option<ServerTable>,
    #[serde(default)]
    servers: BTreeMap<String, ServerTable>,
    wire: Option<WireTable>,
    roles: toml::Table,
    steps: Vec<StepTable>,
    #[serde(default)]
    causes: Vec<CauseTable>,
    predict: Option<PredictTable>,
    #[serde(default)]
    replace: Vec<ReplaceTable>,
    #[serde(default)]
    troubles: Vec<TroubleTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ServerTable {
    #[serde(default)]
    absent: bool,
    only: Option<String>,
    #[serde(default)]
    args: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireTable {
    Name(String),
    // Its own type: an untagged enum would accept unknown keys.
    Table(WireKeys),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WireKeys {
    r#as: String,
    #[serde(default)]
    turns: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RoleTable {
    program: Option<String>,
    python: Option<String>,
    raw: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    hidden_args: Vec<String>,
    ready: Option<String>,
    #[serde(default)]
    show: BTreeMap<String, String>,
    /// For `raw`.
    hears: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct StepTable {
    start: Option<String>,
    wait: Option<String>,
    end: Option<String>,
    stop: Option<String>,
    pause: Option<String>,
    resume: Option<String>,
    r#type: Option<String>,
    send: Option<String>,
    close: Option<String>,
    half_close: Option<String>,
    /// For `wait` and `type`.
    line: Option<String>,
    /// For `stop`: ctrl-c (the default), terminate or kill.
    by: Option<String>,
    /// For `type` and `send`.
    text: Option<String>,
    /// For `send`.
    hex: Option<String>,
    /// For `type`.
    times: Option<u32>,
    /// Seconds.
    within: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct CauseTable {
    line: PatternTable,
    effect: PatternTable,
    #[serde(default)]
    queued: bool,
    arrow: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PatternTable {
    role: OneOrMore,
    text: String,
    /// Only for an effect.
    block: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PredictTable {
    after: PatternTable,
    ask: String,
    wrong: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ReplaceTable {
    role: Option<String>,
    pattern: String,
    with: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TroubleTable {
    sees: String,
    line: Option<String>,
    cause: String,
    cure: String,
}

impl Script {
    /// Reads the demo.toml of a demo of a section.
    pub fn read(section: &Section, demo: &str) -> Result<Self> {
        let path = section.demo_folder(demo).join("demo.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text, &section.servers)
            .with_context(|| format!("in {}", path.display()))
    }

    pub(crate) fn parse(text: &str, known: &Servers) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut servers = Vec::new();
        match (known, file.server) {
            (Servers::Each(kind), table) => servers
                .push(Server::read(kind.clone(), table.unwrap_or_default())?),
            (_, None) => {}
            (Servers::Named(_), Some(_)) => bail!(
                "[server], but the section's manifest names no server for all \
                 demos"
            ),
        }
        for (kind, table) in file.servers {
            ensure!(
                matches!(known, Servers::Named(kinds) if kinds.contains(&kind)),
                "[servers.{kind}], but the manifest has no such kind in \
                 'servers'"
            );
            servers.push(Server::read(kind, table)?);
        }
        let roles = file
            .roles
            .into_iter()
            .map(|(name, table)| {
                Role::read(&name, table)
                    .with_context(|| format!("in the role '{name}'"))
            })
            .collect::<Result<Vec<_>>>()?;
        let script = Self {
            about: file.about,
            systems: file.systems,
            needs: file.needs,
            files: file.files,
            own_network: file.own_network,
            servers,
            wire: file.wire.map(read_wire).transpose()?,
            roles,
            steps: numbered("step", file.steps, Step::read)?,
            causes: numbered("cause", file.causes, Cause::read)?,
            predict: file.predict.map(Predict::read).transpose()?,
            replacements: numbered(
                "replacement",
                file.replace,
                Replacement::read,
            )?,
            troubles: numbered("trouble", file.troubles, Trouble::read)?,
        };
        script.check_names()?;
        Ok(script)
    }

    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The programs and examples that play in it, on embedded servers.
    pub fn programs(&self) -> Result<BTreeSet<&str>> {
        let mut programs = BTreeSet::new();
        for role in &self.roles {
            if let Actor::Program(name) = &role.actor {
                programs.insert(name.as_str());
            }
        }
        for server in &self.servers {
            let embedded = &Kind::find(&server.kind)?.embedded;
            programs.extend(embedded.as_ref().map(|one| one.program));
        }
        Ok(programs)
    }

    /// Whether `name` is the server's: it can be stopped and started, but what
    /// it prints is its own business.
    pub fn is_server(&self, name: &str) -> bool {
        self.servers.iter().any(|server| server.kind == name)
    }

    /// Whether it does something to a server that others would notice.
    pub fn handles(&self, server: &Server) -> bool {
        server.absent
            || !server.arguments.is_empty()
            || self
                .steps
                .iter()
                .any(|step| step.action.role() == server.kind)
    }

    fn check_names(&self) -> Result<()> {
        let known = |name: &str| {
            ensure!(
                self.role(name).is_some() || self.is_server(name),
                "no role is called '{name}'"
            );
            Ok(())
        };
        let served = !self.servers.is_empty()
            || self.wire.is_some()
            || self
                .roles
                .iter()
                .any(|role| matches!(role.actor, Actor::Raw(_)));
        ensure!(
            !(self.own_network && served),
            "in 'own-network' there are no servers, relays or raw roles"
        );
        for role in &self.roles {
            ensure!(
                !self.is_server(&role.name),
                "a role is called like the server"
            );
            let raw = matches!(role.actor, Actor::Raw(_));
            ensure!(
                !raw || role.ready.is_none(),
                "the raw role '{}' needs no ready line",
                role.name
            );
        }
        for step in &self.steps {
            let name = step.action.role();
            known(name)?;
            let raw = matches!(
                self.role(name).map(|role| &role.actor),
                Some(Actor::Raw(_))
            );
            match &step.action {
                Action::Send(..) | Action::Close { .. } => {
                    ensure!(
                        raw,
                        "only a raw role can send and close, not '{name}'"
                    );
                }
                Action::Type { .. } => {
                    ensure!(
                        !raw && self.role(name).is_some(),
                        "only a program can be typed to, not '{name}'"
                    );
                }
                Action::Wait(..) | Action::End(_) => {
                    ensure!(
                        !self.is_server(name),
                        "what the server prints is not waited for"
                    );
                }
                Action::Start(_) | Action::Signal(..) => {}
            }
        }
        for cause in &self.causes {
            for name in cause.line.roles.iter().chain(&cause.effect.roles) {
                known(name)?;
            }
        }
        if let Some(predict) = &self.predict {
            for name in &predict.after.roles {
                known(name)?;
            }
        }
        for replacement in &self.replacements {
            replacement.role.as_deref().map_or(Ok(()), known)?;
        }
        Ok(())
    }
}

impl Action {
    /// The role that it is about.
    pub fn role(&self) -> &str {
        match self {
            Self::Start(role)
            | Self::Wait(role, _)
            | Self::End(role)
            | Self::Signal(role, _)
            | Self::Type { role, .. }
            | Self::Send(role, _)
            | Self::Close { role, .. } => role,
        }
    }
}

impl Role {
    fn read(name: &str, table: toml::Value) -> Result<Self> {
        ensure!(
            name.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-'),
            "a role's name is made of letters, digits and hyphens"
        );
        ensure!(name != "order", "order.txt is the order's own file");
        ensure!(name != "wire", "wire.txt is what crossed the wire");
        let table: RoleTable = table.try_into()?;
        let actor = match (table.program, table.python, table.raw) {
            (Some(program), None, None) => Actor::Program(program),
            (None, Some(file), None) => Actor::Python(file),
            (None, None, Some(raw)) => Actor::Raw(RawPeer::read(&raw)?),
            _ => bail!("say who plays it: one of program, python and raw"),
        };
        ensure!(
            table.hears.is_none() || matches!(actor, Actor::Raw(_)),
            "'hears' is for raw peers"
        );
        Ok(Self {
            name: name.to_owned(),
            actor,
            hears: table.hears.unwrap_or(true),
            arguments: table.args,
            hidden: table.hidden_args,
            ready: table.ready.as_deref().map(regex).transpose()?,
            show: table.show,
        })
    }
}

impl Server {
    fn read(kind: String, table: ServerTable) -> Result<Self> {
        Ok(Self {
            kind,
            absent: table.absent,
            only: table.only.as_deref().map(str::parse).transpose()?,
            arguments: table.args,
        })
    }
}

fn read_wire(table: WireTable) -> Result<Wire> {
    let (text, turns) = match table {
        WireTable::Name(name) => (name, false),
        WireTable::Table(keys) => (keys.r#as, keys.turns),
    };
    Ok(Wire {
        protocol: text.parse().context("in 'wire'")?,
        turns,
    })
}

impl RawPeer {
    fn read(text: &str) -> Result<Self> {
        Ok(match text {
            "tcp-listen" => Self::Listen { udp: false },
            "udp-listen" => Self::Listen { udp: true },
            _ => match text.split_once("://") {
                Some(("tcp", address)) => Self::Connect {
                    address: address.to_owned(),
                    udp: false,
                },
                Some(("udp", address)) => Self::Connect {
                    address: address.to_owned(),
                    udp: true,
                },
                _ => bail!(
                    "raw is tcp://ADDRESS, udp://ADDRESS, tcp-listen or \
                     udp-listen, not '{text}'"
                ),
            },
        })
    }
}

impl Step {
    fn read(mut table: StepTable) -> Result<Self> {
        let within = match table.within.take() {
            None => WITHIN,
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .context("within is a number of seconds")?,
        };
        let mut actions = Vec::new();
        if let Some(role) = table.start.take() {
            actions.push(Action::Start(role));
        }
        if let Some(role) = table.wait.take() {
            let line = table
                .line
                .take()
                .context("wait needs the line it waits for")?;
            actions.push(Action::Wait(role, regex(&line)?));
        }
        if let Some(role) = table.end.take() {
            actions.push(Action::End(role));
        }
        if let Some(role) = table.stop.take() {
            let signal = match table.by.take().as_deref() {
                None | Some("ctrl-c") => Signal::Interrupt,
                Some("terminate") => Signal::Terminate,
                Some("kill") => Signal::Kill,
                Some(other) => {
                    bail!("by is ctrl-c, terminate or kill, not '{other}'")
                }
            };
            actions.push(Action::Signal(role, signal));
        }
        if let Some(role) = table.pause.take() {
            actions.push(Action::Signal(role, Signal::Pause));
        }
        if let Some(role) = table.resume.take() {
            actions.push(Action::Signal(role, Signal::Resume));
        }
        if let Some(role) = table.r#type.take() {
            actions.push(Action::Type {
                role,
                text: table
                    .text
                    .take()
                    .context("type needs the text to type")?,
                times: table.times.take().unwrap_or(1),
                prompt: table.line.take().as_deref().map(regex).transpose()?,
            });
        }
        if let Some(role) = table.send.take() {
            let bytes = match (table.text.take(), table.hex.take()) {
                (Some(text), None) => text.into_bytes(),
                (None, Some(hex)) => read_hex(&hex)?,
                _ => bail!("send needs either text or hex"),
            };
            actions.push(Action::Send(role, bytes));
        }
        if let Some(role) = table.close.take() {
            actions.push(Action::Close { role, half: false });
        }
        if let Some(role) = table.half_close.take() {
            actions.push(Action::Close { role, half: true });
        }
        let [action] = <[Action; 1]>::try_from(actions).ok().context(
            "a step does one thing: start, wait, end, stop, pause, resume, \
                 type, send, close or half-close",
        )?;
        let left = [
            ("line", table.line.is_some()),
            ("by", table.by.is_some()),
            ("text", table.text.is_some()),
            ("hex", table.hex.is_some()),
            ("times", table.times.is_some()),
        ];
        if let Some((key, _)) = left.iter().find(|(_, left)| *left) {
            bail!("'{key}' means nothing in this step");
        }
        Ok(Self { action, within })
    }
}

impl Cause {
    fn read(table: CauseTable) -> Result<Self> {
        ensure!(table.line.block.is_none(), "only an effect has a block");
        // Tried now, with any text for the groups, so that a mistake is found
        // before the demo plays.
        let any = |_| ".*".to_owned();
        regex(&with_groups(&table.effect.text, any))?;
        Ok(Self {
            line: Pattern {
                roles: table.line.role.into(),
                text: regex(&table.line.text)?,
            },
            effect: EffectPattern {
                roles: table.effect.role.into(),
                text: table.effect.text,
                block: table.effect.block.unwrap_or(1),
            },
            queued: table.queued,
            arrow: table.arrow.unwrap_or(true),
        })
    }
}

impl Predict {
    fn read(table: PredictTable) -> Result<Self> {
        ensure!(table.after.block.is_none(), "only an effect has a block");
        ensure!(
            table.wrong.len() == 2,
            "a prediction has two wrong answers; the right one is recorded"
        );
        Ok(Self {
            after: Pattern {
                roles: table.after.role.into(),
                text: regex(&table.after.text)?,
            },
            ask: table.ask,
            wrong: table.wrong,
        })
    }
}

impl Replacement {
    fn read(table: ReplaceTable) -> Result<Self> {
        Ok(Self {
            role: table.role,
            pattern: regex(&table.pattern)?,
            with: table.with,
        })
    }
}

impl Trouble {
    fn read(table: TroubleTable) -> Result<Self> {
        Ok(Self {
            sees: table.sees,
            line: table.line.as_deref().map(regex).transpose()?,
            cause: table.cause,
            cure: table.cure,
        })
    }

    /// Whether it says the same of what may be other lines.
    pub fn says_like(&self, other: &Self) -> bool {
        self.cause == other.cause && self.cure == other.cure
    }
}

impl From<OneOrMore> for Vec<String> {
    fn from(roles: OneOrMore) -> Self {
        match roles {
            OneOrMore::One(role) => vec![role],
            OneOrMore::More(roles) => roles,
        }
    }
}

fn regex(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).with_context(|| format!("the pattern '{pattern}'"))
}

/// Replaces `{1}`, `{2}` … by what `group` gives for the number.
pub fn with_groups(text: &str, group: impl Fn(usize) -> String) -> String {
    (1..10).fold(text.to_owned(), |text, number| {
        let place = format!("{{{number}}}");
        if text.contains(&place) {
            text.replace(&place, &group(number))
        } else {
            text
        }
    })
}

/// Bytes written as pairs of hexadecimal digits, with spaces where one likes.
fn read_hex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<char> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    ensure!(
        digits.len().is_multiple_of(2),
        "hex has an odd number of digits"
    );
    digits
        .chunks(2)
        .map(|pair| {
            let pair: String = pair.iter().collect();
            u8::from_str_radix(&pair, 16)
                .with_context(|| format!("'{pair}' is no hex byte"))
        })
        .collect()
}

/// Reads each entry of a list; an error says which one it is in.
fn numbered<From, Into>(
    what: &str,
    entries: Vec<From>,
    read: impl Fn(From) -> Result<Into>,
) -> Result<Vec<Into>> {
    entries
        .into_iter()
        .enumerate()
        .map(|(index, entry)| {
            read(entry).with_context(|| format!("{what} {}", index + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Script, Servers};

    /// A demo with one role and one step, to which `more` is added.
    fn parse(step: &str, more: &str) -> String {
        let text = format!(
            "about = 'x'\nsteps = [{step}]\n{more}\n\
             [roles.one]\nprogram = 'one'\n"
        );
        match Script::parse(&text, &Servers::default()) {
            Ok(_) => "ok".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn mistakes_are_named() {
        let start = "{ start = 'one' }";
        assert_eq!(parse(start, ""), "ok");
        for (step, more, error) in [
            (start, "colour = 1", "unknown field `colour`"),
            (
                start,
                "own-network = true\nwire = 'resp'",
                "in 'own-network' there are no servers, relays or raw roles",
            ),
            ("{ begin = 'one' }", "", "unknown field `begin`"),
            ("{ start = 'two' }", "", "no role is called 'two'"),
            (
                "{ start = 'one', end = 'one' }",
                "",
                "a step does one thing",
            ),
            (
                "{ start = 'one', by = 'kill' }",
                "",
                "'by' means nothing in this step",
            ),
            (
                "{ stop = 'one', by = 'magic' }",
                "",
                "by is ctrl-c, terminate or kill",
            ),
            ("{ wait = 'one' }", "", "wait needs the line"),
            ("{ wait = 'one', line = '(' }", "", "the pattern '('"),
            (
                "{ send = 'one', text = 'x' }",
                "",
                "only a raw role can send",
            ),
            (start, "server = {}", "names no server"),
            (
                start,
                "[[replace]]\nrole = 'two'\npattern = ''\nwith = ''",
                "no role is called 'two'",
            ),
            (start, "wire = 'rasp'", "nobody here knows 'rasp'"),
            (start, "wire = { as = 'resp', x = 1 }", "did not match"),
        ] {
            let found = parse(step, more);
            assert!(found.contains(error), "{step} {more}: {found}");
        }
    }
}
