//! `…/deliveries/{delivery}/redeliver` and `/event-hooks/{id}/recover`: deliveries are sent again.

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::id::{DeliveryId, RecoveryId};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Admin, DELIVERY, HOOK, any_id, hook_id};
use crate::{
    answer,
    auth::{May, ToRead, ToWrite},
    body::Sent,
    error::Refusal,
    openapi::{Answer, Operation, Refused, Tag, schema::Id},
    resource::{Resource, Routes},
    wire::{
        range::{self, RangeWanted},
        recovery,
    },
};

/// Every route of this resource.
pub(super) fn routes() -> Routes<Admin> {
    let redeliver = Resource::new().post(redeliver, describe_redeliver);
    let recovery = Resource::new().get(recovery, describe_recovery);
    Routes::new()
        .route("/event-hooks/{id}/deliveries/{delivery}/redeliver", redeliver)
        .route("/event-hooks/{id}/recover", Resource::new().post(recover, describe_recover))
        .route("/event-hooks/{id}/recover/{recovery}", recovery)
}

#[derive(Serialize, JsonSchema)]
struct Redelivered {
    #[schemars(with = "Id")]
    id: DeliveryId,
    /// Which run of it this is, counted from 0.
    run: u32,
}

fn describe_redeliver() -> Operation {
    Operation::new(Tag::Deliveries, "redeliver", "Send a delivery again")
        .about("Under the same id, with the hook as it is now.")
        .id("id", HOOK)
        .id("delivery", DELIVERY)
        .answers::<Redelivered>(202, "It is going to be sent.")
        .refused(&[Refused::Conflict])
}

async fn redeliver(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path((hook, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (hook, id) = (hook_id(&hook)?, any_id(&id)?);
    let run = admin.replays.redeliver(may.by(), &may.scope(), hook, id).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &Redelivered { id, run }))
}

#[derive(Serialize, JsonSchema)]
struct Recovering {
    #[schemars(with = "Id")]
    id: RecoveryId,
    /// How many deliveries that will be.
    accepted: u64,
}

fn describe_recover() -> Operation {
    let begun = Answer::new(202, "They are going to be sent.")
        .of::<Recovering>("application/json")
        .leads_to("getRecovery", "recovery", &[("id", "id")]);
    Operation::new(Tag::Deliveries, "recover", "Send deliveries of a range of time again")
        .id("id", HOOK)
        .reads::<RangeWanted>()
        .answers_with(begun)
        .refused(&[Refused::Conflict])
}

async fn recover(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(hook): Path<String>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let (hook, range) = (hook_id(&hook)?, range::wanted(arguments)?);
    let begun = admin.replays.recover(may.by(), &may.scope(), hook, range).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &Recovering { id: begun.id, accepted: begun.accepted }))
}

fn describe_recovery() -> Operation {
    Operation::new(Tag::Deliveries, "getRecovery", "Say how far a recovery has come")
        .id("id", HOOK)
        .id("recovery", "The recovery's id.")
        .answers::<recovery::Shown>(200, "How far it has come.")
}

async fn recovery(
    may: May<ToRead>,
    State(admin): State<Admin>,
    Path((hook, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let found = admin.replays.recovery(&may.scope(), hook_id(&hook)?, any_id(&id)?).await?;
    Ok(answer::ok(&recovery::Shown::of(&found)))
}
