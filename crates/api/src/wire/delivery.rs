//! How is a delivery shown? In lists without data and attempts, alone with both.

use hooks::{
    delivery::{self, ExhaustedReason, LogLine, PendingReason, State, Status},
    event::Data,
    id::{DeliveryId, HookId, OccurrenceId},
    name::{EventName, SourceName, Workspace},
    ports::DeliveryEntry,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

use super::ran::{Headers, LoggedLine, by_name};
use crate::openapi::schema::{self, Anything, Id, Moment, Name};

/// A delivery as lists show it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(crate) struct Listed<'a> {
    #[schemars(with = "Id")]
    id: DeliveryId,
    #[schemars(with = "Id")]
    event_id: OccurrenceId,
    #[schemars(with = "Name")]
    source: &'a SourceName,
    #[schemars(with = "Name")]
    event: &'a EventName,
    #[schemars(schema_with = "statuses")]
    status: Status,
    /// Where a pending or exhausted one has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "reasons")]
    reason: Option<Reason>,
    /// When a pending one is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    due: Option<String>,
    run: u32,
    attempt: u32,
    #[schemars(with = "Moment")]
    accepted_at: String,
    #[schemars(with = "Moment")]
    updated_at: String,
}

/// A delivery with everything that is known of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeliveryWithAttempts")]
pub(crate) struct Alone<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    #[schemars(with = "Id")]
    hook_id: HookId,
    /// That of the event.
    #[schemars(with = "Name")]
    workspace: &'a Workspace,
    #[schemars(with = "Anything")]
    data: &'a Data,
    attempts: Vec<Attempt<'a>>,
}

/// Why a delivery stands where it stands, for the states that have a reason.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Reason {
    Pending(PendingReason),
    Exhausted(ExhaustedReason),
}

#[derive(Serialize, JsonSchema)]
struct Attempt<'a> {
    number: u32,
    run: u32,
    #[schemars(with = "Moment")]
    at: String,
    took_ms: u64,
    /// Method and URL, without credentials.
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schemars(with = "Headers")]
    headers: Map<String, Value>,
    status: Option<u16>,
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    returns: &'a [Value],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "[LoggedLine]")]
    logs: &'a [LogLine],
    error: Option<&'a str>,
}

fn statuses(_: &mut SchemaGenerator) -> Schema {
    schema::named(&Status::ALL)
}

fn reasons(_: &mut SchemaGenerator) -> Schema {
    let pending = PendingReason::ALL.map(Reason::Pending);
    let exhausted = ExhaustedReason::ALL.map(Reason::Exhausted);
    schema::named(&[pending, exhausted].concat())
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
