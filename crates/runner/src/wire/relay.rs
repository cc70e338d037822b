//! Sits between a client and a server and tells somebody what passes. Nothing
//! is altered but the places that a server announces for other connections:
//! those are led through the relay, too. That one side has closed its
//! direction, or broken off, is passed on like the bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{
    Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket,
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::SockRef;

use super::Side;
use super::ftp::Announcements;

/// What happened on a connection.
#[derive(Debug)]
pub enum Event {
    /// Somebody connected, or sent their first datagram.
    Begins(SocketAddr),
    /// It was announced on another connection.
    WasAnnounced,
    /// The relay reaches the other one, from an address of its own.
    Reaches(SocketAddr),
    /// What was read, before it is passed on. A datagram comes whole.
    Bytes(Side, Vec<u8>),
    /// This side sends nothing more.
    Closes(Side),
    /// This side has broken off the connection.
    Resets(Side),
    /// The other one cannot be reached, in words.
    Fails(String),
    /// Both directions have ended; nothing more comes.
    Ends,
}

/// Is told what happens; connections are numbered from 1. It is called before
/// the bytes are passed on, so it hears of a request before its reply.
pub type Watch = Arc<dyn Fn(u64, Event) + Send + Sync>;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many at a time; others wait until one has ended. For datagrams, the
    /// one who has been silent longest is forgotten.
    pub connections: usize,
    /// For connecting to the other one.
    pub timeout: Duration,
}

/// How much is read at a time.
const BUFFER: usize = 16 * 1024;
/// No datagram is longer.
const DATAGRAM: usize = 65_536;
/// How often somebody who waits for a datagram looks whether to end: there is
/// no end of stream to wake them.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A relay at work.
pub struct Relay {
    pub address: SocketAddr,
    stop: Arc<Stop>,
    worker: JoinHandle<()>,
    /// For streams.
    open: Option<Arc<Open>>,
}

/// How the thread that accepts is ended.
#[derive(Default)]
struct Stop {
    flag: AtomicBool,
    /// The last connection to come is the relay's own, from this address.
    last: Mutex<Option<SocketAddr>>,
}

/// How many connections are open.
#[derive(Default)]
struct Open {
    number: Mutex<usize>,
    changed: Condvar,
}

impl Relay {
    /// Passes on streams, to the first of the addresses that takes them; with
    /// `announces`, also those to places that the server tells on them.
    pub fn tcp(
        listener: TcpListener,
        to: Vec<SocketAddr>,
        limits: Limits,
        announces: bool,
        watch: Watch,
    ) -> Result<Self> {
        let address = listener.local_addr()?;
        let stop = Arc::new(Stop::default());
        let open = Arc::new(Open::default());
        let for_worker = stop.clone();
        let setting = Setting {
            limits,
            announces,
            watch,
            open: open.clone(),
            numbers: AtomicU64::new(0),
        };
        let worker = thread::Builder::new().spawn(move || {
            accept(&listener, &to.into(), &Arc::new(setting), &for_worker);
        })?;
        Ok(Self {
            address,
            stop,
            worker,
            open: Some(open),
        })
    }

    /// Passes on datagrams: each client's from a socket of its own, so that
    /// the answers find their way back.
    pub fn udp(
        socket: UdpSocket,
        to: SocketAddr,
        limits: Limits,
        watch: Watch,
    ) -> Result<Self> {
        let address = socket.local_addr()?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        let stop = Arc::new(Stop::default());
        let for_worker = stop.clone();
        let worker = thread::Builder::new().spawn(move || {
            pass_datagrams(&Arc::new(socket), to, limits, &watch, &for_worker);
        })?;
        Ok(Self {
            address,
            stop,
            worker,
            open: None,
        })
    }

    /// Waits until it ends, which it does only when it cannot go on.
    pub fn wait(self) {
        let _ = self.worker.join();
    }

