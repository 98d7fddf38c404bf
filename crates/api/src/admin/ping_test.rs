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
use serde_json::{Map, Value};

use super::{Admin, hook_id};
use crate::{
    answer,
    auth::{May, ToWrite},
    body::Sent,
    error::Refusal,
    wire::ran,
};

pub(super) async fn ping(
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

pub(super) async fn test(
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
