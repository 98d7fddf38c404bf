//! Who asks for what, and how is it answered? The front doors, as axum routers.
//!
//! A request goes through `routing` (prefix, browsers, panics) to a handler in `admin`, `ingest`
//! or `status`, which takes what it needs as extractors: permission (`auth`), arguments (`body`,
//! `wire`). What it refuses is an `error`, in the gateway's words.

mod routing;
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

pub use crate::{
    admin::Admin,
    auth::Auth,
    ingest::Ingest,
    metrics::Render,
    status::{Probe, Reach, Status},
};

/// What stands behind both doors.
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

/// Both doors and `GET /status`, as one process has them.
pub fn router(front: Front) -> Router {
    let routes = admin::routes(front.admin)
        .merge(ingest::routes(front.ingest))
        .merge(status::routes(front.probe))
        .merge(front.metrics.map(metrics::routes).unwrap_or_default());
    routing::open(routes, front.auth)
}

/// The admin API alone.
pub fn admin_router(admin: Admin, auth: Auth) -> Router {
    routing::open(admin::routes(admin), auth)
}

/// `POST /events` alone.
pub fn ingest_router(ingest: Ingest, auth: Auth) -> Router {
    routing::open(ingest::routes(ingest), auth)
}
