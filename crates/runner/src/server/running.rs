//! Starts servers, private ones and shared ones, and ends them.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Choice, Found, Kind, Launch, Place, Ready, Real};
use crate::build::Programs;
use crate::ports::Reserved;
use crate::process::{Process, Scratch, Signal};

/// How long an embedded server may take until it is ready, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(20);
const EMBEDDED_READY: Ready = Ready::Line("ready at");
/// How often a server that says nothing is asked whether it is ready.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(50);
/// How many of a server's last lines an error quotes.
const LAST_WORDS: usize = 5;
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// A server's place in a play: ports of its own, at which it can come and go,
/// or a name space of the server that all plays share.
pub struct Seat {
    pub kind: &'static Kind,
    choice: Choice,
    // The server ends before its ports are free for others.
    own: Option<Server>,
    shared: Option<Arc<Shared>>,
    reserved: Vec<Reserved>,
    ports: Vec<u16>,
    /// What its URL has behind the port.
    pub space: String,
}

impl Seat {
    /// `alone` says that nobody else may notice what is done to the server.
    ///
    /// # Errors
    /// When the server that all share cannot be started.
    pub fn new(
        kind: &'static Kind,
        wanted: Choice,
        alone: bool,
    ) -> Result<Self> {
        let choice = kind.choice(wanted);
        let mut seat = Self {
            kind,
            choice,
            own: None,
            shared: None,
            reserved: Vec::new(),
            ports: Vec::new(),
            space: String::new(),
        };
        let real = kind.real.as_ref().filter(|_| choice == Choice::Real);
        if let Some(real) = real
            && let Some(space) = real.space
            && !alone
        {
            let shared = Shared::of(kind, real)?;
            let number = shared.spaces.fetch_add(1, Ordering::Relaxed);
            seat.space = shared.with(|place| {
                space(place, &format!("demo-{number}")).with_context(|| {
                    format!("the {} server has no name space for it", kind.name)
                })
            })?;
            seat.ports.clone_from(&shared.ports);
            seat.shared = Some(shared);
        } else {
            let more = real.map_or(0, |real| real.more_ports);
            (seat.reserved, seat.ports) = reserve(1 + more)?;
        }
        Ok(seat)
    }

    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// Starts it, unless it is the shared one, which is there already. Returns
    /// when it is ready.
    pub fn start(
        &mut self,
        programs: &Programs,
        folder: &Path,
        arguments: &[String],
    ) -> Result<()> {
        ensure!(self.own.is_none(), "the server is there already");
        if self.shared.is_some() {
            return Ok(());
        }
        let (kind, port) = (self.kind, self.port());
        let server = match (self.choice, &kind.embedded, &kind.real) {
            (Choice::Embedded, Some(_), _) => {
                let mut command = embedded(kind, programs, port)?;
                command.args(arguments);
                Server::start(
                    kind,
                    command.into(),
                    folder,
                    (&EMBEDDED_READY, READY_WITHIN),
                    port,
                )
            }
            (Choice::Real, _, Some(real)) => {
                let program = find(real)?;
                let place = Place {
                    program: &program,
                    folder,
                    ports: &self.ports,
                    arguments,
                };
                Server::real(kind, real, &place)
            }
            _ => bail!("there is no {} {} server", self.choice, kind.name),
        };
        self.own = Some(server?);
        Ok(())
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let server = self.own.as_ref().context("the server is not there")?;
        Ok(server.process.signal(signal)?)
    }

    /// Ends it, and waits until it has ended.
    pub fn stop(&mut self, signal: Signal, until: Instant) -> Result<()> {
        let mut server = self.own.take().context("the server is not there")?;
        server.process.signal(signal)?;
        let left = until.saturating_duration_since(Instant::now());
        match server.output.recv_timeout(left) {
            Err(RecvTimeoutError::Disconnected) => {
                server.process.wait()?;
                Ok(())
            }
            _ => bail!("the server does not end"),
        }
    }

    /// The id of its process, by which its memory is read.
    pub fn id(&mut self) -> Option<u32> {
        match (&mut self.own, &self.shared) {
            (Some(own), _) => Some(own.process.child().id()),
            (None, Some(shared)) => Some(shared.id),
            (None, None) => None,
        }
    }
}

