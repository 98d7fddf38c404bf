//! How many attempts run at once?
//!
//! So many in all, for each holds a socket and memory; and so many of one hook, so that a hook whose
//! receiver is slow to answer leaves room for the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_lock::{Semaphore, SemaphoreGuardArc};

use crate::id::HookId;

/// Room for attempts.
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    of_hooks: Mutex<HashMap<HookId, Arc<Semaphore>>>,
}

/// Room for one attempt, for as long as this is held.
pub(crate) struct Slot {
    _of_hook: SemaphoreGuardArc,
    _of_all: SemaphoreGuardArc,
}

impl Slots {
    /// How many attempts run at once.
    pub(crate) const MOST: usize = 500;
    /// How many of them are one hook's.
    pub(crate) const MOST_OF_A_HOOK: usize = 64;
    /// How many hooks are known before those that run nothing are forgotten.
    const MOST_KNOWN: usize = 1_024;

    pub(crate) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(Self::MOST)), of_hooks: Mutex::default() }
    }

    /// Waits for room: among the hook's own attempts first, so that what waits for its hook takes
    /// no room from others.
    pub(crate) async fn take(&self, hook: HookId) -> Slot {
        let of_hook = self.of_hook(hook).acquire_arc().await;
        Slot { _of_hook: of_hook, _of_all: self.all.acquire_arc().await }
    }

    fn of_hook(&self, hook: HookId) -> Arc<Semaphore> {
        let mut known = self.of_hooks.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST_KNOWN {
            known.retain(|_, slots| Arc::strong_count(slots) > 1);
        }
        let slots = || Arc::new(Semaphore::new(Self::MOST_OF_A_HOOK));
        Arc::clone(known.entry(hook).or_insert_with(slots))
    }
}
