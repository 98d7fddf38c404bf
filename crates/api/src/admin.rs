//! The admin API: a file a resource.

mod hooks;
mod ping_test;
mod sources;
mod deliveries;

use std::sync::Arc;

use ::hooks::{
    id::HookId,
    manage::Hooks,
    ports::{Clock, Ledger},
    publish::Sources,
};
use axum::Router;

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
    Router::new()
        .route("/event-hooks", hooks.into_methods())
        .route("/event-hooks/{id}", hook.into_methods())
        .route("/event-hooks/{id}/ping", Resource::new().get_alone(ping_test::ping).into_methods())
        .route("/event-hooks/{id}/test", Resource::new().post(ping_test::test).into_methods())
        .route("/event-hooks/{id}/deliveries", deliveries.into_methods())
        .route("/event-hooks/{id}/deliveries/{delivery}", delivery.into_methods())
        .route("/event-hooks/sources", sources())
        .route("/event-hooks/sources/{source}", source())
        .route("/event-hooks/sources/{source}/{event}", event())
        .route("/event-hooks/source", sources())
        .route("/event-hooks/source/{source}", source())
        .route("/event-hooks/source/{source}/{event}", event())
        .with_state(admin)
}

/// The id of a hook, from a path.
fn hook_id(text: &str) -> Result<HookId, Refusal> {
    hook::uuid(text).map(HookId::from).ok_or(Refusal::InvalidKey)
}
