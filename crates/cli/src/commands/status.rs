//! `status`: is a deployment well?

use super::Context;
use crate::{
    failure::{Done, Failure},
    table::{self, Columns},
};

const SHOWN: Columns = &[
    ("status", "status"),
    ("version", "version"),
    ("storage", "storage"),
    ("queue", "queue"),
    ("events waiting", "queue_depth.events"),
    ("retries waiting", "queue_depth.retries"),
];

/// Asks, once: one that is not well is what somebody wants to know.
pub(crate) async fn run(context: &Context) -> Done {
    let (is_well, health) = context.deployment.health().await?;
    table::show(context.format(), &health, |health| table::one(health, SHOWN))
        .or_else(Failure::unless_unheard)?;
    if is_well { Ok(()) } else { Err(Failure::failed("the deployment is not well")) }
}
