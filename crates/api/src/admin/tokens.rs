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
    openapi::{Answer, Operation, Refused, Tag},
    resource::{Resource, Routes},
    wire::{
        paging::{self, Page},
        query::Query,
        token::{self, TokenWanted},
    },
};

/// Every route of this resource.
pub(super) fn routes() -> Routes<Admin> {
    Routes::new()
        .route("/tokens", Resource::new().get(list, describe_list).post(add, describe_add))
        .route("/tokens/{id}", Resource::new().delete(remove, describe_remove))
}

fn describe_list() -> Operation {
    let list = Operation::new(Tag::Tokens, "listTokens", "List tokens").about("By id.").paged();
    list.answers::<Page<token::Listed<'_>>>(200, "A page of tokens, without their texts.")
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

fn describe_add() -> Operation {
    let made = Answer::new(201, "The token, with its text.")
        .of::<token::Made<'_>>("application/json")
        .header("Cache-Control", "`no-store`: it is shown this once.")
        .leads_to("deleteToken", "id", &[]);
    Operation::new(Tag::Tokens, "createToken", "Make a token")
        .reads::<TokenWanted>()
        .answers_with(made)
        .refused(&[Refused::Conflict])
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

fn describe_remove() -> Operation {
    Operation::new(Tag::Tokens, "deleteToken", "Take a token back")
        .id("id", "The token's id.")
        .answers_nothing(204, "It is refused within 10 seconds.")
        .refused(&[Refused::Conflict])
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
