//! `/event-hooks` and `/event-hooks/{id}`

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::{id::HookId, manage::ManageError};
use http::StatusCode;

use super::{Admin, HOOK, hook_id};
use crate::{
    answer,
    auth::{May, ToRead, ToWrite},
    body::Sent,
    error::Refusal,
    openapi::{Answer, Operation, Refused, Tag},
    resource::{Resource, Routes},
    wire::{
        described::{Hook, HookChange, HookWanted},
        hook,
        paging::{self, Page},
        query::Query,
    },
};

/// Every route of this resource.
pub(super) fn routes() -> Routes<Admin> {
    let all = Resource::new().get(list, describe_list).post(create, describe_create);
    let one = Resource::new()
        .get(get, describe_get)
        .patch(change, describe_change)
        .put(put, describe_put)
        .delete(delete, describe_delete);
    Routes::new().route("/event-hooks", all).route("/event-hooks/{id}", one)
}

fn describe_list() -> Operation {
    Operation::new(Tag::Hooks, "listHooks", "List hooks")
        .about("By id. Without a prefix, those of every workspace.")
        .paged()
        .answers::<Page<Hook>>(200, "A page of hooks. Secrets are shown to admins only.")
}

async fn list(
    may: May<ToRead>,
    State(admin): State<Admin>,
    query: Query,
) -> Result<Response, Refusal> {
    let page = admin.hooks.list(&may.scope(), paging::wanted::<HookId>(&query)?).await?;
    let items = page.items.iter().map(|hook| (hook.view(may.secrets()), hook.id));
    paging::answer(items, page.next, &may.path("/event-hooks"), &query, &["size"])
}

fn describe_create() -> Operation {
    let made = Answer::new(201, "The hook that was made.").of::<Hook>("application/json");
    let made = ["getHook", "changeHook", "putHook", "deleteHook", "testHook", "listDeliveries"]
        .into_iter()
        .fold(made, |made, operation| made.leads_to(operation, "id", &[]));
    Operation::new(Tag::Hooks, "createHook", "Make a hook")
        .about("A `webhook` is sent a ping, through the queue.")
        .reads::<HookWanted>()
        .answers_with(made)
        .refused(&[Refused::Conflict])
}

async fn create(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let hook::Wanted { id, draft, created_at } = hook::wanted(arguments, admin.defaults)?;
    let created = admin.hooks.create(may.by(), may.workspace(), id, draft, created_at);
    Ok(answer::json(StatusCode::CREATED, &created.await?.view(may.secrets())))
}

fn describe_get() -> Operation {
    Operation::new(Tag::Hooks, "getHook", "Show a hook")
        .id("id", HOOK)
        .answers::<Hook>(200, "The hook. Its secret is shown to admins only.")
}

async fn get(
    may: May<ToRead>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let hook = admin.hooks.get(&may.scope(), hook_id(&id)?).await?;
    Ok(answer::ok(&hook.view(may.secrets())))
}

fn describe_change() -> Operation {
    Operation::new(Tag::Hooks, "changeHook", "Change what is said of a hook")
        .about(
            "Members of `config` are merged; `headers`, `payload` and lists are replaced whole; \
             null resets. A new handler begins with an empty `config`. The hook that comes of it \
             is judged as a whole.",
        )
        .id("id", HOOK)
        .reads::<HookChange>()
        .answers::<Hook>(200, "The hook as it is now.")
        .refused(&[Refused::Conflict])
}

async fn change(
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

fn describe_put() -> Operation {
    Operation::new(Tag::Hooks, "putHook", "Make or replace a hook")
        .about("What is not said has its default.")
        .id("id", HOOK)
        .reads::<HookWanted>()
        .answers::<Hook>(200, "The hook, whether there was one before or not.")
        .refused(&[Refused::Conflict])
}

async fn put(
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

fn describe_delete() -> Operation {
    Operation::new(Tag::Hooks, "deleteHook", "Remove a hook")
        .about("What it is still owed is cancelled.")
        .id("id", HOOK)
        .answers_nothing(204, "It is gone.")
        .refused(&[Refused::Conflict])
}

async fn delete(
    may: May<ToWrite>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    admin.hooks.delete(may.by(), &may.scope(), hook_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
