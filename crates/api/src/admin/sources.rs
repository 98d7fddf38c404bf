//! `/event-hooks/sources`: the catalog, level by level.

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
use serde::Serialize;

use super::Admin;
use crate::{
    answer,
    auth::{May, ToPublish, ToRead},
    body::Sent,
    error::Refusal,
    wire::spec,
};

/// What all levels are wrapped in.
#[derive(Serialize)]
struct Level<T> {
    data: T,
}

fn level(data: impl Serialize) -> Response {
    answer::ok(&Level { data })
}

pub(super) async fn all(_: May<ToRead>, State(admin): State<Admin>) -> Result<Response, Refusal> {
    Ok(level(admin.sources.catalog().await?.sources()))
}

pub(super) async fn of_source(
    _: May<ToRead>,
    State(admin): State<Admin>,
    Path(source): Path<String>,
) -> Result<Response, Refusal> {
    let sources = admin.sources.catalog().await?.sources();
    Ok(level(sources.get(&source).ok_or(Refusal::NotFound)?))
}

pub(super) async fn of_event(
    _: May<ToRead>,
    State(admin): State<Admin>,
    Path(names): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (source, event) = parse(&names).map_err(|_| Refusal::NotFound)?;
    let catalog = admin.sources.catalog().await?;
    Ok(level(catalog.get(&source, &event).ok_or(Refusal::NotFound)?))
}

pub(super) async fn publish(
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

pub(super) async fn withdraw(
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
