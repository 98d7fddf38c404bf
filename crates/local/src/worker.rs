//! Takes messages from one queue and has them dispatched, batch by batch.
//!
//! A message is leased while it is worked on. The lease ends with the work, or with the process: at
//! the next start everything that was in flight is handed out again.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use embedded::{Message, Store};
use futures_util::FutureExt as _;
use hooks::{
    dispatch::{self, Dispatcher, Handled},
    ports::PortResult,
    task::Queue,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// One queue's worker.
pub(crate) struct Worker {
    pub(crate) queue: Queue,
    pub(crate) store: Store,
    pub(crate) dispatcher: Arc<Dispatcher>,
    /// How many batches are dispatched at once.
    pub(crate) batches: usize,
}

/// How many messages a batch has at most.
const BATCH: usize = 32;

/// How long running attempts may go on when the process is to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long to wait before the queue is asked again after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a message is handed out at most. Only the death of the process brings one this far:
/// what goes on killing it is put aside.
const MOST_RECEIVES: u32 = 20;

/// The longest that a message which could not be seen through has to wait.
const LONGEST_PAUSE: u32 = 30;

impl Worker {
    /// Works until `stop` says so; then lets what is running end, for a while.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let free = Arc::new(Semaphore::new(self.batches));
        let mut running = JoinSet::new();
        loop {
            while running.try_join_next().is_some() {}
            let next = async {
                let place = Arc::clone(&free).acquire_owned().await.expect("never closed");
                (place, self.next().await)
            };
            let (place, messages) = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                next = next => next,
            };
            let (store, dispatcher) = (self.store.clone(), Arc::clone(&self.dispatcher));
            running.spawn(async move {
                see_through(&store, &dispatcher, messages).await;
                drop(place);
            });
        }
        let drained = tokio::time::timeout(DRAIN, running.join_all()).await;
        if drained.is_err() {
            tracing::warn!(queue = self.queue.as_str(), "attempts still running stay queued");
        }
    }

    /// The next messages, when there are any.
    async fn next(&self) -> Vec<Message> {
        loop {
            match self.store.receive(self.queue, BATCH).await {
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

async fn see_through(store: &Store, dispatcher: &Dispatcher, messages: Vec<Message>) {
    let (killers, messages): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|it| it.receives > MOST_RECEIVES);
    for killer in killers {
        tracing::error!(receives = killer.receives, "message never came to an end, put aside");
        if let Err(error) = store.bury(killer.id, "handed out too often without an end").await {
            tracing::error!(%error, "message not put aside");
        }
    }
    let batch = messages
        .iter()
        .map(|it| dispatch::Message { body: it.body.clone(), receives: it.receives })
        .collect();
    let handled = AssertUnwindSafe(dispatcher.dispatch(batch)).catch_unwind().await;
    let ended = match handled {
        Ok(handled) => end(store, &messages, handled).await,
        // A defect of ours. The messages are not lost, and must not be worked on in a tight loop.
        Err(_) => release_all(store, &messages).await,
    };
    if let Err(error) = ended {
        tracing::error!(%error, "messages not ended, they stay queued until the next start");
    }
}

async fn end(store: &Store, messages: &[Message], handled: Vec<Handled>) -> PortResult<()> {
    let mut done = Vec::with_capacity(messages.len());
    for (message, handled) in messages.iter().zip(handled) {
        match handled {
            Handled::Done => done.push(message.id),
            Handled::Again(error) => {
                tracing::warn!(%error, receives = message.receives, "message not seen through");
                store.release(message.id, pause(message)).await?;
            }
            Handled::Poison(error) => {
                tracing::error!(%error, "message is poison, put aside");
                store.bury(message.id, &error.to_string()).await?;
            }
        }
    }
    store.acknowledge(&done).await
}

async fn release_all(store: &Store, messages: &[Message]) -> PortResult<()> {
    for message in messages {
        store.release(message.id, pause(message)).await?;
    }
    Ok(())
}

fn pause(message: &Message) -> Duration {
    PAUSE * message.receives.min(LONGEST_PAUSE)
}
