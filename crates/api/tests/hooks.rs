//! Are hooks made, shown, changed and removed as the reference says?

use api::wire::hook::Defaults;
use hooks::task::Task;
use http::Method;
use serde_json::{Value, json};
use testkit::builders::START;

use crate::doors::{Doors, id, webhook};

#[tokio::test]
async fn a_webhook_looks_as_in_the_reference() {
    let doors = Doors::open();
    let body = "source=crud&event=consumers&handler=webhook&config.url=https%3A%2F%2Fexample.com";
    let created = doors.form(Method::POST, "/event-hooks", body).await.expect(201);
    let expected = json!({
        "id": created["id"],
        "source": "crud",
        "event": "consumers",
        "handler": "webhook",
        "on_change": null,
        "snooze": null,
        "config": {
            "url": "https://example.com",
            "headers": {},
            "secret": null,
            "ssl_verify": false,
        },
        "created_at": START.as_seconds(),
        "updated_at": START.as_seconds(),
    });
    assert_eq!(created, expected);
    assert_eq!(doors.get(&format!("/event-hooks/{}", id(&created))).await.expect(200), expected);
    let list = doors.get("/event-hooks").await.expect(200);
    assert_eq!(list, json!({"data": [expected], "next": null}));
}

#[tokio::test]
async fn a_new_webhook_is_greeted() {
    let doors = Doors::open();
    let created = doors.hook(&webhook()).await;
    let tasks = doors.queue.take_all();
    let [Task::Deliver { event, .. }, Task::Dispatch { .. }] = &tasks[..] else {
        panic!("a ping, and the event of the change: {tasks:?}")
    };
    assert_eq!(event.data.get("operation"), Some(&json!("create")));
    assert_eq!(event.data.get("event_hooks").unwrap()["id"], created["id"]);
}

#[tokio::test]
async fn a_hook_can_be_brought_from_elsewhere() {
    let doors = Doors::open();
    let mut brought = webhook();
    brought["id"] = "c57340ab-9fed-40fd-bb7e-1cef8d37c2df".into();
    brought["created_at"] = json!(1_627_581_575.0);
    brought["updated_at"] = json!(1);
    let created = doors.hook(&brought).await;
    assert_eq!(created["id"], brought["id"]);
    assert_eq!(created["created_at"], 1_627_581_575);
    assert_eq!(created["updated_at"], START.as_seconds(), "accepted and ignored");
}

#[tokio::test]
async fn names_with_dots_nest_in_json_too() {
    let hook = json!({
        "source": "crud",
        "handler": "webhook",
        "config.url": "https://example.com",
        "config.headers": {"a-b": "1"},
        "config.secret": "s",
    });
    let config = Doors::open().hook(&hook).await["config"].clone();
    let expected = json!({
        "url": "https://example.com", "headers": {"a-b": "1"}, "secret": "s", "ssl_verify": false,
    });
    assert_eq!(config, expected);
}

#[tokio::test]
async fn a_list_goes_on_where_its_offset_says() {
    let doors = Doors::open();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(doors.log_hook().await);
    }
    made.sort();

    let mut found = Vec::new();
    let mut next = Some("/default/event-hooks?size=2".to_owned());
    while let Some(path) = next {
        let page = doors.get(&path).await.expect(200);
        assert_eq!(page.get("offset").is_some(), !page["next"].is_null(), "{page}");
        if let Some(offset) = page["offset"].as_str() {
            let by_hand = doors.get(&format!("/event-hooks?size=2&offset={offset}")).await;
            let by_next = doors.get(page["next"].as_str().unwrap()).await;
            assert_eq!(by_hand.expect(200)["data"], by_next.expect(200)["data"]);
        }
        found.extend(page["data"].as_array().unwrap().iter().map(id));
        next = page["next"].as_str().map(str::to_owned);
        if let Some(next) = &next {
            assert!(next.starts_with("/default/event-hooks?size=2&offset="), "{next}");
        }
    }
    assert_eq!(found, made);
}

