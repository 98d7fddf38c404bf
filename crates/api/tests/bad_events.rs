//! Do events that cannot be get a clear answer, whatever is wrong with them?

use http::Method;
use serde_json::json;

use crate::doors::{Doors, FORM, JSON, request};

#[tokio::test]
async fn events_that_are_too_many_or_too_large_are_refused() {
    let doors = Doors::open();
    let event = |padding: usize| {
        json!({"source": "crud", "event": "consumers", "x": "x".repeat(padding)}).to_string()
    };
    let envelope = event(0).len();
    let deep = |levels: usize| {
        let value = "[".repeat(levels) + &"]".repeat(levels);
        format!("{{\"source\":\"crud\",\"event\":\"consumers\",\"x\":{value}}}")
    };
    let array = |text: &str, count: usize| format!("[{}]", vec![text; count].join(","));
    for (name, body, status, message) in [
        ("the largest", event(256 * 1024 - envelope), 202, ""),
        (
            "a byte more",
            event(256 * 1024 - envelope + 1),
            413,
            "event 0 is larger than 262144 bytes",
        ),
        (
            "257 KiB beside others",
            format!("[{},{}]", event(1), event(257 * 1024)),
            413,
            "event 1 is larger than 262144 bytes",
        ),
        ("a thousand", array(&event(0), 1_000), 202, ""),
        ("one more", array(&event(0), 1_001), 413, "the request has more than 1000 events"),
        ("very many", array("1", 1_000_000), 413, "the request has more than 1000 events"),
        (
            "too much in all",
            array(&event(250 * 1024), 17),
            413,
            "the body is larger than 4194304 bytes",
        ),
        ("as deep as it gets", deep(99), 202, ""),
        ("a level more", deep(100), 400, "data: nested deeper than 100 levels"),
        ("a thousand levels", deep(1_000), 400, "nested deeper than 100 levels"),
        (
            "a thousand levels in an array",
            array(&deep(1_000), 1),
            400,
            "nested deeper than 100 levels",
        ),
    ] {
        let posted = request(Method::POST, "/events", &[JSON], body);
        let answer = doors.send(posted).await;
        assert_eq!(answer.status, status, "{name}");
        let said = answer.json();
        let said = said["errors"][0]["message"].as_str().or(said["message"].as_str());
        assert_eq!(said.unwrap_or_default(), message, "{name}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_events_are_refused() {
    let doors = Doors::open();
    let kind = |name| ("content-type", name);
    let json = JSON;
    let lines = kind("application/x-ndjson");
    let cloud = kind("application/cloudevents+json");
    let batch = kind("application/cloudevents-batch+json");
    for (name, headers, body, status) in [
        ("nothing", &[json][..], &b""[..], 400),
        ("an empty array", &[json], b"[]", 400),
        ("no lines", &[lines], b"\n\n", 400),
        ("an empty batch", &[batch], b"[]", 400),
        ("a broken object", &[json], b"{\"source\":", 400),
        ("a broken array", &[json], b"[{\"source\":\"crud\"}", 400),
        ("something after an array", &[json], b"[1] 2", 400),
        ("a comma too many", &[json], b"[1,]", 400),
        ("a broken line", &[lines], b"{\"source\":\n\"crud\"}", 400),
        ("no text", &[json], b"{\"source\":\"\xff\"}", 400),
        ("no batch", &[batch], b"{}", 400),
        ("a batch for one", &[cloud], b"[]", 400),
        ("a form", &[FORM], b"source=crud", 415),
        ("no content type", &[], b"{}", 415),
        ("another charset", &[kind("application/json; charset=utf-16")], b"{}", 415),
        ("compressed", &[json, ("content-encoding", "gzip")], b"{}", 415),
        ("another format of CloudEvents", &[kind("application/cloudevents+avro")], b"{}", 415),
        ("two content types", &[json, json], b"{}", 400),
    ] {
        let answer = doors.send(request(Method::POST, "/events", headers, body)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert!(answer.text.len() > 10, "{name}: says why");
        if status == 400 && name != "two content types" {
            assert!(answer.json()["errors"].is_array(), "{name}: {}", answer.text);
        }
    }
    assert_eq!(doors.queue.sent().len(), 0);
}

#[tokio::test]
async fn a_batch_is_an_array() {
    let batch = [("content-type", "application/cloudevents-batch+json")];
    for body in ["{}", "1", "\"a\""] {
        let posted = request(Method::POST, "/events", &batch, body);
        assert_eq!(
            Doors::open().send(posted).await.expect(400),
            json!({"message": "a batch must be an array of events", "errors": []}),
            "{body}"
        );
    }
}
