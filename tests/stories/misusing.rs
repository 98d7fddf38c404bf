//! Bad input, through the door: answered clearly, half-applied never.

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::world::{World, a_change, answer};

/// Asserts that each body is refused with this status and a message that names what is wrong, and
/// that the server is none the worse for it.
async fn refused(path: &str, cases: Vec<(&str, Vec<u8>, u16, &str)>) {
    let world = World::new().await;
    let listener = world.hook(&json!({"source": "crud", "handler": "log"})).await;
    for (name, body, status, expected) in cases {
        let asked = world.request("POST", path).header(CONTENT_TYPE, "application/json").body(body);
        let refused = answer(asked).await;
        assert_eq!(refused.status.as_u16(), status, "{name}: {}", refused.text);
        assert!(refused.text.contains(expected), "{name}: no '{expected}' in {}", refused.text);
    }
    let hooks = world.get("/event-hooks").await.json();
    let ids: Vec<_> = hooks["data"].as_array().unwrap().iter().map(|hook| &hook["id"]).collect();
    assert_eq!(ids, [&listener], "nothing was made");
    // What is accepted now comes after all that was accepted before.
    world.publish(&a_change()).await;
    let heard = world.deliveries(&listener, |all| !all.is_empty()).await;
    assert_eq!(heard.len(), 1, "nor accepted: {heard:#?}");
    assert!(!world.logged().await.contains("panicked"));
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

#[tokio::test]
async fn events_that_are_none_are_refused_with_what_is_wrong() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep =
        format!(r#"{{"source":"crud","event":"consumers","data":{{"x":{}}}}}"#, nested(1_000));
    let large = json!({"source": "crud", "event": "consumers", "x": "x".repeat(257 * 1024)});
    let many = Value::from(vec![a_change(); 1_001]);
    let mut second = vec![a_change(), a_change()];
    second[1]["event"] = "pigs".into();
    refused(
        "/events",
        vec![
            ("malformed", b"{\"source\"}".to_vec(), 400, "message"),
            ("truncated", b"{\"source\":\"crud\",".to_vec(), 400, "message"),
            ("invalid UTF-8", b"{\"source\":\"\xff\"}".to_vec(), 400, "message"),
            ("nothing", Vec::new(), 400, "message"),
            ("a number", b"7".to_vec(), 400, "message"),
            ("no source", bytes(&json!({"event": "consumers"})), 400, "source"),
            ("a source that is no text", bytes(&json!({"source": 7, "event": "x"})), 400, "source"),
            (
                "an unpublished source",
                bytes(&json!({"source": "pigs", "event": "fly"})),
                400,
                "pigs",
            ),
            ("the second is bad", bytes(&Value::from(second)), 400, "\"index\":1"),
            ("too large", bytes(&large), 413, "262144 bytes"),
            ("too many", bytes(&many), 413, "1000"),
            ("too deep", deep.into_bytes(), 400, "\"index\":0"),
        ],
    )
    .await;
}

#[tokio::test]
async fn hooks_that_cannot_be_are_refused_field_by_field() {
    let log = |member: &str, value: Value| {
        let mut hook = json!({"source": "crud", "handler": "log"});
        hook[member] = value;
        bytes(&hook)
    };
    let webhook = |member: &str, value: Value| {
        let mut hook = json!({
            "source": "crud", "handler": "webhook", "config": {"url": "https://example.com/"},
        });
        hook["config"][member] = value;
        bytes(&hook)
    };
    refused(
        "/event-hooks",
        vec![
            ("malformed", b"{\"hello\": \"world\"".to_vec(), 400, "Cannot parse JSON body"),
            ("unknown handler", log("handler", json!("frob")), 400, "unknown type: frob"),
            (
                "no handler",
                bytes(&json!({"source": "crud"})),
                400,
                "handler: required field missing",
            ),
            ("unknown field", log("foo", json!(1)), 400, "foo: unknown field"),
            ("snooze below 0", log("snooze", json!(-1)), 400, "snooze: value should be between"),
            (
                "snooze of 2^40",
                log("snooze", json!(1_u64 << 40)),
                400,
                "snooze: value should be between",
            ),
            ("snooze of a half", log("snooze", json!(0.5)), 400, "snooze: expected an integer"),
            (
                "on_change as text",
                log("on_change", json!("true")),
                400,
                "on_change: expected a boolean",
            ),
            ("an id that is none", log("id", json!("7")), 400, "id: expected a valid UUID"),
            ("source of a number", log("source", json!(7)), 400, "source: expected a string"),
            ("config as text", log("config", json!("{}")), 400, "config: expected a record"),
            (
                "url without scheme",
                webhook("url", json!("example.com")),
                400,
                "missing scheme in url",
            ),
            ("url without host", webhook("url", json!("http://")), 400, "missing host in url"),
            (
                "url into the metadata",
                webhook("url", json!("http://169.254.169.254/")),
                400,
                "target not allowed",
            ),
            (
                "header name with CR LF",
                webhook("headers", json!({"a\r\nb": "c"})),
                400,
                "bad header name",
            ),
            (
                "header value with CR LF",
                webhook("headers", json!({"a": "b\r\nc: d"})),
                400,
                "config.headers",
            ),
            (
                "header that is ours",
                webhook("headers", json!({"Webhook-Id": "x"})),
                400,
                "config.headers",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn ids_offsets_methods_and_types_that_are_wrong_are_said_to_be() {
    let world = World::new().await;
    for (name, method, path, status, expected) in [
        ("an id that is none", "GET", "/event-hooks/7", 400, "expected a valid UUID"),
        (
            "an id of nothing",
            "GET",
            "/event-hooks/7b1d2c1e-0000-4000-8000-000000000000",
            404,
            "Not found",
        ),
        ("an offset that is no base64", "GET", "/event-hooks?offset=x", 400, "bad base64 encoding"),
        (
            "an offset that is no JSON",
            "GET",
            "/event-hooks?offset=aGVsbG8",
            400,
            "bad json encoding",
        ),
        ("a size of nothing", "GET", "/event-hooks?size=0", 400, "between 1 and 1000"),
        ("a size of words", "GET", "/event-hooks?size=x", 400, "must be a number"),
        ("another method", "DELETE", "/event-hooks", 405, "Method not allowed"),
        ("another path", "GET", "/frob", 404, "Not found"),
        ("a source nobody published", "GET", "/event-hooks/sources/pigs", 404, "Not found"),
    ] {
        let answered = answer(world.request(method, path)).await;
        assert_eq!(answered.status.as_u16(), status, "{name}: {}", answered.text);
        assert!(answered.text.contains(expected), "{name}: {}", answered.text);
    }
    let plain =
        world.request("POST", "/event-hooks").header(CONTENT_TYPE, "text/plain").body("a=b");
    let plain = answer(plain).await;
    assert_eq!((plain.status.as_u16(), plain.text.as_str()), (415, ""));

    let twice = world
        .request("POST", "/event-hooks")
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_TYPE, "application/json");
    let twice = answer(twice.body("{}")).await;
    assert_eq!((twice.status.as_u16(), twice.text.contains("Multiple Content-Type")), (400, true));

    let head = answer(world.request("HEAD", "/event-hooks/")).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    let options = answer(world.request("OPTIONS", "/event-hooks")).await;
    assert_eq!(
        (options.status.as_u16(), options.header("allow")),
        (204, "GET, HEAD, OPTIONS, POST")
    );
}

#[tokio::test]
async fn a_snooze_of_nothing_is_none() {
    let world = World::new().await;
    let made =
        world.post("/event-hooks", &json!({"source": "crud", "handler": "log", "snooze": 0})).await;
    assert_eq!((made.status.as_u16(), &made.json()["snooze"]), (201, &json!(0)));
}
