//! Child processes that never outlive the runner.
//!
//! Every child (but cargo) leads a process group of its own, so that what it
//! starts in its turn can be ended with it. All groups are known to one
//! registry, which a handler for Ctrl-C, SIGTERM and SIGHUP empties before the
//! runner ends. For a runner that is killed, a watcher does it.
//! On Windows a job object ends the children together with the runner.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

#[cfg(unix)]
mod watcher;

/// What must not outlive the runner.
#[derive(Default)]
struct Alive {
    /// The children, and whether each leads a group.
    children: BTreeMap<u32, bool>,
    folders: BTreeSet<PathBuf>,
}

/// `None` once the runner is about to end: nothing may start from then on.
static ALIVE: Mutex<Option<Alive>> = Mutex::new(Some(Alive {
    children: BTreeMap::new(),
    folders: BTreeSet::new(),
}));

/// Exit code of a runner that was told to end, as shells have it for Ctrl-C.
const INTERRUPTED: i32 = 130;

/// How long a killed child may take to let go of its folder.
const GONE_WITHIN: Duration = Duration::from_secs(2);

fn lock() -> MutexGuard<'static, Option<Alive>> {
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The registry, for as long as there is one. Once the runner is about to end,
/// this does not return: whoever asks would otherwise see a child that was
/// killed, call it a failure, and end the runner before everything is gone.
fn alive(mut work: impl FnMut(&mut Alive)) {
    if let Some(alive) = lock().as_mut() {
        return work(alive);
    }
    loop {
        std::thread::park();
    }
}

/// Ends the runner, and before it all that must not outlive it.
pub fn end(code: i32) -> ! {
    // Whoever is starting a child holds the lock; after this, nobody can.
    let mut lock = lock();
    if let Some(alive) = lock.take() {
        clean_up(alive);
    }
    // Still locked: no other thread gets to say how this ends.
    std::process::exit(code)
}

/// Ends children and removes folders.
fn clean_up(alive: Alive) {
    // Whoever left its parent's group is found by its parents, while these are
    // still there.
    let ids: Vec<u32> = alive.children.keys().copied().collect();
    let below = descendants(&ids);
    for (id, leads) in alive.children {
        // On Windows the job would do it, but only after the runner's end,
        // and until then the folders cannot be removed.
        let _ = send(id, leads, Signal::Kill);
    }
    for id in below {
        let _ = send(id, false, Signal::Kill);
    }
    let until = Instant::now() + GONE_WITHIN;
    for folder in alive.folders {
        // A child that is not quite dead may just be writing into it.
        while fs::remove_dir_all(&folder).is_err()
            && folder.exists()
            && Instant::now() < until
        {
            std::thread::yield_now();
        }
    }
}

/// What these processes started, and what that started, and so on; none where
/// there is no /proc.
fn descendants(of: &[u32]) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parents: Vec<(u32, u32)> = processes
        .filter_map(|process| {
            let id = process.file_name().to_str()?.parse().ok()?;
            let stat = stat(&process.path())?;
            Some((id, stat.split(' ').nth(1)?.parse().ok()?))
        })
        .collect();
    let mut found = of.to_vec();
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(id, _)| id));
        next += 1;
    }
    found.split_off(of.len())
}

/// What /proc says of a process or a thread, from its state on. Before that
/// stands the name in brackets, which may have any character in it.
fn stat(folder: &Path) -> Option<String> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.to_owned())
}

/// From now on nothing is left behind when the runner is told to end, or is
/// killed. Call it once, before the first [`Process::start`] and the first
/// thread.
pub fn end_children_with_runner() -> Result<()> {
    #[cfg(windows)]
    windows::end_children_with_runner()?;
    #[cfg(unix)]
    watcher::start().context("cannot start a watcher")?;
    ctrlc::set_handler(|| end(INTERRUPTED)).context("cannot handle Ctrl-C")
}

/// How a process is asked, or made, to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// As if its user had pressed Ctrl-C.
    Interrupt,
    /// As `kill` does without more arguments. On Windows like Ctrl-C.
    Terminate,
    /// At once, without being asked.
    Kill,
    /// Stopped where it stands, still alive. Unix only.
    Pause,
    /// Goes on after a pause. Unix only.
    Resume,
}

/// A child that leads a process group; the whole group is killed on drop.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Whether it leads a group; else it is in the runner's.
    leads: bool,
    ended: Option<ExitStatus>,
}

impl Process {
    pub fn start(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        #[cfg(windows)]
        windows::own_group(command);
        Self::register(command, true)
    }

    /// For cargo: Ctrl-C reaches it from the terminal, as if it had been
    /// called there, also while nobody here handles Ctrl-C.
    pub fn start_in_our_group(command: &mut Command) -> io::Result<Self> {
        Self::register(command, false)
    }

    fn register(command: &mut Command, leads: bool) -> io::Result<Self> {
        #[cfg(unix)]
        watcher::register(command, leads);
        let mut started = Err(io::ErrorKind::Other.into());
        alive(|alive| {
            started = command.spawn();
            match &started {
                Ok(child) => {
                    alive.children.insert(child.id(), leads);
                }
                #[cfg(unix)]
                Err(_) => watcher::never_was(),
                #[cfg(not(unix))]
                Err(_) => {}
            }
        });
        Ok(Self {
            child: started?,
            leads,
            ended: None,
        })
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        // An id that was waited for may belong to somebody else by now.
        if self.ended.is_some() {
            return Ok(());
        }
        send(self.child.id(), self.leads, signal)
    }

