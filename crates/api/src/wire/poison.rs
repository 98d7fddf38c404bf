//! How is a message shown that could not be processed? In lists without its text, which may hold
//! what events say of people.

use hooks::{id::PoisonId, ports::Poison};
use serde::Serialize;

/// A message as lists show it.
#[derive(Serialize)]
pub(crate) struct Listed<'a> {
    id: PoisonId,
    queue: &'static str,
    reason: &'a str,
    receives: u32,
    sent_at: String,
    buried_at: String,
}

/// A message with its text.
#[derive(Serialize)]
pub(crate) struct Alone<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    body: &'a str,
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
