//! Who asks for what, and how is it answered? The front doors, as axum routers.
//!
//! A request goes through `routing` (prefix, browsers, panics) to a handler in `admin`, `ingest`
//! or `status`, which takes what it needs as extractors: permission (`auth`), arguments (`body`,
//! `wire`). What it refuses is an `error`, in the gateway's words.

mod routing;
mod resource;
mod openapi;
mod browser;
mod auth;

mod admin;
mod ingest;
mod status;
mod metrics;

mod body;
pub mod wire;
mod answer;
mod error;

use std::sync::Arc;

use axum::Router;
pub use hooks::access::FirstToken;

use crate::resource::Routes;
pub use crate::{
    admin::Admin,
    auth::{Auth, ClientAddress},
    ingest::{Ingest, Intake},
    metrics::Render,
    resource::Route,
    status::{Probe, Reach, Status},
};

/// What stands behind both doors.
#[derive(Clone)]
pub struct Front {
    /// Behind the admin API.
    pub admin: Admin,
    /// Behind `POST /events`.
    pub ingest: Ingest,
    /// Who may come in.
    pub auth: Auth,
    /// What `GET /status` asks.
    pub probe: Arc<dyn Probe>,
    /// What `GET /metrics` asks, where somebody counts.
    pub metrics: Option<Render>,
}

/// Both doors, `GET /status` and `GET /openapi.json`, as one process has them.
pub fn router(front: Front) -> Router {
    let auth = front.auth.clone();
    routing::open(routes(front), auth)
}

/// The paths that [`router`] serves.
pub fn served(front: Front) -> Vec<Route> {
    routes(front).into_served().into_iter().map(|it| it.route).collect()
}

fn routes(front: Front) -> Routes<()> {
    let routes = admin::routes(front.admin)
        .merge(ingest::routes(front.ingest))
        .merge(status::routes(front.probe))
        .merge(openapi::routes());
    match front.metrics {
        Some(render) => routes.merge(metrics::routes(render)),
        None => routes,
    }
}

/// The admin API alone, with `GET /status` and `GET /openapi.json`.
pub fn admin_router(admin: Admin, auth: Auth, probe: Arc<dyn Probe>) -> Router {
    let routes = admin::routes(admin).merge(status::routes(probe)).merge(openapi::routes());
    routing::open(routes, auth)
}

/// `POST /events` alone.
pub fn ingest_router(ingest: Ingest, auth: Auth) -> Router {
    routing::open(ingest::routes(ingest), auth)
}