#[tokio::test]
async fn a_page_ends_at_a_megabyte() {
    let doors = Doors::open();
    let headers: serde_json::Map<String, Value> =
        (0..30).map(|it| (format!("x-{it}"), "x".repeat(8_000).into())).collect();
    let mut large = webhook();
    large["config"]["headers"] = headers.into();
    for _ in 0..6 {
        doors.hook(&large).await;
    }
    let first = doors.get("/event-hooks").await.expect(200);
    assert_eq!(first["data"].as_array().unwrap().len(), 5, "the fifth makes it a megabyte");
    let rest = doors.get(first["next"].as_str().unwrap()).await.expect(200);
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next"], Value::Null);
}

#[tokio::test]
async fn a_change_merges_records_and_replaces_the_rest() {
    for (name, change, expected) in [
        ("nothing", json!({}), json!({})),
        ("a value", json!({"snooze": 60}), json!({"snooze": 60})),
        (
            "null resets",
            json!({"event": null, "on_change": null}),
            json!({"event": null, "on_change": null}),
        ),
        (
            "a member of the configuration",
            json!({"config": {"ssl_verify": true}}),
            json!({"config": {"url": "https://example.com/hook", "headers": {"a": "1"}, "secret": "s", "ssl_verify": true}}),
        ),
        (
            "a member by its dotted name",
            json!({"config.secret": null}),
            json!({"config": {"url": "https://example.com/hook", "headers": {"a": "1"}, "secret": null, "ssl_verify": false}}),
        ),
        (
            "a map is replaced",
            json!({"config": {"headers": {"b": "2"}}}),
            json!({"config": {"url": "https://example.com/hook", "headers": {"b": "2"}, "secret": "s", "ssl_verify": false}}),
        ),
        (
            "a map is reset",
            json!({"config": {"headers": null}}),
            json!({"config": {"url": "https://example.com/hook", "headers": {}, "secret": "s", "ssl_verify": false}}),
        ),
        (
            "another handler inherits nothing",
            json!({"handler": "log"}),
            json!({"handler": "log", "config": {}}),
        ),
        (
            "the same handler again",
            json!({"handler": "webhook", "source": "dao:crud"}),
            json!({"handler": "webhook", "source": "dao:crud"}),
        ),
        (
            "extensions",
            json!({"enabled": false, "group_by": ["a"]}),
            json!({"enabled": false, "group_by": ["a"]}),
        ),
        (
            "a format",
            json!({"config": {"format": "cloudevents"}}),
            json!({"config": {"url": "https://example.com/hook", "headers": {"a": "1"}, "secret": "s", "ssl_verify": false, "format": "cloudevents"}}),
        ),
        (
            "a filter, which is replaced whole",
            json!({"filter": {"entity": {"tags": ["vip"]}}}),
            json!({"filter": {"entity": {"tags": ["vip"]}}}),
        ),
        (
            "a filter in a text, as forms have it",
            json!({"filter": r#"{"operation":[{"anything-but":"update"}]}"#}),
            json!({"filter": {"operation": [{"anything-but": "update"}]}}),
        ),
        (
            "what it says of itself",
            json!({"created_at": START.as_seconds(), "updated_at": 1}),
            json!({}),
        ),
    ] {
        let doors = Doors::open();
        let mut hook = webhook();
        hook["on_change"] = true.into();
        hook["config"]["headers"] = json!({"a": "1"});
        hook["config"]["secret"] = "s".into();
        let mut hook = doors.hook(&hook).await;
        let path = format!("/event-hooks/{}", id(&hook));

        let changed = doors.json(Method::PATCH, &path, &change).await.expect(200);
        hook.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(changed, hook, "{name}");
        assert_eq!(doors.get(&path).await.expect(200), hook, "{name}");
    }
}

#[tokio::test]
async fn a_hook_is_put_out_of_service_and_back() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}", doors.log_hook().await);
    let shown = || async { doors.get(&path).await.expect(200).get("enabled").cloned() };
    assert_eq!(shown().await, None, "nobody has said so yet");
    for (name, change, expected) in [
        ("off, in JSON", Some(json!({"enabled": false})), Some(json!(false))),
        ("on again, in a form", None, Some(json!(true))),
        ("something else", Some(json!({"snooze": 1})), Some(json!(true))),
        ("as if nobody had said", Some(json!({"enabled": null})), None),
    ] {
        let changed = match change {
            Some(change) => doors.json(Method::PATCH, &path, &change).await,
            None => doors.form(Method::PATCH, &path, "enabled=true").await,
        };
        assert_eq!(changed.expect(200).get("enabled").cloned(), expected, "{name}");
        assert_eq!(shown().await, expected, "{name}");
    }
    let refused = doors.form(Method::PATCH, &path, "enabled=maybe").await.expect(400);
    assert_eq!(refused["fields"], json!({"enabled": "expected a boolean"}));
}

