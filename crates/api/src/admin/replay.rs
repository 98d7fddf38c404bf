//! `…/deliveries/{delivery}/redeliver` and `/event-hooks/{id}/recover`: deliveries are sent again.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use serde_json::json;

use super::{Admin, any_id, hook_id};
use crate::{
    answer,
    auth::{May, ToRead, ToWrite},
    body::Sent,
    error::Refusal,
    wire::{range, recovery},
};

pub(super) async fn redeliver(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path((hook, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (hook, id) = (hook_id(&hook)?, any_id(&id)?);
    let run = admin.replays.redeliver(may.by(), &may.scope(), hook, id).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &json!({"id": id, "run": run})))
}

pub(super) async fn recover(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(hook): Path<String>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let (hook, range) = (hook_id(&hook)?, range::wanted(arguments)?);
    let begun = admin.replays.recover(may.by(), &may.scope(), hook, range).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &json!({"id": begun.id, "accepted": begun.accepted})))
}

pub(super) async fn recovery(
    may: May<ToRead>,
    State(admin): State<Admin>,
    Path((hook, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let found = admin.replays.recovery(&may.scope(), hook_id(&hook)?, any_id(&id)?).await?;
    Ok(answer::ok(&recovery::Shown::of(&found)))
}