    /// Returns when the program waits for something, or at `until`: if it
    /// waits, it has taken in what others had sent to it. Only Linux tells.
    pub fn until_it_waits(&self, until: Instant) {
        let threads = format!("/proc/{}/task", self.child.id());
        let works = || {
            let threads = fs::read_dir(&threads).into_iter().flatten();
            threads.flatten().any(|thread| {
                stat(&thread.path())
                    .is_some_and(|it| it.starts_with(['R', 'D']))
            })
        };
        while works() && Instant::now() < until {
            std::thread::yield_now();
        }
    }

    /// Waits for the end. Only call it when the end is known to be near: when
    /// the output is closed, or after a kill.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let id = self.child.id();
        let status = self.child.wait()?;
        self.forget(id);
        self.ended = Some(status);
        Ok(status)
    }

    /// Whether it has ended by itself, without waiting.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none()
            && let Some(status) = self.child.try_wait()?
        {
            self.forget(self.child.id());
            self.ended = Some(status);
        }
        Ok(self.ended)
    }

    fn forget(&self, id: u32) {
        // What the child itself started has no right to live on.
        if self.leads {
            kill_group(id);
        }
        alive(|alive| {
            alive.children.remove(&id);
        });
        #[cfg(unix)]
        watcher::ended(id);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let below = descendants(&[self.child.id()]);
            if self.leads {
                kill_group(self.child.id());
            }
            for id in below {
                let _ = send(id, false, Signal::Kill);
            }
            let _ = self.child.kill();
            let _ = self.wait();
        }
    }
}

/// An empty folder that is gone with this value, and with the runner.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> io::Result<Self> {
        let name = format!("networks-{:016x}", fastrand::u64(..));
        let folder = std::env::temp_dir().join(name);
        let mut made = Ok(());
        #[cfg(unix)]
        watcher::folder(&folder, true);
        alive(|alive| {
            made = fs::create_dir(&folder);
            if made.is_ok() {
                alive.folders.insert(folder.clone());
            }
        });
        made.map_err(|error| {
            let (at, kind) = (folder.display(), error.kind());
            let why = format!(
                "cannot make the folder {at}: {kind}; set TMPDIR to one that \
                 is there"
            );
            io::Error::new(kind, why)
        })
        .map(|()| Self(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        alive(|alive| {
            let _ = fs::remove_dir_all(&self.0);
            alive.folders.remove(&self.0);
        });
        #[cfg(unix)]
        watcher::folder(&self.0, false);
    }
}

#[cfg(unix)]
fn group(id: u32) -> Option<nix::unistd::Pid> {
    i32::try_from(id).ok().map(nix::unistd::Pid::from_raw)
}

#[cfg(unix)]
fn kill_group(id: u32) {
    if let Some(group) = group(id) {
        // The group may be gone already, which is what we want.
        let _ = nix::sys::signal::killpg(group, nix::sys::signal::SIGKILL);
    }
}

#[cfg(unix)]
fn send(id: u32, leads: bool, signal: Signal) -> io::Result<()> {
    use nix::sys::signal::{Signal as Unix, kill, killpg};
    let signal = match signal {
        Signal::Interrupt => Unix::SIGINT,
        Signal::Terminate => Unix::SIGTERM,
        Signal::Kill => Unix::SIGKILL,
        Signal::Pause => Unix::SIGSTOP,
        Signal::Resume => Unix::SIGCONT,
    };
    let Some(group) = group(id) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    // To the group, as a terminal does it: a script's interpreter and the
    // script's children get it too.
    let sent = if leads {
        killpg(group, signal)
    } else {
        kill(group, signal)
    };
    sent.map_err(io::Error::from)
}

#[cfg(windows)]
fn kill_group(_id: u32) {
    // The job object ends them; see `windows::end_children_with_runner`.
}

#[cfg(windows)]
fn send(id: u32, _leads: bool, signal: Signal) -> io::Result<()> {
    windows::send(id, signal)
}

#[cfg(windows)]
mod windows {
    use std::io;
    use std::os::windows::process::CommandExt;
    use std::process::Command;

    use anyhow::{Context, Result};
    use windows_sys::Win32::System::Console::{
        CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent,
    };

    use super::Signal;

    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

    /// Puts the runner into a job whose processes end with its last handle.
    /// Children are in their parent's job from their first moment on, and the
    /// only handle is the runner's: whatever ends the runner ends them.
    pub fn end_children_with_runner() -> Result<()> {
        let mut limits = win32job::ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = win32job::Job::create_with_limit_info(&limits)
            .context("cannot make a job object")?;
        job.assign_current_process()
            .context("cannot enter the job object")?;
        // Dropped, it would end this very process now.
        std::mem::forget(job);
        Ok(())
    }

    pub fn own_group(command: &mut Command) {
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }

    /// Ctrl-C itself cannot be sent to one group alone; Ctrl-Break can.
    pub fn send(id: u32, signal: Signal) -> io::Result<()> {
        match signal {
            Signal::Interrupt | Signal::Terminate => {
                // SAFETY: takes two numbers and touches no memory of ours.
                if unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, id) }
                    == 0
                {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            }
            Signal::Kill => Command::new("taskkill")
                .args(["/F", "/T", "/PID", &id.to_string()])
                .output()
                .map(|_| ()),
            Signal::Pause | Signal::Resume => {
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_program_that_computes_does_not_wait() {
        let folder = Scratch::new().unwrap();
        let mut shell = Command::new("sh");
        let lines = "i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done
                     : >done; read line";
        shell.args(["-c", lines]).current_dir(folder.path());
        shell.stdin(Stdio::piped());
        let process = Process::start(&mut shell).unwrap();
        process.until_it_waits(Instant::now() + Duration::from_secs(30));
        assert!(folder.path().join("done").exists());
    }
}
