// ANCHOR: all
//! Which publishers a subscriber is connected to.

use std::collections::{HashMap, HashSet};
use std::io;

use zeromq::util::PeerIdentity;
use zeromq::{Endpoint, SocketEvent};

use crate::{say, warn};

/// The endpoints, each at most once: libzmq ignores a second connection to
/// where there is one, and this library makes it.
pub fn each_once(endpoints: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let is_new = |endpoint: &String| {
        let is_new = seen.insert(endpoint.clone());
        if !is_new {
            warn(format_args!("zmq-sub: {endpoint} is given twice"));
        }
        is_new
    };
    endpoints.into_iter().filter(is_new).collect()
}

/// The publishers that are there, and those that were lost.
#[derive(Default)]
pub struct Publishers {
    there: HashMap<PeerIdentity, Endpoint>,
    lost: HashSet<Endpoint>,
}

impl Publishers {
    // ANCHOR: again
    /// Says what an event of the socket means. It connects again by itself,
    /// after 0.1 s, 0.2 s, 0.4 s and so on up to 30 s, and subscribes again.
    /// What is published meanwhile passes it by.
    pub fn note(&mut self, event: SocketEvent, what: &str) -> io::Result<()> {
        match event {
            SocketEvent::Connected(endpoint, peer) => {
                if self.lost.remove(&endpoint) {
                    say(format_args!(
                        "Subscribed again to {what} at {endpoint}"
                    ))?;
                }
                self.there.insert(peer, endpoint);
            }
            SocketEvent::Disconnected(peer) => {
                if let Some(endpoint) = self.there.remove(&peer) {
                    warn(format_args!(
                        "zmq-sub: connection to {endpoint} lost; trying again"
                    ));
                    self.lost.insert(endpoint);
                }
            }
            _ => {}
        }
        Ok(())
    }
    // ANCHOR_END: again
}
// ANCHOR_END: all