/// A real server that all plays of this runner share. It is never dropped:
/// [`crate::process::end`] ends it.
struct Shared {
    _server: Mutex<Server>,
    _reserved: Vec<Reserved>,
    id: u32,
    program: PathBuf,
    folder: Scratch,
    ports: Vec<u16>,
    spaces: AtomicUsize,
}

type Started = BTreeMap<&'static str, Result<Arc<Shared>, String>>;
static STARTED: Mutex<Started> = Mutex::new(BTreeMap::new());

impl Shared {
    /// The one of a kind; the first to ask starts it, the others wait.
    fn of(kind: &'static Kind, real: &Real) -> Result<Arc<Self>> {
        STARTED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(kind.name)
            .or_insert_with(|| {
                Self::start(kind, real)
                    .map(Arc::new)
                    .map_err(|error| format!("{error:#}"))
            })
            .clone()
            .map_err(anyhow::Error::msg)
    }

    fn start(kind: &'static Kind, real: &Real) -> Result<Self> {
        let (program, folder) = (find(real)?, Scratch::new()?);
        let (reserved, ports) = reserve(1 + real.more_ports)?;
        let place = Place {
            program: &program,
            folder: folder.path(),
            ports: &ports,
            arguments: &[],
        };
        let mut server = Server::real(kind, real, &place)?;
        Ok(Self {
            id: server.process.child().id(),
            _server: Mutex::new(server),
            _reserved: reserved,
            program,
            folder,
            ports,
            spaces: AtomicUsize::new(1),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Place) -> T) -> T {
        work(&Place {
            program: &self.program,
            folder: self.folder.path(),
            ports: &self.ports,
            arguments: &[],
        })
    }
}

/// A private server, which ends with this value.
struct Server {
    process: Process,
    /// Closed when the server has closed its stdout.
    output: Receiver<()>,
    /// Ends after it.
    _beside: Vec<Process>,
}

impl Server {
    fn real(kind: &'static Kind, real: &Real, place: &Place) -> Result<Self> {
        let launch = (real.launch)(place).with_context(|| {
            format!("cannot start the real {} server", kind.name)
        })?;
        let ready = (&real.ready, real.within);
        Self::start(kind, launch, place.folder, ready, place.ports[0])
    }

    fn start(
        kind: &'static Kind,
        launch: Launch,
        folder: &Path,
        (ready, within): (&Ready, Duration),
        port: u16,
    ) -> Result<Self> {
        let Launch {
            mut command,
            beside,
        } = launch;
        command
            .current_dir(folder)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Process::start(&mut command)
            .with_context(|| format!("cannot start {command:?}"))?;
        let child = process.child();
        let stdout = child.stdout.take().context("no stdout")?;
        let stderr = child.stderr.take().context("no stderr")?;
        let words = Words::default();
        let line = match ready {
            Ready::Line(line) => Some(*line),
            Ready::Answers => None,
        };
        let output = listen(stdout, line, &words);
        let errors = listen(stderr, None, &words);
        let begin = Instant::now();
        let is_ready = match line {
            Some(line) => {
                wait_for_line(&output, line, within).map_err(|end| end.0)
            }
            None => loop {
                if kind.probe(port) == Found::Server {
                    break Ok(());
                }
                if process.try_wait()?.is_some() {
                    break Err("it ended".to_owned());
                }
                if begin.elapsed() > within {
                    let seconds = within.as_secs();
                    break Err(format!("no answer within {seconds} s"));
                }
                // Nothing is sent: this waits, or sees the end at once.
                let _ = output.recv_timeout(ASK_EVERY);
            },
        };
        if let Err(why) = is_ready {
            // With its end, its last words have arrived.
            drop(process);
            for pipe in [output, errors] {
                let _ = pipe.recv_timeout(LAST_WORDS_WITHIN);
            }
            bail!(
                "the {} server at port {port} is not ready: {why}{}",
                kind.name,
                words.last()
            );
        }
        Ok(Self {
            process,
            output,
            _beside: beside,
        })
    }
}

fn find(real: &Real) -> Result<PathBuf> {
    real.find().with_context(|| {
        format!("no {} here: `doctor` says how to get it", real.program)
    })
}

fn reserve(count: usize) -> Result<(Vec<Reserved>, Vec<u16>)> {
    let reserved = (0..count)
        .map(|_| Reserved::new())
        .collect::<Result<Vec<_>>>()?;
    let ports = reserved.iter().map(|one| one.port).collect();
    Ok((reserved, ports))
}

/// The command that starts an embedded server at a port.
fn embedded(kind: &Kind, programs: &Programs, port: u16) -> Result<Command> {
    let embedded = kind.embedded.as_ref().with_context(|| {
        format!("there is no embedded {} server", kind.name)
    })?;
    let mut command = Command::new(programs.path(embedded.program)?);
    command
        .arg(format!("127.0.0.1:{port}"))
        .args(embedded.arguments);
    Ok(command)
}

/// Starts the embedded server of `kind` at a port, belonging to no terminal:
/// its arguments have it end by itself when nobody has used it for a while.
///
/// # Errors
/// When it does not get ready, for instance because another one was quicker.
pub fn start_lent(
    kind: &Kind,
    programs: &Programs,
    port: u16,
    arguments: &[&str],
) -> Result<()> {
    let mut command = embedded(kind, programs, port)?;
    let folder = std::env::temp_dir();
    ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    command.args(arguments).current_dir(folder);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // A session of its own: neither Ctrl-C in this terminal nor its end is for
    // it.
    #[cfg(unix)]
    // SAFETY: between fork and exec only one system call is made, and setsid
    // is on the list of those that may be made there.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, || {
            nix::unistd::setsid().map(|_| ()).map_err(io::Error::from)
        });
    }
    #[cfg(windows)]
    {
        const DETACHED_PROCESS: u32 = 0x0000_0008;
        std::os::windows::process::CommandExt::creation_flags(
            &mut command,
            DETACHED_PROCESS,
        );
    }
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let stdout = child.stdout.take().context("a server without stdout")?;
    let Ready::Line(line) = EMBEDDED_READY else {
        return Ok(());
    };
    let output = listen(stdout, Some(line), &Words::default());
    wait_for_line(&output, line, READY_WITHIN)
        .map_err(|end| anyhow::anyhow!(end.0))
}

