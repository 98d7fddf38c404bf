//! The admin API as its users know it, through the door.

use serde_json::{Value, json};
use testkit::receiver::{Answer, Receiver};

use crate::world::{World, a_change, a_webhook, answer};

const TOKEN: (&str, &str) = ("ADMIN_TOKEN", "correct horse battery staple");

#[tokio::test]
async fn an_unextended_hook_looks_exactly_as_in_the_reference() {
    let world = World::new().await;
    let receiver = Receiver::http().await;
    let made = world.post("/event-hooks", &a_webhook(&receiver.url())).await.json();
    let members = |value: &Value| {
        let mut members: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        members.sort();
        members
    };
    let expected = [
        "config",
        "created_at",
        "event",
        "handler",
        "id",
        "on_change",
        "snooze",
        "source",
        "updated_at",
    ];
    assert_eq!(members(&made), expected);
    assert_eq!(members(&made["config"]), ["headers", "secret", "ssl_verify", "url"]);
    assert!(made["created_at"].is_u64() && made["updated_at"].is_u64(), "{made}");

    let mut extended = a_webhook(&receiver.url());
    extended["enabled"] = true.into();
    assert_eq!(world.post("/event-hooks", &extended).await.json()["enabled"], true);
}

#[tokio::test]
async fn a_hook_is_made_looked_at_changed_and_removed() {
    let world = World::new().await;
    let id = world.hook(&json!({"source": "crud", "handler": "log"})).await;
    let path = format!("/event-hooks/{id}");
    assert_eq!(world.get(&path).await.json()["event"], Value::Null);

    let changed = world.send("PATCH", &path, &json!({"event": "consumers", "snooze": 60})).await;
    assert_eq!((changed.status.as_u16(), &changed.json()["snooze"]), (200, &json!(60)));

    let put = world.send("PUT", &path, &json!({"source": "crud", "handler": "log"})).await;
    assert_eq!((put.status.as_u16(), &put.json()["snooze"]), (200, &Value::Null));

    let listed = world.get("/event-hooks").await.json();
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["next"]), (1, &Value::Null));

    assert_eq!(world.send("DELETE", &path, &json!({})).await.status, 204);
    assert_eq!(world.get(&path).await.status, 404);
    assert_eq!(world.send("DELETE", &path, &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_list_is_walked_page_by_page() {
    let world = World::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.hook(&json!({"source": "crud", "handler": "log"})).await);
    }
    let (mut path, mut met, mut pages) = ("/event-hooks?size=2".to_owned(), Vec::new(), 0);
    while !path.is_empty() {
        let page = world.get(&path).await.json();
        let ids =
            page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
        met.extend(ids);
        path = page["next"].as_str().unwrap_or_default().to_owned();
        assert_eq!(page.get("offset").is_some(), !path.is_empty());
        pages += 1;
    }
    made.sort();
    met.sort();
    assert_eq!((met, pages), (made, 3));
}

#[tokio::test]
async fn a_workspace_has_hooks_of_its_own() {
    let world = World::new().await;
    let hook = json!({"source": "crud", "handler": "log"});
    let of_a = world.post("/a/event-hooks", &hook).await.json();
    let path = format!("/event-hooks/{}", of_a["id"].as_str().unwrap());
    for (prefix, status) in [("/a", 200), ("", 200), ("/default", 200), ("/b", 404)] {
        assert_eq!(world.get(&format!("{prefix}{path}")).await.status, status, "{prefix}");
    }
    for (path, status) in
        [("/a/event-hooks/", 200), ("/a/b/event-hooks", 404), ("/a/frob", 404), ("/a", 404)]
    {
        assert_eq!(world.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_where_one_is_configured() {
    let world = World::with([TOKEN]).await;
    let with = async |path: &str, name: &str, value: &str| {
        answer(world.request("GET", path).header(name, value)).await
    };
    let refused = world.get("/event-hooks").await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()),
        (401, json!({"message": "Invalid RBAC credentials"}))
    );
    assert_eq!(with("/event-hooks", "Kong-Admin-Token", "wrong").await.status, 401);
    assert_eq!(with("/event-hooks", "Kong-Admin-Token", TOKEN.1).await.status, 200);
    let bearer = format!("Bearer {}", TOKEN.1);
    assert_eq!(with("/event-hooks", "Authorization", &bearer).await.status, 200);
    assert_eq!(world.post("/events", &a_change()).await.status, 401);
    assert_eq!(world.get("/metrics").await.status, 401);
    assert_eq!(world.get("/status").await.status, 200, "health needs no token");
    assert!(!world.logged().await.contains(TOKEN.1));
}

#[tokio::test]
async fn without_a_token_any_token_is_ignored() {
    let world = World::new().await;
    let asked = world.request("GET", "/event-hooks").header("Kong-Admin-Token", "kong");
    assert_eq!(answer(asked).await.status, 200);
}

#[tokio::test]
async fn without_a_token_no_web_page_comes_in() {
    let world = World::new().await;
    for (name, header, value) in [
        ("a page elsewhere", "Origin", "https://evil.example"),
        ("what the browser says", "Sec-Fetch-Site", "cross-site"),
        ("a name that was bound to loopback", "Host", "evil.example"),
    ] {
        let asked = world.request("GET", "/event-hooks").header(header, value);
        assert_eq!(answer(asked).await.status, 403, "{name}");
    }
}

#[tokio::test]
async fn a_ping_answers_what_it_sent_and_says_when_it_did_not_arrive() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    let path = format!("/event-hooks/{hook}/ping");

    let pinged = world.get(&path).await;
    assert_eq!(pinged.status, 200);
    let body: Value = serde_json::from_slice(&receiver.next().await.body).unwrap();
    assert_eq!(pinged.json(), body);
    assert_eq!(
        body["event_hooks"]["config"]["headers"],
        json!({"content-type": "application/json"})
    );
    assert_eq!(body.get("operation"), None);

    receiver.script([Answer::status(500)]);
    assert_eq!(world.get(&path).await.status, 502);

    let log = world.hook(&json!({"source": "crud", "handler": "log"})).await;
    let refused = world.get(&format!("/event-hooks/{log}/ping")).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("webhook"), "{}", refused.text);
}

