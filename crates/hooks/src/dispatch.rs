//! Takes messages from the queues and sees them through: match, claim, gate, attempt, record.
//!
//! Everything may happen twice: a crash at any point hands the message over again, and what is
//! done by then is found in the ledger. Only the store or the queue being out of reach gives a
//! message back; a receiver's failure never does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{StreamExt as _, stream};
use lru::LruCache;

use crate::{
    catalog::Catalog,
    deliver::{Deliverer, Logging},
    delivery::{Delivery, Record, State, Step},
    event::Event,
    gate::{self, Candidate, GateKey, HoldReason, Memory, Rules, Verdict},
    hook::EventHook,
    in_force::InForce,
    ports::{
        CatalogStore, Claim, Clock, Handlers, HookStore, Ledger, Outgoing, PortError, PortResult,
        Remembered, TaskQueue,
    },
    task::{Owed, Queue, Retry, Task, TaskError},
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
    snoozed: Mutex<LruCache<(GateKey, u64), Memory>>,
}

/// One event that a hook has matched.
struct Match {
    message: usize,
    redelivered: bool,
    hook: Arc<EventHook>,
    delivery: Delivery,
}

/// Something to be done for a message, beside everything else.
enum Work {
    First(Arc<EventHook>, Delivery),
    Park(Delivery),
    Continue(Delivery),
    Retry(Box<Retry>),
    Record(Box<Record>),
    Send(Vec<Outgoing>),
}

impl Dispatcher {
    /// How many deliveries of one message are made at once with it; the rest is sent on.
    pub const MOST_OF_A_MESSAGE: usize = 200;
    /// How many attempts of one batch are in flight.
    pub const MOST_IN_FLIGHT: usize = 500;
    const MOST_SNOOZED: std::num::NonZeroUsize =
        std::num::NonZeroUsize::new(10_000).expect("not zero");
    const MOST_TRIES_AT_A_GATE: usize = 10;

    /// A dispatcher over these ports.
    pub fn new(ports: Ports, logging: Logging) -> Self {
        Self {
            in_force: InForce::new(Arc::clone(&ports.hooks)),
            catalog: ports.catalog,
            deliverer: Deliverer {
                hooks: ports.hooks,
                ledger: ports.ledger,
                queue: ports.queue,
                handlers: ports.handlers,
                clock: ports.clock,
                logging,
            },
            snoozed: Mutex::new(LruCache::new(Self::MOST_SNOOZED)),
        }
    }

    /// Sees a batch of messages through, and answers what is to become of each, in their order.
    pub async fn dispatch(&self, messages: Vec<Message>) -> Vec<Handled> {
        let mut handled: Vec<_> = messages.iter().map(|_| Handled::Done).collect();
        let mut work = Vec::new();
        let mut fresh = Vec::new();
        for (index, message) in messages.into_iter().enumerate() {
            match Task::decode(&message.body) {
                Ok(task) => sort(task, index, message.receives > 1, &mut work, &mut fresh),
                Err(error) => handled[index] = Handled::Poison(error),
            }
        }
        let dispatched: Vec<_> = fresh.iter().map(|(message, _, _)| *message).collect();
        match self.owed(fresh).await {
            Ok(owed) => work.extend(owed),
            Err(error) => {
                let error = Arc::new(error);
                dispatched
                    .into_iter()
                    .for_each(|it| handled[it] = Handled::Again(Arc::clone(&error)));
            }
        }
        let mut done = stream::iter(work)
            .map(|(message, work)| async move { (message, self.perform(work).await) })
            .buffer_unordered(Self::MOST_IN_FLIGHT);
        while let Some((message, result)) = done.next().await {
            if let Err(error) = result {
                handled[message] = Handled::Again(Arc::new(error));
            }
        }
        handled
    }

    async fn perform(&self, work: Work) -> PortResult<()> {
        let deliverer = &self.deliverer;
        match work {
            Work::First(hook, delivery) => deliverer.attempt(&hook, &delivery, 1).await,
            Work::Park(delivery) => {
                deliverer.end(&delivery, Step { run: 0, attempt: 1 }, State::Parked).await
            }
            Work::Continue(delivery) => deliverer.first(delivery).await,
            Work::Retry(retry) => deliverer.retry(*retry).await,
            Work::Record(record) => deliverer.write(&record).await,
            Work::Send(tasks) => deliverer.queue.send(tasks).await,
        }
    }

    /// What is owed to hooks for these events, when all is matched, claimed and decided.
    async fn owed(&self, fresh: Vec<(usize, bool, Event)>) -> PortResult<Vec<(usize, Work)>> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let roster = self.in_force.roster(fresh.iter().map(|(_, _, event)| event)).await?;
        let mut matches = Vec::new();
        for (message, redelivered, event) in self.claimed(fresh).await? {
            for (hook, name) in roster.listening(&event) {
                let event = event.seen_as(&hook.draft.source, &name);
                let delivery = Delivery::first(&hook, event);
                matches.push(Match { message, redelivered, hook, delivery });
            }
        }
        metrics::counter!("event_hooks_matched_total").increment(matches.len() as u64);

