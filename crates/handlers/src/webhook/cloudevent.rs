//! An extension: the event as one of CloudEvents 1.0, in its structured form.
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

use bytes::Bytes;
use hooks::{event::Data, id::OccurrenceId, ports::Run, trace::TraceParent};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What cannot stand in a reference to a URI (RFC 3986).
const NOT_OF_URIS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    /// The occurrence: the same for every hook, and on every attempt.
    id: OccurrenceId,
    source: String,
    r#type: &'a str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<TraceParent>,
    datacontenttype: &'static str,
    data: &'a Data,
}

/// The bytes that are signed and sent. `time` is the caller's where it said one, and otherwise that
/// of acceptance.
pub(super) fn body(run: Run<'_>) -> Bytes {
    let event = run.event;
    let cloud = CloudEvent {
        specversion: "1.0",
        id: event.id,
        source: utf8_percent_encode(event.source.as_str(), NOT_OF_URIS).to_string(),
        r#type: event.event.as_str(),
        time: event.time.unwrap_or(event.order.accepted).to_string(),
        traceparent: event.trace,
        datacontenttype: "application/json",
        data: &event.data,
    };
    serde_json::to_vec(&cloud).expect("JSON values have no keys but strings").into()
}
