//! `/poison`: the messages that could not be processed at all. They are nobody's workspace's: what
//! cannot be read cannot be told whose it is.

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::id::PoisonId;
use http::StatusCode;
use serde_json::json;

use super::{Admin, any_id};
use crate::{
    answer,
    auth::{May, ToMend},
    error::Refusal,
    resource::{Resource, Routes},
    wire::{paging, poison, query::Query},
};

/// Every route of this resource.
pub(super) fn routes() -> Routes<Admin> {
    let one = Resource::new().get(get).delete(drop_it);
    Routes::new()
        .route("/poison", Resource::new().get(list))
        .route("/poison/{id}", one)
        .route("/poison/{id}/redeliver", Resource::new().post(redeliver))
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

async fn get(
    _: May<ToMend>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let found = admin.ledger.poison(any_id(&id)?).await?.ok_or(Refusal::NotFound)?;
    Ok(answer::ok(&poison::Alone::of(&found)))
}

async fn redeliver(
    may: May<ToMend>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id: PoisonId = any_id(&id)?;
    admin.poisons.redeliver(may.by(), id).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &json!({"id": id})))
}

async fn drop_it(
    may: May<ToMend>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let was_there = admin.poisons.drop_it(may.by(), any_id(&id)?).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::NotFound) }
}
