//! How is a delivery shown? In lists without data and attempts, alone with both.

use hooks::{
    delivery::{self, ExhaustedReason, LogLine, PendingReason, State, Status},
    event::Data,
    id::{DeliveryId, HookId, OccurrenceId},
    name::{EventName, SourceName, Workspace},
    ports::DeliveryEntry,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::ran::by_name;

/// A delivery as lists show it.
#[derive(Serialize)]
pub(crate) struct Listed<'a> {
    id: DeliveryId,
    event_id: OccurrenceId,
    source: &'a SourceName,
    event: &'a EventName,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    run: u32,
    attempt: u32,
    accepted_at: String,
    updated_at: String,
}

/// A delivery with everything that is known of it.
#[derive(Serialize)]
pub(crate) struct Alone<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    hook_id: HookId,
    workspace: &'a Workspace,
    data: &'a Data,
    attempts: Vec<Attempt<'a>>,
}

/// Why a delivery stands where it stands, for the states that have a reason.
#[derive(Serialize)]
#[serde(untagged)]
enum Reason {
    Pending(PendingReason),
    Exhausted(ExhaustedReason),
}

#[derive(Serialize)]
struct Attempt<'a> {
    number: u32,
    run: u32,
    at: String,
    took_ms: u64,
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
    status: Option<u16>,
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    returns: &'a [Value],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    logs: &'a [LogLine],
    error: Option<&'a str>,
}

impl<'a> Listed<'a> {
    /// How lists show this entry.
    pub(crate) fn of(entry: &'a DeliveryEntry) -> Self {
        let event = &entry.delivery.event;
        let (reason, due) = match &entry.state {
            State::Pending { due, reason } => (Some(Reason::Pending(*reason)), Some(due)),
            State::Exhausted { reason } => (Some(Reason::Exhausted(*reason)), None),
            State::Delivered | State::Parked | State::Cancelled => (None, None),
        };
        Self {
            id: entry.id,
            event_id: event.id,
            source: &event.source,
            event: &event.event,
            status: entry.state.status(),
            reason,
            due: due.map(ToString::to_string),
            run: entry.step.run,
            attempt: entry.step.attempt,
            accepted_at: event.order.accepted.to_string(),
            updated_at: entry.updated.to_string(),
        }
    }
}

impl<'a> Alone<'a> {
    /// Everything that is known of this entry.
    pub(crate) fn of(entry: &'a DeliveryEntry) -> Self {
        Self {
            listed: Listed::of(entry),
            hook_id: entry.delivery.hook,
            workspace: &entry.delivery.event.workspace,
            data: &entry.delivery.event.data,
            attempts: entry.attempts.iter().map(Attempt::of).collect(),
        }
    }
}

impl<'a> Attempt<'a> {
    fn of(attempt: &'a delivery::Attempt) -> Self {
        Self {
            number: attempt.step.attempt,
            run: attempt.step.run,
            at: attempt.at.to_string(),
            took_ms: attempt.took_ms,
            request: attempt.exchange.request.as_deref(),
            headers: by_name(attempt.exchange.headers.clone()),
            status: attempt.exchange.status,
            answer: attempt.exchange.answer.as_deref(),
            returns: &attempt.exchange.returns,
            logs: &attempt.exchange.logs,
            error: attempt.error.as_deref(),
        }
    }
}
