//! `/poison`: the messages that could not be processed at all. They are nobody's workspace's: what
//! cannot be read cannot be told whose it is.

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::id::PoisonId;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Admin, any_id};
use crate::{
    answer,
    auth::{May, ToMend},
    error::Refusal,
    openapi::{Operation, Refused, Tag, schema::Id},
    resource::{Resource, Routes},
    wire::{
        paging::{self, Page},
        poison,
        query::Query,
    },
};

/// Every route of this resource.
pub(super) fn routes() -> Routes<Admin> {
    let one = Resource::new().get(get, describe_get).delete(drop_it, describe_drop);
    Routes::new()
        .route("/poison", Resource::new().get(list, describe_list))
        .route("/poison/{id}", one)
        .route("/poison/{id}/redeliver", Resource::new().post(redeliver, describe_redeliver))
}

const MESSAGE: &str = "The message's id.";

fn describe_list() -> Operation {
    Operation::new(Tag::Poison, "listPoison", "List messages that could not be processed")
        .about("By id.")
        .paged()
        .answers::<Page<poison::Listed<'_>>>(200, "A page of messages, without their texts.")
}

async fn list(
    may: May<ToMend>,
    State(admin): State<Admin>,
    query: Query,
) -> Result<Response, Refusal> {
    let page = admin.ledger.poisons(paging::wanted::<PoisonId>(&query)?).await?;
    let items = page.items.iter().map(|it| (poison::Listed::of(it), it.id));
    paging::answer(items, page.next, &may.path("/poison"), &query, &["size"])
}

fn describe_get() -> Operation {
    Operation::new(Tag::Poison, "getPoison", "Show such a message, with its text")
        .id("id", MESSAGE)
        .answers::<poison::Alone<'_>>(200, "The message.")
}

async fn get(
    _: May<ToMend>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let found = admin.ledger.poison(any_id(&id)?).await?.ok_or(Refusal::NotFound)?;
    Ok(answer::ok(&poison::Alone::of(&found)))
}

#[derive(Serialize, JsonSchema)]
struct Redelivering {
    #[schemars(with = "Id")]
    id: PoisonId,
}

fn describe_redeliver() -> Operation {
    Operation::new(Tag::Poison, "redeliverPoison", "Send such a message to its queue again")
        .id("id", MESSAGE)
        .answers::<Redelivering>(202, "It is going to be sent.")
        .refused(&[Refused::Conflict])
}

async fn redeliver(
    may: May<ToMend>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id: PoisonId = any_id(&id)?;
    admin.poisons.redeliver(may.by(), id).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &Redelivering { id }))
}

fn describe_drop() -> Operation {
    Operation::new(Tag::Poison, "dropPoison", "Drop such a message")
        .id("id", MESSAGE)
        .answers_nothing(204, "It is gone.")
        .refused(&[Refused::Conflict])
}

async fn drop_it(
    may: May<ToMend>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let was_there = admin.poisons.drop_it(may.by(), any_id(&id)?).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::NotFound) }
}
