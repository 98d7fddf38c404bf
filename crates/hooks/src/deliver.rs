//! Makes one attempt of one delivery, and sees to what follows from it.
//!
//! After a failed attempt the retry is sent first and the attempt is recorded then: a crash in
//! between repeats an attempt, where the other order would lose the retry. A task whose attempt
//! the ledger holds already, or a later one of that run, is dropped: without that, every crash
//! would double the chain.

mod ailing;
mod following;
mod noting;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tracing::Instrument as _;

use self::{
    following::{follow, hop},
    noting::{note, span},
};
use crate::{
    closing::Closing,
    delivery::{
        Attempt, Delivery, ExhaustedReason, Failure, FailureClass, HandlerResult, Outcome,
        PendingReason, Record, Report, State, Step,
    },
    hook::EventHook,
    operational,
    ports::{Clock, Handlers, HookStore, Ledger, PortResult, Progress, Run, TaskQueue},
    slots::{Slot, Slots},
    task::Retry,
    time::Timestamp,
    vitals::Vitals,
};

/// Which deliveries the ledger keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeliveryLog {
    /// Every one.
    #[default]
    All,
    /// Those whose first attempt did not succeed.
    Failures,
}

/// What a deployment says about its ledger.
#[derive(Debug, Clone, Copy)]
pub struct Logging {
    /// Which deliveries are kept.
    pub log: DeliveryLog,
    /// For how long.
    pub retention: Duration,
}

/// Makes attempts.
pub struct Deliverer {
    pub(crate) hooks: Arc<dyn HookStore>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) queue: Arc<dyn TaskQueue>,
    pub(crate) handlers: Arc<dyn Handlers>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) logging: Logging,
    pub(crate) slots: Slots,
    pub(crate) vitals: Vitals,
}

/// An attempt that is to be made.
#[derive(Clone, Copy)]
struct Try<'a> {
    hook: &'a EventHook,
    delivery: &'a Delivery,
    number: u32,
    /// Is the delivery in the ledger, as one that waited? Then it has to be told how this ends.
    is_recorded: bool,
    /// Since when it was put off, if it was.
    waits_since: Option<Timestamp>,
}

/// What became of an attempt that was owed.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It was made, or what is to become of it instead was written down.
    Through,
    /// There was no time left to begin it: it is still owed, to be sent on by the caller.
    Owed(Left),
}

/// What there was no time for.
#[derive(Debug)]
pub(crate) enum Left {
    /// A first attempt.
    First(Box<Delivery>),
    /// One that waited before.
    Retry(Box<Retry>),
}

/// How long a delivery waits for its receiver beyond its schedule, before it is given up.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

impl Deliverer {
    /// The first attempt of a delivery that has just passed its gate; or, where its receiver is not
    /// doing well, its place among those that wait.
    pub(crate) async fn first(
        &self,
        hook: &EventHook,
        delivery: Delivery,
        closing: &Closing,
    ) -> PortResult<Seen> {
        let now = self.clock.now();
        let retry = |delivery| Retry { delivery, attempt: 1, due: now, waits_since: None };
        if closing.has_come() {
            return Ok(Seen::Owed(Left::First(Box::new(delivery))));
        }
        if !self.vitals.admits_first(hook, now).await {
            return self.defer(retry(delivery), PendingReason::Circuit, now).await;
        }
        let slot = match closing.before(self.slots.for_first(hook.id, &*self.clock)).await {
            None => return Ok(Seen::Owed(Left::First(Box::new(delivery)))),
            Some(None) => return self.defer(retry(delivery), PendingReason::Slow, now).await,
            Some(Some(slot)) => slot,
        };
        let now = self.clock.now();
        // Those before it may have opened the circuit while it waited for room.
        if !self.vitals.admits_first(hook, now).await {
            drop(slot);
            return self.defer(retry(delivery), PendingReason::Circuit, now).await;
        }
        let first =
            Try { hook, delivery: &delivery, number: 1, is_recorded: false, waits_since: None };
        self.attempt(first, slot).await
    }

