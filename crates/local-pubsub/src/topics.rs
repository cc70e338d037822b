// ANCHOR: all
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::level::{DEEPEST, Level};

type Called<M> = dyn Fn(&str, &M) -> anyhow::Result<()> + Send + Sync;
struct Listener<M> {
    topic: String,
    call: Box<Called<M>>,
}
type Listeners<M> = Mutex<Vec<Arc<Listener<M>>>>;

/// Topics with messages of type `M`: `cats.catA` is below `cats`, and both are
/// below the empty topic.
pub struct Topics<M>(Arc<Listeners<M>>);

/// Keeps a listener subscribed; dropped, it ends the subscription.
#[must_use = "a subscription that is dropped hears nothing"]
pub struct Subscription<M> {
    listener: Arc<Listener<M>>,
    topics: Weak<Listeners<M>>,
}

/// What became of a message.
#[derive(Debug, Default)]
pub struct Published {
    /// How many listeners were called.
    pub heard: usize,
    /// What those that failed said.
    pub failures: Vec<anyhow::Error>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("'{0}' has an empty part: write a topic as 'cats.catA'")]
    EmptyPart(String),
    #[error(
        "listeners publish inside each other {DEEPEST} deep: \
         one of them hears itself"
    )]
    TooDeep,
}

impl<M> Default for Topics<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M> Topics<M> {
    /// Calls `listener` with each message about `topic` and all below it, the
    /// topic that was published first. The same function can be subscribed
    /// twice, and is then called twice.
    ///
    /// # Errors
    /// [`Error::EmptyPart`]; an empty topic hears everything.
    pub fn subscribe<L>(
        &self,
        topic: &str,
        listener: L,
    ) -> Result<Subscription<M>, Error>
    where
        L: Fn(&str, &M) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        if !topic.is_empty() {
            check(topic)?;
        }
        let (topic, call) = (topic.to_owned(), Box::new(listener));
        let listener = Arc::new(Listener { topic, call });
        locked(&self.0).push(Arc::clone(&listener));
        let topics = Arc::downgrade(&self.0);
        Ok(Subscription { listener, topics })
    }

    /// Calls all who listen to `topic` or above it, in the order in which
    /// they subscribed, and returns when each has been called. One that fails
    /// keeps the message from nobody else.
    ///
    /// # Errors
    /// [`Error::EmptyPart`], and [`Error::TooDeep`] inside of listeners.
    // ANCHOR: publish
    pub fn publish(
        &self,
        topic: &str,
        message: &M,
    ) -> Result<Published, Error> {
        check(topic)?;
        let _level = Level::enter()?;
        let mut published = Published::default();
        // A copy of the list: a listener may subscribe and unsubscribe.
        let listeners = locked(&self.0).clone();
        for listener in listeners.iter().filter(|one| one.hears(topic)) {
            let is_same = |other: &Arc<_>| Arc::ptr_eq(other, listener);
            if !locked(&self.0).iter().any(is_same) {
                continue; // Unsubscribed by one of those before it.
            }
            published.heard += 1;
            let result = (listener.call)(topic, message);
            published.failures.extend(result.err());
        }
        Ok(published)
    }
    // ANCHOR_END: publish
}

impl<M> Listener<M> {
    fn hears(&self, topic: &str) -> bool {
        let below = topic.strip_prefix(self.topic.as_str());
        self.topic.is_empty()
            || below
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

impl<M> Drop for Subscription<M> {
    fn drop(&mut self) {
        if let Some(topics) = self.topics.upgrade() {
            let other = |one: &Arc<_>| !Arc::ptr_eq(one, &self.listener);
            locked(&topics).retain(other);
        }
    }
}

fn check(topic: &str) -> Result<(), Error> {
    match topic.split('.').any(str::is_empty) {
        true => Err(Error::EmptyPart(topic.to_owned())),
        false => Ok(()),
    }
}

/// Nothing of ours panics while it holds the lock.
fn locked<M>(list: &Listeners<M>) -> MutexGuard<'_, Vec<Arc<Listener<M>>>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
// ANCHOR_END: all
