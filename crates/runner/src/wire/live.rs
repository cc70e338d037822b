//! `runner wire`: sits between any two programs and explains every message as
//! it passes.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, anyhow, bail, ensure};

use super::plain;
use super::relay::{Event, Limits, Relay, Watch};
use super::show::rows;
use super::{Decoder, Look, Message, Protocol, Side, count};

/// What is under way from the relay to the terminal: so many reads. Whoever
/// reads the terminal more slowly slows the relay down, and keeps no memory.
const QUEUE: usize = 256;

/// How `wire` is to go about it.
#[derive(clap::Args)]
pub struct Options {
    /// Where to wait for the program that connects (port 0 for any)
    #[arg(long, default_value = "127.0.0.1:6380", value_name = "ADDRESS")]
    listen: String,
    /// Where the other program is
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// The protocol, one of those below
    #[arg(long = "as", default_value = "resp", value_name = "PROTOCOL")]
    protocol: Protocol,
    /// Bytes of a message; of a longer one the beginning is shown
    #[arg(long, default_value = "4096", value_name = "BYTES")]
    #[arg(value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    longest: u32,
    /// Connections at a time; others wait
    #[arg(long, default_value = "64", value_name = "NUMBER")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=100))]
    connections: u16,
    /// Seconds for connecting to the other program
    #[arg(long, default_value = "5", value_name = "SECONDS")]
    #[arg(value_parser = seconds)]
    timeout: Duration,
}

/// The protocols, for --help.
pub fn protocols() -> String {
    let mut text = String::from("Protocols:\n");
    for kind in super::KINDS {
        text.push_str(&format!("  {:10} {}\n", kind.name, kind.about));
    }
    text
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds = text.parse().context("a number of seconds")?;
    let duration = Duration::try_from_secs_f64(seconds);
    match duration.context("a number of seconds")? {
        Duration::ZERO => bail!("a number above 0"),
        duration => Ok(duration),
    }
}

/// What the printing thread is told.
enum Told {
    Event(u64, Event),
    /// Ctrl-C: what is under way is still printed.
    Stop,
}

/// Passes on and explains until Ctrl-C.
pub fn wire(options: &Options) -> Result<()> {
    let listen = resolve(&options.listen)?[0];
    let to = resolve(&options.to)?;
    let limits = Limits {
        connections: options.connections.into(),
        timeout: options.timeout,
    };
    let (sender, receiver) = mpsc::sync_channel(QUEUE);
    let for_watch = sender.clone();
    let watch: Watch = Arc::new(move |number, event| {
        let _ = for_watch.send(Told::Event(number, event));
    });
    let for_signal = sender.clone();
    ctrlc::set_handler(move || {
        if for_signal.try_send(Told::Stop).is_err() {
            std::process::exit(0);
        }
    })?;
    let cannot = |error: std::io::Error| {
        anyhow!(
            "cannot listen at {listen}: {}; choose another with --listen",
            error.kind()
        )
    };
    let relay = if options.protocol.kind.datagrams {
        let socket = UdpSocket::bind(listen).map_err(cannot)?;
        // Nobody refuses a datagram at once: one address must do, and the
        // family of the listening side is the likelier one.
        let same = |other: &&SocketAddr| other.is_ipv4() == listen.is_ipv4();
        let to = *to.iter().find(same).unwrap_or(&to[0]);
        say_ready(socket.local_addr()?, &[to], options)?;
        Relay::udp(socket, to, limits, watch)?
    } else {
        let listener = TcpListener::bind(listen).map_err(cannot)?;
        say_ready(listener.local_addr()?, &to, options)?;
        let announces = options.protocol.announces();
        Relay::tcp(listener, to, limits, announces, watch)?
    };
    let mut printer = Printer::new(options);
    let printing = thread::spawn(move || printer.print_all(&receiver));
    // Returns only when it cannot go on; the reason has been printed then.
    relay.wait();
    drop(sender);
    let _ = printing.join();
    bail!("no more connections can be taken at {listen}: start again")
}

/// All addresses of a name, at least one. What was typed is not quoted: it may
/// be a URL with a password.
fn resolve(address: &str) -> Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = address
        .to_socket_addrs()
        .map(Iterator::collect)
        .unwrap_or_default();
    ensure!(
        !found.is_empty(),
        "an address cannot be read or its name is unknown: \
         write it as HOST:PORT, 127.0.0.1:6379"
    );
    Ok(found)
}