#[tokio::test]
async fn a_test_answers_data_and_result() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    receiver.script([Answer::status(201).header("x-seen", "yes").body("thanks")]);
    let path = format!("/event-hooks/{hook}/test");

    let tested = world.post(&path, &json!({"consumer": {"username": "Jane Austen"}})).await.json();
    let sent = json!({
        "consumer": {"username": "Jane Austen"}, "event": "consumers", "source": "crud",
    });
    assert_eq!(tested["data"], sent);
    assert_eq!(serde_json::from_slice::<Value>(&receiver.next().await.body).unwrap(), sent);
    assert_eq!(
        (&tested["result"]["status"], &tested["result"]["body"]),
        (&json!(201), &json!("thanks"))
    );
    assert_eq!(tested["result"]["headers"]["x-seen"], "yes");

    receiver.script([Answer::status(500)]);
    let failed = world.post(&path, &json!({})).await;
    assert_eq!(
        (failed.status.as_u16(), &failed.json()["error"]),
        (200, &json!("receiver answered 500"))
    );

    let log = world.hook(&json!({"source": "crud", "handler": "log"})).await;
    let logged = world.post(&format!("/event-hooks/{log}/test"), &json!({"a": 1})).await.json();
    assert_eq!(logged, json!({"data": {"a": 1, "source": "crud"}, "result": true}));
}

#[tokio::test]
async fn a_published_source_can_be_listened_to_and_removed() {
    let world = World::new().await;
    let event = json!({"source": "http-log-enterprise", "event": "log", "ip": "10.0.0.1"});
    let refused = world.post("/events", &event).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("http-log-enterprise"), "{}", refused.text);

    let path = "/event-hooks/sources/http-log-enterprise/log";
    let spec = json!({
        "fields": ["consumer", "ip", "service", "route"],
        "unique": ["consumer", "ip", "service"],
        "description": "Run an event for a request",
    });
    let published = world.send("PUT", path, &spec).await;
    assert_eq!((published.status.as_u16(), published.json()), (200, json!({"data": spec})));
    assert_eq!(world.post("/events", &event).await.status, 202);

    assert_eq!(world.send("DELETE", path, &json!({})).await.status, 204);
    assert_eq!(world.get(path).await.status, 404);
    assert_eq!(world.get("/event-hooks/sources/dao%3Acrud/create").await.status, 200);
}

#[tokio::test]
async fn why_a_hook_did_not_fire_is_told() {
    let world = World::new().await;
    let hook = world.hook(&json!({"source": "crud", "event": "routes", "handler": "log"})).await;
    let explained = world.post("/events?explain=true", &a_change()).await;
    assert_eq!(explained.status, 200);
    let text = explained.text;
    assert!(
        text.contains(&hook) && text.contains("unmatched") && text.contains("consumers"),
        "{text}"
    );
    assert!(
        world.get(&format!("/event-hooks/{hook}/deliveries")).await.json()["data"] == json!([])
    );
}