    /// Takes no new connections, and waits until those that came have ended,
    /// at most so long. Says whether they have.
    pub fn stop(self, within: Duration) -> bool {
        if self.open.is_some() {
            // Held meanwhile, so that whoever accepts it knows it is the last.
            let mut last = lock(&self.stop.last);
            if let Ok(stream) = TcpStream::connect(self.address) {
                *last = stream.local_addr().ok();
            }
        }
        self.stop.flag.store(true, Ordering::Release);
        let _ = self.worker.join();
        let Some(open) = &self.open else { return true };
        let until = Instant::now() + within;
        let mut number = lock(&open.number);
        while *number > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = open.changed.wait_timeout(number, left);
            number = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Open {
    /// Waits until there is room for one more.
    fn enter(&self, most: usize) {
        let mut number = lock(&self.number);
        while *number >= most.max(1) {
            let waited = self.changed.wait(number);
            number = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *number += 1;
    }

    fn leave(&self) {
        *lock(&self.number) -= 1;
        self.changed.notify_all();
    }
}

/// What all connections of a relay share.
struct Setting {
    limits: Limits,
    announces: bool,
    watch: Watch,
    open: Arc<Open>,
    numbers: AtomicU64,
}

impl Setting {
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn tell(&self, number: u64, event: Event) {
        (self.watch)(number, event);
    }
}

fn accept(
    listener: &TcpListener,
    to: &Arc<[SocketAddr]>,
    setting: &Arc<Setting>,
    stop: &Stop,
) {
    loop {
        let (client, from) = match listener.accept() {
            Ok(accepted) => accepted,
            // That one has changed its mind.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted
                        | ErrorKind::ConnectionReset
                        | ErrorKind::Interrupted
                ) =>
            {
                continue;
            }
            Err(error) => {
                let why = format!("cannot accept: {}", error.kind());
                return setting.tell(setting.number(), Event::Fails(why));
            }
        };
        if *lock(&stop.last) == Some(from) {
            return;
        }
        let number = setting.number();
        setting.tell(number, Event::Begins(from));
        setting.open.enter(setting.limits.connections);
        let (for_thread, to) = (setting.clone(), to.clone());
        let started = thread::Builder::new().spawn(move || {
            let announces = for_thread.announces;
            pass_stream(number, &client, &to, &for_thread, announces);
            drop(client);
            for_thread.tell(number, Event::Ends);
            for_thread.open.leave();
        });
        if let Err(error) = started {
            setting.open.leave();
            let why = format!("cannot start a thread: {}", error.kind());
            setting.tell(number, Event::Fails(why));
        }
    }
}

/// Passes on both directions of a connection until both have ended.
fn pass_stream(
    number: u64,
    client: &TcpStream,
    to: &[SocketAddr],
    setting: &Arc<Setting>,
    announces: bool,
) {
    let watch = &setting.watch;
    let server = match connect(to, setting.limits.timeout) {
        Ok(server) => server,
        Err(text) => return watch(number, Event::Fails(text)),
    };
    if let Ok(own) = server.local_addr() {
        watch(number, Event::Reaches(own));
    }
    // What is small goes on at once, too.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let broken = AtomicBool::new(false);
    let asides = announces.then(|| Asides {
        setting,
        here: client.local_addr(),
        there: server.peer_addr(),
        ended: Arc::new(AtomicBool::new(false)),
        places: Vec::new(),
    });
    let (server, broken) = (&server, &broken);
    thread::scope(|scope| {
        scope.spawn(move || {
            pass(number, Side::Server, server, client, broken, watch, asides);
        });
        pass(number, Side::Client, client, server, broken, watch, None);
    });
}

/// Other connections of the same two, to which the server invites on this one.
struct Asides<'a> {
    setting: &'a Arc<Setting>,
    here: std::io::Result<SocketAddr>,
    there: std::io::Result<SocketAddr>,
    /// Whoever has not come by now comes no more.
    ended: Arc<AtomicBool>,
    places: Vec<SocketAddr>,
}

impl Asides<'_> {
    /// A place of the relay's own, from which one connection is passed on to
    /// the server's.
    fn open(&mut self, place: SocketAddr) -> Option<SocketAddr> {
        let (here, there) = (self.here.as_ref(), self.there.as_ref());
        let to = SocketAddr::new(there.ok()?.ip(), place.port());
        let listener = TcpListener::bind((here.ok()?.ip(), 0)).ok()?;
        let at = listener.local_addr().ok()?;
        let (setting, ended) = (self.setting.clone(), self.ended.clone());
        let number = setting.number();
        let wait = move || {
            let accepted = listener.accept();
            drop(listener);
            let Ok((client, from)) = accepted else { return };
            if ended.load(Ordering::Acquire) {
                return;
            }
            setting.open.enter(usize::MAX);
            setting.tell(number, Event::Begins(from));
            setting.tell(number, Event::WasAnnounced);
            pass_stream(number, &client, &[to], &setting, false);
            drop(client);
            setting.tell(number, Event::Ends);
            setting.open.leave();
        };
        thread::Builder::new().spawn(wait).ok()?;
        self.places.push(at);
        Some(at)
    }
}

