//! `/event-hooks` and `/event-hooks/{id}`

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::{id::HookId, manage::ManageError};
use http::StatusCode;

use super::{Admin, hook_id};
use crate::{
    answer,
    auth::{May, ToRead, ToWrite},
    body::Sent,
    error::Refusal,
    wire::{hook, paging, query::Query},
};

pub(super) async fn list(
    may: May<ToRead>,
    State(admin): State<Admin>,
    query: Query,
) -> Result<Response, Refusal> {
    let page = admin.hooks.list(&may.scope(), paging::wanted::<HookId>(&query)?).await?;
    let items = page.items.iter().map(|hook| (hook.view(may.secrets()), hook.id));
    paging::answer(items, page.next, &may.path("/event-hooks"), &query, &["size"])
}

pub(super) async fn create(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let hook::Wanted { id, draft, created_at } = hook::wanted(arguments, admin.defaults)?;
    let created = admin.hooks.create(may.by(), may.workspace(), id, draft, created_at);
    Ok(answer::json(StatusCode::CREATED, &created.await?.view(may.secrets())))
}

pub(super) async fn get(
    may: May<ToRead>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let hook = admin.hooks.get(&may.scope(), hook_id(&id)?).await?;
    Ok(answer::ok(&hook.view(may.secrets())))
}

pub(super) async fn change(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let id = hook_id(&id)?;
    let change = |hook: &_| hook::changed(arguments.clone(), hook, admin.defaults);
    match admin.hooks.patch(may.by(), &may.scope(), id, change).await {
        Err(ManageError::NotFound(id)) => Err(Refusal::NothingToChange(id)),
        changed => Ok(answer::ok(&changed?.view(may.secrets()))),
    }
}

pub(super) async fn put(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let id = hook_id(&id)?;
    let wanted = hook::wanted(arguments, admin.defaults)?.for_id(id)?;
    let hook::Wanted { draft, created_at, .. } = wanted;
    let put = admin.hooks.put(may.by(), may.workspace(), id, draft, created_at);
    let (hook, _) = put.await?;
    Ok(answer::ok(&hook.view(may.secrets())))
}

pub(super) async fn delete(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    admin.hooks.delete(may.by(), &may.scope(), hook_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
