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
    resource::{Resource, Routes},
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
    let hooks = Resource::new().get(hooks::list).post(hooks::create);
    let hook =
        Resource::new().get(hooks::get).patch(hooks::change).put(hooks::put).delete(hooks::delete);
    let sources = || Resource::new().get(sources::all);
    let source = || Resource::new().get(sources::of_source);
    let event =
        || Resource::new().get(sources::of_event).put(sources::publish).delete(sources::withdraw);
    let deliveries = Resource::new().get(deliveries::list);
    let delivery = Resource::new().get(deliveries::get);
    let redeliver = Resource::new().post(replay::redeliver);
    let recover = Resource::new().post(replay::recover);
    let recovery = Resource::new().get(replay::recovery);
    let explaining = ingest::explaining(Arc::clone(&admin.explainer));
    Routes::new()
        .route("/event-hooks", hooks)
        .route("/event-hooks/{id}", hook)
        .route("/event-hooks/{id}/ping", Resource::new().get_alone(ping_test::ping))
        .route("/event-hooks/{id}/test", Resource::new().post(ping_test::test))
        .route("/event-hooks/{id}/deliveries", deliveries)
        .route("/event-hooks/{id}/deliveries/{delivery}", delivery)
        .route("/event-hooks/{id}/deliveries/{delivery}/redeliver", redeliver)
        .route("/event-hooks/{id}/recover", recover)
        .route("/event-hooks/{id}/recover/{recovery}", recovery)
        .route("/event-hooks/sources", sources())
        .route("/event-hooks/sources/{source}", source())
        .route("/event-hooks/sources/{source}/{event}", event())
        .route("/event-hooks/source", sources())
        .route("/event-hooks/source/{source}", source())
        .route("/event-hooks/source/{source}/{event}", event())
        .merge(poison::routes())
        .merge(tokens::routes())
        .with_state(admin)
        .merge(explaining)
}

/// An id of any kind, from a path.
fn any_id<T: From<Uuid>>(text: &str) -> Result<T, Refusal> {
    hook::uuid(text).map(T::from).ok_or(Refusal::InvalidKey)
}

/// The id of a hook, from a path.
fn hook_id(text: &str) -> Result<HookId, Refusal> {
    any_id(text)
}
