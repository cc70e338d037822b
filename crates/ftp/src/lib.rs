//! Files over two connections (RFC 959). [`Client`] lists, gets and puts them;
//! [`serve`] gives a folder away.

mod bar;
mod client;
mod place;
mod server;
pub mod stop;
mod tls;
pub mod words;

pub use bar::bar;
pub use client::{Client, Entry, Report};
pub use place::Place;
pub use server::{Rules, serve};
pub use stop::stop_signal;
pub use tls::{Identity, certificate, trust};
pub use words::{finish, printable, say, seconds, warn};
