//! The admin API: a file a resource.

mod hooks;
mod ping_test;
mod sources;
mod deliveries;
mod replay;
mod poison;

use std::sync::Arc;

use ::hooks::{
    id::HookId,
    manage::Hooks,
    poison::Poisons,
    ports::{Clock, Ledger},
    publish::Sources,
    replay::Replays,
};
use axum::Router;
use uuid::Uuid;

use crate::{
    error::Refusal,
    routing::Resource,
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
    /// The time, for what has expired.
    pub clock: Arc<dyn Clock>,
    /// What hooks are made with where they do not say.
    pub defaults: Defaults,
}

/// Every route of the admin API.
pub(crate) fn routes(admin: Admin) -> Router {
    let hooks = Resource::new().get(hooks::list).post(hooks::create);
    let hook =
        Resource::new().get(hooks::get).patch(hooks::change).put(hooks::put).delete(hooks::delete);
    let sources = || Resource::new().get(sources::all).into_methods();
    let source = || Resource::new().get(sources::of_source).into_methods();
    let event = || {
        Resource::new()
            .get(sources::of_event)
            .put(sources::publish)
            .delete(sources::withdraw)
            .into_methods()
    };
    let deliveries = Resource::new().get(deliveries::list);
    let delivery = Resource::new().get(deliveries::get);
    let redeliver = Resource::new().post(replay::redeliver);
    let recover = Resource::new().post(replay::recover);
    let recovery = Resource::new().get(replay::recovery);
    Router::new()
        .route("/event-hooks", hooks.into_methods())
        .route("/event-hooks/{id}", hook.into_methods())
        .route("/event-hooks/{id}/ping", Resource::new().get_alone(ping_test::ping).into_methods())
        .route("/event-hooks/{id}/test", Resource::new().post(ping_test::test).into_methods())
        .route("/event-hooks/{id}/deliveries", deliveries.into_methods())
        .route("/event-hooks/{id}/deliveries/{delivery}", delivery.into_methods())
        .route("/event-hooks/{id}/deliveries/{delivery}/redeliver", redeliver.into_methods())
        .route("/event-hooks/{id}/recover", recover.into_methods())
        .route("/event-hooks/{id}/recover/{recovery}", recovery.into_methods())
        .route("/event-hooks/sources", sources())
        .route("/event-hooks/sources/{source}", source())
        .route("/event-hooks/sources/{source}/{event}", event())
        .route("/event-hooks/source", sources())
        .route("/event-hooks/source/{source}", source())
        .route("/event-hooks/source/{source}/{event}", event())
        .merge(poison::routes())
        .with_state(admin)
}

/// An id of any kind, from a path.
fn any_id<T: From<Uuid>>(text: &str) -> Result<T, Refusal> {
    hook::uuid(text).map(T::from).ok_or(Refusal::InvalidKey)
}

/// The id of a hook, from a path.
fn hook_id(text: &str) -> Result<HookId, Refusal> {
    any_id(text)
}