/// What a server printed last.
#[derive(Clone, Default)]
struct Words(Arc<Mutex<VecDeque<String>>>);

impl Words {
    fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_back(line);
        if lines.len() > LAST_WORDS {
            lines.pop_front();
        }
    }

    fn last(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().fold(String::new(), |mut all, line| {
            all.push_str("\n  it said: ");
            all.push_str(line);
            all
        })
    }
}

/// Reads to the end, so that the other side never waits for us. What it
/// returns gets one message if a line has `text` in it, and is closed at the
/// end.
fn listen(
    pipe: impl Read + Send + 'static,
    text: Option<&'static str>,
    words: &Words,
) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    let words = words.clone();
    thread::spawn(move || {
        let mut lines = BufReader::new(pipe).split(b'\n');
        let mut wanted: Option<(&str, Sender<()>)> =
            text.map(|text| (text, sender.clone()));
        while let Some(Ok(line)) = lines.next() {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some((_, sender)) =
                wanted.take_if(|(text, _)| line.contains(*text))
            {
                let _ = sender.send(());
            }
            words.add(line);
        }
        drop(sender);
    });
    receiver
}

/// Why a line did not come.
struct NotReady(String);

fn wait_for_line(
    output: &Receiver<()>,
    text: &str,
    within: Duration,
) -> Result<(), NotReady> {
    output.recv_timeout(within).map_err(|end| {
        NotReady(match end {
            RecvTimeoutError::Timeout => {
                format!("it did not say '{text}' within {} s", within.as_secs())
            }
            RecvTimeoutError::Disconnected => {
                format!("it ended before it said '{text}'")
            }
        })
    })
}

#[cfg(test)]
pub mod tests {
    use std::io::{self, Read, Write};
    use std::net::{Shutdown, TcpListener};
    use std::path::PathBuf;
    use std::process::Command;
    use std::time::Duration;

    use crate::build::Programs;
    use crate::play::{self, Stage};
    use crate::played::Played;
    use crate::script::Script;
    use crate::server::{Choice, Found, Kind, Place, Ready, Real, connect};
    use crate::workspace::{Section, Servers};

    const PORT: &str = "RUNNER_TEST_SERVER";

    /// Needs some time until it answers.
    pub static LATE: Kind = kind("late", None);
    /// Likewise, and its plays share it.
    pub static SHARED: Kind = kind("shared", Some(space));

