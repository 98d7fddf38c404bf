//! Are bodies decoded as the gateway decodes them?

use api::wire::{
    arguments::{Arguments, ArgumentsError},
    hook,
    infer::{FieldType, Fields},
};
use hooks::handler::HandlerKind;
use http::{HeaderMap, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

/// Cases whose outcome is another one here, on purpose.
const DIFFERENCES: [Difference; 0] = [];

/// A case that ends otherwise, what it ends as, and why.
struct Difference {
    name: &'static str,
    expect: fn() -> Value,
    reason: &'static str,
}

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

/// What the case expects, as JSON can say it. A Lua table that is sparse is an object of its
/// numbers here: JSON has no other word for it, and no field of a hook takes it for a list.
fn expected(case: &Value) -> Value {
    fn plain(value: &Value) -> Value {
        match value {
            Value::Object(members) => match members.get("$lua_table") {
                Some(table) => plain(table),
                None => members.iter().map(|(name, it)| (name.clone(), plain(it))).collect(),
            },
            Value::Array(items) => items.iter().map(plain).collect(),
            other => other.clone(),
        }
    }
    let difference = DIFFERENCES.iter().find(|it| case["name"] == it.name);
    if let Some(Difference { reason, .. }) = difference {
        assert!(!reason.is_empty());
    }
    difference.map_or_else(|| plain(&case["expect"]), |it| (it.expect)())
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
}
