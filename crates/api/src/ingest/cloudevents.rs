//! Is this an event of CloudEvents 1.0? In its binary, structured and batched forms.
//!
//! `source` is the source, `type` the event's name; `id` and `time` are what they are called.
//! Data is a JSON object, or missing. Extension attributes are not looked at.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hooks::publish::NewEvent;
use http::HeaderMap;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::event::{Bad, Parts, object};

const NOT_AN_OBJECT: &str = "must be a JSON object";

/// Does a request carry an event's attributes in its headers?
pub(super) fn is_binary(headers: &HeaderMap) -> bool {
    ["ce-specversion", "ce-id", "ce-source", "ce-type"].iter().any(|it| headers.contains_key(*it))
}

/// Reads an event whose attributes are members of an object.
pub(super) fn structured(text: &str) -> Result<NewEvent, Bad> {
    let mut members = object(text)?;
    let mut parts = attributes(|name| members.shift_remove(name));
    let base64 = members.shift_remove("data_base64").filter(|it| !it.is_null());
    match (members.shift_remove("data").filter(|it| !it.is_null()), base64) {
        (None, None) => {}
        (Some(Value::Object(data)), None) => parts.data = data,
        (Some(_), None) => parts.problem("data", NOT_AN_OBJECT),
        (None, Some(base64)) => match decoded(&base64) {
            Some(data) => parts.data = data,
            None => parts.problem("data_base64", "must be a JSON object in base64"),
        },
        (Some(_), Some(_)) => parts.problem("data_base64", "cannot stand beside data"),
    }
    parts.into_event()
}

/// Reads an event whose attributes are headers, and whose data is the body.
pub(super) fn binary(headers: &HeaderMap, body: &str) -> Result<NewEvent, Bad> {
    let mut parts = attributes(|name| {
        let value = headers.get(format!("ce-{name}"))?;
        let text = percent_decode(value.as_bytes()).decode_utf8_lossy();
        Some(text.into_owned().into())
    });
    if !body.is_empty() {
        match object(body) {
            Ok(data) => parts.data = data,
            Err(bad) => parts.problem("data", bad.message),
        }
    }
    parts.into_event()
}

fn attributes(mut take: impl FnMut(&str) -> Option<Value>) -> Parts {
    let version = take("specversion");
    let mut parts = Parts {
        source: take("source"),
        event: take("type"),
        name_of_event: "type",
        id: take("id"),
        time: take("time"),
        ..Parts::default()
    };
    if version.is_none_or(|it| it != "1.0") {
        parts.problem("specversion", "must be \"1.0\"");
    }
    if parts.id.as_ref().is_none_or(Value::is_null) {
        parts.problem("id", "required");
    }
    parts
}

fn decoded(base64: &Value) -> Option<Map<String, Value>> {
    let bytes = BASE64_STANDARD.decode(base64.as_str()?).ok()?;
    object(str::from_utf8(&bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_structured_event_is_an_object() {
        let with = |more: Value| {
            let mut event =
                json!({"specversion": "1.0", "id": "1", "source": "crud", "type": "consumers"});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            structured(&event.to_string()).map(|it| Value::from(it.data.as_map().clone()))
        };
        for (name, more, expected) in [
            ("data", json!({"data": {"a": 1}}), json!({"a": 1})),
            ("no data", json!({}), json!({})),
            ("null data", json!({"data": null, "datacontenttype": null}), json!({})),
            ("data in base64", json!({"data_base64": "eyJhIjoxfQ=="}), json!({"a": 1})),
            ("extensions", json!({"subject": "x", "traceparent": "y"}), json!({})),
        ] {
            assert_eq!(with(more), Ok(expected), "{name}");
        }
        for (name, more, message) in [
            ("text for data", json!({"data": "a"}), "data: must be a JSON object"),
            (
                "bytes for data",
                json!({"data_base64": "AAEC"}),
                "data_base64: must be a JSON object in base64",
            ),
            (
                "not base64",
                json!({"data_base64": 5}),
                "data_base64: must be a JSON object in base64",
            ),
            (
                "data twice",
                json!({"data": {}, "data_base64": ""}),
                "data_base64: cannot stand beside data",
            ),
            ("another version", json!({"specversion": "0.3"}), "specversion: must be \"1.0\""),
            ("no id", json!({"id": null}), "id: required"),
            (
                "an id that is no text",
                json!({"id": 1}),
                "id: must be a string of 1 to 255 bytes without control characters",
            ),
            ("no type", json!({"type": null}), "type: required"),
            (
                "a time that is none",
                json!({"time": "now"}),
                "time: must be a time in RFC 3339 or in seconds since 1970",
            ),
        ] {
            assert_eq!(with(more).unwrap_err().message, message, "{name}");
        }
    }

    #[test]
    fn a_binary_event_has_its_attributes_in_headers() {
        let headers: HeaderMap = [
            ("ce-specversion", "1.0"),
            ("ce-id", "%C3%A4-1"),
            ("ce-source", "crud"),
            ("ce-type", "consumers"),
            ("ce-time", "2026-11-21T10:00:00Z"),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
        let event = binary(&headers, r#"{"a":1}"#).unwrap();
        assert_eq!(event.id.as_deref(), Some("ä-1"));
        assert_eq!(event.data.get("a"), Some(&json!(1)));
        assert!(event.time.is_some());
        assert!(binary(&headers, "").unwrap().data.as_map().is_empty(), "no body, no data");
        assert_eq!(
            binary(&headers, "[1]").unwrap_err().message,
            "data: an event must be a JSON object"
        );
    }
}