    const fn kind(
        name: &'static str,
        space: Option<fn(&Place, &str) -> anyhow::Result<String>>,
    ) -> Kind {
        Kind {
            name,
            variable: "RUNNER_TEST_URL",
            scheme: "test",
            port: 1,
            embedded: None,
            real: Some(Real {
                program: "cargo",
                with: &[],
                how: "",
                launch: |place| {
                    let mut command = Command::new(std::env::current_exe()?);
                    command
                        .args(["--exact", "server::running::tests::server"])
                        .args(["--nocapture", "--quiet"])
                        .args(place.arguments)
                        .env(PORT, place.ports[0].to_string());
                    Ok(command.into())
                },
                ready: Ready::Answers,
                within: Duration::from_secs(20),
                space,
                more_ports: 1,
            }),
            answers: |address| {
                let mut answer = String::new();
                connect(address)?.read_to_string(&mut answer)?;
                Ok(answer == "yes")
            },
        }
    }

    fn space(place: &Place, name: &str) -> anyhow::Result<String> {
        std::fs::write(place.folder.join(name), "")?;
        Ok(format!("/{name}"))
    }

    /// No test: what the tests start. It begins to say yes at the fourth
    /// question.
    #[test]
    fn server() {
        let Ok(port) = std::env::var(PORT) else {
            return;
        };
        eprintln!("I was started at {port}");
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
        for number in 1.. {
            let (mut stream, _) = listener.accept().unwrap();
            let answer = if number < 4 { "no" } else { "yes" };
            // Whoever only looks whether somebody listens reads nothing.
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            let _: io::Result<usize> = stream.read(&mut [0]);
        }
    }

    fn play(more: &str, steps: &str) -> anyhow::Result<Played> {
        let servers =
            Servers::Named(vec!["late".to_owned(), "shared".to_owned()]);
        let script = Script::parse(
            &format!(
                "about = ''\nsteps = [{steps}]\n{more}\n\
                 [roles.one]\nraw = 'tcp://{{late.address}}'\n\
                 [roles.two]\nraw = 'tcp://{{shared.address}}'\n"
            ),
            &servers,
        )?;
        let section = Section {
            name: "test".to_owned(),
            title: String::new(),
            description: String::new(),
            no_short: None,
            long: Default::default(),
            servers,
            folder: PathBuf::new(),
            programs: Vec::new(),
            examples: Vec::new(),
            demos: Vec::new(),
        };
        let stage = Stage {
            section: &section,
            programs: &Programs::default(),
            choice: Choice::Embedded,
            expected: None,
            tapped: false,
        };
        play::play(&script, &stage, &mut |_| {})
    }

    /// Two kinds in one section, neither with an embedded server; one comes
    /// and goes, the other is shared.
    #[test]
    fn a_late_server_is_waited_for_and_a_shared_one_stays() {
        let servers = "[servers.late]\n[servers.shared]";
        let steps = "{start='one'}, {end='one'}, {start='two'}, {end='two'}, \
             {stop='late', by='kill'}, {start='late'}, \
             {start='one'}, {end='one'}";
        let port = |played: &Played, space: bool| {
            let found = played.shown.iter().find(|(real, _)| {
                real.starts_with("127") && real.contains("/demo-") == space
            });
            found.unwrap().0.clone()
        };
        let [first, second] = [0, 1].map(|_| {
            let played = play(servers, steps).unwrap();
            let said: Vec<&str> =
                played.entries.iter().map(|entry| &*entry.text).collect();
            assert_eq!(said.iter().filter(|text| **text == "< yes").count(), 3);
            port(&played, true)
        });
        // The same server, other name spaces.
        let [(one, space), (other, other_space)] =
            [&first, &second].map(|at| at.split_once('/').unwrap());
        assert_eq!(one, other);
        assert_ne!(space, other_space);
        // Here, nobody ends the process as the runner does.
        super::STARTED.lock().unwrap().clear();
    }

    /// A demo that handles the server gets one of its own; one that does not
    /// start says why.
    #[test]
    fn what_a_server_says_at_its_end_is_told() {
        let servers = "[servers.late]\nargs = ['--no-such-option']";
        let error = play(servers, "{start='one'}, {end='one'}").unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("is not ready: it ended"), "{error}");
        assert!(error.contains("it said: "), "{error}");
        assert_eq!(LATE.choice(Choice::Embedded), Choice::Real);
        assert_eq!(LATE.probe(1), Found::Nobody);
    }
}
