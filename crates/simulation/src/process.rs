//! What runs: gateways' front door, the admin function, dispatchers. Each has caches of its own,
//! which die with it, and ports that it shares with all others.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use hooks::{
    closing::Closing,
    deliver::Logging,
    dispatch::{Dispatcher, Handled, Message, Ports},
    manage::Hooks,
    publish::Publisher,
    replay::Replays,
    task::Queue,
};

use crate::{
    ports::{Handout, Port},
    world::{Process, Role, Spawned, World},
};

/// How long deliveries are kept.
const RETENTION: Duration = Duration::from_hours(30 * 24);

/// How long a message waits that could not be seen through, for each time that it was tried.
const PAUSE: Duration = Duration::from_secs(1);

/// The processes that callers reach.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) ingest: Arc<Publisher>,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) replays: Arc<Replays>,
}

impl Doors {
    pub(crate) fn of(world: &World, process: Process) -> Self {
        let port = Port::new(world, process);
        let (hooks, ledger) = (port.hooks(), port.ledger());
        let replays = Replays::new(hooks, ledger, port.queue(), port.clock(), RETENTION);
        Self {
            ingest: Arc::new(Publisher::new(port.catalog(), port.queue(), port.clock())),
            hooks: Arc::new(Hooks::new(port.hooks(), port.queue(), port.handlers(), port.clock())),
            replays: Arc::new(replays),
        }
    }
}

/// Another process takes the place of one that died: dispatchers after a while, as whatever watches
/// over them notices; the others with the next request.
pub(crate) fn succeed(world: &World, dead: Process) {
    let next = dead.reborn();
    if dead.role != Role::Dispatcher {
        return;
    }
    let pause = Duration::from_millis(world.lock().dice.u64(..8_000));
    let later = world.clone();
    world.spawn(Process::OUTSIDE, async move {
        later.sleep(pause).await;
        start_dispatcher(&later, next);
    });
}

/// Starts a dispatcher: one worker for each queue.
pub(crate) fn start_dispatcher(world: &World, process: Process) {
    world.note(|_| format!("{process} starts"));
    let port = Port::new(world, process);
    let ports = Ports {
        hooks: port.hooks(),
        catalog: port.catalog(),
        ledger: port.ledger(),
        queue: port.queue(),
        handlers: port.handlers(),
        clock: port.clock(),
    };
    let logging = Logging { log: world.profile().log, retention: RETENTION };
    let dispatcher = Arc::new(Dispatcher::new(ports, logging));
    for queue in [Queue::Events, Queue::Retries] {
        let worker = Worker { port: Arc::clone(&port), dispatcher: Arc::clone(&dispatcher) };
        world.spawn(process, worker.work(queue));
    }
}

/// Takes messages from one queue and has them dispatched.
#[derive(Clone)]
struct Worker {
    port: Arc<Port>,
    dispatcher: Arc<Dispatcher>,
}

impl Worker {
    async fn work(self, queue: Queue) {
        loop {
            let received = self.port.receive(queue, 10).await;
            let (in_hand, batch): (Vec<_>, Vec<_>) = received.into_iter().unzip();
            if self.port.world.profile().whole_batches {
                self.beside(in_hand.clone(), self.clone().see_through(in_hand, batch));
                continue;
            }
            let begun = self.dispatcher.begin(batch).await;
            for (handout, begun) in in_hand.into_iter().zip(begun) {
                let worker = self.clone();
                self.beside(vec![handout.clone()], async move {
                    let handled = worker.dispatcher.finish(begun, &Closing::never()).await;
                    worker.end(&handout, handled).await;
                });
            }
        }
    }

    /// As a function does it: all messages of a batch, in the time that it has, and then what
    /// became of them.
    async fn see_through(self, in_hand: Vec<Handout>, batch: Vec<Message>) {
        let world = self.port.world.clone();
        let closing =
            Closing::when(async move { world.sleep(world.profile().time_to_begin).await });
        let handled = self.dispatcher.dispatch(batch, &closing).await;
        for (handout, handled) in in_hand.iter().zip(handled) {
            self.end(handout, handled).await;
        }
    }

    async fn end(&self, handout: &Handout, handled: Handled) {
        match handled {
            Handled::Done => self.port.acknowledge(handout).await,
            Handled::Again(error) => {
                let process = self.port.process;
                self.port.world.note(|state| {
                    let handout = state.facts.names().handout(handout);
                    format!("{process} gives back {handout}: {error}")
                });
                self.port.release(handout, PAUSE * handout.receives.min(30)).await;
            }
            Handled::Poison(error) => {
                let mut state = self.port.world.lock();
                state.accuse(format!("a task is taken for poison: {error}"));
            }
        }
    }

    /// Goes on with these messages in hand, beside everything else.
    fn beside(&self, in_hand: Vec<Handout>, work: impl Future<Output = ()> + Send + 'static) {
        let process = self.port.process;
        let spawned = Spawned { process, in_hand, future: Box::pin(work) };
        self.port.world.lock().spawned.push(spawned);
    }
}

/// A place for an answer; it stays empty when whoever was to give it dies.
struct Slot<T> {
    answer: Option<T>,
    is_abandoned: bool,
    waiting: Option<Waker>,
}

/// The end of a slot that the answer comes from.
struct Sender<T>(Arc<Mutex<Slot<T>>>);

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.is_abandoned = true;
        if let Some(waker) = slot.waiting.take() {
            waker.wake();
        }
    }
}

impl World {
    /// Has a process do something, and waits for its answer; `None` when it dies before that.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        process: Process,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let slot = Slot { answer: None, is_abandoned: false, waiting: None };
        let slot = Arc::new(Mutex::new(slot));
        let sender = Sender(Arc::clone(&slot));
        self.spawn(process, async move {
            let answer = pin!(work).await;
            sender.0.lock().unwrap_or_else(PoisonError::into_inner).answer = Some(answer);
        });
        std::future::poll_fn(|context| {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.answer.is_some() || slot.is_abandoned {
                return Poll::Ready(slot.answer.take());
            }
            slot.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}
