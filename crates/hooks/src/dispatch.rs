//! Takes messages from the queues and sees them through: match, claim, gate, attempt, record.
//!
//! Everything may happen twice: a crash at any point hands the message over again, and what is
//! done by then is found in the ledger. A message is given back when the store or the queue is out
//! of reach, or others keep writing its gate; a receiver's failure never gives one back.

mod gating;
mod leftover;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, stream};
use lru::LruCache;

use self::leftover::Leftover;
use crate::{
    closing::Closing,
    deliver::{Deliverer, Logging, Seen},
    delivery::{Delivery, Record, State, Step},
    event::Event,
    gate::{GateKey, Memory},
    hook::EventHook,
    id::DeliveryId,
    in_force::InForce,
    name::EventName,
    ports::{
        CatalogStore, Claim, Clock, Handlers, HookStore, Ledger, Outgoing, PortError, PortResult,
        TaskQueue,
    },
    replay::Replays,
    slots::Slots,
    task::{Owed, Queue, Recover, Retry, Task, TaskError},
    vitals::Vitals,
};

/// A message as a queue hands it over.
#[derive(Debug, Clone)]
pub struct Message {
    /// The text of its task.
    pub body: String,
    /// How often it was handed over, this time included.
    pub receives: u32,
}

/// What is to become of a message.
#[derive(Debug)]
pub enum Handled {
    /// It is done with: delete it.
    Done,
    /// It is not: hand it over again.
    Again(Arc<PortError>),
    /// It never will be: put it where somebody finds it.
    Poison(TaskError),
}

/// What the dispatcher works with.
pub struct Ports {
    /// Hooks, by what they listen to.
    pub hooks: Arc<dyn HookStore>,
    /// What is published, for the fields that gates go by.
    pub catalog: Arc<dyn CatalogStore>,
    /// What happened so far.
    pub ledger: Arc<dyn Ledger>,
    /// Where retries and continuations go.
    pub queue: Arc<dyn TaskQueue>,
    /// What hooks do.
    pub handlers: Arc<dyn Handlers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Sees messages through.
pub struct Dispatcher {
    in_force: InForce,
    catalog: Arc<dyn CatalogStore>,
    deliverer: Deliverer,
    replays: Replays,
    snoozed: Mutex<LruCache<(GateKey, u64), Memory>>,
}

/// An event of a message that nothing is decided about.
struct Fresh {
    message: usize,
    redelivered: bool,
    event: Arc<Event>,
}

/// One event that a hook has matched, and the name that it sees.
struct Match {
    message: usize,
    redelivered: bool,
    event: Arc<Event>,
    hook: Arc<EventHook>,
    name: EventName,
}

impl Match {
    fn delivery_id(&self) -> DeliveryId {
        DeliveryId::of(self.event.id, self.hook.id, self.hook.generation)
    }

    fn delivery(&self) -> Delivery {
        Delivery::first(&self.hook, self.event.seen_as(&self.hook.draft.source, &self.name))
    }
}

/// A message that was begun: everything about it is decided, and nothing of it was attempted.
pub struct Begun(Result<Vec<Work>, Handled>);

impl Begun {
    /// How much is to be done for it, in deliveries or what is as much work as one.
    pub fn weight(&self) -> usize {
        self.0.as_ref().map_or(1, |work| work.len().max(1))
    }
}

/// Something to be done for a message, beside everything else.
enum Work {
    Send(Vec<Outgoing>),
    Record(Box<Record>),
    First(Match),
    Park(Match),
    Continue(Box<Delivery>),
    Retry(Box<Retry>),
    Recover(Box<Recover>),
}

impl Dispatcher {
    /// How many deliveries of one message are made at once with it; the rest is sent on.
    pub const MOST_OF_A_MESSAGE: usize = 200;
    /// How many attempts are in flight, of all hooks together.
    pub const MOST_IN_FLIGHT: usize = Slots::MOST;
    /// How many of them are one hook's.
    pub const MOST_IN_FLIGHT_OF_A_HOOK: usize = Slots::MOST_OF_A_HOOK;
    const MOST_SNOOZED: std::num::NonZeroUsize =
        std::num::NonZeroUsize::new(10_000).expect("not zero");
    const MOST_TRIES_AT_A_GATE: usize = 10;

    /// A dispatcher over these ports.
    pub fn new(ports: Ports, logging: Logging) -> Self {
        let replays = Replays::new(
            Arc::clone(&ports.hooks),
            Arc::clone(&ports.ledger),
            Arc::clone(&ports.queue),
            Arc::clone(&ports.clock),
            logging.retention,
        );
        Self {
            replays,
            in_force: InForce::new(Arc::clone(&ports.hooks)),
            catalog: ports.catalog,
            deliverer: Deliverer {
                hooks: ports.hooks,
                vitals: Vitals::new(Arc::clone(&ports.ledger)),
                ledger: ports.ledger,
                queue: ports.queue,
                handlers: ports.handlers,
                clock: ports.clock,
                logging,
                slots: Slots::new(),
            },
            snoozed: Mutex::new(LruCache::new(Self::MOST_SNOOZED)),
        }
    }

