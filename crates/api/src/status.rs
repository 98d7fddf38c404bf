//! Is everything there that is needed?

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use axum::{extract::State, response::Response};
use hooks::task::Queue;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use crate::{
    answer,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    Routes::new().route("/status", Resource::new().get(status)).with_state(probe)
}

async fn status(State(probe): State<Arc<dyn Probe>>) -> Response {
    let status = probe.status().await;
    let (code, word) = if status.is_healthy() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let depth: BTreeMap<_, _> =
        status.depth.iter().map(|(queue, tasks)| (queue.as_str(), tasks)).collect();
    let body = json!({
        "status": word,
        "version": status.version,
        "storage": status.storage,
        "queue": status.queue,
        "queue_depth": depth,
    });
    answer::json(code, &body)
}
