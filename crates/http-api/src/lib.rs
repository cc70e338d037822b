//! Cats and their hats on the web: [`serve`] with an [`app`] that has an API
//! for programs and pages for people, and a [`Client`] that limits what a
//! server can do to it. The modules beside it hold what the programs share.

pub mod api;
pub mod cats;
pub mod client;
pub mod log;
pub mod page;
pub mod problem;
pub mod server;
pub mod stop;
mod typed;
pub mod words;

pub use cats::Cats;
pub use client::{Answer, Client, Fault};
pub use log::log;
pub use page::Pages;
pub use server::{Limits, Served, app, serve};
pub use stop::stop_signal;
pub use typed::typed;
pub use words::{finish, printable, say, seconds, warn};
