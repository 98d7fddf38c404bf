//! `/event-hooks/{id}/ping` and `/event-hooks/{id}/test`: handlers that run while one waits.

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::{
    delivery::{Failure, Outcome},
    manage::Ran,
};
use http::StatusCode;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::{Admin, HOOK, hook_id};
use crate::{
    answer,
    auth::{May, ToWrite},
    body::Sent,
    error::Refusal,
    openapi::{Operation, Tag, Wanted, schema::Anything},
    resource::{Resource, Routes},
    wire::{described::Hook, ran},
};

/// Both routes.
pub(super) fn routes() -> Routes<Admin> {
    Routes::new()
        .route("/event-hooks/{id}/ping", Resource::new().get_alone(ping, describe_ping))
        .route("/event-hooks/{id}/test", Resource::new().post(test, describe_test))
}

/// What a ping sends.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what is shown is what was sent")]
struct Ping {
    source: String,
    event: String,
    event_hooks: Hook,
}

fn describe_ping() -> Operation {
    Operation::new(Tag::Hooks, "pingHook", "Send a ping to a webhook, and wait")
        .about("Other handlers answer 400.")
        .id("id", HOOK)
        .answers::<Ping>(200, "What was sent.")
        .answers::<ran::NotTaken>(502, "The receiver did not take it.")
}

async fn ping(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let Ran { data, report } = admin.hooks.ping(&may.scope(), hook_id(&id)?).await?;
    let Outcome::Failed(Failure { reason, .. }) = &report.outcome else {
        return Ok(answer::ok(&data));
    };
    let message = format!("the receiver did not take the ping: {reason}");
    let mut body = Map::from_iter([("message".to_owned(), Value::from(message))]);
    body.extend(ran::shown(report));
    Err(Refusal::With(StatusCode::BAD_GATEWAY, body.into()))
}

/// Data of somebody's own.
struct TestData;

impl Wanted for TestData {
    const NAME: &'static str = "TestData";

    fn schema() -> Value {
        json!({"type": "object"})
    }

    fn example() -> Value {
        json!({"operation": "create"})
    }
}

/// What came of a test.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what is shown is made from the report")]
struct Tested {
    /// What was handled: the data, with the hook's source and event.
    data: Anything,
    #[schemars(flatten)]
    came: ran::Shown,
}

fn describe_test() -> Operation {
    Operation::new(Tag::Hooks, "testHook", "Run a hook's handler with data of yours, and wait")
        .about("At once and once: no gate, no retry, no entry in the list of deliveries.")
        .id("id", HOOK)
        .reads::<TestData>()
        .answers::<Tested>(200, "What came of it; `error` is there where the handler failed.")
}

async fn test(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let data = arguments.into_object();
    let Ran { data, report } = admin.hooks.test(&may.scope(), hook_id(&id)?, data).await?;
    let mut body = Map::from_iter([("data".to_owned(), Value::from(data))]);
    body.extend(ran::shown(report));
    Ok(answer::ok(&body))
}
