//! What can be asked here, as a machine reads it: `GET /openapi.json`.
//!
//! The document is made from what the routes were registered with, from the types that answers are
//! written from, and from the limits that requests are judged by. It is of the whole surface,
//! whichever part of it a process serves.

mod tag;
mod operation;
pub(crate) mod parameters;
mod answer;
mod refusals;
pub(crate) mod schema;
mod form;
mod pattern;

use std::sync::LazyLock;

use axum::{body::Bytes, response::Response};
use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

pub(crate) use self::{
    answer::Answer,
    operation::Operation,
    refusals::Refused,
    schema::{Components, Wanted},
    tag::Tag,
};
use crate::{
    admin,
    auth::Needs,
    ingest, metrics,
    resource::{Resource, Routes, Served},
    status,
};

/// Says what an operation does.
pub(crate) type Describe = fn() -> Operation;

/// A method of a path, and what is said of it.
pub(crate) struct Described {
    /// `GET`, `POST`…
    pub(crate) method: &'static str,
    /// What its handler asks for.
    pub(crate) needs: Option<Needs>,
    /// What it does.
    pub(crate) describe: Describe,
}

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

/// `GET /openapi.json`
pub(crate) fn routes() -> Routes<()> {
    Routes::new().route("/openapi.json", Resource::new().get(shown, describe))
}

async fn shown() -> Response {
    let mut response = Response::new(DOCUMENT.clone().into());
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn describe() -> Operation {
    Operation::new(Tag::System, "getOpenApi", "This document")
        .answers::<Map<String, Value>>(200, "This document, in OpenAPI 3.1.")
}

/// Every path there is, whichever door it is behind.
fn all() -> Vec<Served> {
    let doors = [
        admin::paths().into_served(),
        ingest::paths().into_served(),
        ingest::explaining_paths().into_served(),
        status::paths().into_served(),
        metrics::paths().into_served(),
        routes().into_served(),
    ];
    doors.into_iter().flatten().collect()
}

fn document() -> Value {
    let mut components = Components::new();
    components.wanted::<pattern::EventPattern>();
    let mut paths = Map::new();
    for served in all() {
        let mut methods = Map::new();
        for described in &served.described {
            let mut operation = (described.describe)().needing(described.needs);
            if let Some(path) = served.same_as {
                operation = operation.same_as(path);
            }
            let operation = operation.into_value(&mut components);
            methods.insert(described.method.to_ascii_lowercase(), operation);
        }
        paths.insert(served.route.path.to_owned(), methods.into());
    }
    let responses = refusals::all(&mut components);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Event Hooks",
            "summary": "Tells the outside world what happens inside an API gateway.",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {"url": "/", "description": "All workspaces."},
            {
                "url": "/{workspace}",
                "description": "One workspace.",
                "variables": {"workspace": {
                    "default": "default",
                    "description": "Its name, of letters, digits, `_`, `.`, `~` and `-`. \
                        `default` is the same as no prefix.",
                }},
            },
        ],
        "tags": Tag::ALL.map(Tag::described),
        "paths": paths,
        "components": {
            "schemas": components.into_schemas(),
            "responses": responses,
            "securitySchemes": {
                "gatewayToken": {
                    "type": "apiKey", "in": "header", "name": "Kong-Admin-Token",
                    "description": "A token in the gateway's header. It counts where both are sent.",
                },
                "bearerToken": {
                    "type": "http", "scheme": "bearer",
                    "description": "A token in the usual header.",
                },
            },
        },
    })
}

const ABOUT: &str = "\
Event hooks of an API gateway: what it posts to `/events` is delivered to the hooks that listen.

* In front of each path there may be the name of a workspace; `servers` has both forms.
* `HEAD` works wherever `GET` does, except for `ping`, which would send one. `OPTIONS` answers 204 \
with `Allow`; any other method that is not described here is a 405 with `Allow`. Trailing slashes \
are ignored.
* Where no token is configured, none is asked for. Roles that an operation asks for stand in its \
`security`; each of them alone is enough, but where the description names an exception.
* Lengths of texts are counted in bytes of UTF-8.
* In bodies, null is the same as a missing field, but for PATCH, where it resets. In JSON, names \
with dots (`config.url`) may stand for members of members.";