fn say_ready(
    at: SocketAddr,
    to: &[SocketAddr],
    options: &Options,
) -> Result<()> {
    let mut stdout = anstream::stdout();
    let protocol = &options.protocol;
    let to: Vec<String> = to.iter().map(SocketAddr::to_string).collect();
    let to = to.join(" or ");
    writeln!(stdout, "Ready at {at}, passing on to {to}, as {protocol}")?;
    Ok(stdout.flush()?)
}

struct Printer {
    protocol: Protocol,
    longest: usize,
    decoders: HashMap<u64, [Box<dyn Decoder>; 2]>,
}

impl Printer {
    fn new(options: &Options) -> Self {
        Self {
            protocol: options.protocol.clone(),
            longest: options.longest as usize,
            decoders: HashMap::new(),
        }
    }

    fn print_all(&mut self, receiver: &Receiver<Told>) {
        while let Ok(told) = receiver.recv() {
            let printed = match told {
                Told::Event(number, event) => self.print(number, event),
                Told::Stop => std::process::exit(0),
            };
            // Nobody is looking any longer, as after `wire | head`.
            if printed.is_err() {
                std::process::exit(0);
            }
        }
    }

    fn print(&mut self, number: u64, event: Event) -> Result<()> {
        match event {
            Event::Begins(from) => self.begin(number, from),
            Event::WasAnnounced => {
                let look = |side| Look {
                    side,
                    longest: self.longest,
                    normalise: false,
                };
                let plain = |side| plain::make(None, look(side));
                let decoders = [plain(Side::Client)?, plain(Side::Server)?];
                self.decoders.insert(number, decoders);
                note(number, "as the server has told")
            }
            Event::Reaches(_) => Ok(()),
            Event::Bytes(side, bytes) => {
                let mut found = Vec::new();
                if let Some(decoders) = self.decoders.get_mut(&number) {
                    let decoder = &mut decoders[side as usize];
                    decoder.feed(&bytes, &mut found);
                    if !decoder.has_ends() {
                        decoder.finish(&mut found);
                    }
                }
                found.iter().try_for_each(|one| show(number, side, one))
            }
            Event::Closes(side) => self.end(number, side, "closes"),
            Event::Resets(side) => self.end(number, side, "breaks off"),
            Event::Fails(why) => note(number, &why),
            Event::Ends => {
                // What the side that did not break off had begun to say.
                for side in [Side::Client, Side::Server] {
                    self.rest(number, side)?;
                }
                self.decoders.remove(&number);
                Ok(())
            }
        }
    }

    fn begin(&mut self, number: u64, from: SocketAddr) -> Result<()> {
        let decoder = |side| {
            self.protocol.decoder(Look {
                side,
                longest: self.longest,
                normalise: false,
            })
        };
        let decoders = [decoder(Side::Client)?, decoder(Side::Server)?];
        self.decoders.insert(number, decoders);
        note(number, &format!("the client is {from}"))
    }

    fn end(&mut self, number: u64, side: Side, how: &str) -> Result<()> {
        self.rest(number, side)?;
        let (who, _) = names(side);
        note(number, &format!("the {who} {how}"))
    }

    fn rest(&mut self, number: u64, side: Side) -> Result<()> {
        let mut found = Vec::new();
        if let Some(decoders) = self.decoders.get_mut(&number) {
            decoders[side as usize].finish(&mut found);
        }
        found.iter().try_for_each(|one| show(number, side, one))
    }
}

fn names(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Client => ("client", "server"),
        Side::Server => ("server", "client"),
    }
}

fn show(number: u64, side: Side, message: &Message) -> Result<()> {
    let colour = match side {
        Side::Client => AnsiColor::Cyan.on_default(),
        Side::Server => AnsiColor::Yellow.on_default(),
    };
    let (bold, quiet) = (Style::new().bold(), Style::new().dimmed());
    let (from, to) = names(side);
    let mut text = format!(
        "{colour}[{number}] {from} to {to}:{colour:#} {bold}{}{bold:#} \
         {quiet}({}){quiet:#}\n",
        message.summary,
        count(message.length)
    );
    for row in rows(message) {
        text.push_str(&format!("    {row}\n"));
    }
    print(&text)
}

fn note(number: u64, text: &str) -> Result<()> {
    let quiet = Style::new().dimmed();
    print(&format!("{quiet}[{number}] {text}{quiet:#}\n"))
}

fn print(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
