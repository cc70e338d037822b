use std::cell::Cell;

use crate::Error;

/// How many calls of `publish` may stand inside each other. A listener that
/// publishes on its own topic would otherwise use up the stack.
pub const DEEPEST: usize = 32;

thread_local! { static LEVEL: Cell<usize> = const { Cell::new(0) } }

/// One call of `publish` inside others, on this thread.
pub(crate) struct Level;

impl Level {
    pub(crate) fn enter() -> Result<Self, Error> {
        let level = LEVEL.get();
        if level == DEEPEST {
            return Err(Error::TooDeep);
        }
        LEVEL.set(level + 1);
        Ok(Self)
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        LEVEL.set(LEVEL.get() - 1);
    }
}
