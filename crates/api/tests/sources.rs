//! Is the catalog shown and extended level by level?

use http::Method;
use serde_json::{Value, json};

use crate::doors::Doors;

#[tokio::test]
async fn the_built_in_catalog_is_the_references() {
    let doors = Doors::open();
    let file: Value =
        serde_json::from_str(include_str!("../../../tests/conformance/sources.json")).unwrap();
    let expected = &file["data"];
    for path in ["/event-hooks/sources", "/event-hooks/source/", "/team/event-hooks/sources"] {
        assert_eq!(&doors.get(path).await.expect(200)["data"], expected, "{path}");
    }
    for (source, events) in expected.as_object().unwrap() {
        let path = format!("/event-hooks/sources/{}", source.replace(':', "%3A"));
        assert_eq!(doors.get(&path).await.expect(200), json!({"data": events}), "{source}");
    }
    let path = "/event-hooks/source/dao%3acrud/create";
    let create = &expected["dao:crud"]["create"];
    assert_eq!(doors.get(path).await.expect(200), json!({"data": create}));
}

#[tokio::test]
async fn what_nobody_published_is_not_found() {
    let doors = Doors::open();
    for path in ["/none", "/crud/none", "/none/none", "/crud/consumers/x"] {
        doors.get(&format!("/event-hooks/sources{path}")).await.expect(404);
    }
    doors.ask(Method::DELETE, "/event-hooks/sources/mine/log").await.expect(404);
}

#[tokio::test]
async fn a_plugin_publishes_and_withdraws() {
    let doors = Doors::open();
    let path = "/event-hooks/sources/http-log-enterprise/log";
    let entry = json!({
        "fields": ["consumer", "ip", "service", "route"],
        "unique": ["consumer", "ip", "service"],
        "description": "Run an event for a request",
    });
    for _ in 0..2 {
        let published = doors.json(Method::PUT, path, &entry).await.expect(200);
        assert_eq!(published, json!({"data": entry}));
    }
    let shown = doors.get("/event-hooks/sources/http-log-enterprise").await.expect(200);
    assert_eq!(shown, json!({"data": {"log": entry}}));
    doors.ask(Method::DELETE, path).await.expect(204);
    doors.get(path).await.expect(404);
}

#[tokio::test]
async fn a_form_publishes_too() {
    let path = "/event-hooks/sources/mine/said";
    let body = "fields[]=a&fields[]=b&unique=a&description=";
    let published = Doors::open().form(Method::PUT, path, body).await.expect(200);
    assert_eq!(published, json!({"data": {"fields": ["a", "b"], "unique": ["a"]}}));
    let nothing = Doors::open().ask(Method::PUT, path).await.expect(200);
    assert_eq!(nothing, json!({"data": {"fields": []}}));
}

#[tokio::test]
async fn what_is_built_in_comes_back() {
    let doors = Doors::open();
    let path = "/event-hooks/sources/balancer/health";
    let built_in = doors.get(path).await.expect(200);
    doors.json(Method::PUT, path, &json!({"fields": ["mine"]})).await.expect(200);
    assert_eq!(doors.get(path).await.expect(200), json!({"data": {"fields": ["mine"]}}));
    doors.ask(Method::DELETE, path).await.expect(204);
    assert_eq!(doors.get(path).await.expect(200), built_in);
    let message = "event 'health' of source 'balancer' is built in and cannot be removed";
    let refused = doors.ask(Method::DELETE, path).await.expect(400);
    assert_eq!(refused, json!({"message": message}));
}

#[tokio::test]
async fn an_entry_is_bounded() {
    let doors = Doors::open();
    let long = "x".repeat(256);
    for (name, entry, violation) in [
        ("no list", json!({"fields": 1}), "fields: expected an array"),
        ("no text", json!({"unique": [1]}), "unique.1: expected a string"),
        ("an empty name", json!({"fields": ["a", ""]}), "fields.2: length must be at least 1"),
        ("a long name", json!({"group_by": [long]}), "group_by.1: length must be at most 255"),
        ("many names", json!({"fields": vec!["x"; 257]}), "fields: length must be at most 256"),
        (
            "a long description",
            json!({"description": "x".repeat(1_025)}),
            "description: length must be at most 1024",
        ),
        ("an unknown member", json!({"field": []}), "field: unknown field"),
    ] {
        let refused = doors.json(Method::PUT, "/event-hooks/sources/a/b", &entry).await;
        let message = refused.expect(400)["message"].clone();
        assert_eq!(message, format!("schema violation ({violation})"), "{name}");
    }
    let refused = doors.json(Method::PUT, "/event-hooks/sources/a/b%0Ac", &json!({})).await;
    assert_eq!(
        refused.expect(400)["fields"],
        json!({"event": "must not contain control characters"})
    );
}

#[tokio::test]
async fn an_entry_has_a_limit_in_all() {
    let doors = Doors::open();
    let path = "/event-hooks/sources/mine/log";
    let of = |length: usize| {
        let names = vec!["x".repeat(length); 128];
        json!({"fields": names, "unique": names})
    };
    // With quotes and commas, and the names of the two lists.
    doors.json(Method::PUT, path, &of(252)).await.expect(200);
    let refused = doors.json(Method::PUT, path, &of(254)).await.expect(400);
    let message = "length must be at most 65536 in all";
    assert_eq!(refused["fields"], json!({"@entity": message}));
}
