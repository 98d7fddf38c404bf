//! How many attempts run at once, and whose receiver is slow?
//!
//! So many in all, for each holds a socket and memory; so many of those that waited before, so that
//! old failures leave room for fresh events; and so many of one hook, so that a hook whose receiver
//! takes long leaves room for the others.
//!
//! A first attempt waits for room among its hook's own while that is a matter of moments. Where it
//! is not, the hook is *slow*: the attempt is better made later, from the other queue.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_lock::{Semaphore, SemaphoreGuardArc};

use crate::{id::HookId, ports::Clock, time::Timestamp};

/// Room for attempts.
pub(crate) struct Slots {
    all: Arc<Semaphore>,
    waited: Arc<Semaphore>,
    lanes: Mutex<HashMap<HookId, Arc<Lane>>>,
}

/// One hook's attempts.
struct Lane {
    room: Arc<Semaphore>,
    traffic: Mutex<Traffic>,
}

#[derive(Debug, Default)]
struct Traffic {
    /// When those in flight began.
    began: Vec<Timestamp>,
    /// How many wait for room.
    waiting: u32,
    /// How long attempts take, of late, the latest weighing most; `None` before the first one.
    pace: Option<Duration>,
}

/// Room for one attempt, for as long as this is held.
pub(crate) struct Slot {
    lane: Arc<Lane>,
    began: Timestamp,
    _of_hook: SemaphoreGuardArc,
    _of_waited: Option<SemaphoreGuardArc>,
    _of_all: SemaphoreGuardArc,
}

/// What a hook is slow beyond: an attempt, or the wait for one.
const SLOW: Duration = Duration::from_secs(2);

/// How long an attempt is taken to last where none has ended yet.
const USUAL: Duration = Duration::from_millis(250);

impl Traffic {
    /// How long an attempt takes, as far as that can be told now: no less than those in flight have
    /// taken already.
    fn estimate(&self, now: Timestamp) -> Duration {
        let longest = self.began.iter().filter_map(|began| now.since(*began)).max();
        self.pace.unwrap_or(USUAL).max(longest.unwrap_or_default())
    }

    fn is_slow(&self) -> bool {
        self.pace.is_some_and(|pace| pace > SLOW)
    }

    /// Would another first attempt get its turn soon?
    fn is_soon(&self, now: Timestamp) -> bool {
        let most = u32::try_from(Slots::MOST_OF_A_HOOK).unwrap_or(u32::MAX);
        let in_flight = u32::try_from(self.began.len()).unwrap_or(u32::MAX);
        if self.is_slow() {
            return false;
        }
        in_flight < most || self.estimate(now).saturating_mul(self.waiting + 1) <= SLOW * most
    }
}

impl Lane {
    fn new() -> Self {
        let room = Arc::new(Semaphore::new(Slots::MOST_OF_A_HOOK));
        Self { room, traffic: Mutex::default() }
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts among those who wait, for as long as it is held.
struct Waiting<'a>(&'a Lane);

impl<'a> Waiting<'a> {
    fn among(lane: &'a Lane, now: Timestamp) -> Option<Self> {
        let mut traffic = lane.traffic();
        if !traffic.is_soon(now) {
            return None;
        }
        traffic.waiting += 1;
        Some(Self(lane))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.traffic().waiting -= 1;
    }
}

impl Slots {
    /// How many attempts run at once.
    pub(crate) const MOST: usize = 500;
    /// How many of them are ones that waited before: retries, and what a slow receiver left over.
    pub(crate) const MOST_THAT_WAITED: usize = 300;
    /// How many of them are one hook's.
    pub(crate) const MOST_OF_A_HOOK: usize = 64;
    /// How many of them are one slow hook's.
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
        let lane = self.lane(hook);
        let waiting = Waiting::among(&lane, clock.now())?;
        let of_hook = lane.room.acquire_arc().await;
        drop(waiting);
        Some(self.slot(lane, of_hook, None, clock).await)
    }

    /// Room for an attempt that waited before, if the hook has any left.
    pub(crate) async fn for_waited(&self, hook: HookId, clock: &dyn Clock) -> Option<Slot> {
        let lane = self.lane(hook);
        let of_hook = lane.room.try_acquire_arc()?;
        {
            let traffic = lane.traffic();
            if traffic.is_slow() && traffic.began.len() >= Self::MOST_OF_A_SLOW_HOOK {
                return None;
            }
        }
        let of_waited = self.waited.acquire_arc().await;
        Some(self.slot(lane, of_hook, Some(of_waited), clock).await)
    }

    async fn slot(
        &self,
        lane: Arc<Lane>,
        of_hook: SemaphoreGuardArc,
        of_waited: Option<SemaphoreGuardArc>,
        clock: &dyn Clock,
    ) -> Slot {
        let of_all = self.all.acquire_arc().await;
        let began = clock.now();
        lane.traffic().began.push(began);
        Slot { lane, began, _of_hook: of_hook, _of_waited: of_waited, _of_all: of_all }
    }

    fn lane(&self, hook: HookId) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= Self::MOST_KNOWN {
            lanes.retain(|_, lane| Arc::strong_count(lane) > 1 || lane.traffic().is_slow());
        }
        Arc::clone(lanes.entry(hook).or_insert_with(|| Arc::new(Lane::new())))
    }
}

impl Slot {
    /// Notes how long the attempt took.
    pub(crate) fn took(&self, took: Duration) {
        let mut traffic = self.lane.traffic();
        traffic.pace = Some(traffic.pace.map_or(took, |pace| (pace * 3 + took) / 4));
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut traffic = self.lane.traffic();
        if let Some(at) = traffic.began.iter().position(|it| *it == self.began) {
            traffic.began.swap_remove(at);
        }
    }
}
