//! Which of the events are not taken, and why? Each is named by its place.

use hooks::{
    name::{EventName, SourceName},
    publish::{NewEvent, PublishError, UnknownEvent},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::event::Bad;
use crate::error::Refusal;

/// What a refusal says of one event.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventError {
    /// Its place in the request.
    index: usize,
    source: Option<String>,
    event: Option<String>,
    message: String,
}

/// What is said of a request that was refused.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RefusedEvents {
    /// For people.
    message: String,
    /// The events to blame, if any.
    errors: Vec<EventError>,
}

impl RefusedEvents {
    /// For what is wrong with these.
    pub(super) fn of(message: String, errors: Vec<EventError>) -> Refusal {
        let body = serde_json::to_value(Self { message, errors }).unwrap_or_default();
        Refusal::With(StatusCode::BAD_REQUEST, body)
    }
}

/// What an event is called.
pub(super) struct Names(SourceName, EventName);

impl Names {
    /// Of this one.
    pub(super) fn of(event: &NewEvent) -> Self {
        Self(event.source.clone(), event.event.clone())
    }

    /// Of each.
    pub(super) fn of_each(events: &[NewEvent]) -> Vec<Self> {
        events.iter().map(Self::of).collect()
    }
}

impl EventError {
    /// It cannot be read.
    pub(super) fn bad(index: usize, bad: Bad) -> Self {
        Self { index, source: bad.source, event: bad.event, message: bad.message }
    }

    /// It is not in the catalog.
    pub(super) fn unknown(unknown: UnknownEvent, names: Option<&Names>) -> Self {
        Self {
            index: unknown.index,
            source: names.map(|it| it.0.as_str().to_owned()),
            event: names.map(|it| it.1.as_str().to_owned()),
            message: unknown.message,
        }
    }
}

/// Nothing was accepted of events of these names.
pub(super) fn refused(error: PublishError, names: &[Names]) -> Refusal {
    match error {
        PublishError::Unknown(unknown) => {
            let error = |it: UnknownEvent| {
                let names = names.get(it.index);
                EventError::unknown(it, names)
            };
            refuse(unknown.into_iter().map(error).collect())
        }
        PublishError::Port(error) => error.into(),
    }
}

/// Nothing was accepted, for what is wrong with these.
pub(super) fn refuse(mut errors: Vec<EventError>) -> Refusal {
    errors.sort_by_key(|it| it.index);
    let message = match errors.len() {
        1 => "one event is not valid, nothing was accepted".to_owned(),
        several => format!("{several} events are not valid, nothing was accepted"),
    };
    RefusedEvents::of(message, errors)
}
