//! Takes messages from one queue and has them dispatched.
//!
//! What is to be done for messages is decided batch by batch, one after the other, so that no event
//! is late because another one overtook it here. It is done message by message, side by side, so
//! that none waits for another's receiver.
//!
//! No more is begun while as many deliveries are under way as there are places: what is begun and
//! waits takes memory, and makes every attempt seem to take long.
//!
//! A message is leased while it is worked on. The lease ends with the work, or with the process: at
//! the next start everything that was in flight is handed out again.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use embedded::{Message, Store};
use futures_util::FutureExt as _;
use hooks::{
    closing::Closing,
    dispatch::{self, Begun, Dispatcher, Handled},
    ports::PortResult,
    task::Queue,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

/// One queue's worker.
pub(crate) struct Worker {
    pub(crate) queue: Queue,
    pub(crate) store: Store,
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// How many deliveries are worked on at once, give or take a batch.
    pub(crate) in_flight: usize,
}

/// How many messages a batch has at most.
const BATCH: usize = 32;

/// How long running attempts may go on when the process is to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long to wait before the store is asked again after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// How often those are looked for who wait in vain, while there is no place free.
const RELIEF: Duration = Duration::from_millis(100);

/// How often a message is handed out at most. What goes on killing the process, or breaking it, is
/// put aside in the end; what a store in trouble gives back is not.
const MOST_RECEIVES: u32 = 50;

/// The longest that a message which could not be seen through has to wait, in [`PAUSE`]s.
const LONGEST_PAUSE: u32 = 30;

/// A message without its body, and its places among those that are worked on: one for each of its
/// deliveries, as far as there were that many.
struct Place {
    id: i64,
    receives: u32,
    permit: OwnedSemaphorePermit,
}

impl Place {
    fn make_room_for(&mut self, begun: &Begun, free: &Arc<Semaphore>) {
        let more = begun.weight().saturating_sub(1).min(free.available_permits());
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        // Others give places back meanwhile, and nobody else takes any.
        if let Ok(more) = Arc::clone(free).try_acquire_many_owned(more) {
            self.permit.merge(more);
        }
    }
}

impl Worker {
    /// Works until `stop` says so; then lets what is running end, for a while.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let free = Arc::new(Semaphore::new(self.in_flight));
        let mut running = JoinSet::new();
        loop {
            while running.try_join_next().is_some() {}
            let begun = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                begun = self.next(&free) => begun,
            };
            for (place, begun) in begun {
                let (store, dispatcher) = (self.store.clone(), Arc::clone(&self.dispatcher));
                running.spawn(async move {
                    let finished = AssertUnwindSafe(dispatcher.finish(begun, &Closing::never()))
                        .catch_unwind()
                        .await;
                    end(&store, &place, finished.ok()).await;
                });
            }
        }
        if tokio::time::timeout(DRAIN, running.join_all()).await.is_err() {
            tracing::warn!(queue = self.queue.as_str(), "attempts still running stay queued");
        }
    }

    /// The next messages, when there are any and places for them, with what is to be done.
    async fn next(&self, free: &Arc<Semaphore>) -> Vec<(Place, Begun)> {
        let first = self.place(free).await;
        let messages = self.received(BATCH.min(free.available_permits() + 1)).await;
        let mut permits = vec![first];
        permits
            .extend((1..messages.len()).map_while(|_| Arc::clone(free).try_acquire_owned().ok()));

        let (mut places, mut batch) = (Vec::new(), Vec::new());
        for (Message { id, body, receives, .. }, permit) in messages.into_iter().zip(permits) {
            let place = Place { id, receives, permit };
            if receives > MOST_RECEIVES {
                put_aside(&self.store, &place, "handed out too often without an end").await;
                continue;
            }
            places.push(place);
            batch.push(dispatch::Message { body, receives });
        }
        if let Ok(begun) = AssertUnwindSafe(self.dispatcher.begin(batch)).catch_unwind().await {
            places.iter_mut().zip(&begun).for_each(|(place, it)| place.make_room_for(it, free));
            return places.into_iter().zip(begun).collect();
        }
        // A defect of ours. The messages are not lost, and not worked on in a tight loop.
        for place in places {
            end(&self.store, &place, None).await;
        }
        Vec::new()
    }

    /// A place. Those who wait for receivers that hang are not waited for.
    async fn place(&self, free: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        loop {
            let place = Arc::clone(free).acquire_owned();
            if let Ok(place) = tokio::time::timeout(RELIEF, place).await {
                return place.expect("never closed");
            }
            self.dispatcher.relieve();
        }
    }

    /// The next messages, when there are any.
    async fn received(&self, most: usize) -> Vec<Message> {
        loop {
            match self.store.receive(self.queue, most).await {
                Ok(messages) if messages.is_empty() => self.store.wait(self.queue).await,
                Ok(messages) => return messages,
                Err(error) => {
                    tracing::error!(queue = self.queue.as_str(), %error, "nothing received");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Does with a message what is to become of it; nothing known means that a defect of ours came in
/// between. It does not end before the store has answered: a lease that nobody ends is a message
/// that nobody gets.
async fn end(store: &Store, place: &Place, handled: Option<Handled>) {
    match handled {
        Some(Handled::Done) => insist(|| store.acknowledge(std::slice::from_ref(&place.id))).await,
        Some(Handled::Poison(error)) => put_aside(store, place, &error.to_string()).await,
        Some(Handled::Again(error)) => {
            tracing::warn!(%error, receives = place.receives, "message not seen through");
            insist(|| store.forgive(place.id, PAUSE * place.receives.min(LONGEST_PAUSE))).await;
        }
        None => insist(|| store.release(place.id, PAUSE * LONGEST_PAUSE)).await,
    }
}

async fn put_aside(store: &Store, place: &Place, reason: &str) {
    tracing::error!(reason, receives = place.receives, "message put aside");
    metrics::counter!("event_hooks_poison_total").increment(1);
    insist(|| store.bury(place.id, reason)).await;
}

/// Asks the store until it has done it.
async fn insist<F: Future<Output = PortResult<()>>>(mut ask: impl FnMut() -> F) {
    while let Err(error) = ask().await {
        tracing::error!(%error, "message not ended, trying again");
        tokio::time::sleep(PAUSE).await;
    }
}
