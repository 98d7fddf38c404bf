//! How many attempts run at once, and whose receiver is slow?
//!
//! So many in all, for each holds a socket and memory; so many of those that waited before, so that
//! old failures leave room for fresh events; and so many of one hook, so that a hook whose receiver
//! takes long leaves room for the others.
//!
//! An attempt waits for room among its hook's own while that is a matter of moments. Where it is
//! not, the hook is *slow*: the attempt is better made later, from the other queue.
//!
//! Room is taken in one order, the hook's own before that among all, and what waits for a place
//! among those that waited holds nothing: so nothing waits in a circle, and no hook's first attempts
//! wait for another hook's retries.

mod lane;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_lock::{Semaphore, SemaphoreGuardArc};

use self::lane::{Kind, Lane, Room};
use crate::{id::HookId, ports::Clock, time::Timestamp};

/// Room for attempts.
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    waited: Arc<Semaphore>,
    lanes: Mutex<HashMap<HookId, Arc<Lane>>>,
}

/// Room for one attempt, for as long as this is held.
pub(crate) struct Slot {
    room: Room,
    began: Timestamp,
    _of_waited: Option<SemaphoreGuardArc>,
    _of_all: SemaphoreGuardArc,
}

impl Slots {
    /// How many attempts run at once.
    pub(crate) const MOST: usize = 500;
    /// How many of them are ones that waited before: retries, and what a slow receiver left over.
    pub(crate) const MOST_THAT_WAITED: usize = 300;
    /// How many of them are one hook's.
    pub(crate) const MOST_OF_A_HOOK: usize = 64;
    /// How many of them are one slow hook's that waited before.
    pub(crate) const MOST_OF_A_SLOW_HOOK: usize = 16;
    /// How many hooks are known before those that run nothing are forgotten.
    const MOST_KNOWN: usize = 1_024;

    pub(crate) fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(Self::MOST)),
            waited: Arc::new(Semaphore::new(Self::MOST_THAT_WAITED)),
            lanes: Mutex::default(),
        }
    }

    /// Room for a first attempt, as soon as there is some: among the hook's own first, so that what
    /// waits for its hook takes no room from others. `None` where that is not soon.
    pub(crate) async fn for_first(&self, hook: HookId, clock: &dyn Clock) -> Option<Slot> {
        let room = Lane::room(&self.lane(hook), Kind::First, clock).await?;
        Some(self.slot(room, None, clock).await)
    }

    /// Room for an attempt that waited before. `None` where the hook has none soon.
    pub(crate) async fn for_waited(&self, hook: HookId, clock: &dyn Clock) -> Option<Slot> {
        let lane = self.lane(hook);
        loop {
            let room = Lane::room(&lane, Kind::Waited, clock).await?;
            if let Some(of_waited) = self.waited.try_acquire_arc() {
                return Some(self.slot(room, Some(of_waited), clock).await);
            }
            // Its hook's room is not kept meanwhile: other hooks may take long, and first attempts
            // need not wait for those.
            drop(room);
            drop(self.waited.acquire().await);
        }
    }

    /// Lets those go who wait for room among their hook's own and will have none soon, for its
    /// receiver has begun to take long since they came.
    pub(crate) fn relieve(&self, now: Timestamp) {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.values().for_each(|lane| lane.relieve(now));
    }

    async fn slot(
        &self,
        room: Room,
        of_waited: Option<SemaphoreGuardArc>,
        clock: &dyn Clock,
    ) -> Slot {
        let of_all = self.all.acquire_arc().await;
        let began = clock.now();
        room.begin(began);
        Slot { room, began, _of_waited: of_waited, _of_all: of_all }
    }

    fn lane(&self, hook: HookId) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= Self::MOST_KNOWN && !lanes.contains_key(&hook) {
            let in_use = |lane: &Arc<Lane>| Arc::strong_count(lane) > 1;
            lanes.retain(|_, lane| in_use(lane) || lane.is_slow());
            // So many slow ones: they will turn out to be slow again.
            if lanes.len() >= Self::MOST_KNOWN {
                lanes.retain(|_, lane| in_use(lane));
            }
        }
        Arc::clone(lanes.entry(hook).or_insert_with(|| Arc::new(Lane::new())))
    }
}

impl Slot {
    /// Notes how long the attempt took.
    pub(crate) fn took(&self, took: Duration) {
        self.room.took(took);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.room.end(self.began);
    }
}

#[cfg(test)]
mod tests;
