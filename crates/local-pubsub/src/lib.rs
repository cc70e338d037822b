//! A topic tree inside one process: `cats` hears what is published about
//! `cats.catA`. A listener is a function that is called; its subscription is
//! a value that is kept.

mod level;
mod topics;

pub use level::DEEPEST;
pub use topics::{Error, Published, Subscription, Topics};