#[tokio::test]
async fn a_form_changes_a_hook_by_the_handler_it_has() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}", doors.webhook().await);
    let change = "config.ssl_verify=true&config.headers[x.y]=1&config.headers.empty=&config.headers.n=10&snooze=0x10";
    let refused = doors.form(Method::PATCH, &path, change).await.expect(400);
    assert_eq!(
        refused["message"],
        "schema violation (config.headers: bad header name 'x.y', \
         allowed characters are A-Z, a-z, 0-9, '_', and '-')"
    );
    let change = change.replace("x.y", "m");
    let changed = doors.form(Method::PATCH, &path, &change).await.expect(200);
    assert_eq!(changed["snooze"], 16);
    assert_eq!(changed["config"]["ssl_verify"], true);
    assert_eq!(changed["config"]["headers"], json!({"m": "1", "n": "10"}), "nothing is no header");
}

#[tokio::test]
async fn another_handler_has_to_bring_what_it_needs() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}", doors.log_hook().await);
    let refused = doors.json(Method::PATCH, &path, &json!({"handler": "webhook"})).await;
    let refused = refused.expect(400);
    assert_eq!(refused["fields"], json!({"config": {"url": "required field missing"}}));
    let change = json!({"handler": "webhook", "config.url": "https://example.com"});
    let changed = doors.json(Method::PATCH, &path, &change).await.expect(200);
    assert_eq!(changed["config"]["url"], "https://example.com");
}

#[tokio::test]
async fn what_is_read_can_be_written_back() {
    let doors = Doors::open();
    let hook = doors.hook(&webhook()).await;
    let path = format!("/event-hooks/{}", id(&hook));
    for method in [Method::PATCH, Method::PUT] {
        assert_eq!(doors.json(method, &path, &hook).await.expect(200), hook);
    }
}

#[tokio::test]
async fn when_a_hook_was_made_cannot_be_changed() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}", doors.webhook().await);
    let refused = doors.json(Method::PATCH, &path, &json!({"created_at": 5, "snooze": 1})).await;
    assert_eq!(refused.expect(400)["message"], "schema violation (created_at: cannot be changed)");
    assert_eq!(doors.get(&path).await.expect(200)["snooze"], Value::Null);
}

#[tokio::test]
async fn put_makes_a_hook_or_replaces_it() {
    let doors = Doors::open();
    let path = "/event-hooks/c57340ab-9fed-40fd-bb7e-1cef8d37c2df";
    let made = doors.json(Method::PUT, path, &webhook()).await.expect(200);
    assert_eq!(made["config"]["url"], "https://example.com/hook");
    let log = json!({"source": "crud", "handler": "log"});
    let replaced = doors.json(Method::PUT, path, &log).await.expect(200);
    assert_eq!(replaced["event"], Value::Null, "nothing is inherited");
    assert_eq!(replaced["config"], json!({}));

    let mut other = webhook();
    other["id"] = "937df175-3db2-4e6d-8aa1-d95c94a76089".into();
    for method in [Method::PUT, Method::PATCH] {
        let refused = doors.json(method, path, &other).await.expect(400);
        assert_eq!(refused["fields"], json!({"id": "must be the id in the path"}));
    }
}

#[tokio::test]
async fn a_removed_hook_is_gone() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}", doors.log_hook().await);
    let answer = doors.ask(Method::DELETE, &path).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    doors.get(&path).await.expect(404);
    doors.ask(Method::DELETE, &path).await.expect(404);
}

#[tokio::test]
async fn a_deployment_says_whether_certificates_are_checked() {
    let doors = Doors::with_defaults(Defaults { ssl_verify: true });
    assert_eq!(doors.hook(&webhook()).await["config"]["ssl_verify"], true);
    let mut hook = webhook();
    hook["config"]["ssl_verify"] = false.into();
    assert_eq!(doors.hook(&hook).await["config"]["ssl_verify"], false);
}
