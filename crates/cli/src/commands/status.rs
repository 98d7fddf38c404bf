//! `status`: is a deployment well?

use http::Method;

use super::Context;
use crate::{
    deployment::{Body, Request},
    failure::Done,
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
    let request = Request::new(Method::GET, "/status", Body::Nothing).once();
    let status = context.deployment.ask(request).await?;
    table::show(context.format(), &status, |status| table::one(status, SHOWN))
}
