//! Is everything there that is needed?

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use axum::{extract::State, response::Response};
use hooks::task::Queue;
use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::{
    answer,
    openapi::{
        Operation, Tag,
        schema::{described, one_of},
    },
    resource::{Resource, Routes},
};

/// Looks whether a deployment is healthy.
///
/// **Promise:** it answers within a few seconds, whatever does not.
#[async_trait]
pub trait Probe: Send + Sync {
    /// How things are now.
    async fn status(&self) -> Status;
}

/// How things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The release that runs.
    pub version: &'static str,
    /// Hooks, ledger, catalog and tokens.
    pub storage: Reach,
    /// The queues.
    pub queue: Reach,
    /// How many tasks wait in each queue, as far as that is known.
    pub depth: BTreeMap<Queue, u64>,
}

/// Does something answer?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// It does.
    Reachable,
    /// It does not.
    Unreachable,
}

impl Status {
    /// Can requests be served?
    pub fn is_healthy(&self) -> bool {
        self.storage == Reach::Reachable && self.queue == Reach::Reachable
    }
}

/// `GET /status`
pub(crate) fn routes(probe: Arc<dyn Probe>) -> Routes<()> {
    paths().with_state(probe)
}

/// The same, whatever stands behind it.
pub(crate) fn paths() -> Routes<Arc<dyn Probe>> {
    Routes::new().route("/status", Resource::new().get(status, describe))
}

/// How things are, as it is answered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Status")]
struct Shown {
    #[schemars(schema_with = "words")]
    status: &'static str,
    /// The release that runs.
    version: &'static str,
    storage: Reach,
    queue: Reach,
    /// How many tasks wait in each queue, as far as that is known.
    queue_depth: BTreeMap<&'static str, u64>,
}

const OK: &str = "ok";
const UNAVAILABLE: &str = "unavailable";

fn words(_: &mut SchemaGenerator) -> Schema {
    described(&one_of([OK, UNAVAILABLE]))
}

fn describe() -> Operation {
    Operation::new(Tag::System, "getStatus", "Say whether everything is there that is needed")
        .answers::<Shown>(200, "It is.")
        .answers::<Shown>(503, "It is not.")
}

async fn status(State(probe): State<Arc<dyn Probe>>) -> Response {
    let status = probe.status().await;
    let (code, word) = if status.is_healthy() {
        (StatusCode::OK, OK)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
    };
    let queue_depth = status.depth.iter().map(|(queue, tasks)| (queue.as_str(), *tasks)).collect();
    let Status { version, storage, queue, .. } = status;
    answer::json(code, &Shown { status: word, version, storage, queue, queue_depth })
}
