//! Whose turn is it to change a hook?
//!
//! Within a process, changes of one hook wait for each other, so that nobody but another instance
//! can be faster.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use async_lock::{Mutex as AsyncMutex, MutexGuardArc};

use crate::id::HookId;

/// The hooks that are being changed now.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<HookId, Weak<AsyncMutex<()>>>>);

impl Turns {
    /// Waits for the turn to change this hook; it lasts for as long as the answer is held.
    pub(super) async fn wait(&self, hook: HookId) -> MutexGuardArc<()> {
        self.of(hook).lock_arc().await
    }

    fn of(&self, hook: HookId) -> Arc<AsyncMutex<()>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = known.get(&hook).and_then(Weak::upgrade) {
            return turn;
        }
        known.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        known.insert(hook, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_turn_is_one_hooks_and_is_forgotten_when_it_is_over() {
        let turns = Turns::default();
        let (hook, other) = (HookId::random(), HookId::random());
        let first = turns.wait(hook).now_or_never().unwrap();
        assert!(turns.wait(hook).now_or_never().is_none(), "one at a time");
        let _other = turns.wait(other).now_or_never().unwrap();
        drop(first);
        assert!(turns.wait(hook).now_or_never().is_some(), "the next one");
        let _third = turns.wait(HookId::random()).now_or_never().unwrap();
        assert_eq!(turns.0.lock().unwrap().len(), 2, "those that are being changed");
    }
}
