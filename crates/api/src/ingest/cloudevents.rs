//! Is this an event of CloudEvents 1.0? In its binary, structured and batched forms.
//!
//! `source` is the source, `type` the event's name; `id` and `time` are what they are called.
//! Data is a JSON object, or missing. Extension attributes are not looked at.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hooks::publish::NewEvent;
use http::HeaderMap;
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::event::{Bad, Parts, cut, object};

const NOT_AN_OBJECT: &str = "must be a JSON object";

/// The attributes that mean something here.
const ATTRIBUTES: [&str; 5] = ["specversion", "source", "type", "id", "time"];

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
    let (mut texts, mut problems) = (Map::new(), Vec::new());
    for name in ATTRIBUTES {
        match attribute(headers, name) {
            Ok(text) => texts.extend(text.map(|it| (name.to_owned(), it.into()))),
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
    }
    if !problems.is_empty() {
        let shown = |name: &str| texts.get(name).and_then(Value::as_str).map(cut);
        let message = problems.join("; ");
        return Err(Bad { source: shown("source"), event: shown("type"), message });
    }
    let mut parts = attributes(|name| texts.shift_remove(name));
    if !body.is_empty() {
        match object(body) {
            Ok(data) => parts.data = data,
            Err(bad) => parts.problem("data", bad.message),
        }
    }
    parts.into_event()
}

/// The text of an attribute that is a header. Whatever is not exactly one text is no attribute:
/// ids that could be taken for each other would make one event of two.
fn attribute(headers: &HeaderMap, name: &str) -> Result<Option<String>, &'static str> {
    let mut values = headers.get_all(format!("ce-{name}")).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("must be sent once");
    }
    let text = percent_decode(value.as_bytes()).decode_utf8();
    text.map(|it| Some(it.into_owned())).map_err(|_| "must be UTF-8, percent-encoded or not")
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
    use http::HeaderValue;
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

    #[test]
    fn an_attribute_in_headers_is_exactly_one_text() {
        let not_utf8 = "must be UTF-8, percent-encoded or not";
        for (name, id, expected) in [
            ("percent-encoded", &[&b"%C3%A4"[..]][..], Ok("ä")),
            ("as it is", &["ä".as_bytes()], Ok("ä")),
            ("a byte that is no text", &[b"%fe"], Err(format!("id: {not_utf8}"))),
            ("another one", &[b"%ff"], Err(format!("id: {not_utf8}"))),
            ("a byte as it is", &[b"\xff"], Err(format!("id: {not_utf8}"))),
            ("half a character", &[b"a%C3"], Err(format!("id: {not_utf8}"))),
            ("two of them", &[b"a", b"b"], Err("id: must be sent once".into())),
            ("the same one twice", &[b"a", b"a"], Err("id: must be sent once".into())),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in
                [("ce-specversion", "1.0"), ("ce-source", "crud"), ("ce-type", "consumers")]
            {
                headers.insert(name, HeaderValue::from_static(value));
            }
            for value in id {
                headers.append("ce-id", HeaderValue::from_bytes(value).unwrap());
            }
            let read = binary(&headers, "");
            if let Err(bad) = &read {
                assert_eq!(bad.source.as_deref(), Some("crud"), "{name}");
                assert_eq!(bad.event.as_deref(), Some("consumers"), "{name}");
            }
            let id = read.map(|it| it.id).map_err(|it| it.message);
            assert_eq!(id, expected.map(|it| Some(it.to_owned())), "{name}");
        }
    }
}
