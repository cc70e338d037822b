// ANCHOR: all
//! The cats and their hats, each with a version, and news of every change.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::words::printable;

/// More cats are refused: without a limit, strangers could fill the memory.
pub const MOST_CATS: usize = 10_000;
/// Characters of a name or a hat.
pub const LONGEST: usize = 40;
/// News that a slow reader may have before it: with more it is let go.
const NEWS: usize = 64;

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Cat {
    pub name: String,
    pub hat: String,
    /// Another one after each change, and never the same again.
    #[serde(skip)]
    pub version: u64,
}

impl fmt::Display for Cat {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let (name, hat) = (printable(&self.name), printable(&self.hat));
        write!(formatter, "{name} wears a {hat}")
    }
}

/// A cat has changed, or is gone.
#[derive(Clone, Debug)]
pub enum News {
    Hat(Cat),
    Gone(String),
}

/// What a change must find, so that nobody's change is lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Expect {
    #[default]
    Anything,
    /// No cat of that name.
    Nothing,
    /// A cat, whatever its version.
    Any,
    /// A cat of one of these versions.
    Versions(Vec<u64>),
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("no cat is called {0}")]
    NotFound(String),
    #[error("there is a cat called {0} already")]
    Taken(String),
    #[error("{} has changed meanwhile: now {}", .0.name, .0)]
    Changed(Cat),
    #[error("{0} is gone: no cat is called so now")]
    Gone(String),
    #[error("say which version you have seen: If-Match with its ETag")]
    SayWhich,
    #[error("there is no room for more than {MOST_CATS} cats")]
    Full,
    #[error("the {0} has {1}")]
    Unfit(&'static str, String),
}

struct Shelf {
    cats: BTreeMap<String, Cat>,
    last_version: u64,
    /// `None` once nothing more will happen.
    news: Option<broadcast::Sender<News>>,
}

pub struct Cats(Mutex<Shelf>);

impl Default for Cats {
    fn default() -> Self {
        Self(Mutex::new(Shelf {
            cats: BTreeMap::new(),
            last_version: 0,
            news: Some(broadcast::Sender::new(NEWS)),
        }))
    }
}

impl Cats {
    /// At most `limit` cats whose names come after `after`, by name, and
    /// whether there are more. A name is a place that stays where it is: what
    /// others add or remove meanwhile shifts nothing (with "page 2" it would).
    pub fn list(&self, after: &str, limit: usize) -> (Vec<Cat>, bool) {
        let shelf = self.shelf();
        let from = (Excluded(after), Unbounded);
        let mut rest = shelf.cats.range::<str, _>(from);
        let cats = rest.by_ref().take(limit);
        let cats = cats.map(|(_, cat)| cat.clone()).collect();
        (cats, rest.next().is_some())
    }

    /// # Errors
    /// [`Refused::NotFound`]
    pub fn get(&self, name: &str) -> Result<Cat, Refused> {
        let found = self.shelf().cats.get(name).cloned();
        found.ok_or_else(|| Refused::NotFound(name.to_owned()))
    }

    // ANCHOR: put
    /// Gives a cat a hat. Looking at the version and writing are one step,
    /// under one lock. Also returns whether the cat is new.
    ///
    /// # Errors
    /// All but [`Refused::NotFound`].
    pub fn put(
        &self,
        name: &str,
        hat: &str,
        expect: &Expect,
    ) -> Result<(Cat, bool), Refused> {
        fits("name", name)?;
        fits("hat", hat)?;
        let mut shelf = self.shelf();
        let old = shelf.cats.get(name);
        meets(name, old, expect)?;
        if old.is_some() && *expect == Expect::Anything {
            return Err(Refused::SayWhich);
        }
        // ANCHOR_END: put
        let is_new = old.is_none();
        if is_new && shelf.cats.len() >= MOST_CATS {
            return Err(Refused::Full);
        }
        shelf.last_version += 1;
        let cat = Cat {
            name: name.to_owned(),
            hat: hat.to_owned(),
            version: shelf.last_version,
        };
        shelf.cats.insert(cat.name.clone(), cat.clone());
        shelf.tell(News::Hat(cat.clone()));
        Ok((cat, is_new))
    }

    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Changed`], [`Refused::Gone`]
    pub fn remove(&self, name: &str, expect: &Expect) -> Result<(), Refused> {
        let mut shelf = self.shelf();
        let old = shelf.cats.get(name);
        meets(name, old, expect)?;
        if old.is_none() {
            return Err(Refused::NotFound(name.to_owned()));
        }
        shelf.cats.remove(name);
        shelf.tell(News::Gone(name.to_owned()));
        Ok(())
    }

    /// What happens from now on, until [`Cats::close`].
    pub fn news(&self) -> Option<broadcast::Receiver<News>> {
        Some(self.shelf().news.as_ref()?.subscribe())
    }

    /// Ends all who wait for news: else they would hold up the server's end.
    pub fn close(&self) {
        self.shelf().news = None;
    }

    /// Nothing of ours panics while it holds the lock.
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn tell(&self, news: News) {
        if let Some(sender) = &self.news {
            // Nobody may be listening.
            let _ = sender.send(news);
        }
    }
}

/// Whether what is there is what was expected (RFC 9110, section 13.1).
fn meets(
    name: &str,
    old: Option<&Cat>,
    expect: &Expect,
) -> Result<(), Refused> {
    match (expect, old) {
        (Expect::Nothing, Some(_)) => Err(Refused::Taken(name.to_owned())),
        (Expect::Any | Expect::Versions(_), None) => {
            Err(Refused::Gone(name.to_owned()))
        }
        (Expect::Versions(seen), Some(cat)) if !seen.contains(&cat.version) => {
            Err(Refused::Changed(cat.clone()))
        }
        _ => Ok(()),
    }
}

/// Names and hats are one line of visible text, and a name can stand in a URL
/// (where `.` and `..` are not names but steps).
fn fits(field: &'static str, text: &str) -> Result<(), Refused> {
    let hidden = |char: char| {
        char != '\\' && printable(char.to_string()).starts_with('\\')
    };
    let problem = if text.trim().is_empty() {
        "no letter in it".to_owned()
    } else if text.chars().count() > LONGEST {
        format!("more than {LONGEST} characters")
    } else if text.chars().any(hidden) {
        "characters that cannot be seen".to_owned()
    } else if text == "." || text == ".." {
        "a meaning of its own in URLs".to_owned()
    } else {
        return Ok(());
    };
    Err(Refused::Unfit(field, problem))
}
// ANCHOR_END: all