    /// Sees a batch of messages through, and answers what is to become of each, in their order.
    /// What is not begun when it is time to close is sent on.
    pub async fn dispatch(&self, messages: Vec<Message>, closing: &Closing) -> Vec<Handled> {
        let begun = self.begin(messages).await;
        join_all(begun.into_iter().map(|it| self.finish(it, closing))).await
    }

    /// Decides what is to be done for each message of a batch, in their order: match, claim, gate.
    /// Batches of fresh events that are begun one after the other are decided in that order; what
    /// is begun side by side may find itself to be late.
    pub async fn begin(&self, messages: Vec<Message>) -> Vec<Begun> {
        let mut begun = Vec::with_capacity(messages.len());
        let mut fresh = Vec::new();
        for (message, Message { body, receives }) in messages.into_iter().enumerate() {
            begun.push(match Task::decode(&body) {
                Ok(task) => Ok(sort(task, message, receives > 1, &mut fresh)),
                Err(error) => Err(Handled::Poison(error)),
            });
        }
        let dispatched: Vec<_> = fresh.iter().map(|it| it.message).collect();
        match self.owed(fresh).await {
            Ok(owed) => {
                for (message, it) in owed {
                    begun[message].as_mut().expect("it was decoded").push(it);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for message in dispatched {
                    begun[message] = Err(Handled::Again(Arc::clone(&error)));
                }
            }
        }
        begun.into_iter().map(Begun).collect()
    }

    /// Does what was decided for a message, as far as it is begun before it is time to close. What
    /// is left then is sent on in tasks of its own: giving the message back would count against it.
    pub async fn finish(&self, begun: Begun, closing: &Closing) -> Handled {
        let work = match begun.0 {
            Ok(work) => work,
            Err(handled) => return handled,
        };
        // What is sent on must not wait for a receiver.
        let (sent, others): (Vec<_>, Vec<_>) =
            work.into_iter().partition(|it| matches!(it, Work::Send(_)));
        let mut left = Leftover::default();
        for group in [sent, others] {
            let mut done = stream::iter(group)
                .map(|work| self.perform(work, closing))
                .buffer_unordered(Self::MOST_IN_FLIGHT);
            let mut failed = None;
            while let Some(result) = done.next().await {
                match result {
                    Ok(Seen::Through) => {}
                    Ok(Seen::Owed(it)) => left.add(it),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            if let Some(error) = failed {
                return Handled::Again(Arc::new(error));
            }
        }
        if left.is_empty() {
            return Handled::Done;
        }
        tracing::info!(deliveries = left.len(), "no time left, sent on");
        match self.deliverer.queue.send(left.into_tasks()).await {
            Ok(()) => Handled::Done,
            Err(error) => Handled::Again(Arc::new(error)),
        }
    }

    /// Puts off what waits in vain for receivers that have begun to take long. To be called now and
    /// then by who has no places left: those who wait so take up places that others could have.
    pub fn relieve(&self) {
        self.deliverer.slots.relieve(self.deliverer.clock.now());
    }

    async fn perform(&self, work: Work, closing: &Closing) -> PortResult<Seen> {
        let deliverer = &self.deliverer;
        match work {
            Work::Send(tasks) => deliverer.queue.send(tasks).await?,
            Work::Record(record) => deliverer.write(&record).await?,
            Work::First(it) => return deliverer.first(&it.hook, it.delivery(), closing).await,
            Work::Park(it) => {
                let step = Step { run: 0, attempt: 1 };
                return deliverer.end(&it.delivery(), step, State::Parked).await;
            }
            Work::Continue(delivery) => return deliverer.resume(*delivery, closing).await,
            Work::Retry(retry) => return deliverer.retry(*retry, closing).await,
            Work::Recover(recover) => self.replays.slice(*recover).await?,
        }
        Ok(Seen::Through)
    }

    /// What is owed to hooks for these events, when all is matched, claimed and decided.
    async fn owed(&self, fresh: Vec<Fresh>) -> PortResult<Vec<(usize, Work)>> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let roster = self.in_force.roster(fresh.iter().map(|it| &*it.event)).await?;
        let (mut matches, mut filtered) = (Vec::new(), 0);
        for Fresh { message, redelivered, event } in self.claimed(fresh).await? {
            for (hook, name) in roster.listening(&event) {
                if hook.wants(&event, &name) {
                    let event = Arc::clone(&event);
                    matches.push(Match { message, redelivered, event, hook, name });
                } else {
                    filtered += 1;
                }
            }
        }
        metrics::counter!("event_hooks_filtered_total").increment(filtered);
        metrics::counter!("event_hooks_matched_total").increment(matches.len() as u64 + filtered);

        let (enabled, disabled): (Vec<_>, Vec<_>) =
            matches.into_iter().partition(|it| it.hook.is_enabled());
        let passed = self.passed(enabled).await?;
        metrics::counter!("event_hooks_fired_total").increment(passed.len() as u64);
        let mut work = limited(self.undone(passed).await?);
        work.extend(disabled.into_iter().map(|it| (it.message, Work::Park(it))));
        Ok(work)
    }

    /// The events that are not repetitions: of those with a key of their own, the first to claim it.
    async fn claimed(&self, fresh: Vec<Fresh>) -> PortResult<Vec<Fresh>> {
        const HOLDS: Duration = Duration::from_hours(24);

        let claim = |event: &Event| {
            Some(Claim {
                workspace: event.workspace.clone(),
                source: event.source.clone(),
                key: event.key.clone()?,
                owner: event.id,
                at: event.order.accepted,
                until: event.order.accepted + HOLDS,
            })
        };
        let claims: Vec<_> = fresh.iter().filter_map(|it| claim(&it.event)).collect();
        if claims.is_empty() {
            return Ok(fresh);
        }
        let mut ours = self.deliverer.ledger.claim(&claims).await?.into_iter();
        let all = fresh.len();
        let kept: Vec<_> = fresh
            .into_iter()
            .filter(|it| it.event.key.is_none() || ours.next() == Some(true))
            .collect();
        metrics::counter!("event_hooks_repeated_total").increment((all - kept.len()) as u64);
        Ok(kept)
    }

    /// What a message that was handed over before still owes.
    async fn undone(&self, passed: Vec<Match>) -> PortResult<Vec<Match>> {
        let again: Vec<_> =
            passed.iter().filter(|it| it.redelivered).map(Match::delivery_id).collect();
        if again.is_empty() {
            return Ok(passed);
        }
        let now = self.deliverer.clock.now();
        let mut progress = self.deliverer.ledger.progress(&again, now).await?.into_iter();
        // What is in the ledger has ended, or a task was sent for it before that was written.
        let undone = |it: &Match| !it.redelivered || progress.next().flatten().is_none();
        Ok(passed.into_iter().filter(undone).collect())
    }
}

/// Sorts a task into events that nothing is decided about and things to do at once. A message of
/// several events that comes again is split before anything runs: one event that kills the process
/// must not take the others with it.
fn sort(task: Task, message: usize, redelivered: bool, fresh: &mut Vec<Fresh>) -> Vec<Work> {
    match task {
        Task::Dispatch { events, .. } if redelivered && events.len() > 1 => {
            let alone = |event: Event| Outgoing {
                queue: Queue::Events,
                group: event.workspace.as_str().to_owned(),
                task: Task::Dispatch { events: vec![event], again: true },
                delay: Duration::ZERO,
            };
            vec![Work::Send(events.into_iter().map(alone).collect())]
        }
        Task::Dispatch { events, again } => {
            let redelivered = redelivered || again;
            let events = events.into_iter().map(Arc::new);
            fresh.extend(events.map(|event| Fresh { message, redelivered, event }));
            Vec::new()
        }
        Task::Deliver { event, owed } => {
            owed.iter().map(|it| Work::Continue(Box::new(it.delivery(&event)))).collect()
        }
        Task::Retry(retry) => vec![Work::Retry(retry)],
        Task::Record(record) => vec![Work::Record(record)],
        Task::Recover(recover) => vec![Work::Recover(recover)],
    }
}

/// The first deliveries of each message are made now; the rest is sent on, so that no message
/// takes longer than its queue allows.
fn limited(matches: Vec<Match>) -> Vec<(usize, Work)> {
    let mut of_message: HashMap<usize, usize> = HashMap::new();
    let mut later: Vec<(usize, Arc<Event>, Vec<Owed>)> = Vec::new();
    let mut work = Vec::with_capacity(matches.len());
    for it in matches {
        let count = of_message.entry(it.message).or_default();
        *count += 1;
        if *count <= Dispatcher::MOST_OF_A_MESSAGE {
            work.push((it.message, Work::First(it)));
            continue;
        }
        let owed = Owed {
            hook: it.hook.id,
            generation: it.hook.generation,
            source: it.hook.draft.source.clone(),
            event: it.name,
        };
        match later.last_mut() {
            Some((message, event, rest))
                if *message == it.message
                    && event.id == it.event.id
                    && rest.len() < Dispatcher::MOST_OF_A_MESSAGE =>
            {
                rest.push(owed);
            }
            _ => later.push((it.message, it.event, vec![owed])),
        }
    }
    work.extend(later.into_iter().map(|(message, event, owed)| {
        (message, Work::Send(vec![leftover::continuation(&event, owed)]))
    }));
    work
}
