//! How is it written down and sent on? And what is said of it, in the log, in figures, in traces?

use std::time::Duration;

use tracing::Span;

use super::{Deliverer, Seen};
use crate::{
    delivery::{Delivery, Outcome, Record, State, Step},
    event::Event,
    hook::EventHook,
    ports::{LONGEST_DELAY, Outgoing, PortResult},
    task::{Queue, Retry, Task},
    time::Timestamp,
};

impl Deliverer {
    pub(super) async fn say(&self, said: Option<Outgoing>) -> PortResult<()> {
        match said {
            Some(said) => self.queue.send(vec![said]).await,
            None => Ok(()),
        }
    }

    /// Writes down a delivery that ends, or waits, without an attempt.
    pub(crate) async fn end(
        &self,
        delivery: &Delivery,
        step: Step,
        state: State,
    ) -> PortResult<Seen> {
        tracing::info!(
            delivery.id = %delivery.id(), hook.id = %delivery.hook, event.id = %delivery.event.id,
            status = state.status().as_str(), "delivery not attempted",
        );
        metrics::counter!("event_hooks_deliveries_total", "status" => state.status().as_str())
            .increment(1);
        let delivery = delivery.clone();
        self.record(Record { delivery, step, attempt: None, state, at: self.clock.now() }).await?;
        Ok(Seen::Through)
    }

    /// Records what happened. What cannot be written now becomes a task: the handler is not run
    /// again for the sake of a log row.
    pub(crate) async fn record(&self, record: Record) -> PortResult<()> {
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
    pub(crate) async fn write(&self, record: &Record) -> PortResult<()> {
        self.ledger.record(record, record.at + self.logging.retention).await
    }

    pub(super) async fn send_on(&self, retry: Retry, wait: Duration) -> PortResult<()> {
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

/// The span of an attempt, where its event is part of a trace: whoever records traces finds in it
/// where it belongs.
pub(super) fn span(event: &Event, attempt: &Event, hook: &EventHook) -> Span {
    let (Some(parent), Some(own)) = (event.trace, attempt.trace) else { return Span::none() };
    tracing::info_span!(
        "attempt",
        trace_id = format_args!("{:032x}", own.trace_id()),
        parent_id = format_args!("{:016x}", parent.span_id()),
        span_id = format_args!("{:016x}", own.span_id()),
        sampled = own.is_sampled(),
        hook.id = %hook.id,
        handler = hook.draft.handler.kind().as_str(),
    )
}

/// One attempt, one line.
pub(super) fn note(
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
