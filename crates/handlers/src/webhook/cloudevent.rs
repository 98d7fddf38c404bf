//! An extension: the event as one of CloudEvents 1.0, in its structured form.
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

use bytes::Bytes;
use hooks::{event::Data, id::OccurrenceId, ports::Run, trace::TraceParent};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What cannot stand in a reference to a URI (RFC 3986). A `%` may, before two digits.
const NOT_OF_URIS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
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

/// What cannot stand in the first segment of one that has no scheme.
const NOT_OF_FIRST_SEGMENTS: &AsciiSet = &NOT_OF_URIS.add(b':');

/// What cannot stand in a fragment.
const NOT_OF_FRAGMENTS: &AsciiSet = &NOT_OF_URIS.add(b'#');

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
        source: reference(event.source.as_str()),
        r#type: event.event.as_str(),
        time: event.time.unwrap_or(event.order.accepted).to_string(),
        traceparent: event.trace,
        datacontenttype: "application/json",
        data: &event.data,
    };
    serde_json::to_vec(&cloud).expect("JSON values have no keys but strings").into()
}

/// A name as a reference to a URI. One that is such a reference stays as it is.
fn reference(name: &str) -> String {
    let (rest, fragment) = match name.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (name, None),
    };
    let (first, more) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let has_scheme = first.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme));
    let of_first = if has_scheme { NOT_OF_URIS } else { NOT_OF_FIRST_SEGMENTS };
    let mut reference = encoded(first, of_first) + &encoded(more, NOT_OF_URIS);
    if let Some(fragment) = fragment {
        reference = reference + "#" + &encoded(fragment, NOT_OF_FRAGMENTS);
    }
    reference
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
}

/// Percent-encodes, but for what is encoded already.
fn encoded(text: &str, set: &'static AsciiSet) -> String {
    let mut pieces = text.split('%');
    let mut encoded: String = utf8_percent_encode(pieces.next().unwrap_or_default(), set).collect();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_hexdigit).count();
        encoded.push_str(if digits >= 2 { "%" } else { "%25" });
        encoded.extend(utf8_percent_encode(piece, set));
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_reference_to_a_uri() {
        for (name, source, expected) in [
            ("a plain name", "crud", "crud"),
            ("what looks like a scheme", "dao:crud", "dao:crud"),
            ("what begins like one and is none", "my_gateway:plugin", "my_gateway%3Aplugin"),
            ("a digit begins no scheme", "1st:x", "1st%3Ax"),
            ("a colon alone", ":", "%3A"),
            ("a colon further on", "kong/a:b", "kong/a:b"),
            ("an absolute path", "/kong/a:b", "/kong/a:b"),
            (
                "a URI",
                "https://kong.example.com:8443/a?b=c#d",
                "https://kong.example.com:8443/a?b=c#d",
            ),
            ("two fragments", "a#b#c", "a#b%23c"),
            ("what is encoded already", "a%20b", "a%20b"),
            ("a percent sign", "100%", "100%25"),
            ("a percent sign before what are no digits", "5%of%2", "5%25of%252"),
            ("what cannot be in a URI", "all of [it]", "all%20of%20%5Bit%5D"),
            ("letters beyond ASCII", "größe", "gr%C3%B6%C3%9Fe"),
        ] {
            assert_eq!(reference(source), expected, "{name}");
        }
    }
}
