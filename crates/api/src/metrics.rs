//! What has been counted, for whoever scrapes it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    auth::{May, ToRead},
    openapi::{Answer, Operation, Refused, Tag},
    resource::{Resource, Routes},
};

/// Renders everything that was counted, as Prometheus' text format (version 0.0.4).
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// `GET /metrics`
pub(crate) fn routes(render: Render) -> Routes<()> {
    paths().with_state(render)
}

/// The same, whatever stands behind it.
pub(crate) fn paths() -> Routes<Render> {
    Routes::new().route("/metrics", Resource::new().get(metrics, describe))
}

fn describe() -> Operation {
    let text = Answer::new(200, "In Prometheus' text format.").of::<String>("text/plain");
    Operation::new(Tag::System, "getMetrics", "Show what was counted")
        .about("Where metrics go elsewhere, there is no such path.")
        .answers_with(text)
        .refused(&[Refused::NotFound])
}

async fn metrics(_may: May<ToRead>, State(render): State<Render>) -> Response {
    let mut response = Response::new(render().into());
    *response.status_mut() = StatusCode::OK;
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}
