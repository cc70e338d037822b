//! Letters in a mailbox. The server's side of POP3: [`Session`], without a
//! socket, and [`serve`], with many; what it serves: [`Maildrop`]. The
//! client's side: [`Pop3`], and [`Reply`], without a socket. IMAP: [`Imap`].

mod account;
mod dots;
mod imap;
pub mod log;
mod maildrop;
mod pop3;
mod reply;
mod save;
mod server;
mod session;
pub mod stop;
pub mod words;

pub use account::Account;
pub use dots::Dots;
pub use imap::{Found, Imap};
pub use log::log;
pub use maildrop::{Letter, Maildrop};
pub use pop3::{Failure, LARGEST, Listed, Pop3};
pub use reply::{Fault, Reply};
pub use save::{place, save, subject};
pub use server::{Mailbox, furnish, serve};
pub use session::{Event, Session};
pub use stop::stop_signal;
pub use words::{finish, printable, say, seconds};
