//! Are bodies decoded as the gateway decodes them?

use api::wire::{
    arguments::{Arguments, ArgumentsError},
    hook,
    infer::{FieldType, Fields},
};
use hooks::handler::HandlerKind;
use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

/// Cases that end otherwise here on purpose: name, outcome, reason.
const DIFFERENCES: [(&str, &str, &str); 3] = [
    (
        "lambda functions[0]",
        r#"{"source": "crud", "handler": "lambda", "config": {"functions": {"0": "f0"}}}"#,
        SPARSE,
    ),
    ("nested array x[2][1] (hole)", r#"{"x": {"2": ["a"]}}"#, SPARSE),
    (
        "x.r[1].s[a][2].t[b].u",
        r#"{"x": {"r": [{"s": {"a": {"2": {"t": {"b": {"u": "a"}}}}}}]}}"#,
        SPARSE,
    ),
];

const SPARSE: &str = "JSON has no sparse lists: one is an object of its numbers, which no field \
    takes for a list, so that it is refused and nobody's numbers are guessed at";

const GENERIC: Fields = &[
    ("name", FieldType::String),
    ("age", FieldType::Number),
    ("has_license", FieldType::Boolean),
    ("aliases", FieldType::Array(&FieldType::String)),
    ("comments", FieldType::String),
    ("count", FieldType::Integer),
    ("list", FieldType::Array(&FieldType::Integer)),
    ("m", FieldType::Map(&FieldType::Integer)),
];

async fn decode(case: &Value) -> Result<Map<String, Value>, ArgumentsError> {
    let text = |member: &str| case[member].as_str();
    let mut headers = HeaderMap::new();
    if let Some(content_type) = text("content_type") {
        headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    }
    let method = text("method").unwrap().parse().unwrap();
    let body = text("body").unwrap().to_owned().into();
    let arguments = Arguments::read(&method, &headers, body).await?;
    Ok(match text("schema").unwrap() {
        "event_hooks" => {
            let handler = arguments.text("handler").and_then(HandlerKind::parse);
            arguments.into_fields(hook::fields(handler))
        }
        "generic" => arguments.into_fields(GENERIC),
        _ => arguments.into_object(),
    })
}

fn expected(case: &Value) -> Value {
    match DIFFERENCES.iter().find(|(name, ..)| case["name"] == *name) {
        Some((_, outcome, _reason)) => serde_json::from_str(outcome).unwrap(),
        None => case["expect"].clone(),
    }
}

fn answered(error: &ArgumentsError) -> Value {
    match error {
        ArgumentsError::UnsupportedContentType => json!({"$status": 415, "$body": null}),
        other => json!({"$status": 400, "$body": {"message": other.to_string()}}),
    }
}

/// Without the body of an answer that has none, which only some cases spell out.
fn strip(mut outcome: Value) -> Value {
    if let Some(members) = outcome.as_object_mut().filter(|it| it.contains_key("$status")) {
        members.retain(|name, value| name != "$body" || !value.is_null());
    }
    outcome
}

#[tokio::test]
async fn every_case() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../tests/conformance/admin-arguments.json"))
            .unwrap();
    // The case without a body is about a query: `errors` runs it as a request.
    for case in cases.iter().filter(|it| it["body"].is_string()) {
        let name = case["name"].as_str().unwrap();
        let decoded = decode(case).await.map_or_else(|error| answered(&error), Value::from);
        assert_eq!(strip(decoded), strip(expected(case)), "{name}");
    }
    for (name, ..) in DIFFERENCES {
        assert!(cases.iter().any(|case| case["name"] == name), "no case is called {name:?}");
    }
}
