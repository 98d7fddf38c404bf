//! `POST /events`: in whatever form, whole or not at all.

mod intake;
mod posted;
mod event;
mod cloudevents;
mod refused;
mod described;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State},
    response::{IntoResponse as _, Response},
};
use hooks::{
    explain::Explainer,
    publish::{NewEvent, Posting, PublishError, Publisher, UnknownEvent},
    trace::TraceParent,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

pub use self::intake::Intake;
pub(crate) use self::refused::RefusedEvents;
use self::{
    described::Taken,
    event::Bad,
    intake::Room,
    refused::{EventError, Names, refuse, refused},
};
use crate::{
    answer,
    auth::{May, ToEmit, ToRead},
    body,
    error::Refusal,
    resource::{Resource, Routes},
    wire::query::Query,
};

/// The largest request.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Where events are explained.
pub(crate) const EXPLAIN: &str = "/events/explain";
/// The longest `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

/// What stands behind `POST /events`.
#[derive(Clone)]
pub struct Ingest {
    /// Takes events in.
    pub publisher: Arc<Publisher>,
    /// Says what would become of them, where that is at hand; else callers are sent to
    /// `/events/explain`.
    pub explainer: Option<Arc<Explainer>>,
    /// Says whether more may wait, where there is a limit.
    pub intake: Option<Arc<dyn Intake>>,
}

/// What stands behind `POST /events`, and what is in memory of what is posted there.
#[derive(Clone)]
pub(crate) struct Desk {
    ingest: Ingest,
    room: Arc<Room>,
}

/// `POST /events`
pub(crate) fn routes(ingest: Ingest) -> Routes<()> {
    paths().with_state(Desk { ingest, room: Arc::default() })
}

/// The same, whatever stands behind it.
pub(crate) fn paths() -> Routes<Desk> {
    Routes::new().route("/events", Resource::new().post(post, described::describe_post))
}

/// `POST /events/explain`
pub(crate) fn explaining(explainer: Arc<Explainer>) -> Routes<()> {
    explaining_paths().with_state(explainer)
}

/// The same, whatever stands behind it.
pub(crate) fn explaining_paths() -> Routes<Arc<Explainer>> {
    Routes::new().route(EXPLAIN, Resource::new().post(explain, described::describe_explain))
}

async fn post(
    State(desk): State<Desk>,
    query: Query,
    request: Request,
) -> Result<Response, Refusal> {
    let (mut head, body) = request.into_parts();
    if query.get("explain") == Some("true") {
        let may: May<ToRead> = May::from_request_parts(&mut head, &()).await?;
        return match &desk.ingest.explainer {
            Some(explainer) => explained(explainer, &may, &head.headers, body).await,
            None => Ok(elsewhere(&may)),
        };
    }
    let may = May::from_request_parts(&mut head, &()).await?;
    match query.get("explain") {
        None | Some("false") => desk.take(may, &head.headers, body).await,
        Some(_) => Err(posted::unreadable("explain must be true or false")),
    }
}

async fn explain(
    may: May<ToRead>,
    State(explainer): State<Arc<Explainer>>,
    request: Request,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    explained(&explainer, &may, &head.headers, body).await
}

/// Events are explained by whoever knows the hooks: the same request, there.
fn elsewhere(may: &May<ToRead>) -> Response {
    let there = may.relative(EXPLAIN.trim_start_matches('/'));
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, there)]).into_response()
}

async fn explained(
    explainer: &Explainer,
    may: &May<ToRead>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    // What would be refused is refused.
    idempotency_key(headers)?;
    let form = posted::form(headers)?;
    let body = body::read(headers, body, MOST_BYTES).await?;
    let events = checked(explainer.publisher(), posted::events(form, headers, &body)?).await?;
    if events.len() > Explainer::MOST_EVENTS {
        let most = Explainer::MOST_EVENTS;
        return Err(posted::unreadable(&format!("at most {most} events are explained at once")));
    }
    let names = Names::of_each(&events);
    match explainer.explain(may.workspace(), may.is_tied(), events).await {
        Ok(explained) => Ok(answer::ok(&json!({"data": explained}))),
        Err(error) => Err(refused(error, &names)),
    }
}

impl Desk {
    async fn take(
        self,
        may: May<ToEmit>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        let key = idempotency_key(headers)?;
        let Ingest { publisher, intake, .. } = self.ingest;
        let form = posted::form(headers)?;
        let body = intake::turn_away_if_full(intake.as_deref(), headers, body).await?;
        let (body, _place) = self.room.read(headers, body).await?;
        let events = checked(&publisher, posted::events(form, headers, &body)?).await?;
        drop(body);
        let names = Names::of_each(&events);
        let posting = Posting { key: key.as_deref(), trace: trace(headers) };
        match publisher.publish(may.workspace(), events, posting).await {
            Ok(ids) => {
                let taken = Taken { accepted: ids.len(), ids };
                Ok(answer::json(StatusCode::ACCEPTED, &taken))
            }
            Err(error) => Err(refused(error, &names)),
        }
    }
}

/// All events, where all are good. Otherwise everything that is wrong with any of them: what
/// cannot be read, and what is not in the catalog.
async fn checked(
    publisher: &Publisher,
    events: Vec<Result<NewEvent, Bad>>,
) -> Result<Vec<NewEvent>, Refusal> {
    let (mut good, mut places, mut errors) = (Vec::with_capacity(events.len()), vec![], vec![]);
    for (index, event) in events.into_iter().enumerate() {
        match event {
            Ok(event) => {
                good.push(event);
                places.push(index);
            }
            Err(bad) => errors.push(EventError::bad(index, bad)),
        }
    }
    if errors.is_empty() {
        return Ok(good);
    }
    match publisher.refuse_unknown(&good).await {
        Ok(()) => {}
        Err(PublishError::Unknown(unknown)) => errors.extend(unknown.into_iter().map(|it| {
            let names = good.get(it.index).map(Names::of);
            let index = places.get(it.index).copied().unwrap_or(it.index);
            EventError::unknown(UnknownEvent { index, ..it }, names.as_ref())
        })),
        Err(PublishError::Port(error)) => return Err(error.into()),
    }
    Err(refuse(errors))
}

/// The trace that a request is part of. One that cannot be read is none, as the specification has
/// it: a wrong header must not cost an event.
fn trace(headers: &HeaderMap) -> Option<TraceParent> {
    let mut all = headers.get_all("traceparent").iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    only.to_str().ok()?.trim().parse().ok()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next().map(HeaderValue::as_bytes) else { return Ok(None) };
    if keys.next().is_some() {
        return Err(posted::unreadable("Idempotency-Key must be sent once"));
    }
    if !(1..=LONGEST_KEY).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
        return Err(posted::unreadable(&format!(
            "Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters"
        )));
    }
    Ok(Some(key.iter().copied().map(char::from).collect()))
}
