//! What the four programs are made of.
//!
//! `names` reads what people write, `show` writes records, `client` asks a
//! server and `chase` follows aliases, `zone` reads a zone file, `answer`
//! looks names up in it, `server` is around that, and `system` asks the
//! operating system.

mod answer;
mod chase;
mod client;
pub mod log;
mod names;
mod server;
pub mod show;
pub mod stop;
pub mod system;
pub mod words;
mod zone;

pub use answer::{Transport, reply};
pub use chase::{LONGEST_CHAIN, Verdict, chase, explain as explain_verdict};
pub use client::{Ask, AskError, Checked, Reply, check};
pub use log::log;
pub use names::{read_name, read_server, read_type, reverse, to_ascii};
pub use server::{Server, explain};
pub use stop::stop_signal;
pub use words::{finish, printable, say, seconds, warn};
pub use zone::{Zone, ZoneError};

/// A name, from its first label to the root.
pub type Name = domain::base::Name<bytes::Bytes>;
/// What a record says.
pub type Data = domain::rdata::ZoneRecordData<bytes::Bytes, Name>;
/// A record: owner, class, time to live and data.
pub type Record = domain::base::Record<Name, Data>;

/// Bytes of a UDP answer that fit without EDNS (RFC 1035 section 4.2.1).
pub const PLAIN_UDP: u16 = 512;
/// Bytes of a UDP answer that hardly any network has to cut into fragments
/// (the DNS flag day of 2020).
pub const LARGEST_UDP: u16 = 1232;
