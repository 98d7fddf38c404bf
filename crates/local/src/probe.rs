//! Can the folder still be written to, and how much is waiting in it?

use std::{collections::BTreeMap, time::Duration};

use api::{Probe, Reach, Status};
use async_trait::async_trait;
use embedded::Store;
use hooks::task::Queue;

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the store.
pub(crate) struct StoreProbe(pub(crate) Store);

#[async_trait]
impl Probe for StoreProbe {
    async fn status(&self) -> Status {
        let looked = async {
            self.0.probe().await?;
            self.0.depth().await
        };
        let depth = tokio::time::timeout(PATIENCE, looked).await;
        let (reach, depth) = match depth {
            Ok(Ok(depth)) => (
                Reach::Reachable,
                BTreeMap::from([(Queue::Events, depth.events), (Queue::Retries, depth.retries)]),
            ),
            Ok(Err(_)) | Err(_) => (Reach::Unreachable, BTreeMap::new()),
        };
        // Hooks, ledger and queues share one file: they are reached together or not at all.
        Status { version: env!("CARGO_PKG_VERSION"), storage: reach, queue: reach, depth }
    }
}
