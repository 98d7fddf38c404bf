//! Are tables and queues within reach, and how much is waiting?

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{Probe, Reach, Status};
use async_trait::async_trait;
use dynamodb::Dynamo;
use futures_util::future::{join, try_join3};
use hooks::{
    access::TokenHash,
    id::HookId,
    ports::{HookStore as _, Ledger as _, PortResult, TokenStore as _},
    task::Queue,
    time::Timestamp,
};
use sqs::SqsQueue;
use tokio::time::timeout;
use uuid::Uuid;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `DynamoDB` and SQS.
pub(crate) struct AwsProbe {
    pub(crate) store: Arc<Dynamo>,
    pub(crate) queue: Arc<SqsQueue>,
}

#[async_trait]
impl Probe for AwsProbe {
    async fn status(&self) -> Status {
        let (stored, depth) =
            join(timeout(PATIENCE, self.ask_tables()), timeout(PATIENCE, self.queue.depth())).await;
        let storage = if let Ok(Ok(())) = stored { Reach::Reachable } else { Reach::Unreachable };
        let (queue, depth) = match depth {
            Ok(Ok(depth)) => (
                Reach::Reachable,
                BTreeMap::from([(Queue::Events, depth.events), (Queue::Retries, depth.retries)]),
            ),
            Ok(Err(_)) | Err(_) => (Reach::Unreachable, BTreeMap::new()),
        };
        Status { version: env!("CARGO_PKG_VERSION"), storage, queue, depth }
    }
}

impl AwsProbe {
    /// Asks for what is nowhere: anybody may have this asked, so it must cost next to nothing.
    async fn ask_tables(&self) -> PortResult<()> {
        let (nobody, nothing) = (HookId::from(Uuid::nil()), TokenHash::of(""));
        try_join3(
            self.store.hook(nobody),
            self.store.token(&nothing),
            self.store.recovery(Uuid::nil().into(), Timestamp::from_millis(0)),
        )
        .await?;
        Ok(())
    }
}
