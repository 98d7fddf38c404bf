//! How is it shown how far a recovery has come?

use hooks::ports::{Recovery, RecoveryState};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::openapi::schema;

/// A recovery as it is answered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Recovery")]
pub(crate) struct Shown {
    accepted: u64,
    done: u64,
    remaining: u64,
    #[schemars(schema_with = "states")]
    state: RecoveryState,
}

fn states(_: &mut SchemaGenerator) -> Schema {
    schema::named(&RecoveryState::ALL)
}

impl Shown {
    /// How this one is shown. What left the range meanwhile is not waited for in the end.
    pub(crate) fn of(recovery: &Recovery) -> Self {
        let remaining = match recovery.state {
            RecoveryState::Done => 0,
            RecoveryState::Running | RecoveryState::Stopped => {
                recovery.accepted.saturating_sub(recovery.done)
            }
        };
        let Recovery { accepted, done, state, .. } = *recovery;
        Self { accepted, done, remaining, state }
    }
}
