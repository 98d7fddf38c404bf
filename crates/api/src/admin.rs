//! The admin API: a file a resource.

mod hooks;
mod ping_test;
mod sources;
mod deliveries;
mod replay;
mod poison;
mod tokens;

use std::sync::Arc;

use ::hooks::{
    explain::Explainer,
    id::HookId,
    manage::Hooks,
    poison::Poisons,
    ports::{Clock, Ledger},
    publish::Sources,
    replay::Replays,
    tokens::Tokens,
};
use uuid::Uuid;

use crate::{
    error::Refusal,
    ingest,
    resource::Routes,
    wire::hook::{self, Defaults},
};

/// What stands behind the admin API.
#[derive(Clone)]
pub struct Admin {
    /// The hooks.
    pub hooks: Arc<Hooks>,
    /// The catalog.
    pub sources: Arc<Sources>,
    /// The log of deliveries.
    pub ledger: Arc<dyn Ledger>,
    /// What sends deliveries again.
    pub replays: Arc<Replays>,
    /// What sends messages again that could not be processed.
    pub poisons: Arc<Poisons>,
    /// What says what would become of events.
    pub explainer: Arc<Explainer>,
    /// The tokens.
    pub tokens: Arc<Tokens>,
    /// The time, for what has expired.
    pub clock: Arc<dyn Clock>,
    /// What hooks are made with where they do not say.
    pub defaults: Defaults,
}

/// Every route of the admin API.
pub(crate) fn routes(admin: Admin) -> Routes<()> {
    let explaining = ingest::explaining(Arc::clone(&admin.explainer));
    paths().with_state(admin).merge(explaining)
}

/// The same, but for [`ingest::explaining`], whatever stands behind them.
pub(crate) fn paths() -> Routes<Admin> {
    Routes::new()
        .merge(hooks::routes())
        .merge(ping_test::routes())
        .merge(deliveries::routes())
        .merge(replay::routes())
        .merge(sources::routes())
        .merge(poison::routes())
        .merge(tokens::routes())
}

/// What the document says of a hook's id in a path.
const HOOK: &str = "The hook's id.";

/// What it says of a delivery's.
const DELIVERY: &str = "The delivery's id.";

/// An id of any kind, from a path.
fn any_id<T: From<Uuid>>(text: &str) -> Result<T, Refusal> {
    hook::uuid(text).map(T::from).ok_or(Refusal::InvalidKey)
}

/// The id of a hook, from a path.
fn hook_id(text: &str) -> Result<HookId, Refusal> {
    any_id(text)
}
