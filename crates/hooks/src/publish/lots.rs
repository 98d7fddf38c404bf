//! What goes to the queue together? All that was accepted while the lot before was on its way.
//!
//! One lot is on its way at a time, so that what was accepted earlier is on the queue earlier. A
//! gateway that posts events one by one from many connections fills few messages, where each event
//! would be a message of its own; who posts alone waits for nobody. A function of AWS Lambda has
//! one request at a time, and each is a lot.

use std::{
    io, mem,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};

use crate::{
    event::Event,
    ports::{Outgoing, PortError, PortResult, TaskQueue},
    publish::Publisher,
    task::{Queue, Task},
    time::Timestamp,
};

/// The lots of a process, in order.
pub(super) struct Lots {
    queue: Arc<dyn TaskQueue>,
    last: Mutex<Last>,
}

/// The lot that was made last.
struct Lot {
    /// Its events, until it is on its way.
    events: Arc<Mutex<Option<Vec<Event>>>>,
    /// When it is on the queue, or why it is not. It moves on for as long as anybody waits for it
    /// or for a later one.
    sent: Sent,
}

type Sent = Shared<BoxFuture<'static, Result<(), Arc<PortError>>>>;

struct Last {
    /// When an event was accepted last.
    accepted: Timestamp,
    lot: Option<Lot>,
}

impl Lots {
    pub(super) fn new(queue: Arc<dyn TaskQueue>) -> Self {
        let last = Last { accepted: Timestamp::from_millis(0), lot: None };
        Self { queue, last: Mutex::new(last) }
    }

    /// Sends the events that are accepted at this time, or as late as those before them. Answers
    /// when they are on the queue. A caller that stops waiting may find them there all the same.
    pub(super) async fn send(
        &self,
        now: Timestamp,
        accept: impl FnOnce(Timestamp) -> Vec<Event>,
    ) -> PortResult<()> {
        self.join(now, accept).await.map_err(|error| error.again())
    }

    /// Puts events into the lot that waits, or into a new one behind the one that is on its way. Both
    /// are one step, from the moment that gives events their order: requests that come at once are
    /// sent as they were accepted.
    fn join(&self, now: Timestamp, accept: impl FnOnce(Timestamp) -> Vec<Event>) -> Sent {
        let mut last = locked(&self.last);
        last.accepted = now.max(last.accepted);
        let events = accept(last.accepted);
        if let Some(lot) = &last.lot
            && let Some(waiting) = &mut *locked(&lot.events)
        {
            waiting.extend(events);
            return lot.sent.clone();
        }
        let before = last.lot.take().map(|it| it.sent);
        let events = Arc::new(Mutex::new(Some(events)));
        let (queue, waiting) = (Arc::clone(&self.queue), Arc::clone(&events));
        let sent = async move {
            if let Some(before) = before {
                // Who waits for it is told; this one is tried whatever became of it, a panic too.
                let _ = AssertUnwindSafe(before).catch_unwind().await;
            }
            let events = mem::take(&mut *locked(&waiting)).unwrap_or_default();
            queue.send(tasks(events)).await.map_err(Arc::new)
        };
        let sent = sent.boxed().shared();
        last.lot = Some(Lot { events, sent: sent.clone() });
        sent
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tasks(events: Vec<Event>) -> Vec<Outgoing> {
    let task = |events: Vec<Event>| Outgoing {
        queue: Queue::Events,
        group: events[0].workspace.as_str().to_owned(),
        task: Task::Dispatch { events, again: false },
        delay: Duration::ZERO,
    };
    pack(events, Publisher::PACK_BYTES).into_iter().map(task).collect()
}

/// Packs events, in order, into as few messages as fit, of one workspace each; an event larger than
/// that travels alone.
fn pack(events: Vec<Event>, most_bytes: usize) -> Vec<Vec<Event>> {
    /// What the message adds around its events.
    const ENVELOPE: usize = 64;

    let mut packs: Vec<Vec<Event>> = Vec::new();
    let mut bytes = 0;
    for event in events {
        let size = encoded_len(&event) + 1;
        match packs.last_mut() {
            Some(pack) if bytes + size <= most_bytes && pack[0].workspace == event.workspace => {
                bytes += size;
                pack.push(event);
            }
            _ => {
                bytes = ENVELOPE + size;
                packs.push(vec![event]);
            }
        }
    }
    packs
}

fn encoded_len(event: &Event) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, event).expect("events have only string keys");
    count.0
}

#[cfg(test)]
mod tests;
