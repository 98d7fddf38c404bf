//! Is there room among one hook's attempts, or will there be soon?

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_lock::{Semaphore, SemaphoreGuardArc};
use event_listener::Event;
use futures_util::future::{Either, select};

use super::Slots;
use crate::{ports::Clock, time::Timestamp};

/// One hook's attempts.
pub(super) struct Lane {
    room: Arc<Semaphore>,
    traffic: Mutex<Traffic>,
    /// Wakes those who wait for room and are to wait no longer.
    relief: Event,
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
/// would cost more than they do. It may be this process that is slow, with all that it has in hand.
const QUICK: Duration = Duration::from_millis(100);

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
    /// How long an attempt takes, as far as that can be told now: no less than half of those in
    /// flight have taken already. (One of them may take long for reasons of its own.) Where nothing
    /// is known, that is a guess on the good side, which [`Lane::relieve`] mends.
    fn estimate(&self, now: Timestamp) -> Duration {
        let mut ages: Vec<_> = self.began.iter().map(|it| now.since(*it)).collect();
        let half = ages.len() / 2;
        let usual = (half > 0).then(|| *ages.select_nth_unstable(half).1).flatten();
        self.pace.max(usual).unwrap_or_default()
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
        self.waiting < self.most_waiting(kind, now)
    }

    /// How many of this kind may wait for room, if each is to have it soon.
    fn most_waiting(&self, kind: Kind, now: Timestamp) -> u32 {
        let (each, room) = (self.estimate(now), Slots::MOST_OF_A_HOOK);
        if each <= QUICK {
            return u32::MAX;
        }
        let turns = kind.longest_wait().as_nanos() * room as u128 / each.as_nanos();
        u32::try_from(turns).unwrap_or(u32::MAX)
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
        Self { room, traffic: Mutex::default(), relief: Event::new() }
    }

    pub(super) fn is_slow(&self) -> bool {
        self.traffic().is_slow()
    }

    /// Room for one attempt of this kind; `None` where there is none soon.
    pub(super) async fn room(self: &Arc<Self>, kind: Kind, clock: &dyn Clock) -> Option<Room> {
        let permit = match self.room.try_acquire_arc() {
            Some(permit) => permit,
            None => self.wait(kind, clock).await?,
        };
        let is_there = self.traffic().take(kind);
        is_there.then(|| Room { lane: Arc::clone(self), _permit: permit })
    }

    async fn wait(&self, kind: Kind, clock: &dyn Clock) -> Option<SemaphoreGuardArc> {
        let _waiting = Waiting::among(self, kind, clock.now())?;
        let (permit, relief) = (pin!(self.room.acquire_arc()), pin!(self.relief.listen()));
        match select(permit, relief).await {
            Either::Left((permit, _)) => Some(permit),
            Either::Right(_) => None,
        }
    }

    /// Lets those go who wait and will not have room soon, as it has turned out since they came.
    pub(super) fn relieve(&self, now: Timestamp) {
        let traffic = self.traffic();
        let beyond = traffic.waiting.saturating_sub(traffic.most_waiting(Kind::First, now));
        drop(traffic);
        self.relief.notify(beyond as usize);
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
