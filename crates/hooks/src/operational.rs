//! What the system says about itself: events of source `event-hooks`, and changes to hooks.
//!
//! An extension: hooks can listen to them as to anything else. Hooks on source `event-hooks` never
//! cause more of them, or one that fails would report its failures to itself for ever.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    access::{By, Who},
    audit::without_credentials,
    delivery::{Delivery, ExhaustedReason, Step},
    event::{Data, Event, EventKey, Order},
    hook::EventHook,
    id::{OccurrenceId, RequestId},
    name::{EventName, SourceName},
    ports::Outgoing,
    task::{Queue, Task},
    time::Timestamp,
};

/// The source of what is said about deliveries and health.
const SOURCE: &str = "event-hooks";

/// The largest change of a hook that is told with what the hook was before: as large as the events
/// of others may be.
const MOST_BYTES: usize = 256 * 1024;

/// Why a hook was disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DisabledBecause {
    /// An administrator wanted it.
    Admin,
    /// The receiver answered 410.
    Gone,
    /// It has failed for days.
    Failing,
}

impl DisabledBecause {
    /// As events and logs say it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// What was done to a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// It was made.
    Create,
    /// It was changed.
    Update,
    /// It was removed.
    Delete,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// `delivery-exhausted`: no more attempts will be made. Nothing is said of scripts that raise an
/// error: the reference's own sample always does.
pub(crate) fn exhausted(
    hook: &EventHook,
    delivery: &Delivery,
    step: Step,
    reason: ExhaustedReason,
    error: &str,
    now: Timestamp,
) -> Option<Outgoing> {
    if reason == ExhaustedReason::ScriptError {
        return None;
    }
    let event = &delivery.event;
    let data = json!({
        "hook": said_of(hook),
        "delivery": {
            "id": delivery.id(), "event_id": event.id, "source": event.source,
            "event": event.event, "run": step.run, "attempt": step.attempt,
        },
        "reason": reason,
        "error": error,
    });
    let key = format!("delivery-exhausted:{}:{}", delivery.id(), delivery.run);
    health_event(hook, "delivery-exhausted", data, key, now)
}

/// `hook-disabled`: what is owed to it is parked from now on.
pub(crate) fn disabled(
    hook: &EventHook,
    because: DisabledBecause,
    now: Timestamp,
) -> Option<Outgoing> {
    let data = json!({"hook": said_of(hook), "reason": because.as_str()});
    health_event(hook, "hook-disabled", data, of_version("hook-disabled", hook), now)
}

/// `hook-enabled`: it fires again.
pub(crate) fn enabled(hook: &EventHook, now: Timestamp) -> Option<Outgoing> {
    let data = json!({"hook": said_of(hook)});
    health_event(hook, "hook-enabled", data, of_version("hook-enabled", hook), now)
}

/// `dao:crud` of schema `event_hooks`, which is `crud`/`event_hooks`, too: a hook was changed by
/// somebody, and this is what it was before that, where it was.
pub(crate) fn changed(
    old: Option<&EventHook>,
    hook: &EventHook,
    operation: Operation,
    by: &By,
    now: Timestamp,
) -> Option<Outgoing> {
    let mut data = json!({
        "schema": "event_hooks",
        "operation": operation.as_str(),
        "entity": without_credentials(hook),
        "by": said_of_who(&by.who),
    });
    let old = old.map(without_credentials);
    if let Some(old) =
        old.filter(|old| data.to_string().len() + old.to_string().len() <= MOST_BYTES)
    {
        data["old_entity"] = old;
    }
    let key = format!("event_hooks:{}:{}", operation.as_str(), of_version("changed", hook));
    event(hook, "dao:crud", operation.as_str(), data, key, now)
}

/// A transition of this version of the hook happens once.
fn of_version(what: &str, hook: &EventHook) -> String {
    format!("{what}:{}:{}:{}", hook.id, hook.generation, hook.version)
}

/// Never the token, but what its people call it.
fn said_of_who(who: &Who) -> Value {
    match who {
        Who::Holder { name, .. } => json!({"kind": who.as_str(), "name": name}),
        Who::Anybody | Who::First => json!({"kind": who.as_str()}),
    }
}

fn said_of(hook: &EventHook) -> Value {
    json!({
        "id": hook.id, "source": hook.draft.source, "event": hook.draft.event,
        "handler": hook.draft.handler.kind().as_str(),
    })
}

fn health_event(
    hook: &EventHook,
    name: &str,
    data: Value,
    key: String,
    now: Timestamp,
) -> Option<Outgoing> {
    if hook.draft.source.as_str() == SOURCE {
        return None;
    }
    event(hook, SOURCE, name, data, key, now)
}

fn event(
    hook: &EventHook,
    source: &str,
    name: &str,
    data: Value,
    key: String,
    now: Timestamp,
) -> Option<Outgoing> {
    let Value::Object(data) = data else { return None };
    let event = Event {
        id: OccurrenceId::at(now),
        order: Order { accepted: now, request: RequestId::at(now), index: 0 },
        workspace: hook.workspace.clone(),
        source: SourceName::parse(source).ok()?,
        event: EventName::parse(name).ok()?,
        data: Data::from(data),
        key: Some(EventKey::Id(key)),
        time: None,
        pid: None,
        trace: None,
    };
    Some(Outgoing {
        queue: Queue::Events,
        group: hook.workspace.as_str().to_owned(),
        task: Task::Dispatch { events: vec![event], again: false },
        delay: Duration::ZERO,
    })
}
