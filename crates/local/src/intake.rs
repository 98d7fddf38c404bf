//! May more events wait to be dispatched, and when shall those come again who may not post?
//!
//! There is a limit to what waits in queue `events`, in bytes on disk. It is compared before a
//! request is taken: what waits may go beyond it by what was being taken at that moment, and by
//! what is never refused, which is all that nobody posted.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::Intake;
use embedded::{Store, Waiting};
use hooks::{ports::Clock, task::Queue, time::Timestamp};

/// The limit of what waits.
pub(crate) struct QueueLimit {
    store: Store,
    clock: Arc<dyn Clock>,
    bytes: u64,
    pace: Mutex<Pace>,
}

impl QueueLimit {
    /// So many bytes, of what waits in this store.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, bytes: u64) -> Self {
        Self { store, clock, bytes, pace: Mutex::default() }
    }
}

impl Intake for QueueLimit {
    fn full(&self) -> Option<Duration> {
        let Waiting { bytes, gone, .. } = self.store.waiting(Queue::Events);
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.note(Look { at: self.clock.now(), gone });
        (bytes >= self.bytes).then(|| pace.until_there_is_room(self.bytes))
    }
}

/// Who is refused is to come again when one part of so many of the limit is free.
const PART: u64 = 20;

/// The soonest and the latest that anybody is told to come again.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How far the pace is looked back for, at least, where there is so much to look back at.
const WINDOW: Duration = Duration::from_secs(5);

/// How fast is the queue emptied, of late?
#[derive(Debug, Default)]
struct Pace {
    /// Where the window before this one began.
    before: Option<Look>,
    /// Where this window began.
    begun: Option<Look>,
    latest: Option<Look>,
}

/// How much had left the queue, at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    at: Timestamp,
    gone: u64,
}

impl Pace {
    fn note(&mut self, look: Look) {
        let begun = *self.begun.get_or_insert(look);
        if begun.at.distance(look.at) >= WINDOW {
            (self.before, self.begun) = (Some(begun), Some(look));
        }
        self.latest = Some(look);
    }

    /// How long it takes at this pace until a [`PART`] of this limit has left the queue, within
    /// [`WAITS`].
    fn until_there_is_room(&self, limit: u64) -> Duration {
        let (soonest, latest) = WAITS;
        let seen = self.before.or(self.begun).zip(self.latest);
        let Some((from, to)) = seen else { return latest };
        let (took, gone) = (from.at.distance(to.at), to.gone.saturating_sub(from.gone));
        let millis = u128::from(limit / PART) * took.as_millis();
        let needed = millis.checked_div(gone.into()).map(u64::try_from);
        needed.and_then(Result::ok).map_or(latest, Duration::from_millis).clamp(soonest, latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(looks: &[(i64, u64)]) -> Pace {
        let mut pace = Pace::default();
        for (second, gone) in looks {
            pace.note(Look { at: Timestamp::from_seconds(*second), gone: *gone });
        }
        pace
    }

    #[test]
    fn who_is_refused_comes_again_when_some_room_was_made() {
        for (name, looks, limit, expected) in [
            ("nobody has looked yet", &[][..], 2_000, 30),
            ("nothing leaves the queue", &[(0, 7), (5, 7), (9, 7)], 2_000, 30),
            ("ten bytes a second", &[(0, 0), (1, 10)], 2_000, 10),
            ("so fast that it is a moment", &[(0, 0), (1, 10_000)], 2_000, 1),
            ("so slow that it is hours", &[(0, 0), (4, 1)], 20_000_000, 30),
            ("the window before counts, too", &[(0, 0), (5, 50), (6, 60)], 2_000, 10),
            (
                "fast once, and slow for two windows",
                &[(0, 0), (5, 5_000), (10, 5_050), (15, 5_100)],
                2_000,
                10,
            ),
            ("a clock that was put back", &[(100, 0), (90, 80), (91, 90)], 2_000, 10),
        ] {
            let wait = pace(looks).until_there_is_room(limit);
            assert_eq!(wait, Duration::from_secs(expected), "{name}");
        }
    }
}