    /// The first attempt of a delivery that did not come straight from a match: a continuation, a
    /// ping. What is in the ledger has ended, or a task of its own stands for it.
    pub(crate) async fn resume(&self, delivery: Delivery, closing: &Closing) -> PortResult<Seen> {
        let due = self.clock.now();
        if closing.has_come() {
            return Ok(Seen::Owed(Left::First(Box::new(delivery))));
        }
        if self.progress(&delivery, due).await?.is_some() {
            return Ok(Seen::Through);
        }
        self.make(Retry { delivery, attempt: 1, due, waits_since: None }, false, closing).await
    }

    /// The attempt that a task asks for, if it is still owed.
    pub(crate) async fn retry(&self, retry: Retry, closing: &Closing) -> PortResult<Seen> {
        let delivery = &retry.delivery;
        let now = self.clock.now();
        if let Some(early) = retry.due.since(now) {
            self.send_on(retry, early).await?;
            return Ok(Seen::Through);
        }
        if closing.has_come() {
            return Ok(Seen::Owed(Left::Retry(Box::new(retry))));
        }
        let progress = self.progress(delivery, now).await?;
        if progress.is_some_and(|it| !it.still_owes(retry.step())) {
            return Ok(Seen::Through);
        }
        // It has waited, and that is in the ledger; or will be, when a record that came late is.
        self.make(retry, true, closing).await
    }

    /// Makes an attempt that waited before, if its hook and its receiver are there for it.
    async fn make(&self, retry: Retry, is_recorded: bool, closing: &Closing) -> PortResult<Seen> {
        let delivery = &retry.delivery;
        let now = self.clock.now();
        let Some(hook) = self.alive(delivery).await? else {
            return self.end(delivery, retry.step(), State::Cancelled).await;
        };
        if !hook.is_enabled() {
            return self.end(delivery, retry.step(), State::Parked).await;
        }
        if !self.vitals.might_admit(&hook, now).await {
            return self.wait_on(&hook, retry, PendingReason::Circuit, now).await;
        }
        // Room first: a probe that has the circuit to itself must not wait for anything.
        let room = async {
            let clock = &*self.clock;
            if is_recorded {
                self.slots.for_waited(hook.id, clock).await
            } else {
                // A ping, or what did not fit into one message: as fresh as any first attempt.
                self.slots.for_first(hook.id, clock).await
            }
        };
        let slot = match closing.before(room).await {
            None if is_recorded => return Ok(Seen::Owed(Left::Retry(Box::new(retry)))),
            None => return Ok(Seen::Owed(Left::First(Box::new(retry.delivery)))),
            Some(None) => return self.wait_on(&hook, retry, PendingReason::Slow, now).await,
            Some(Some(slot)) => slot,
        };
        let now = self.clock.now();
        if !self.vitals.admits_waiting(&hook, now).await {
            drop(slot);
            return self.wait_on(&hook, retry, PendingReason::Circuit, now).await;
        }
        let Retry { delivery, attempt: number, waits_since, .. } = &retry;
        let (number, waits_since) = (*number, *waits_since);
        self.attempt(Try { hook: &hook, delivery, number, is_recorded, waits_since }, slot).await
    }

