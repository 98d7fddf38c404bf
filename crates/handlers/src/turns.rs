//! Whose turn is it?
//!
//! As many turns at a time as there may be workers. Those who wait are served round-robin by
//! their owner, so that a hook with a thousand runs delays another one by a single run. Owners
//! whose last turns were short may pass those that are not known, and these the slow ones.
//! No owner holds every turn, and neither do all slow ones together, so that there is one for the
//! others whatever those do.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lru::LruCache;
use tokio::sync::oneshot;

use crate::sandbox::Owner;

/// A turn of this length is slow.
const SLOW: Duration = Duration::from_millis(50);

/// So many times in a row somebody may go before those who have waited for longer.
const MOST_PASSED: usize = 3;

/// How many owners are known by their pace.
const MOST_KNOWN: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");

/// Hands out turns.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Mutex<State>>);

/// The right to use a worker. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    owner: Owner,
    pace: Pace,
    /// How long it worked, once that is known.
    worked: Option<Duration>,
}

/// How long an owner's turns take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pace {
    Quick,
    Unknown,
    Slow,
}

impl Pace {
    /// What is known after a turn of this length. Who was quick is slow after two long ones in a
    /// row, for a single one may be the machine's doing.
    fn after(known: Option<Self>, worked: Duration) -> Self {
        match known {
            _ if worked < SLOW => Self::Quick,
            Some(Self::Quick) => Self::Unknown,
            _ => Self::Slow,
        }
    }
}

impl Turn {
    /// Notes how long it worked. One that did not come to that says nothing about its owner.
    pub(crate) fn worked(mut self, time: Duration) {
        self.worked = Some(time);
    }
}

#[derive(Debug)]
struct State {
    free: usize,
    /// How many an owner may hold, or all slow ones together.
    most: usize,
    held: HashMap<Owner, usize>,
    held_by_slow: usize,
    /// What is not in it is unknown.
    paces: LruCache<Owner, Pace>,
    /// How many times in a row somebody went first who had not waited for longest.
    passed: usize,
    /// Who had a turn last: that one passes nobody.
    last: Option<Owner>,
    /// Owners with somebody waiting, the next one to be served first.
    waiting: VecDeque<(Owner, VecDeque<oneshot::Sender<Turn>>)>,
}

