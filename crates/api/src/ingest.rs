//! `POST /events`: in whatever form, whole or not at all.

mod posted;
mod event;
mod cloudevents;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request, State},
    response::Response,
};
use hooks::{
    explain::Explainer,
    name::{EventName, SourceName},
    publish::{NewEvent, Posting, PublishError, Publisher, UnknownEvent},
    trace::TraceParent,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

use self::event::Bad;
use crate::{
    answer,
    auth::{May, ToEmit, ToRead},
    body,
    error::Refusal,
    routing::Resource,
    wire::query::Query,
};

/// The largest request.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

/// What stands behind `POST /events`.
#[derive(Clone)]
pub struct Ingest {
    /// Takes events in.
    pub publisher: Arc<Publisher>,
    /// Says what would become of them, where that is at hand.
    pub explainer: Option<Arc<Explainer>>,
}

/// `POST /events`
pub(crate) fn routes(ingest: Ingest) -> Router {
    let events = Resource::new().post(post).into_methods();
    Router::new().route("/events", events).with_state(ingest)
}

async fn post(
    State(ingest): State<Ingest>,
    query: Query,
    request: Request,
) -> Result<Response, Refusal> {
    let (mut head, body) = request.into_parts();
    if query.get("explain") == Some("true") {
        let may = May::from_request_parts(&mut head, &()).await?;
        return ingest.explain(may, &head.headers, body).await;
    }
    let may = May::from_request_parts(&mut head, &()).await?;
    match query.get("explain") {
        None | Some("false") => ingest.take(may, &head.headers, body).await,
        Some(_) => Err(posted::unreadable("explain must be true or false")),
    }
}

impl Ingest {
    async fn take(
        self,
        may: May<ToEmit>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        let key = idempotency_key(headers)?;
        let events = self.events(headers, body).await?;
        let names = events.iter().map(Names::of).collect::<Vec<_>>();
        let posting = Posting { key: key.as_deref(), trace: trace(headers) };
        match self.publisher.publish(may.workspace(), events, posting).await {
            Ok(ids) => {
                let taken = json!({"accepted": ids.len(), "ids": ids});
                Ok(answer::json(StatusCode::ACCEPTED, &taken))
            }
            Err(error) => Err(refused(error, |index| names.get(index))),
        }
    }

    async fn explain(
        self,
        may: May<ToRead>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Response, Refusal> {
        let Some(explainer) = &self.explainer else {
            let reason = "events are not explained at this address";
            return Err(Refusal::Because(StatusCode::NOT_IMPLEMENTED, reason.into()));
        };
        let events = self.events(headers, body).await?;
        if events.len() > Explainer::MOST_EVENTS {
            let most = Explainer::MOST_EVENTS;
            return Err(posted::unreadable(&format!(
                "at most {most} events are explained at once"
            )));
        }

        let names = events.iter().map(Names::of).collect::<Vec<_>>();
        match explainer.explain(may.workspace(), may.is_tied(), events).await {
            Ok(explained) => Ok(answer::ok(&json!({"data": explained}))),
            Err(error) => Err(refused(error, |index| names.get(index))),
        }
    }

    /// The events of a request, whose form is judged before its body is read.
    async fn events(&self, headers: &HeaderMap, body: Body) -> Result<Vec<NewEvent>, Refusal> {
        let form = posted::form(headers)?;
        let body = body::read(headers, body, MOST_BYTES).await?;
        self.checked(posted::events(form, headers, &body)?).await
    }

    /// All events, where all are good. Otherwise everything that is wrong with any of them: what
    /// cannot be read, and what is not in the catalog.
    async fn checked(&self, events: Vec<Result<NewEvent, Bad>>) -> Result<Vec<NewEvent>, Refusal> {
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
        match self.publisher.refuse_unknown(&good).await {
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
}

/// What a refusal says of one event.
#[derive(Serialize)]
struct EventError {
    index: usize,
    source: Option<String>,
    event: Option<String>,
    message: String,
}

/// What an event is called.
struct Names(SourceName, EventName);

impl Names {
    fn of(event: &NewEvent) -> Self {
        Self(event.source.clone(), event.event.clone())
    }
}

impl EventError {
    fn bad(index: usize, bad: Bad) -> Self {
        Self { index, source: bad.source, event: bad.event, message: bad.message }
    }

    fn unknown(unknown: UnknownEvent, names: Option<&Names>) -> Self {
        Self {
            index: unknown.index,
            source: names.map(|it| it.0.as_str().to_owned()),
            event: names.map(|it| it.1.as_str().to_owned()),
            message: unknown.message,
        }
    }
}

fn refused<'a>(error: PublishError, names: impl Fn(usize) -> Option<&'a Names>) -> Refusal {
    match error {
        PublishError::Unknown(unknown) => {
            let errors = unknown.into_iter().map(|it| {
                let names = names(it.index);
                EventError::unknown(it, names)
            });
            refuse(errors.collect())
        }
        PublishError::Port(error) => error.into(),
    }
}

fn refuse(mut errors: Vec<EventError>) -> Refusal {
    errors.sort_by_key(|it| it.index);
    let message = match errors.len() {
        1 => "one event is not valid, nothing was accepted".to_owned(),
        several => format!("{several} events are not valid, nothing was accepted"),
    };
    Refusal::With(StatusCode::BAD_REQUEST, json!({"message": message, "errors": errors}))
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