    /// Runs the handler, and decides and does what follows.
    async fn attempt(&self, it: Try<'_>, slot: Slot) -> PortResult<Seen> {
        let Try { hook, delivery, number, is_recorded, waits_since } = it;
        let id = delivery.id();
        let step = Step { run: delivery.run, attempt: number };
        let at = self.clock.now();
        let event = &delivery.event.in_a_new_span();
        let run = Run { hook, event, name: Some(&event.event), delivery: id, at };
        let running = self.handlers.run(run).instrument(span(&delivery.event, event, hook));
        let report = AssertUnwindSafe(running).catch_unwind().await;
        let report = report.unwrap_or_else(|_| panicked());
        let ended = self.clock.now();
        if let Outcome::Failed(Failure { class: FailureClass::NotTried, .. }) = report.outcome {
            drop(slot);
            let delivery = delivery.clone();
            let retry = Retry { delivery, attempt: number, due: at, waits_since };
            return self.wait_on(hook, retry, PendingReason::Slow, ended).await;
        }
        let took = ended.distance(at);
        slot.took(took);
        drop(slot);

        let state = match &report.outcome {
            Outcome::Failed(Failure { class: FailureClass::Gone, .. }) => {
                self.gone(hook, delivery, number, ended).await?
            }
            outcome => follow(delivery, number, outcome, ended),
        };
        note(delivery, step, &report.outcome, &state, took, ended);
        if let State::Pending { due, .. } = state {
            let (delivery, attempt) = (delivery.clone(), number + 1);
            let retry = Retry { delivery, attempt, due, waits_since: None };
            self.send_on(retry, due.distance(ended)).await?;
        }
        let error = match &report.outcome {
            Outcome::Succeeded => None,
            Outcome::Failed(failure) => Some(failure.reason.clone()),
        };
        if let State::Exhausted { reason } = state {
            let why = error.as_deref().unwrap_or_default();
            self.say(operational::exhausted(hook, delivery, step, reason, why, ended)).await?;
        }
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let outcome = report.outcome.clone();
        let exchange = report.into_exchange();
        let attempt = Some(Attempt { step, at, took_ms, exchange, error });
        let is_smooth = number == 1 && state == State::Delivered && !is_recorded;
        if self.logging.log == DeliveryLog::All || !is_smooth {
            let delivery = delivery.clone();
            self.record(Record { delivery, step, attempt, state, at: ended }).await?;
        }
        // Last: what fails here must not have the attempt made again.
        self.note_health(hook, &outcome, ended).await?;
        Ok(Seen::Through)
    }

    /// Puts a delivery off once more, unless it has waited too long.
    async fn wait_on(
        &self,
        hook: &EventHook,
        retry: Retry,
        reason: PendingReason,
        now: Timestamp,
    ) -> PortResult<Seen> {
        // Our own downtime is no fault of the receiver's: what counts is since when it was asked.
        let since = retry.waits_since.unwrap_or(now);
        if now.since(since + LONGEST_WAIT).is_none() {
            return self.defer(retry, reason, now).await;
        }
        let why = "its receiver was out of reach for longer than it is waited for";
        let exhausted = ExhaustedReason::ScheduleOver;
        let (delivery, step) = (&retry.delivery, retry.step());
        self.say(operational::exhausted(hook, delivery, step, exhausted, why, now)).await?;
        self.end(delivery, step, State::Exhausted { reason: exhausted }).await
    }

    /// Puts a delivery off. This is no attempt. The task goes first, as after a failed attempt.
    async fn defer(
        &self,
        mut retry: Retry,
        reason: PendingReason,
        now: Timestamp,
    ) -> PortResult<Seen> {
        let since = *retry.waits_since.get_or_insert(now);
        let wait = hop(reason, since.distance(now));
        let delivery = retry.delivery.clone();
        let step = Step { run: delivery.run, attempt: retry.attempt.saturating_sub(1) };
        metrics::counter!("event_hooks_deferred_total", "reason" => reason.as_str()).increment(1);
        self.send_on(retry, wait).await?;
        let state = State::Pending { due: now + wait, reason };
        self.record(Record { delivery, step, attempt: None, state, at: now }).await?;
        Ok(Seen::Through)
    }

    async fn progress(&self, delivery: &Delivery, now: Timestamp) -> PortResult<Option<Progress>> {
        Ok(self.ledger.progress(&[delivery.id()], now).await?.pop().flatten())
    }

    /// The hook that a delivery is owed to, in the life that it is owed to.
    async fn alive(&self, delivery: &Delivery) -> PortResult<Option<EventHook>> {
        let hook = self.hooks.hook(delivery.hook).await?;
        Ok(hook.filter(|hook| hook.generation == delivery.generation))
    }
}

fn panicked() -> Report {
    let reason = "the handler panicked; this is a defect of event hooks, please report it".into();
    let class = FailureClass::Permanent(ExhaustedReason::Panicked);
    Report::without_request(Outcome::Failed(Failure { class, reason }), HandlerResult::Nothing)
}
