//! Everything that a use case needs, in memory, with time moved by hand.

use std::{pin::pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use hooks::{
    access::By,
    closing::Closing,
    deliver::{DeliveryLog, Logging},
    delivery::{Report, State, Step},
    dispatch::{Dispatcher, Handled, Message, Ports},
    event::Event,
    explain::{Explained, Explainer},
    handler::Handler,
    health::Health,
    hook::{Draft, EventHook},
    id::{DeliveryId, HookId, OccurrenceId},
    manage::Hooks,
    name::Workspace,
    ports::{
        CheckError, Clock as _, Handlers, HookStore as _, Ledger as _, Outgoing, PortResult, Run,
        TaskQueue,
    },
    publish::{NewEvent, Posting, PublishError, Publisher},
    replay::Replays,
    task::{Queue, Retry, Task},
    time::Timestamp,
};
use testkit::{
    builders,
    fakes::{HandClock, MemoryLedger, MemoryQueue, MemoryStore, ScriptedHandlers},
    suites::task_queue::{Received, Receiving as _},
};

/// One world. What runs in it runs to its end before a method answers.
pub(crate) struct World {
    pub(crate) clock: HandClock,
    pub(crate) store: MemoryStore,
    pub(crate) ledger: MemoryLedger,
    pub(crate) queue: MemoryQueue,
    pub(crate) handlers: ScriptedHandlers,
    pub(crate) hooks: Hooks,
    pub(crate) replays: Replays,
    logging: Logging,
    publisher: Arc<Publisher>,
    dispatcher: Dispatcher,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::keeping(DeliveryLog::All)
    }

    /// A world in which changes of hooks are events; in others nobody hears of them.
    pub(crate) fn telling() -> Self {
        let mut world = Self::new();
        world.hooks = world.administrator(Arc::new(world.queue.clone()));
        world
    }

    pub(crate) fn keeping(log: DeliveryLog) -> Self {
        let clock = HandClock::default();
        clock.set(builders::START);
        let ledger = MemoryLedger::new(&clock);
        let store = MemoryStore::beside(&ledger);
        let (queue, handlers) = (MemoryQueue::new(&clock), ScriptedHandlers::default());
        let (store_port, queue_port) = (Arc::new(store.clone()), Arc::new(queue.clone()));
        let (ledger_port, clock_port) = (Arc::new(ledger.clone()), Arc::new(clock.clone()));
        let handlers_port = Arc::new(handlers.clone());
        let ports = Ports {
            hooks: store_port.clone(),
            catalog: store_port.clone(),
            ledger: ledger_port.clone(),
            queue: queue_port.clone(),
            handlers: handlers_port.clone(),
            clock: clock_port.clone(),
        };
        let retention = Duration::from_hours(24 * 30);
        let logging = Logging { log, retention };
        Self {
            hooks: Hooks::new(
                store_port.clone(),
                Arc::new(Discreet(queue.clone())),
                handlers_port,
                clock_port.clone(),
            ),
            replays: Replays::new(
                store_port.clone(),
                ledger_port,
                queue_port.clone(),
                clock_port.clone(),
                retention,
            ),
            publisher: Arc::new(Publisher::new(store_port, queue_port, clock_port)),
            dispatcher: Dispatcher::new(ports, logging),
            logging,
            clock,
            store,
            ledger,
            queue,
            handlers,
        }
    }

    fn administrator(&self, queue: Arc<dyn TaskQueue>) -> Hooks {
        let handlers = Arc::new(self.handlers.clone());
        Hooks::new(Arc::new(self.store.clone()), queue, handlers, Arc::new(self.clock.clone()))
    }

    /// From now on this happens during every attempt, and others get their turn, before the handler
    /// does what it is told.
    pub(crate) fn during_attempts(&mut self, deed: impl Fn(&EventHook) + Send + Sync + 'static) {
        let handlers = Meddled { handlers: self.handlers.clone(), deed: Box::new(deed) };
        let store = Arc::new(self.store.clone());
        let ports = Ports {
            hooks: store.clone(),
            catalog: store,
            ledger: Arc::new(self.ledger.clone()),
            queue: Arc::new(self.queue.clone()),
            handlers: Arc::new(handlers),
            clock: Arc::new(self.clock.clone()),
        };
        self.dispatcher = Dispatcher::new(ports, self.logging);
    }

    pub(crate) async fn hook(&self, draft: Draft) -> HookId {
        self.hook_in(&Workspace::default_workspace(), draft).await
    }

    pub(crate) async fn hook_in(&self, workspace: &Workspace, draft: Draft) -> HookId {
        self.hooks.create(&By::default(), workspace, None, draft, None).await.unwrap().id
    }

    pub(crate) async fn change(&self, id: HookId, change: impl Fn(&mut Draft)) {
        let changed = |hook: &EventHook| {
            let mut draft = hook.draft.clone();
            change(&mut draft);
            Ok(draft)
        };
        self.hooks.patch(&By::default(), &hooks::name::Scope::All, id, changed).await.unwrap();
    }

    /// Accepts an event now, and sees through whatever is due.
    pub(crate) async fn publish(&self, event: NewEvent) -> OccurrenceId {
        let id = self.accept(vec![event]).await[0];
        self.run().await;
        id
    }

    pub(crate) async fn accept(&self, events: Vec<NewEvent>) -> Vec<OccurrenceId> {
        self.try_accept(events, None).await.unwrap()
    }

    pub(crate) async fn try_accept(
        &self,
        events: Vec<NewEvent>,
        request_key: Option<&str>,
    ) -> Result<Vec<OccurrenceId>, PublishError> {
        let posting = Posting { key: request_key, trace: None };
        self.publisher.publish(&Workspace::default_workspace(), events, posting).await
    }

    pub(crate) async fn explain(&self, events: Vec<NewEvent>) -> Vec<Explained> {
        self.explain_in(&Workspace::default_workspace(), false, events).await
    }

    pub(crate) async fn explain_in(
        &self,
        workspace: &Workspace,
        tied: bool,
        events: Vec<NewEvent>,
    ) -> Vec<Explained> {
        let store = Arc::new(self.store.clone());
        let (ledger, clock) = (Arc::new(self.ledger.clone()), Arc::new(self.clock.clone()));
        let explainer =
            Explainer::new(Arc::clone(&self.publisher), store.clone(), store, ledger, clock);
        explainer.explain(workspace, tied, events).await.unwrap()
    }

    /// Puts an event on the queue that was accepted at its own time.
    pub(crate) async fn enqueue(&self, events: Vec<Event>) {
        self.queue
            .send(vec![builders::outgoing(Task::Dispatch { events, again: false })])
            .await
            .unwrap();
    }

    /// Sees through everything that is due, and what becomes due by it.
    pub(crate) async fn run(&self) {
        loop {
            let received = self.queue.receive_all();
            if received.is_empty() {
                return;
            }
            self.dispatch(received).await;
        }
    }

    /// Begins to see through what is due, and dies where a handler hangs.
    pub(crate) async fn run_and_crash(&self) {
        let messages = self.queue.receive_all().iter().map(message).collect();
        let closing = Closing::never();
        let mut run = pin!(self.dispatcher.dispatch(messages, &closing));
        assert!(futures_util::poll!(&mut run).is_pending(), "nothing hangs");
        self.queue.end_leases();
    }

    /// Sees through what is due once; what is to be handed over again is left for the next time.
    pub(crate) async fn run_once(&self) -> Vec<Handled> {
        let received = self.queue.receive_all();
        self.dispatch(received).await
    }

    /// Sees through what is due once, until it is time to close.
    pub(crate) async fn run_until(&self, closing: &Closing) -> Vec<Handled> {
        let received = self.queue.receive_all();
        self.dispatch_until(received, closing).await
    }

    /// Sees each message through that is due, all at once, as so many instances would.
    pub(crate) async fn run_side_by_side(&self) {
        let received = self.queue.receive_all();
        let running = received.into_iter().map(|message| self.dispatch(vec![message]));
        futures_util::future::join_all(running).await;
    }

    async fn dispatch(&self, received: Vec<Received>) -> Vec<Handled> {
        self.dispatch_until(received, &Closing::never()).await
    }

    async fn dispatch_until(&self, received: Vec<Received>, closing: &Closing) -> Vec<Handled> {
        let messages = received.iter().map(message).collect();
        let handled = self.dispatcher.dispatch(messages, closing).await;
        for (received, handled) in received.iter().zip(&handled) {
            match handled {
                Handled::Done => self.queue.acknowledge(received).await.unwrap(),
                Handled::Again(_) | Handled::Poison(_) => {
                    self.queue.release(received, Duration::ZERO).await.unwrap();
                }
            }
        }
        handled
    }

    /// Hands messages over as they are, whatever stands in the queue.
    pub(crate) async fn hand_over(&self, messages: Vec<Message>) -> Vec<Handled> {
        self.dispatcher.dispatch(messages, &Closing::never()).await
    }

    /// Lets time pass, and sees through what falls due.
    pub(crate) async fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.run().await;
    }

    /// Moves to the end of the longest delay in the queue of retries, hop by hop.
    pub(crate) async fn advance_to_next_attempt(&self) {
        let runs = self.handlers.runs().len();
        for _ in 0..200 {
            self.advance(Duration::from_mins(5)).await;
            if self.handlers.runs().len() > runs {
                return;
            }
        }
        panic!("no attempt within 16 hours");
    }

    pub(crate) async fn standing(&self, id: DeliveryId) -> (Step, State) {
        let entry =
            self.ledger.delivery(id, self.clock.now()).await.unwrap().expect("in the ledger");
        (entry.step, entry.state)
    }

    pub(crate) async fn delivery(&self, hook: HookId, event: OccurrenceId) -> DeliveryId {
        let hook = self.store.hook(hook).await.unwrap().expect("the hook");
        DeliveryId::of(event, hook.id, hook.generation)
    }

    /// Writes down how the receiver of a hook is doing, as its attempts would.
    pub(crate) async fn set_health(&self, hook: HookId, health: impl FnOnce(Health) -> Health) {
        let hook = self.store.hook(hook).await.unwrap().expect("the hook");
        let (now, expires) = (self.clock.now(), self.clock.now() + Duration::from_hours(240));
        let seen = self.ledger.health(hook.id, hook.generation, now).await.unwrap();
        let health = health(Health::unknown(hook.version));
        let seen = seen.map_or(0, |it| it.version);
        self.ledger.keep_health(hook.id, hook.generation, &health, seen, expires).await.unwrap();
    }

    pub(crate) async fn health(&self, hook: HookId) -> Option<Health> {
        let hook = self.store.hook(hook).await.unwrap().expect("the hook");
        let kept = self.ledger.health(hook.id, hook.generation, self.clock.now()).await;
        kept.unwrap().map(|it| it.health)
    }

    pub(crate) async fn is_enabled(&self, hook: HookId) -> bool {
        self.store.hook(hook).await.unwrap().expect("the hook").is_enabled()
    }

    /// The events of source `event-hooks` that were queued, by name, with their data.
    pub(crate) fn said(&self) -> Vec<(String, serde_json::Value)> {
        let mut said = Vec::new();
        for sent in self.queue.sent() {
            if let Task::Dispatch { events, .. } = sent.outgoing.task {
                let ours = events.into_iter().filter(|it| it.source.as_str() == "event-hooks");
                said.extend(ours.map(|it| {
                    let data = serde_json::Value::Object(it.data.as_map().clone());
                    (it.event.as_str().to_owned(), data)
                }));
            }
        }
        said
    }

    /// The names of what was [`Self::said`].
    pub(crate) fn names_said(&self) -> Vec<String> {
        self.said().into_iter().map(|(name, _)| name).collect()
    }

    /// Every retry of this delivery that was ever sent, and for when.
    pub(crate) fn retries_of(&self, delivery: DeliveryId) -> Vec<(Retry, Timestamp)> {
        let retry = |sent: testkit::fakes::Sent| match sent.outgoing.task {
            Task::Retry(retry) if retry.delivery.id() == delivery => {
                Some((*retry, sent.at + sent.outgoing.delay))
            }
            _ => None,
        };
        self.queue.sent().into_iter().filter_map(retry).collect()
    }

    pub(crate) fn retries_sent(&self) -> usize {
        let is_retry = |it: &&testkit::fakes::Sent| it.outgoing.queue == Queue::Retries;
        self.queue.sent().iter().filter(is_retry).count()
    }
}

