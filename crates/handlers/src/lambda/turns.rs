//! Whose turn is it?
//!
//! As many turns at a time as there may be workers. Those who wait are served round-robin by
//! their owner, so that a hook with a thousand runs delays another one by a single run; and no
//! owner holds every turn, so that there is one for the others even while its runs are slow.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::sandbox::Owner;

/// Hands out turns.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Mutex<State>>);

/// The right to use a worker. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    owner: Owner,
}

#[derive(Debug)]
struct State {
    free: usize,
    most_each: usize,
    held: HashMap<Owner, usize>,
    /// Owners with somebody waiting, the next one to be served first.
    waiting: VecDeque<(Owner, VecDeque<oneshot::Sender<Turn>>)>,
}

impl Turns {
    /// So many turns at a time.
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: count,
            most_each: count.saturating_sub(1).max(1),
            held: HashMap::new(),
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
            let Some((owner, place)) = self.lock().next() else { return };
            let _given_up = place.send(Turn { turns: self.clone(), owner });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> Option<(Owner, oneshot::Sender<Turn>)> {
        if self.free == 0 {
            return None;
        }
        let may_have = |owner| self.held.get(owner).copied().unwrap_or(0) < self.most_each;
        let at = self.waiting.iter().position(|(owner, _)| may_have(owner))?;
        let (owner, mut places) = self.waiting.remove(at)?;
        let place = places.pop_front()?;
        if !places.is_empty() {
            self.waiting.push_back((owner, places));
        }
        self.free -= 1;
        *self.held.entry(owner).or_default() += 1;
        Some((owner, place))
    }

    fn give_back(&mut self, owner: Owner) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(&owner) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&owner);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().give_back(self.owner);
        self.turns.serve();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
