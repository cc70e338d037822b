//! The whole way of a letter. Sending it: [`Server`]. The server's side of the
//! talk: [`Session`], without a socket, and [`serve`], with many. Where letters
//! are kept: [`Maildir`]. Reading them: [`Letter`].

mod attachment;
mod clear;
mod client;
mod data;
mod draft;
mod letter;
mod maildir;
mod mend;
mod server;
mod session;
mod shown;
pub mod stop;
mod tls;
pub mod words;

pub use attachment::{file_name, save};
pub use client::{Server, Trust, is_legal};
pub use data::DataReader;
pub use draft::{Draft, read};
pub use letter::{Letter, Part};
pub use maildir::{Incoming, Maildir, files};
pub use server::{Post, listen, serve, serve_both};
pub use session::{Envelope, Event, Rules, Session};
pub use stop::stop_signal;
pub use tls::certificate;
pub use words::{beginning, finish, printable, say, seconds, warn};
