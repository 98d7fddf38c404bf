//! How many events is this, and in which form? One, a list, or one a line.

use std::fmt;

use hooks::publish::NewEvent;
use http::{HeaderMap, StatusCode, header::CONTENT_ENCODING};
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    cloudevents,
    event::{self, Bad},
    refused::RefusedEvents,
};
use crate::{error::Refusal, wire::arguments::content_type};

/// The largest event, as it is sent.
const MOST_BYTES: usize = 256 * 1024;
/// How many events a request may have.
pub(super) const MOST_EVENTS: usize = 1_000;

/// What a content type says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One event, or an array of them.
    Json,
    /// One event a line.
    Lines,
    /// One of CloudEvents, its attributes in headers: the body is its data.
    Binary,
    /// One of CloudEvents, as an object.
    Structured,
    /// An array of such objects.
    Batch,
}

/// The events of a request in this form, each read or refused; at least one.
pub(super) fn events(
    form: Form,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<Result<NewEvent, Bad>>, Refusal> {
    let text = str::from_utf8(body).map_err(|_| unreadable("the body is not valid UTF-8"))?;
    let texts = split(form, text)?;
    if texts.len() > MOST_EVENTS {
        return Err(too_many());
    }
    if let Some(index) = texts.iter().position(|it| it.len() > MOST_BYTES) {
        let reason = format!("event {index} is larger than {MOST_BYTES} bytes");
        return Err(Refusal::Because(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    if texts.is_empty() {
        return Err(unreadable("there is no event in the request"));
    }
    let read = |text: &str| match form {
        Form::Json | Form::Lines => event::read(text),
        Form::Binary => cloudevents::binary(headers, text),
        Form::Structured | Form::Batch => cloudevents::structured(text),
    };
    Ok(texts.into_iter().map(read).collect())
}

/// The form of a request's body, before it is read.
pub(super) fn form(headers: &HeaderMap) -> Result<Form, Refusal> {
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("bodies are taken uncompressed only"));
    }
    let content_type = content_type(headers)?.unwrap_or_default().to_ascii_lowercase();
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
    if !is_utf8(parameters) {
        return Err(unsupported("bodies are taken in UTF-8 only"));
    }
    match media_type.trim() {
        "application/cloudevents+json" => Ok(Form::Structured),
        "application/cloudevents-batch+json" => Ok(Form::Batch),
        json if cloudevents::is_binary(headers) => match json {
            "" | "application/json" => Ok(Form::Binary),
            other if other.ends_with("+json") => Ok(Form::Binary),
            _ => Err(unsupported("the data of a CloudEvent must be application/json")),
        },
        "application/json" => Ok(Form::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Form::Lines),
        _ => Err(unsupported(
            "the content type must be application/json, application/x-ndjson, \
             application/cloudevents+json or application/cloudevents-batch+json",
        )),
    }
}

fn is_utf8(parameters: &str) -> bool {
    let mut charsets = parameters.split(';').filter_map(|it| it.trim().strip_prefix("charset="));
    charsets.all(|charset| matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
}

fn unsupported(reason: &str) -> Refusal {
    Refusal::Because(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason.into())
}

/// 400, for a request as a whole: no event of it is to blame.
pub(super) fn unreadable(reason: &str) -> Refusal {
    RefusedEvents::of(reason.to_owned(), Vec::new())
}

fn too_many() -> Refusal {
    let reason = format!("the request has more than {MOST_EVENTS} events");
    Refusal::Because(StatusCode::PAYLOAD_TOO_LARGE, reason)
}

/// The texts of the events, not read yet.
fn split(form: Form, body: &str) -> Result<Vec<&str>, Refusal> {
    let trimmed = body.trim();
    match form {
        Form::Lines => {
            let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
            Ok(lines.take(MOST_EVENTS + 1).collect())
        }
        Form::Json | Form::Batch if trimmed.starts_with('[') => elements(trimmed),
        Form::Batch if !trimmed.is_empty() => Err(unreadable("a batch must be an array of events")),
        Form::Json | Form::Batch | Form::Structured if trimmed.is_empty() => Ok(Vec::new()),
        Form::Json | Form::Batch | Form::Structured | Form::Binary => Ok(vec![trimmed]),
    }
}

fn elements(array: &str) -> Result<Vec<&str>, Refusal> {
    let mut json = serde_json::Deserializer::from_str(array);
    let elements = json.deserialize_seq(Elements).and_then(|it| json.end().map(|()| it));
    elements.map_err(|error| unreadable(&event::not_json(&error)))
}

/// Takes the elements of an array as texts, not many more than can be accepted.
struct Elements;

impl<'a> Visitor<'a> for Elements {
    type Value = Vec<&'a str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(element) = array.next_element::<&RawValue>()? {
            if texts.len() <= MOST_EVENTS {
                texts.push(element.get());
            }
        }
        Ok(texts)
    }
}
