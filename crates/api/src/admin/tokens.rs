//! `/tokens`: who may come in. Tokens are nobody's workspace's, but may be tied to some.

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::id::TokenId;
use http::{HeaderValue, StatusCode, header};

use super::{Admin, any_id};
use crate::{
    answer,
    auth::{May, ToGrant},
    body::Sent,
    error::Refusal,
    resource::{Resource, Routes},
    wire::{paging, query::Query, token},
};

/// Every route of this resource.
pub(super) fn routes() -> Routes<Admin> {
    Routes::new()
        .route("/tokens", Resource::new().get(list).post(add))
        .route("/tokens/{id}", Resource::new().delete(remove))
}

async fn list(
    may: May<ToGrant>,
    State(admin): State<Admin>,
    query: Query,
) -> Result<Response, Refusal> {
    let page = admin.tokens.list(paging::wanted::<TokenId>(&query)?).await?;
    let items = page.items.iter().map(|it| (token::Listed::of(it), it.id));
    paging::answer(items, page.next, &may.path("/tokens"), &query, &["size"])
}

async fn add(
    may: May<ToGrant>,
    State(admin): State<Admin>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let (token, text) = admin.tokens.add(may.by(), token::wanted(arguments)?).await?;
    let mut response = answer::json(StatusCode::CREATED, &token::Made::of(&token, &text));
    let nowhere = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, nowhere);
    Ok(response)
}

async fn remove(
    may: May<ToGrant>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let id = any_id(&id)?;
    let was_there = admin.tokens.remove(may.by(), id).await?;
    may.forget(id);
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::NotFound) }
}
