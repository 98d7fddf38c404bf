//! Are requests refused in the gateway's words?

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use testkit::fakes::Script;

use crate::doors::{Answer, Doors, FORM, JSON, request, webhook};

const UUID: &str = "5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10";

/// Cases that cannot be brought about, and why.
const WITHOUT: [(&str, &str); 1] =
    [("unique violation", "no field of a hook is unique but its id, which has a case of its own")];

/// Does what a case is about.
async fn done(name: &str) -> Answer {
    let doors = Doors::open();
    let post = |body: &str| request(Method::POST, "/event-hooks", &[JSON], body.to_owned());
    let post_json = |body: Value| post(&body.to_string());
    let with_config = |name: &str, value: Value| {
        let mut hook = webhook();
        hook["config"][name] = value;
        hook
    };
    let this = format!("/event-hooks/{UUID}");
    match name {
        "unknown route" => doors.get("/other").await,
        "GET entity that does not exist (valid UUID)" => doors.get(&this).await,
        "PATCH/PUT-less update of a missing entity" => {
            doors.json(Method::PATCH, &this, &json!({"snooze": 1})).await
        }
        "DELETE of a missing hook" => doors.ask(Method::DELETE, &this).await,
        "id in the path is not a UUID and the entity has no endpoint_key" => {
            doors.get("/event-hooks/consumers").await
        }
        "one schema violation" | "subschema key missing stops validation of the rest" => {
            doors.send(post_json(json!({"snooze": "x"}))).await
        }
        "nested schema violation" => {
            doors.send(post_json(json!({"source": "crud", "handler": "webhook"}))).await
        }
        "two schema violations: field names sorted, joined by '; '" => {
            doors.send(post_json(json!({"handler": "log", "snooze": "60"}))).await
        }
        "unknown field" => {
            doors.send(post_json(json!({"source": "crud", "handler": "log", "foo": 1}))).await
        }
        "subschema key unknown" => {
            doors.send(post_json(json!({"source": "crud", "handler": "foo"}))).await
        }
        "method not upper case" => {
            let mut hook = with_config("method", json!("post"));
            hook["handler"] = json!("webhook-custom");
            doors.send(post_json(hook)).await
        }
        "url without host" => doors.send(post_json(with_config("url", json!("http://")))).await,
        "url without scheme" => {
            doors.send(post_json(with_config("url", json!("example.com/x")))).await
        }
        "bad header name" => {
            doors.send(post_json(with_config("headers", json!({"a b": "1"})))).await
        }
        "id already used on POST" => {
            let mut hook = webhook();
            hook["id"] = UUID.into();
            doors.hook(&hook).await;
            doors.send(post_json(hook)).await
        }
        "size not a number" => doors.get("/event-hooks?size=x").await,
        "size out of range" => doors.get("/event-hooks?size=1001").await,
        "offset not base64" => doors.get("/event-hooks?offset=x").await,
        "offset base64 but not JSON" => doors.get("/event-hooks?offset=aGVsbG8").await,
        "unknown query filter is ignored" => doors.get("/event-hooks?foo=bar").await,
        "GET ignores an invalid body" => {
            doors.send(request(Method::GET, "/event-hooks", &[JSON], "{")).await
        }
        "wrong method" => doors.ask(Method::DELETE, "/event-hooks").await,
        "malformed JSON" => doors.send(post("{\"hello\": \"world\"")).await,
        "unsupported content type" => {
            let text = [("content-type", "text/plain")];
            doors.send(request(Method::POST, "/event-hooks", &text, "a=b")).await
        }
        "two Content-Type headers" => {
            doors.send(request(Method::POST, "/event-hooks", &[JSON, FORM], "{}")).await
        }
        "too many arguments" => {
            let query = (0..1_001).map(|it| format!("a={it}")).collect::<Vec<_>>().join("&");
            let posted = doors.form(Method::POST, "/event-hooks", &query).await;
            assert_eq!(posted.expect(400), json!({"message": "Too many arguments"}), "in a form");
            doors.get(&format!("/event-hooks?{query}")).await
        }
        "unexpected failure" => {
            let hook = doors.log_hook().await;
            doors.handlers.always(hook.parse().unwrap(), Script::Panic);
            doors.json(Method::POST, &format!("/event-hooks/{hook}/test"), &json!({})).await
        }
        "OPTIONS" => doors.ask(Method::OPTIONS, "/event-hooks").await,
        "RBAC: missing or bad Kong-Admin-Token (EE)" => {
            Doors::guarded("first").get("/event-hooks").await
        }
        "RBAC: not permitted (EE)" => not_permitted().await,
        unknown => panic!("nobody knows what to do for {unknown:?}"),
    }
}

async fn not_permitted() -> Answer {
    use hooks::{
        access::{Role, Token},
        ports::TokenStore as _,
    };

    let doors = Doors::guarded("first");
    let token =
        Token { name: "alex".into(), role: Role::Emitter, ..testkit::builders::token("shown") };
    doors.store.add_token(&token).await.unwrap();
    let shown = [("kong-admin-token", "shown")];
    doors.send(request(Method::GET, "/event-hooks", &shown, Body::empty())).await
}

/// The body that a case expects, with the id that these tests use.
fn body(case: &Value) -> Value {
    let text = case["body"].to_string().replace("<uuid>", UUID);
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn every_case() {
    let file: Value =
        serde_json::from_str(include_str!("../../../tests/conformance/admin-errors.json")).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        if WITHOUT.iter().any(|(it, _)| *it == name) {
            continue;
        }
        let answer = done(name).await;
        assert_eq!(
            answer.status,
            u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
            "{name}"
        );
        match body(case) {
            Value::Null if case.get("body").is_none() => {}
            Value::Null => assert_eq!(answer.text, "", "{name}"),
            Value::String(text) => assert_eq!(answer.text, text, "{name}"),
            expected => {
                assert_eq!(answer.json(), expected, "{name}");
                let json = Some("application/json; charset=utf-8");
                assert_eq!(answer.header("content-type"), json, "{name}");
            }
        }
        for (header, value) in case["headers"].as_object().into_iter().flatten() {
            assert_eq!(answer.header(header), value.as_str(), "{name}: {header}");
        }
    }
}

#[tokio::test]
async fn what_does_not_answer_can_be_asked_again() {
    let doors = Doors::open();
    doors.store.fail_next();
    let answer = doors.get("/event-hooks").await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    let message = answer.expect(503)["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("a test wants"), "no details: {message}");
    doors.get("/event-hooks").await.expect(200);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused() {
    let answer = Doors::open().get("/event-hooks/sources/%FF").await;
    assert_eq!(answer.expect(400), json!({"message": "the path is not valid UTF-8"}));
}

#[tokio::test]
async fn a_header_that_is_no_text_is_no_content_type() {
    let doors = Doors::open();
    let mut odd = request(Method::POST, "/event-hooks", &[], "{}");
    odd.headers_mut().insert(
        HeaderName::from_static("content-type"),
        HeaderValue::from_bytes(b"application/json\xff").unwrap(),
    );
    doors.send(odd).await.expect(415);
}
