//! How does a payload become bytes?
//!
//! As the hook's `content-type` says: JSON unless it is a form. The methods that have no body take
//! it in their query.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value};
use url::form_urlencoded;
use uuid::Uuid;

/// In what a payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Form,
    Multipart,
}

impl Encoding {
    /// The encoding that the hook's headers ask for.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Self::Form
        } else if essence.eq_ignore_ascii_case(b"multipart/form-data") {
            Self::Multipart
        } else {
            Self::Json
        }
    }

    /// The payload's bytes. The `content-type` is made to agree with them: JSON gets one where
    /// there is none, multipart the boundary.
    pub(super) fn encode(self, payload: &Map<String, Value>, headers: &mut HeaderMap) -> Bytes {
        match self {
            Self::Json => {
                let json = HeaderValue::from_static("application/json");
                headers.entry(CONTENT_TYPE).or_insert(json);
                serde_json::to_vec(payload).expect("JSON values have no keys but strings").into()
            }
            Self::Form => form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields(payload))
                .finish()
                .into(),
            Self::Multipart => {
                // Nobody who writes the data can know it, and so end a part before its time.
                let boundary = format!("event-hooks-{}", Uuid::new_v4().simple());
                let named = format!("multipart/form-data; boundary={boundary}");
                let named = HeaderValue::try_from(named).expect("letters and digits");
                headers.insert(CONTENT_TYPE, named);
                multipart(payload, &boundary).into()
            }
        }
    }
}

/// Does the payload of a request with this method stand in its query?
pub(super) fn is_in_query(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// A payload as the fields of a form: text as it is, numbers and flags as JSON has them, a list as
/// one field for each of its elements, and what nests deeper as JSON. Null is no field.
pub(super) fn fields(payload: &Map<String, Value>) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    payload.iter().flat_map(|(name, value)| {
        let values = match value {
            Value::Array(elements) => &elements[..],
            value => std::slice::from_ref(value),
        };
        values.iter().filter_map(move |value| Some((name.as_str(), field(value)?)))
    })
}

fn field(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into()),
        other => Some(other.to_string().into()),
    }
}

fn multipart(payload: &Map<String, Value>, boundary: &str) -> String {
    let mut body = String::new();
    for (name, value) in fields(payload) {
        // As browsers escape what would end the name.
        let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        body.extend(["--", boundary, "\r\ncontent-disposition: form-data; name=\"", &name]);
        body.extend(["\"\r\n\r\n", &value, "\r\n"]);
    }
    body.extend(["--", boundary, "--\r\n"]);
    body
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(content_type: Option<&str>) -> HeaderMap {
        let value = content_type.map(|it| (CONTENT_TYPE, HeaderValue::from_str(it).unwrap()));
        value.into_iter().collect()
    }

    fn payload(value: Value) -> Map<String, Value> {
        let Value::Object(members) = value else { panic!("a payload is an object") };
        members
    }

    #[test]
    fn the_content_type_says_how() {
        for (name, content_type, expected) in [
            ("none", None, Encoding::Json),
            ("JSON", Some("application/json"), Encoding::Json),
            ("text, which is JSON's all the same", Some("text/plain"), Encoding::Json),
            ("a form", Some("application/x-www-form-urlencoded"), Encoding::Form),
            ("in capitals", Some("Application/X-WWW-Form-Urlencoded"), Encoding::Form),
            (
                "with a parameter",
                Some("application/x-www-form-urlencoded; charset=utf-8"),
                Encoding::Form,
            ),
            ("parts", Some("multipart/form-data"), Encoding::Multipart),
            (
                "parts, with space around",
                Some("Multipart/Form-Data ;boundary=x"),
                Encoding::Multipart,
            ),
            ("something longer", Some("multipart/form-data-like"), Encoding::Json),
        ] {
            assert_eq!(Encoding::of(&headers(content_type)), expected, "{name}");
        }
    }

    #[test]
    fn a_form_has_a_field_for_every_value() {
        let payload = payload(json!({
            "text": "a&b=c d+é\n", "number": 1.50, "big": 9_007_199_254_740_993_u64, "flag": false,
            "null": null, "list": ["x", 1, null, {"y": 2}, [3]], "object": {"k": ["v"]},
            "empty": "", "none": [], "a b": "space in the name",
        }));
        let body = Encoding::Form.encode(&payload, &mut headers(None));
        assert_eq!(
            body,
            "text=a%26b%3Dc+d%2B%C3%A9%0A&number=1.5&big=9007199254740993&flag=false&list=x&list=1\
             &list=%7B%22y%22%3A2%7D&list=%5B3%5D&object=%7B%22k%22%3A%5B%22v%22%5D%7D&empty=\
             &a+b=space+in+the+name"
        );
    }

    #[test]
    fn json_says_that_it_is_json_unless_the_hook_says_something() {
        let payload = payload(json!({"a": {"b": [1, "é"]}}));
        for (given, expected) in [
            (None, "application/json"),
            (Some("application/vnd.api+json"), "application/vnd.api+json"),
        ] {
            let mut headers = headers(given);
            assert_eq!(Encoding::Json.encode(&payload, &mut headers), r#"{"a":{"b":[1,"é"]}}"#);
            assert_eq!(headers[CONTENT_TYPE], expected);
        }
    }

    #[test]
    fn parts_end_where_they_end_whatever_is_in_them() {
        let payload = payload(json!({
            "text": "line\r\n--event-hooks\r\n", "na\"me\r\nx: y": "v", "list": ["1", "2"],
        }));
        let mut headers = headers(Some("Multipart/form-data; boundary=mine"));
        let body = Encoding::Multipart.encode(&payload, &mut headers);
        let (_, boundary) =
            headers[CONTENT_TYPE].to_str().unwrap().split_once("boundary=").unwrap();
        let part = |name: &str, value: &str| {
            format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
        };
        let expected = [
            part("text", "line\r\n--event-hooks\r\n"),
            part("na%22me%0D%0Ax: y", "v"),
            part("list", "1"),
            part("list", "2"),
            format!("--{boundary}--\r\n"),
        ];
        assert_eq!(body, expected.concat());
    }
}
