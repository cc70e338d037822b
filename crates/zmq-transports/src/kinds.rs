//! The ten types of sockets in one list.

use std::any::Any;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Result;
use zeromq::XSubSocket;
use zeromq::{DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket};
use zeromq::{ReqSocket, RouterSocket, Socket, SubSocket, XPubSocket};

use crate::sockets::{bind, connect_if_it_fits, socket_options};

pub type Task<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// Where a socket is bound, and what must be kept for it to stay there.
pub type Bound = (String, Box<dyn Any>);

/// A type of socket. Each is a Rust type of its own, so a list of them is a
/// list of functions.
pub struct Kind {
    pub name: &'static str,
    pub bind: fn() -> Task<Bound>,
    /// Whether it comes to terms with who is there.
    pub fits: fn(String, Duration) -> Task<bool>,
}

const fn kind<S: Socket + 'static>(name: &'static str) -> Kind {
    Kind {
        name,
        bind: || {
            Box::pin(async {
                let mut socket = S::with_options(socket_options());
                let place = bind(&mut socket, "tcp://127.0.0.1:0").await?;
                Ok((place.to_string(), Box::new(socket) as _))
            })
        },
        fits: |place, limit| {
            Box::pin(async move {
                let mut socket = S::with_options(socket_options());
                connect_if_it_fits(&mut socket, &place, limit).await
            })
        },
    }
}

pub const KINDS: [Kind; 10] = [
    kind::<ReqSocket>("REQ"),
    kind::<RepSocket>("REP"),
    kind::<DealerSocket>("DEALER"),
    kind::<RouterSocket>("ROUTER"),
    kind::<PubSocket>("PUB"),
    kind::<SubSocket>("SUB"),
    kind::<XPubSocket>("XPUB"),
    kind::<XSubSocket>("XSUB"),
    kind::<PushSocket>("PUSH"),
    kind::<PullSocket>("PULL"),
];