        let (enabled, disabled): (Vec<_>, Vec<_>) =
            matches.into_iter().partition(|it| it.hook.is_enabled());
        let mut work: Vec<_> =
            disabled.into_iter().map(|it| (it.message, Work::Park(it.delivery))).collect();
        let passed = self.passed(enabled).await?;
        metrics::counter!("event_hooks_fired_total").increment(passed.len() as u64);
        work.extend(limited(self.undone(passed).await?));
        Ok(work)
    }

    /// The events that are not repetitions: of those with a key of their own, the first to claim it.
    async fn claimed(
        &self,
        fresh: Vec<(usize, bool, Event)>,
    ) -> PortResult<Vec<(usize, bool, Event)>> {
        const HOLDS: std::time::Duration = std::time::Duration::from_hours(24);

        let claim = |event: &Event| {
            Some(Claim {
                workspace: event.workspace.clone(),
                source: event.source.clone(),
                key: event.key.clone()?,
                owner: event.id,
                until: event.order.accepted + HOLDS,
            })
        };
        let claims: Vec<_> = fresh.iter().filter_map(|(_, _, event)| claim(event)).collect();
        if claims.is_empty() {
            return Ok(fresh);
        }
        let now = self.deliverer.clock.now();
        let mut ours = self.deliverer.ledger.claim(&claims, now).await?.into_iter();
        let all = fresh.len();
        let kept: Vec<_> = fresh
            .into_iter()
            .filter(|(_, _, event)| event.key.is_none() || ours.next() == Some(true))
            .collect();
        metrics::counter!("event_hooks_repeated_total").increment((all - kept.len()) as u64);
        Ok(kept)
    }

    /// The matches that their hooks' gates let pass.
    async fn passed(&self, matches: Vec<Match>) -> PortResult<Vec<Match>> {
        let (gated, mut passed): (Vec<_>, Vec<_>) =
            matches.into_iter().partition(|it| it.hook.rules().is_gated());
        if gated.is_empty() {
            return Ok(passed);
        }
        let catalog = Catalog::with(self.catalog.published().await?);
        let mut groups: HashMap<GateKey, Group> = HashMap::new();
        for it in gated {
            let event = &it.delivery.event;
            let fields = catalog.gate_fields(event, &event.source, &event.event);
            let (key, candidate) = gate::before(&it.hook, &event.event, event, fields);
            let group = groups.entry(key).or_insert_with(|| Group::of(key, &it.hook));
            group.candidates.push(candidate);
            group.matches.push(it);
        }
        for group in groups.values_mut() {
            self.hold_what_is_known_to_be_snoozed(group);
        }
        groups.retain(|_, group| !group.matches.is_empty());
        if groups.is_empty() {
            return Ok(passed);
        }

        let keys: Vec<_> = groups.keys().copied().collect();
        let recalled = self.deliverer.ledger.recall(&keys).await?;
        let mut decided = stream::iter(groups.into_values().zip(recalled))
            .map(|(group, remembered)| self.decided(group, remembered))
            .buffer_unordered(Self::MOST_IN_FLIGHT);
        while let Some(group) = decided.next().await {
            passed.extend(group?);
        }
        Ok(passed)
    }

    /// Decides a group and writes its memory, against whoever does so at the same time.
    async fn decided(
        &self,
        group: Group,
        mut remembered: Option<Remembered>,
    ) -> PortResult<Vec<Match>> {
        let Group { key, rules, version, candidates, matches } = group;
        let ledger = &self.deliverer.ledger;
        for _ in 0..Self::MOST_TRIES_AT_A_GATE {
            let Remembered { memory, version: seen } =
                remembered.unwrap_or(Remembered { memory: Memory::default(), version: 0 });
            let (verdicts, after) = gate::decide_all(rules, &memory, &candidates);
            let written = match &after {
                None => Ok(()),
                Some(after) => ledger.remember(&key, after, seen, after.expires(rules)).await,
            };
            match written {
                Err(PortError::Conflict) => {
                    remembered = ledger.recall(&[key]).await?.pop().flatten();
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    self.know(key, version, rules, after.unwrap_or(memory));
                    return Ok(fired(matches, &verdicts));
                }
            }
        }
        Err(PortError::Conflict)
    }

    /// While this instance knows that a group is snoozed, it asks nobody. Not on a redelivery: the
    /// event may be one that passed before.
    fn hold_what_is_known_to_be_snoozed(&self, group: &mut Group) {
        let mut snoozed = self.snoozed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(memory) = snoozed.get(&(group.key, group.version)) else { return };
        let held = |candidate: &Candidate, it: &Match| {
            let verdict = gate::decide(group.rules, memory, candidate);
            let held = matches!(verdict, Verdict::Hold(HoldReason::Snoozed { .. }));
            if held && !it.redelivered { Some(verdict) } else { None }
        };
        let (candidates, matches) = (&mut group.candidates, &mut group.matches);
        for index in (0..matches.len()).rev() {
            if let Some(verdict) = held(&candidates[index], &matches[index]) {
                candidates.remove(index);
                fired(vec![matches.remove(index)], &[verdict]);
            }
        }
    }

    fn know(&self, key: GateKey, version: u64, rules: Rules, memory: Memory) {
        if rules.snooze.is_some() {
            let mut snoozed = self.snoozed.lock().unwrap_or_else(PoisonError::into_inner);
            snoozed.put((key, version), memory);
        }
    }

    /// What a message that was handed over before still owes.
    async fn undone(&self, passed: Vec<Match>) -> PortResult<Vec<Match>> {
        let again: Vec<_> =
            passed.iter().filter(|it| it.redelivered).map(|it| it.delivery.id()).collect();
        if again.is_empty() {
            return Ok(passed);
        }
        let now = self.deliverer.clock.now();
        let mut progress = self.deliverer.ledger.progress(&again, now).await?.into_iter();
        let undone = |it: &Match| !it.redelivered || progress.next().flatten().is_none();
        Ok(passed.into_iter().filter(undone).collect())
    }
}

