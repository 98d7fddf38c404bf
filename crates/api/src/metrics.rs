//! What has been counted, for whoever scrapes it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    auth::{May, ToRead},
    resource::{Resource, Routes},
};

/// Renders everything that was counted, as Prometheus' text format (version 0.0.4).
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// `GET /metrics`
pub(crate) fn routes(render: Render) -> Routes<()> {
    Routes::new().route("/metrics", Resource::new().get(metrics)).with_state(render)
}

async fn metrics(_may: May<ToRead>, State(render): State<Render>) -> Response {
    let mut response = Response::new(render().into());
    *response.status_mut() = StatusCode::OK;
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
