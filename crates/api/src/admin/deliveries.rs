//! `/event-hooks/{id}/deliveries`: what became of the events that a hook was owed.

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::{
    delivery::Status,
    id::{DeliveryId, HookId},
    manage::ManageError,
    name::Scope,
    ports::{DeliveryCursor, DeliveryEntry, DeliveryQuery, PageRequest},
    time::Timestamp,
};

use super::{Admin, any_id, hook_id};
use crate::{
    answer,
    auth::{May, ToRead},
    error::Refusal,
    wire::{delivery, fields::A_MOMENT, paging, query::Query},
};

/// What offsets of this list are made of: when the event was accepted, and the delivery.
type Cursor = (i64, DeliveryId);

pub(super) async fn list(
    may: May<ToRead>,
    State(admin): State<Admin>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Response, Refusal> {
    let hook = admin.hooks.get(&may.scope(), hook_id(&id)?).await?.id;
    let page = admin.ledger.deliveries(&wanted(hook, &query)?, admin.clock.now()).await?;
    let items = page.items.iter().map(|it| {
        (
            delivery::Listed::of(it),
            cursor(&DeliveryCursor { accepted: it.delivery.event.order.accepted, id: it.id }),
        )
    });
    let path = may.path(&format!("/event-hooks/{hook}/deliveries"));
    let kept = ["size", "status", "since", "until"];
    paging::answer(items, page.next.as_ref().map(cursor), &path, &query, &kept)
}

pub(super) async fn get(
    may: May<ToRead>,
    State(admin): State<Admin>,
    Path((hook, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let hook = hook_id(&hook)?;
    let entry = admin.ledger.delivery(any_id(&id)?, admin.clock.now()).await?;
    let entry = entry.filter(|it| it.delivery.hook == hook).ok_or(Refusal::NotFound)?;
    if !is_in_scope(&admin, &may.scope(), &entry).await? {
        return Err(Refusal::NotFound);
    }
    Ok(answer::ok(&delivery::Alone::of(&entry)))
}

/// A delivery is where its hook is. Of a deleted hook it is only known whose event it had.
async fn is_in_scope(admin: &Admin, scope: &Scope, entry: &DeliveryEntry) -> Result<bool, Refusal> {
    match admin.hooks.get(&Scope::All, entry.delivery.hook).await {
        Ok(hook) => Ok(scope.includes(&hook.workspace)),
        Err(ManageError::NotFound(_)) => Ok(scope.includes(&entry.delivery.event.workspace)),
        Err(error) => Err(error.into()),
    }
}

fn wanted(hook: HookId, query: &Query) -> Result<DeliveryQuery, Refusal> {
    let page: PageRequest<Cursor> = paging::wanted(query)?;
    let after = page
        .after
        .map(|(accepted, id)| DeliveryCursor { accepted: Timestamp::from_millis(accepted), id });
    Ok(DeliveryQuery {
        hook,
        status: query.get("status").map(status).transpose()?,
        since: moment(query, "since")?,
        until: moment(query, "until")?,
        page: PageRequest { size: page.size, after },
    })
}

fn status(name: &str) -> Result<Status, Refusal> {
    Status::parse(name).ok_or_else(|| {
        let all = Status::ALL.map(Status::as_str).join(", ");
        Refusal::bad_request(format_args!("status must be one of {all}"))
    })
}

fn moment(query: &Query, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let parse = |text| {
        let refuse = || Refusal::bad_request(format_args!("{name} must be {A_MOMENT}"));
        Timestamp::parse(text).ok_or_else(refuse)
    };
    query.get(name).map(parse).transpose()
}

fn cursor(cursor: &DeliveryCursor) -> Cursor {
    (cursor.accepted.as_millis(), cursor.id)
}