/// The matches of one batch that one gate memory decides.
struct Group {
    key: GateKey,
    rules: Rules,
    version: u64,
    candidates: Vec<Candidate>,
    matches: Vec<Match>,
}

impl Group {
    fn of(key: GateKey, hook: &EventHook) -> Self {
        let (candidates, matches) = (Vec::new(), Vec::new());
        Self { key, rules: hook.rules(), version: hook.version, candidates, matches }
    }
}

/// Sorts a task into events that nothing is decided about and things to do at once. A message of
/// several events that comes again is split before anything runs: one event that kills the process
/// must not take the others with it.
fn sort(
    task: Task,
    message: usize,
    redelivered: bool,
    work: &mut Vec<(usize, Work)>,
    fresh: &mut Vec<(usize, bool, Event)>,
) {
    match task {
        Task::Dispatch { events } if redelivered && events.len() > 1 => {
            let alone = |event: Event| Outgoing {
                queue: Queue::Events,
                group: event.workspace.as_str().to_owned(),
                task: Task::Dispatch { events: vec![event] },
                delay: std::time::Duration::ZERO,
            };
            work.push((message, Work::Send(events.into_iter().map(alone).collect())));
        }
        Task::Dispatch { events } => {
            fresh.extend(events.into_iter().map(|event| (message, redelivered, event)));
        }
        Task::Deliver { event, owed } => {
            let deliveries = owed.iter().map(|it| it.delivery(&event));
            work.extend(deliveries.map(|it| (message, Work::Continue(it))));
        }
        Task::Retry(retry) => work.push((message, Work::Retry(retry))),
        Task::Record(record) => work.push((message, Work::Record(record))),
    }
}

fn fired(matches: Vec<Match>, verdicts: &[Verdict]) -> Vec<Match> {
    let fires = |(it, verdict): (Match, &Verdict)| match verdict {
        Verdict::Fire(_) => Some(it),
        Verdict::Hold(reason) => {
            metrics::counter!("event_hooks_held_total", "reason" => reason.as_str()).increment(1);
            tracing::debug!(hook.id = %it.hook.id, event.id = %it.delivery.event.id, ?reason, "held");
            None
        }
    };
    matches.into_iter().zip(verdicts).filter_map(fires).collect()
}

/// The first deliveries of each message are made now; the rest is sent on, so that no message
/// takes longer than its queue allows.
fn limited(matches: Vec<Match>) -> Vec<(usize, Work)> {
    let mut of_message: HashMap<usize, usize> = HashMap::new();
    let mut later: Vec<(usize, Event, Vec<Owed>)> = Vec::new();
    let mut work = Vec::with_capacity(matches.len());
    for it in matches {
        let count = of_message.entry(it.message).or_default();
        *count += 1;
        if *count <= Dispatcher::MOST_OF_A_MESSAGE {
            work.push((it.message, Work::First(it.hook, it.delivery)));
            continue;
        }
        let owed = Owed::from(&it.delivery);
        match later.last_mut() {
            Some((message, event, rest))
                if *message == it.message
                    && event.id == it.delivery.event.id
                    && rest.len() < Dispatcher::MOST_OF_A_MESSAGE =>
            {
                rest.push(owed);
            }
            _ => later.push((it.message, it.delivery.event, vec![owed])),
        }
    }
    work.extend(later.into_iter().map(|(message, event, owed)| {
        let group = event.workspace.as_str().to_owned();
        let task = Task::Deliver { event: Box::new(event), owed };
        let delay = std::time::Duration::ZERO;
        (message, Work::Send(vec![Outgoing { queue: Queue::Events, task, delay, group }]))
    }));
    work
}
