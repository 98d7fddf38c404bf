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

use super::{Admin, DELIVERY, HOOK, any_id, hook_id};
use crate::{
    answer,
    auth::{May, ToRead},
    error::Refusal,
    openapi::{Operation, Tag, parameters},
    resource::{Resource, Routes},
    wire::{
        delivery,
        fields::A_MOMENT,
        paging::{self, Page},
        query::Query,
    },
};

/// Every route of this resource.
pub(super) fn routes() -> Routes<Admin> {
    let one = Resource::new().get(get, describe_get);
    Routes::new()
        .route("/event-hooks/{id}/deliveries", Resource::new().get(list, describe_list))
        .route("/event-hooks/{id}/deliveries/{delivery}", one)
}

/// What offsets of this list are made of: when the event was accepted, and the delivery.
type Cursor = (i64, DeliveryId);

fn describe_list() -> Operation {
    Operation::new(Tag::Deliveries, "listDeliveries", "List what a hook was owed")
        .about("The newest first.")
        .id("id", HOOK)
        .paged()
        .takes(parameters::status())
        .takes(parameters::moment("since", "Only those accepted then or later."))
        .takes(parameters::moment("until", "Only those accepted before."))
        .answers::<Page<delivery::Listed<'_>>>(200, "A page of deliveries.")
}

async fn list(
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

fn describe_get() -> Operation {
    Operation::new(Tag::Deliveries, "getDelivery", "Show a delivery, with its data and attempts")
        .id("id", HOOK)
        .id("delivery", DELIVERY)
        .answers::<delivery::Alone<'_>>(200, "The delivery.")
}

async fn get(
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
