//! How is a message shown that could not be processed? In lists without its text, which may hold
//! what events say of people.

use hooks::{id::PoisonId, ports::Poison, task::Queue};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::openapi::schema::{Id, Moment, described, one_of};

/// A message as lists show it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Poison")]
pub(crate) struct Listed<'a> {
    #[schemars(with = "Id")]
    id: PoisonId,
    #[schemars(schema_with = "queues")]
    queue: &'static str,
    reason: &'a str,
    receives: u32,
    #[schemars(with = "Moment")]
    sent_at: String,
    #[schemars(with = "Moment")]
    buried_at: String,
}

/// A message with its text.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PoisonWithBody")]
pub(crate) struct Alone<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    body: &'a str,
}

fn queues(_: &mut SchemaGenerator) -> Schema {
    described(&one_of(Queue::ALL.map(Queue::as_str)))
}

impl<'a> Listed<'a> {
    /// How lists show this message.
    pub(crate) fn of(poison: &'a Poison) -> Self {
        Self {
            id: poison.id,
            queue: poison.queue.as_str(),
            reason: &poison.reason,
            receives: poison.receives,
            sent_at: poison.sent.to_string(),
            buried_at: poison.buried.to_string(),
        }
    }
}

impl<'a> Alone<'a> {
    /// All of this message.
    pub(crate) fn of(poison: &'a Poison) -> Self {
        Self { listed: Listed::of(poison), body: &poison.body }
    }
}
