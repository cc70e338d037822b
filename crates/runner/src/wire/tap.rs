//! Records what crosses the wire in a demo: a relay between each role that
//! connects and the one that it connects to.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::plain;
use super::relay::{Event, Limits, Relay, Watch};
use super::{Link, Look, Message, Protocol, Side, weave};

/// What crosses the wire, for the book.
#[derive(Clone, Debug)]
pub struct Wire {
    pub protocol: Protocol,
    /// Whether each message is answered by one, which the protocol itself
    /// does not say.
    pub turns: bool,
}

impl Wire {
    /// What a request and its answer are to each other, if it is the demo that
    /// says so.
    pub fn links(&self) -> Option<(Link, Link)> {
        self.turns.then_some((Link::Asks, Link::Answers))
    }
}

const LIMITS: Limits = Limits {
    connections: 64,
    timeout: Duration::from_secs(5),
};
/// How long connections may take to end after the roles have.
const END_WITHIN: Duration = Duration::from_secs(10);
/// A demo for the book sends less than this on each connection.
const MOST_BYTES: usize = 256 * 1024;
/// Of a longer message only the beginning is shown.
const LONGEST: usize = 4096;

/// The relays of one play.
pub struct Tap {
    wire: Wire,
    relays: Vec<Tapped>,
}

struct Tapped {
    role: String,
    partner: String,
    to: SocketAddr,
    relay: Relay,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// What was heard on one connection.
#[derive(Clone, Debug, Default)]
struct Heard {
    bytes: Vec<(Side, Vec<u8>)>,
    /// What each side did in the end.
    ends: [Option<&'static str>; 2],
    trouble: Option<String>,
    announced: bool,
    /// From which port it came, and from which one the relay passed it on.
    from: Option<u16>,
    own: Option<u16>,
    length: usize,
}

/// What the relays of a play have heard.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// In the order in which the roles began.
    pub conversations: Vec<Conversation>,
    /// Ports of the relays, each with that of the client it stands for.
    pub ports: Vec<(u16, u16)>,
}

/// One connection, taken down as messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Who connected,
    pub role: String,
    /// and to whom.
    pub partner: String,
    /// Whether on another connection the partner has told where to.
    pub announced: bool,
    pub messages: Vec<(Side, Message)>,
    /// How it ended; `None` for datagrams, which do not.
    pub ends: Option<[Option<&'static str>; 2]>,
}

impl Tap {
    pub fn new(wire: &Wire) -> Self {
        Self {
            wire: wire.clone(),
            relays: Vec::new(),
        }
    }

    /// Whether it is datagrams that it listens to.
    pub fn datagrams(&self) -> bool {
        self.wire.protocol.kind.datagrams
    }

    /// Where `role` has to connect to reach `partner`, who is at `to`.
    pub fn between(
        &mut self,
        role: &str,
        partner: &str,
        to: SocketAddr,
    ) -> Result<SocketAddr> {
        let known = self.relays.iter().find(|known| {
            (&*known.role, &*known.partner, known.to) == (role, partner, to)
        });
        if let Some(known) = known {
            return Ok(known.relay.address);
        }
        let heard = Arc::new(Mutex::new(Vec::new()));
        let for_watch = heard.clone();
        let watch: Watch = Arc::new(move |number, event| {
            let mut all =
                for_watch.lock().unwrap_or_else(PoisonError::into_inner);
            note(&mut all, number, event);
        });
        let any = SocketAddr::new(to.ip(), 0);
        let relay = if self.datagrams() {
            Relay::udp(UdpSocket::bind(any)?, to, LIMITS, watch)?
        } else {
            let announces = self.wire.protocol.announces();
            let listener = TcpListener::bind(any)?;
            Relay::tcp(listener, vec![to], LIMITS, announces, watch)?
        };
        let address = relay.address;
        self.relays.push(Tapped {
            role: role.to_owned(),
            partner: partner.to_owned(),
            to,
            relay,
            heard,
        });
        Ok(address)
    }

    /// Ends the relays, whatever is still under way.
    pub fn abandon(self) {
        for tapped in self.relays {
            tapped.relay.stop(Duration::ZERO);
        }
    }

    /// Ends the relays, once all that was under way has passed, and returns
    /// what crossed them.
    pub fn finish(self) -> Result<Taken> {
        let mut taken = Taken::default();
        for tapped in self.relays {
            let (role, partner) = (tapped.role, tapped.partner);
            ensure!(
                tapped.relay.stop(END_WITHIN),
                "the connection from {role} to {partner} does not end"
            );
            let heard = std::mem::take(
                &mut *tapped
                    .heard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner),
            );
            // Without the announced ones that never came.
            for one in heard.into_iter().filter(|one| one.from.is_some()) {
                if let Some(trouble) = one.trouble {
                    bail!("between {role} and {partner}: {trouble}");
                }
                taken.ports.extend(one.own.zip(one.from));
                taken.conversations.push(Conversation {
                    messages: messages(&self.wire, &one)?,
                    announced: one.announced,
                    ends: (!self.wire.protocol.kind.datagrams)
                        .then_some(one.ends),
                    role: role.clone(),
                    partner: partner.clone(),
                });
            }
        }
        ensure!(
            !taken.conversations.is_empty(),
            "with 'wire', somebody must connect to {{role.address}}, an \
             address without a scheme; nothing was recorded"
        );
        Ok(taken)
    }
}

fn note(all: &mut Vec<Heard>, number: u64, event: Event) {
    let place = usize::try_from(number).unwrap_or(usize::MAX) - 1;
    if place >= all.len() {
        all.resize(place + 1, Heard::default());
    }
    let heard = &mut all[place];
    match event {
        Event::Begins(from) => heard.from = Some(from.port()),
        Event::WasAnnounced => heard.announced = true,
        Event::Reaches(from) => heard.own = Some(from.port()),
        Event::Bytes(side, bytes) => {
            heard.length += bytes.len();
            if heard.length > MOST_BYTES {
                heard.trouble = Some(format!(
                    "more than {MOST_BYTES} bytes, too many for a recording"
                ));
            } else {
                heard.bytes.push((side, bytes));
            }
        }
        Event::Closes(side) => heard.ends[side as usize] = Some("closes"),
        Event::Resets(side) => heard.ends[side as usize] = Some("breaks off"),
        Event::Fails(why) => heard.trouble = Some(why),
        Event::Ends => {}
    }
}

fn messages(wire: &Wire, heard: &Heard) -> Result<Vec<(Side, Message)>> {
    let protocol = match heard.announced {
        true => &plain::KIND.name.parse()?,
        false => &wire.protocol,
    };
    let of = |side: Side| -> Result<Vec<Message>> {
        let mut found = Vec::new();
        let mut decoder = decoder(protocol, side)?;
        for (_, piece) in heard.bytes.iter().filter(|piece| piece.0 == side) {
            decoder.feed(piece, &mut found);
        }
        decoder.finish(&mut found);
        if let Some((request, answer)) = wire.links() {
            let link = match side {
                Side::Client => request,
                Side::Server => answer,
            };
            found.iter_mut().for_each(|message| message.link = link);
        }
        Ok(found)
    };
    Ok(weave(of(Side::Client)?, of(Side::Server)?))
}

fn decoder(protocol: &Protocol, side: Side) -> Result<Box<dyn super::Decoder>> {
    protocol.decoder(Look {
        side,
        longest: LONGEST,
        normalise: true,
    })
}
