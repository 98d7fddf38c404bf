//! Makes one attempt of one delivery, and sees to what follows from it.
//!
//! After a failed attempt the retry is sent first and the attempt is recorded then: a crash in
//! between repeats an attempt, where the other order would lose the retry. A task whose attempt
//! the ledger holds already, or a later one of that run, is dropped: without that, every crash
//! would double the chain.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;

use crate::{
    delivery::{
        Attempt, Delivery, ExhaustedReason, Failure, FailureClass, HandlerResult, Outcome,
        PendingReason, Record, Report, State, Step,
    },
    hook::EventHook,
    ports::{
        Clock, Handlers, HookStore, LONGEST_DELAY, Ledger, Outgoing, PortResult, Run, TaskQueue,
    },
    retry,
    slots::Slots,
    task::{Queue, Retry, Task},
    time::Timestamp,
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
}

impl Deliverer {
    /// The first attempt of a delivery that did not come straight from a match: a continuation, a
    /// ping.
    pub async fn first(&self, delivery: Delivery) -> PortResult<()> {
        let due = self.clock.now();
        self.retry(Retry { delivery, attempt: 1, due }).await
    }

    /// The attempt that a task asks for, if it is still owed.
    pub async fn retry(&self, retry: Retry) -> PortResult<()> {
        let delivery = &retry.delivery;
        let now = self.clock.now();
        if let Some(early) = retry.due.since(now) {
            return self.send_on(retry, early).await;
        }
        let progress = self.ledger.progress(&[delivery.id()], now).await?.pop().flatten();
        if progress.is_some_and(|it| !it.still_owes(retry.step())) {
            return Ok(());
        }
        let hook = self.hooks.hook(delivery.hook).await?;
        match hook.filter(|hook| hook.generation == delivery.generation) {
            None => self.end(delivery, retry.step(), State::Cancelled).await,
            Some(hook) if !hook.is_enabled() => {
                self.end(delivery, retry.step(), State::Parked).await
            }
            Some(hook) => self.attempt(&hook, delivery, retry.attempt).await,
        }
    }

    /// Runs the handler, and decides and does what follows.
    pub async fn attempt(
        &self,
        hook: &EventHook,
        delivery: &Delivery,
        number: u32,
    ) -> PortResult<()> {
        let _slot = self.slots.take(hook.id).await;
        let id = delivery.id();
        let step = Step { run: delivery.run, attempt: number };
        let at = self.clock.now();
        let event = &delivery.event;
        let run = Run { hook, event, name: Some(&event.event), delivery: id, at };
        let report = AssertUnwindSafe(self.handlers.run(run)).catch_unwind().await;
        let report = report.unwrap_or_else(|_| panicked());
        let ended = self.clock.now();

        let state = follow(delivery, number, &report.outcome, ended);
        note(delivery, step, &report.outcome, &state, ended.distance(at), ended);
        if let State::Pending { due, .. } = state {
            let retry = Retry { delivery: delivery.clone(), attempt: number + 1, due };
            self.send_on(retry, due.distance(ended)).await?;
        }
        if self.logging.log == DeliveryLog::Failures && number == 1 && state == State::Delivered {
            return Ok(());
        }
        let error = match &report.outcome {
            Outcome::Succeeded => None,
            Outcome::Failed(failure) => Some(failure.reason.clone()),
        };
        let took_ms = u64::try_from(ended.distance(at).as_millis()).unwrap_or(u64::MAX);
        let exchange = report.into_exchange();
        let attempt = Attempt { step, at, took_ms, exchange, error };
        let delivery = delivery.clone();
        self.record(Record { delivery, step, attempt: Some(attempt), state, at: ended }).await
    }

    /// Writes down a delivery that ends, or waits, without an attempt.
    pub async fn end(&self, delivery: &Delivery, step: Step, state: State) -> PortResult<()> {
        tracing::info!(
            delivery.id = %delivery.id(), hook.id = %delivery.hook, event.id = %delivery.event.id,
            status = state.status().as_str(), "delivery not attempted",
        );
        metrics::counter!("event_hooks_deliveries_total", "status" => state.status().as_str())
            .increment(1);
        let delivery = delivery.clone();
        self.record(Record { delivery, step, attempt: None, state, at: self.clock.now() }).await
    }

    /// Records what happened. What cannot be written now becomes a task: the handler is not run
    /// again for the sake of a log row.
    pub async fn record(&self, record: Record) -> PortResult<()> {
        let Err(error) = self.write(&record).await else { return Ok(()) };
        tracing::warn!(delivery.id = %record.delivery.id(), %error, "attempt not recorded, queued");
        self.queue
            .send(vec![Outgoing {
                queue: Queue::Retries,
                group: record.delivery.hook.to_string(),
                task: Task::Record(Box::new(record)),
                delay: Duration::from_secs(1),
            }])
            .await
    }

    /// Writes a record, or says that it could not.
    pub async fn write(&self, record: &Record) -> PortResult<()> {
        self.ledger.record(record, record.at + self.logging.retention).await
    }

    async fn send_on(&self, retry: Retry, wait: Duration) -> PortResult<()> {
        self.queue
            .send(vec![Outgoing {
                queue: Queue::Retries,
                group: retry.delivery.hook.to_string(),
                task: Task::Retry(Box::new(retry)),
                delay: wait.min(LONGEST_DELAY),
            }])
            .await
    }
}

/// Where a delivery stands after an attempt.
fn follow(delivery: &Delivery, number: u32, outcome: &Outcome, now: Timestamp) -> State {
    let class = match outcome {
        Outcome::Succeeded => return State::Delivered,
        Outcome::Failed(failure) => failure.class,
    };
    match class {
        FailureClass::Permanent(reason) => State::Exhausted { reason },
        FailureClass::Transient { retry_after } => {
            match retry::after(number, delivery.id(), retry_after) {
                Some(wait) => State::Pending { due: now + wait, reason: PendingReason::Retry },
                None => State::Exhausted { reason: ExhaustedReason::ScheduleOver },
            }
        }
    }
}

fn panicked() -> Report {
    Report {
        outcome: Outcome::Failed(Failure {
            class: FailureClass::Permanent(ExhaustedReason::Panicked),
            reason: "the handler panicked; this is a defect of event hooks, please report it"
                .into(),
        }),
        request: None,
        result: HandlerResult::Nothing,
    }
}

/// One attempt, one line.
fn note(
    delivery: &Delivery,
    step: Step,
    outcome: &Outcome,
    state: &State,
    took: Duration,
    now: Timestamp,
) {
    let status = state.status().as_str();
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let error = match outcome {
        Outcome::Succeeded => None,
        Outcome::Failed(failure) => Some(failure.reason.as_str()),
    };
    tracing::info!(
        delivery.id = %delivery.id(), hook.id = %delivery.hook, event.id = %delivery.event.id,
        run = step.run, attempt = step.attempt, took_ms, status, error,
        "delivery attempted",
    );
    metrics::histogram!("event_hooks_attempt_seconds").record(took.as_secs_f64());
    metrics::counter!("event_hooks_deliveries_total", "status" => status).increment(1);
    if *state == State::Delivered {
        let latency = now.distance(delivery.event.order.accepted).as_secs_f64();
        metrics::histogram!("event_hooks_delivery_latency_seconds").record(latency);
    }
}
