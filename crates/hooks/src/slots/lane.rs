//! Is there room among one hook's attempts, or will there be soon?

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_lock::{Semaphore, SemaphoreGuardArc};

use super::Slots;
use crate::{ports::Clock, time::Timestamp};

/// One hook's attempts.
pub(super) struct Lane {
    room: Arc<Semaphore>,
    traffic: Mutex<Traffic>,
}

#[derive(Debug, Default)]
struct Traffic {
    /// When those in flight began.
    began: Vec<Timestamp>,
    /// How many have room, whether they began or not.
    taken: usize,
    /// How many wait for room.
    waiting: u32,
    /// How long attempts take, of late, the latest weighing most; `None` before the first one.
    pace: Option<Duration>,
}

/// What needs room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A first attempt.
    First,
    /// One that waited before.
    Waited,
}

/// Room for one attempt among its hook's own.
pub(super) struct Room {
    lane: Arc<Lane>,
    _permit: SemaphoreGuardArc,
}

/// What a hook is slow beyond: an attempt, or the wait for one.
const SLOW: Duration = Duration::from_secs(2);

/// A receiver that answers within this is never slow, however many wait for it: to put those off
/// would cost more than they do.
const QUICK: Duration = Duration::from_millis(20);

/// How long an attempt is taken to last where none has ended yet. A guess on the good side: what it
/// lets wait in vain finds out after one attempt.
const USUAL: Duration = Duration::from_millis(25);

impl Kind {
    /// How long it may have to wait. What waited before leaves some of the time to what comes
    /// fresh.
    fn longest_wait(self) -> Duration {
        match self {
            Self::First => SLOW,
            Self::Waited => SLOW / 2,
        }
    }
}

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

    /// Would one more of this kind get its turn soon?
    fn is_soon(&self, kind: Kind, now: Timestamp) -> bool {
        if self.is_slow() {
            return kind == Kind::Waited && self.taken < Slots::MOST_OF_A_SLOW_HOOK;
        }
        if self.taken < Slots::MOST_OF_A_HOOK {
            return true;
        }
        let (each, most) = (self.estimate(now), u32::try_from(Slots::MOST_OF_A_HOOK).unwrap_or(1));
        each <= QUICK || each.saturating_mul(self.waiting + 1) <= kind.longest_wait() * most
    }

    /// Takes room that is free for one of this kind. The hook may have turned out to be slow since
    /// it began to wait.
    fn take(&mut self, kind: Kind) -> bool {
        let is_there =
            !self.is_slow() || kind == Kind::Waited && self.taken < Slots::MOST_OF_A_SLOW_HOOK;
        self.taken += usize::from(is_there);
        is_there
    }
}

impl Lane {
    pub(super) fn new() -> Self {
        let room = Arc::new(Semaphore::new(Slots::MOST_OF_A_HOOK));
        Self { room, traffic: Mutex::default() }
    }

    pub(super) fn is_slow(&self) -> bool {
        self.traffic().is_slow()
    }

    /// Room for one attempt of this kind; `None` where there is none soon.
    pub(super) async fn room(self: &Arc<Self>, kind: Kind, clock: &dyn Clock) -> Option<Room> {
        let waiting = Waiting::among(self, kind, clock.now())?;
        let permit = self.room.acquire_arc().await;
        drop(waiting);
        let is_there = self.traffic().take(kind);
        is_there.then(|| Room { lane: Arc::clone(self), _permit: permit })
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts among those who wait, for as long as it is held.
struct Waiting<'a>(&'a Lane);

impl<'a> Waiting<'a> {
    fn among(lane: &'a Lane, kind: Kind, now: Timestamp) -> Option<Self> {
        let mut traffic = lane.traffic();
        if !traffic.is_soon(kind, now) {
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

impl Room {
    /// Notes that the attempt begins.
    pub(super) fn begin(&self, at: Timestamp) {
        self.lane.traffic().began.push(at);
    }

    /// Notes that the attempt that began then has ended, however it did.
    pub(super) fn end(&self, began: Timestamp) {
        let mut traffic = self.lane.traffic();
        if let Some(index) = traffic.began.iter().position(|it| *it == began) {
            traffic.began.swap_remove(index);
        }
    }

    /// Notes how long an attempt took.
    pub(super) fn took(&self, took: Duration) {
        let mut traffic = self.lane.traffic();
        traffic.pace = Some(traffic.pace.map_or(took, |pace| (pace * 3 + took) / 4));
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.lane.traffic().taken -= 1;
    }
}

#[cfg(test)]
impl Lane {
    /// How many have room, how many of those began, how many wait for it.
    pub(super) fn counts(&self) -> (usize, usize, u32) {
        let traffic = self.traffic();
        (traffic.taken, traffic.began.len(), traffic.waiting)
    }

    /// Has attempts take so long, and so many wait for room.
    pub(super) fn set(&self, pace: Option<Duration>, waiting: u32) {
        let mut traffic = self.traffic();
        (traffic.pace, traffic.waiting) = (pace, waiting);
    }

    /// A place that nobody has.
    pub(super) fn free(&self) -> Option<SemaphoreGuardArc> {
        self.room.try_acquire_arc()
    }
}