impl Turns {
    /// So many turns at a time.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: count,
            most: count.saturating_sub(1).max(1),
            held: HashMap::new(),
            held_by_slow: 0,
            paces: LruCache::new(MOST_KNOWN),
            passed: 0,
            last: None,
            waiting: VecDeque::new(),
        })))
    }

    /// Waits for a turn. To give up, drop the future.
    pub(crate) async fn take(&self, owner: Owner) -> Turn {
        let turn = self.queue_up(owner);
        self.serve();
        turn.await.expect("a place in the queue is given up only by who waits in it")
    }

    fn queue_up(&self, owner: Owner) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        match state.waiting.iter_mut().find(|(it, _)| *it == owner) {
            Some((_, places)) => places.push_back(sender),
            None => state.waiting.push_back((owner, VecDeque::from([sender]))),
        }
        receiver
    }

    /// Hands out what can be handed out. A turn for somebody who has given up comes back by being
    /// dropped, which must not happen under the lock.
    fn serve(&self) {
        loop {
            let Some((owner, pace, place)) = self.lock().next() else { return };
            let _given_up = place.send(Turn { turns: self.clone(), owner, pace, worked: None });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> Option<(Owner, Pace, oneshot::Sender<Turn>)> {
        if self.free == 0 {
            return None;
        }
        let (at, pace) = self.first_in_line()?;
        let (owner, mut places) = self.waiting.remove(at)?;
        let place = places.pop_front()?;
        if !places.is_empty() {
            self.waiting.push_back((owner, places));
        }
        self.free -= 1;
        self.last = Some(owner);
        *self.held.entry(owner).or_default() += 1;
        self.held_by_slow += usize::from(pace == Pace::Slow);
        Some((owner, pace, place))
    }

    /// Whose turn it is, by their place among those who wait.
    fn first_in_line(&mut self) -> Option<(usize, Pace)> {
        let mut fit = self.waiting.iter().enumerate().filter_map(|(at, (owner, _))| {
            let pace = self.paces.peek(owner).copied().unwrap_or(Pace::Unknown);
            let held = self.held.get(owner).copied().unwrap_or(0);
            let of_slow = if pace == Pace::Slow { self.held_by_slow } else { 0 };
            (held.max(of_slow) < self.most).then_some((at, pace))
        });
        let longest = fit.next()?;
        let passing = fit.filter(|(at, _)| Some(self.waiting[*at].0) != self.last);
        let best = passing.fold(longest, |best, it| if it.1 < best.1 { it } else { best });
        if best == longest || self.passed == MOST_PASSED {
            self.passed = 0;
            return Some(longest);
        }
        self.passed += 1;
        Some(best)
    }

    fn give_back(&mut self, turn: &Turn) {
        self.free += 1;
        self.held_by_slow -= usize::from(turn.pace == Pace::Slow);
        if let Some(worked) = turn.worked {
            let known = self.paces.get(&turn.owner).copied();
            self.paces.put(turn.owner, Pace::after(known, worked));
        }
        if let Some(held) = self.held.get_mut(&turn.owner) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&turn.owner);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().give_back(self);
        self.turns.serve();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const BUSY: Owner = Owner(1);
    const OTHER: Owner = Owner(2);

    async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
        timeout(Duration::from_millis(20), future).await.ok()
    }

    #[tokio::test]
    async fn an_owner_never_holds_every_turn() {
        let turns = Turns::new(2);
        let first = turns.take(BUSY).await;
        assert!(soon(turns.take(BUSY)).await.is_none(), "the second one is not for it");
        assert!(soon(turns.take(OTHER)).await.is_some(), "but for others");
        drop(first);
        assert!(soon(turns.take(BUSY)).await.is_some());
    }

    #[tokio::test]
    async fn a_single_turn_goes_to_anybody() {
        let turns = Turns::new(1);
        let turn = turns.take(BUSY).await;
        assert!(soon(turns.take(OTHER)).await.is_none());
        drop(turn);
        assert!(soon(turns.take(OTHER)).await.is_some());
    }

    #[tokio::test]
    async fn who_waits_is_served_round_robin() {
        let turns = Turns::new(1);
        let turn = turns.take(BUSY).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for owner in [BUSY, BUSY, BUSY, OTHER] {
            let place = turns.queue_up(owner);
            let order = Arc::clone(&order);
            waiting.push(tokio::spawn(async move {
                let turn = place.await.unwrap();
                order.lock().unwrap().push(turn.owner);
            }));
        }
        drop(turn);
        for it in waiting {
            it.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [BUSY, OTHER, BUSY, BUSY]);
    }

    /// Owners that were as quick or as slow as that.
    fn known(turns: &Turns, paces: &[(Owner, Pace)]) {
        for (owner, pace) in paces {
            turns.lock().paces.put(*owner, *pace);
        }
    }

    #[tokio::test]
    async fn the_last_turns_tell_the_pace_of_an_owner() {
        let turns = Turns::new(1);
        let pace_of = |owner| turns.lock().paces.peek(&owner).copied();
        for (name, worked, expected) in [
            ("a long one of somebody unknown", SLOW, Pace::Slow),
            ("a short one", Duration::ZERO, Pace::Quick),
            ("a long one of somebody quick", SLOW, Pace::Unknown),
            ("and another", SLOW, Pace::Slow),
        ] {
            turns.take(BUSY).await.worked(worked);
            assert_eq!(pace_of(BUSY), Some(expected), "{name}");
        }
        drop(turns.take(BUSY).await);
        let turn = turns.take(OTHER).await;
        assert!(soon(turns.take(BUSY)).await.is_none(), "gives up");
        drop(turn);
        assert_eq!(pace_of(BUSY), Some(Pace::Slow), "what did not work says nothing");
    }

    #[tokio::test]
    async fn the_quick_go_first_but_not_for_ever() {
        let [quick, other_quick, new, slow] = [2, 3, 4, 5].map(Owner);
        let turns = Turns::new(1);
        let paces = [(quick, Pace::Quick), (other_quick, Pace::Quick), (slow, Pace::Slow)];
        known(&turns, &paces);
        let turn = turns.take(BUSY).await;
        let owners = [slow, new, quick, quick, quick, quick, other_quick, other_quick, other_quick];
        let mut places: Vec<_> = owners.map(|owner| (owner, turns.queue_up(owner))).into();
        drop(turn);
        let mut order = Vec::new();
        while !places.is_empty() {
            let at = places.iter_mut().position(|(_, place)| {
                let turn = place.try_recv();
                turn.map(drop).is_ok()
            });
            order.push(places.remove(at.unwrap()).0);
        }
        let expected =
            [quick, other_quick, quick, slow, other_quick, quick, other_quick, new, quick];
        assert_eq!(order, expected);
    }

    #[tokio::test]
    async fn the_slow_never_hold_every_turn_together() {
        let slow = [3, 4].map(Owner);
        let turns = Turns::new(2);
        known(&turns, &slow.map(|it| (it, Pace::Slow)));
        let first = turns.take(slow[0]).await;
        assert!(soon(turns.take(slow[1])).await.is_none(), "the second one is not for them");
        let second = soon(turns.take(OTHER)).await;
        assert!(second.is_some(), "but for others");
        drop(first);
        assert!(soon(turns.take(slow[1])).await.is_some());
    }

    #[tokio::test]
    async fn who_gives_up_costs_nobody_a_turn() {
        let turns = Turns::new(1);
        let turn = turns.take(BUSY).await;
        assert!(soon(turns.take(OTHER)).await.is_none(), "gives up");
        let place = turns.queue_up(OTHER);
        drop(turn);
        drop(place);
        assert!(soon(turns.take(BUSY)).await.is_some());
    }
}