/// A queue that takes no events: what is said of hooks being made is lost.
struct Discreet(MemoryQueue);

#[async_trait]
impl TaskQueue for Discreet {
    async fn send(&self, mut tasks: Vec<Outgoing>) -> PortResult<()> {
        tasks.retain(|it| !matches!(it.task, Task::Dispatch { .. }));
        self.0.send(tasks).await
    }
}

/// Handlers with something else happening while they run.
struct Meddled {
    handlers: ScriptedHandlers,
    deed: Box<dyn Fn(&EventHook) + Send + Sync>,
}

#[async_trait]
impl Handlers for Meddled {
    async fn check(&self, hook: &Draft) -> Result<(), CheckError> {
        self.handlers.check(hook).await
    }

    async fn run(&self, run: Run<'_>) -> Report {
        (self.deed)(run.hook);
        tokio::task::yield_now().await;
        self.handlers.run(run).await
    }
}

fn message(received: &Received) -> Message {
    Message { body: received.task.encode(), receives: received.receives }
}

/// A consumer was created.
pub(crate) fn change() -> NewEvent {
    said("create")
}

/// A consumer was changed in a way that differs for each `what`.
pub(crate) fn said(what: &str) -> NewEvent {
    NewEvent {
        source: builders::source("crud"),
        event: builders::named("consumers"),
        data: builders::data(serde_json::json!({"operation": "create", "entity": what})),
        id: None,
        time: None,
        pid: None,
    }
}

pub(crate) fn a_webhook() -> Draft {
    webhook_to("http://127.0.0.1:9000/")
}

fn webhook_to(url: &str) -> Draft {
    let handler: Handler = builders::webhook(url);
    Draft { handler, ..builders::draft() }
}
