//! `/event-hooks/sources`: the catalog, level by level.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, State},
    response::Response,
};
use hooks::{
    catalog::Published,
    name::{EventName, NameError, SourceName},
    publish::Withdrawn,
    violation::Violations,
};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Admin;
use crate::{
    answer,
    auth::{May, ToPublish, ToRead},
    body::Sent,
    error::Refusal,
    openapi::{Operation, Refused, Tag, parameters},
    resource::{Resource, Routes},
    wire::spec::{self, EventSpecWanted},
};

/// Every route of this resource, under both of its names.
pub(super) fn routes() -> Routes<Admin> {
    const SOURCES: &str = "/event-hooks/sources";
    const SOURCE: &str = "/event-hooks/sources/{source}";
    const EVENT: &str = "/event-hooks/sources/{source}/{event}";
    let sources = || Resource::new().get(all, describe_all);
    let source = || Resource::new().get(of_source, describe_of_source);
    let event = || {
        Resource::new()
            .get(of_event, describe_of_event)
            .put(publish, describe_publish)
            .delete(withdraw, describe_withdraw)
    };
    Routes::new()
        .route(SOURCES, sources())
        .route(SOURCE, source())
        .route(EVENT, event())
        .same("/event-hooks/source", SOURCES, sources())
        .same("/event-hooks/source/{source}", SOURCE, source())
        .same("/event-hooks/source/{source}/{event}", EVENT, event())
}

type Events = BTreeMap<String, spec::Shown>;

fn one(operation: Operation) -> Operation {
    operation
        .takes(parameters::name("source", "The source."))
        .takes(parameters::name("event", "The event's name within it."))
        .refused(&[Refused::NotFound])
}

/// What all levels are wrapped in.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Level<T> {
    data: T,
}

fn level(data: impl Serialize) -> Response {
    answer::ok(&Level { data })
}

fn describe_all() -> Operation {
    Operation::new(Tag::Sources, "listSources", "Show the catalog")
        .answers::<Level<BTreeMap<String, Events>>>(200, "All events of all sources.")
}

async fn all(_: May<ToRead>, State(admin): State<Admin>) -> Result<Response, Refusal> {
    Ok(level(admin.sources.catalog().await?.sources()))
}

fn describe_of_source() -> Operation {
    Operation::new(Tag::Sources, "getSource", "Show the events of a source")
        .takes(parameters::name("source", "The source."))
        .answers::<Level<Events>>(200, "Its events.")
        .refused(&[Refused::NotFound])
}

async fn of_source(
    _: May<ToRead>,
    State(admin): State<Admin>,
    Path(source): Path<String>,
) -> Result<Response, Refusal> {
    let sources = admin.sources.catalog().await?.sources();
    Ok(level(sources.get(&source).ok_or(Refusal::NotFound)?))
}

fn describe_of_event() -> Operation {
    one(Operation::new(Tag::Sources, "getSourceEvent", "Show an event of a source"))
        .answers::<Level<spec::Shown>>(200, "What is known of it.")
}

async fn of_event(
    _: May<ToRead>,
    State(admin): State<Admin>,
    Path(names): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (source, event) = parse(&names).map_err(|_| Refusal::NotFound)?;
    let catalog = admin.sources.catalog().await?;
    Ok(level(catalog.get(&source, &event).ok_or(Refusal::NotFound)?))
}

fn describe_publish() -> Operation {
    one(Operation::new(Tag::Sources, "publishSourceEvent", "Publish an event of a source"))
        .about("In place of an entry of the same name, a built-in one too.")
        .reads::<EventSpecWanted>()
        .answers::<Level<spec::Shown>>(200, "What was published.")
        .refused(&[Refused::Conflict])
}

async fn publish(
    may: May<ToPublish>,
    State(admin): State<Admin>,
    Path(names): Path<(String, String)>,
    Sent(arguments): Sent,
) -> Result<Response, Refusal> {
    let (source, event) = parse(&names)?;
    let entry = Published { source, event, spec: spec::published(arguments)? };
    admin.sources.publish(may.by(), &entry).await?;
    Ok(level(entry.spec))
}

fn describe_withdraw() -> Operation {
    one(Operation::new(Tag::Sources, "withdrawSourceEvent", "Remove what was published"))
        .about("What is built in cannot be removed, and is back where it was replaced.")
        .answers_nothing(204, "It is gone.")
        .refused(&[Refused::Conflict])
}

async fn withdraw(
    may: May<ToPublish>,
    State(admin): State<Admin>,
    Path(names): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let (source, event) = parse(&names).map_err(|_| Refusal::NotFound)?;
    match admin.sources.withdraw(may.by(), &source, &event).await? {
        Withdrawn::Done => Ok(StatusCode::NO_CONTENT),
        Withdrawn::NotFound => Err(Refusal::NotFound),
        Withdrawn::BuiltIn => Err(Refusal::bad_request(format_args!(
            "event '{event}' of source '{source}' is built in and cannot be removed"
        ))),
    }
}

fn parse((source, event): &(String, String)) -> Result<(SourceName, EventName), Violations> {
    let wrong = |field: &'static str| move |error: NameError| Violations::one(field, error);
    let source = SourceName::parse(source).map_err(wrong("source"))?;
    Ok((source, EventName::parse(event).map_err(wrong("event"))?))
}