impl Drop for Asides<'_> {
    /// Wakes those who still wait for somebody.
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        for place in &self.places {
            let _ = TcpStream::connect(place);
        }
    }
}

/// Tries one address after the other. Each gets an equal share of the time
/// that is left: one that swallows connections must not use up all of it.
fn connect(to: &[SocketAddr], limit: Duration) -> Result<TcpStream, String> {
    let until = Instant::now() + limit;
    let mut failures = Vec::new();
    for (number, address) in to.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share =
            (left / (to.len() - number) as u32).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => failures
                .push(format!("cannot connect to {address}: {}", error.kind())),
        }
    }
    Err(failures.join(", "))
}

fn pass(
    number: u64,
    side: Side,
    mut from: &TcpStream,
    mut to: &TcpStream,
    broken: &AtomicBool,
    watch: &Watch,
    mut asides: Option<Asides>,
) {
    let mut buffer = [0; BUFFER];
    let mut announcements = Announcements::default();
    loop {
        match from.read(&mut buffer) {
            Ok(0) => {
                if !broken.load(Ordering::Acquire) {
                    let _ = to.write_all(&announcements.rest());
                    watch(number, Event::Closes(side));
                    let _ = to.shutdown(Shutdown::Write);
                }
                return;
            }
            Ok(length) => {
                let bytes = &buffer[..length];
                watch(number, Event::Bytes(side, bytes.to_vec()));
                let written = match &mut asides {
                    None => to.write_all(bytes),
                    Some(asides) => {
                        let mut open = |place| asides.open(place);
                        to.write_all(&announcements.pass(bytes, &mut open))
                    }
                };
                if written.is_err() {
                    // The receiver has gone: the sender is to learn it the
                    // same way. What is still to come from the receiver is
                    // the other thread's business.
                    break_off(from);
                    let _ = from.shutdown(Shutdown::Read);
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => {
                if !broken.swap(true, Ordering::AcqRel) {
                    watch(number, Event::Resets(side));
                }
                break_off(to);
                // Wakes the other thread, without a word to the other side.
                // On Windows only that side's own end would wake it, so it
                // sees an orderly one.
                let how = if cfg!(windows) {
                    Shutdown::Both
                } else {
                    Shutdown::Read
                };
                let _ = to.shutdown(how);
                return;
            }
        }
    }
}

/// Closing it will be a reset instead of an orderly end.
fn break_off(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// One who sends datagrams.
struct Sender {
    number: u64,
    from: SocketAddr,
    socket: Arc<UdpSocket>,
    gone: Arc<AtomicBool>,
    heard: Instant,
}

fn pass_datagrams(
    socket: &Arc<UdpSocket>,
    to: SocketAddr,
    limits: Limits,
    watch: &Watch,
    stop: &Stop,
) {
    let numbers = AtomicU64::new(1);
    let mut senders: Vec<Sender> = Vec::new();
    let mut buffer = vec![0; DATAGRAM];
    thread::scope(|scope| {
        loop {
            // Seen before the last look: then nothing is left behind.
            let last = stop.flag.load(Ordering::Acquire);
            let (length, from) = match socket.recv_from(&mut buffer) {
                Ok(received) => received,
                Err(_) if last => break,
                // Nothing came in time, or news of one who is gone.
                Err(_) => continue,
            };
            let known = senders.iter().position(|one| one.from == from);
            let place = match known {
                Some(place) => place,
                None => {
                    if senders.len() >= limits.connections.max(1) {
                        let silent = (0..senders.len())
                            .min_by_key(|one| senders[*one].heard)
                            .unwrap_or(0);
                        let silent = senders.swap_remove(silent);
                        silent.gone.store(true, Ordering::Release);
                    }
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    watch(number, Event::Begins(from));
                    let sender = match Sender::new(number, from, to) {
                        Ok(sender) => sender,
                        Err(error) => {
                            let text =
                                format!("cannot send to {to}: {error:#}");
                            watch(number, Event::Fails(text));
                            continue;
                        }
                    };
                    if let Ok(own) = sender.socket.local_addr() {
                        watch(number, Event::Reaches(own));
                    }
                    let back = (sender.socket.clone(), sender.gone.clone());
                    scope.spawn(move || {
                        let (from_server, gone) = back;
                        let (number, gone) = (number, &gone);
                        answer(number, &from_server, socket, from, gone, watch);
                        watch(number, Event::Ends);
                    });
                    senders.push(sender);
                    senders.len() - 1
                }
            };
            let sender = &mut senders[place];
            sender.heard = Instant::now();
            let bytes = &buffer[..length];
            let number = sender.number;
            watch(number, Event::Bytes(Side::Client, bytes.to_vec()));
            let mut sent = sender.socket.send(bytes);
            if sent.as_ref().is_err_and(was_earlier) {
                // It was about an earlier datagram; this one is not sent yet.
                sent = sender.socket.send(bytes);
            }
            if let Err(error) = sent {
                let why = error.kind();
                let text = format!("cannot send to {to}: {why}");
                watch(number, Event::Fails(text));
            }
        }
        for sender in &senders {
            sender.gone.store(true, Ordering::Release);
        }
    });
}

/// Whether the system tells that nobody was there for an earlier datagram.
fn was_earlier(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset
    )
}

impl Sender {
    fn new(number: u64, from: SocketAddr, to: SocketAddr) -> Result<Self> {
        let any: SocketAddr = if to.is_ipv6() {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any).context("no socket")?;
        socket.connect(to)?;
        socket.set_read_timeout(Some(LOOK_EVERY))?;
        Ok(Self {
            number,
            from,
            socket: Arc::new(socket),
            gone: Arc::new(AtomicBool::new(false)),
            heard: Instant::now(),
        })
    }
}

/// Passes on what comes back, until it is told to end.
fn answer(
    number: u64,
    from_server: &UdpSocket,
    socket: &UdpSocket,
    client: SocketAddr,
    gone: &AtomicBool,
    watch: &Watch,
) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let last = gone.load(Ordering::Acquire);
        match from_server.recv(&mut buffer) {
            Ok(length) => {
                let bytes = &buffer[..length];
                watch(number, Event::Bytes(Side::Server, bytes.to_vec()));
                let _ = socket.send_to(bytes, client);
            }
            Err(error) if was_earlier(&error) => {
                let text = "nobody is there (port unreachable)".to_owned();
                watch(number, Event::Fails(text));
            }
            Err(_) if last => return,
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use super::*;

    const LIMITS: Limits = Limits {
        connections: 8,
        timeout: Duration::from_secs(5),
    };
    const WITHIN: Duration = Duration::from_secs(10);

    fn start(to: SocketAddr) -> (Relay, Receiver<(u64, Event)>) {
        let (sender, receiver) = mpsc::channel();
        let sender = Mutex::new(sender);
        let watch: Watch = Arc::new(move |number, event| {
            let _ = lock(&sender).send((number, event));
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::tcp(listener, vec![to], LIMITS, false, watch);
        (relay.unwrap(), receiver)
    }

    fn events(receiver: &Receiver<(u64, Event)>) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        let mut heard: [Vec<u8>; 2] = Default::default();
        while let Ok((_, event)) = receiver.try_recv() {
            match event {
                Event::Begins(_) => said.push("begins".into()),
                Event::Reaches(_) | Event::Ends => {}
                Event::Bytes(side, bytes) => {
                    heard[side as usize].extend(bytes);
                }
                other => said.push(format!("{other:?}")),
            }
        }
        let heard = heard.map(|bytes| String::from_utf8(bytes).unwrap());
        said.push(heard.join("|"));
        said
    }

    #[test]
    fn a_half_closed_connection_goes_on_the_other_way() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (relay, receiver) = start(server.local_addr().unwrap());
        let mut client = TcpStream::connect(relay.address).unwrap();
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        let mut question = String::new();
        // Ends only because the closing was passed on.
        accepted.read_to_string(&mut question).unwrap();
        assert_eq!(question, "question");
        accepted.write_all(b"answer").unwrap();
        drop(accepted);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "answer");
        assert!(relay.stop(WITHIN));
        assert_eq!(
            events(&receiver),
            [
                "begins",
                "Closes(Client)",
                "Closes(Server)",
                "question|answer"
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_reset_is_passed_on() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (relay, receiver) = start(server.local_addr().unwrap());
        let mut client = TcpStream::connect(relay.address).unwrap();
        client.write_all(b"x").unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        accepted.read_exact(&mut [0]).unwrap();
        break_off(&accepted);
        drop(accepted);
        let error = client.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(relay.stop(WITHIN));
        assert_eq!(events(&receiver), ["begins", "Resets(Server)", "x|"]);
    }

    #[test]
    fn nobody_there_closes_the_clients_connection() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = nobody.local_addr().unwrap();
        drop(nobody);
        let (relay, receiver) = start(to);
        let mut client = TcpStream::connect(relay.address).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert!(relay.stop(WITHIN));
        let fails =
            format!("Fails(\"cannot connect to {to}: connection refused\")");
        assert_eq!(events(&receiver), ["begins", &fails, "|"]);
    }

    #[test]
    fn an_address_that_refuses_does_not_hide_the_next() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        let nowhere = nobody.local_addr().unwrap();
        drop(nobody);
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = server.local_addr().unwrap();
        let stream = connect(&[nowhere, there], WITHIN).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), there);
        let error = connect(&[nowhere, nowhere], WITHIN).unwrap_err();
        assert_eq!(error.matches("connection refused").count(), 2);
    }

    /// The server announces two places. The client comes to one of them, by
    /// way of the relay; who waits at the other is woken, and is no news.
    #[test]
    fn an_announced_connection_comes_through_the_relay() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let second = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = second.local_addr().unwrap();
        let (sender, receiver) = mpsc::channel();
        let sender = Mutex::new(sender);
        let watch: Watch = Arc::new(move |number, event| {
            let _ = lock(&sender).send((number, event));
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = vec![server.local_addr().unwrap()];
        let relay = Relay::tcp(listener, to, LIMITS, true, watch).unwrap();
        let mut client = TcpStream::connect(relay.address).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        let reply = format!("229 (|||{}|)\r\n", place.port());
        accepted.write_all(reply.as_bytes()).unwrap();
        accepted.write_all(reply.as_bytes()).unwrap();
        let mut heard = String::new();
        while heard.lines().count() < 2 || !heard.ends_with('\n') {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            heard.push(char::from(byte[0]));
        }
        let port = heard.split('|').nth(3).unwrap().parse().unwrap();
        assert_ne!(port, place.port());
        let mut file = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let (mut data, _) = second.accept().unwrap();
        data.write_all(b"hats").unwrap();
        drop(data);
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        drop((file, client, accepted));
        assert_eq!(text, "hats");
        assert!(relay.stop(WITHIN));
        let of_second: Vec<String> = receiver
            .try_iter()
            .filter(|(number, _)| *number == 2)
            .map(|(_, event)| format!("{event:?}"))
            .filter(|event| !event.contains("127.0.0.1"))
            .collect();
        assert_eq!(of_second[0], "WasAnnounced");
        let hats = format!("Bytes(Server, {:?})", b"hats");
        assert!(of_second.contains(&hats), "{of_second:?}");
        assert_eq!(of_second.last().unwrap(), "Ends");
    }

    #[test]
    fn datagrams_pass_both_ways() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (sender, receiver) = mpsc::channel();
        let sender = Mutex::new(sender);
        let watch: Watch = Arc::new(move |number, event| {
            let _ = lock(&sender).send((number, event));
        });
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = server.local_addr().unwrap();
        let relay = Relay::udp(socket, to, LIMITS, watch).unwrap();
        let mut buffer = [0; 100];
        for name in ["one", "two"] {
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.set_read_timeout(Some(WITHIN)).unwrap();
            client.send_to(name.as_bytes(), relay.address).unwrap();
            client.send_to(b"", relay.address).unwrap();
            for length in [3, 0] {
                let (found, from) = server.recv_from(&mut buffer).unwrap();
                assert_eq!(found, length);
                server.send_to(&buffer[..found], from).unwrap();
                assert_eq!(client.recv(&mut buffer).unwrap(), length);
            }
        }
        assert!(relay.stop(WITHIN));
        let found: Vec<(u64, Event)> = receiver.try_iter().collect();
        let of_two = found.iter().filter(|(number, _)| *number == 2);
        // Begins, reaches, two datagrams each way, ends.
        assert_eq!(of_two.count(), 7);
    }
}
