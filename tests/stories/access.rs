//! Who may come in: tokens are given out, used, and taken back.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::world::{Answer, PATIENCE, Stack, World, a_change, answer, json_body};

const FIRST: &str = "the-first-t0ken";

/// A server that asks for tokens.
async fn guarded() -> World {
    match Stack::deployed() {
        Some(stack) => World::on(stack),
        None => World::with([("ADMIN_TOKEN", FIRST)]).await,
    }
}

/// Asks as the holder of a token; sends JSON if there is any.
async fn ask(world: &World, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let name = HeaderName::from_static("kong-admin-token");
    let shown = HeaderMap::from_iter([(name, HeaderValue::from_str(token).unwrap())]);
    let asked = world.request(method, path).headers(shown);
    answer(if body.is_null() { asked } else { json_body(asked, body) }).await
}

/// The same, as the holder of the first token.
async fn ask_first(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let first = world.token().unwrap_or(FIRST).to_owned();
    ask(world, &first, method, path, body).await
}

/// Gives a token out; answers its id and its text.
async fn give(world: &World, wanted: &Value) -> (String, String) {
    let made = ask_first(world, "POST", "/tokens", wanted).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let text = |member: &str| made.json()[member].as_str().unwrap().to_owned();
    (text("id"), text("token"))
}

#[tokio::test]
async fn a_token_opens_what_it_is_for_until_it_is_taken_back() {
    let world = guarded().await;
    let log = json!({"source": "crud", "event": "consumers", "handler": "log"});
    let (emitter, gateway) = give(&world, &json!({"name": "gateway", "role": "emitter"})).await;
    let (reader, auditor) = give(&world, &json!({"name": "auditor", "role": "read-only"})).await;
    let (admin, deputy) = give(&world, &json!({"name": "deputy", "role": "admin"})).await;
    assert!(gateway.starts_with("eh_"), "known for what it is");
    for (token, method, path, body, status) in [
        (&gateway, "POST", "/events", a_change(), 202),
        (&gateway, "GET", "/event-hooks", Value::Null, 403),
        (&gateway, "POST", "/event-hooks", log.clone(), 403),
        (&auditor, "GET", "/event-hooks", Value::Null, 200),
        (&auditor, "POST", "/events/explain", a_change(), 200),
        (&auditor, "POST", "/events", a_change(), 403),
        (&auditor, "GET", "/tokens", Value::Null, 403),
        (&deputy, "POST", "/event-hooks", log, 201),
        (&deputy, "GET", "/tokens", Value::Null, 200),
    ] {
        let answered = ask(&world, token, method, path, &body).await;
        assert_eq!(answered.status.as_u16(), status, "{method} {path}: {}", answered.text);
    }

    let listed = ask_first(&world, "GET", "/tokens?size=1000", &Value::Null).await;
    for (id, token) in [(&emitter, &gateway), (&reader, &auditor), (&admin, &deputy)] {
        assert!(listed.text.contains(id.as_str()), "{}", listed.text);
        assert!(!listed.text.contains(token.as_str()), "shown once");
    }

    let taken = ask_first(&world, "DELETE", &format!("/tokens/{emitter}"), &Value::Null).await;
    assert_eq!(taken.status, 204);
    let began = Instant::now();
    while ask(&world, &gateway, "POST", "/events", &a_change()).await.status != 401 {
        assert!(began.elapsed() < Duration::from_secs(12), "it should be dead by now");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for id in [reader, admin] {
        ask_first(&world, "DELETE", &format!("/tokens/{id}"), &Value::Null).await;
    }
    let logged = world.log_with("token.remove").await;
    for token in [&gateway, &auditor, &deputy] {
        assert!(!logged.contains(token.as_str()), "no token is ever logged");
    }
}

#[tokio::test]
async fn who_changed_what_is_in_the_log_and_in_events() {
    let world = guarded().await;
    let (_, token) = give(&world, &json!({"name": "release-train", "role": "admin"})).await;
    let listener = json!({"source": "crud", "event": "event_hooks:update", "handler": "log"});
    let listener = ask_first(&world, "POST", "/event-hooks", &listener).await.json();
    let hook = json!({
        "source": "balancer", "handler": "webhook",
        "config": {"url": "https://example.com/", "secret": "canary-in-the-secret"},
    });
    let made = ask(&world, &token, "POST", "/event-hooks", &hook).await.json();
    let id = made["id"].as_str().unwrap();
    let path = format!("/event-hooks/{id}");
    let change = json!({"snooze": 60, "config": {"secret": "canary-too"}});
    assert_eq!(ask(&world, &token, "PATCH", &path, &change).await.status, 200);

    let logged = world.log_with("hook.update").await;
    let records = logged.lines().filter_map(|it| serde_json::from_str::<Value>(it).ok());
    let is_it = |it: &Value| it["target"] == "audit" && it["what"] == id;
    let records: Vec<_> = records.filter(is_it).collect();
    let actions: Vec<_> = records.iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["hook.create", "hook.update"]);
    for record in &records {
        assert_eq!(
            (&record["by"], &record["token_name"]),
            (&json!("token"), &json!("release-train"))
        );
        assert!(record["address"].is_string(), "{record}");
    }
    assert_eq!(records[1]["changed"], "config.secret,snooze");
    assert!(!logged.contains("canary"), "{logged}");

    let path = format!("/event-hooks/{}/deliveries", listener["id"].as_str().unwrap());
    let began = Instant::now();
    let delivery = loop {
        let listed = ask_first(&world, "GET", &path, &Value::Null).await.json();
        if let Some(delivery) = listed["data"].get(0) {
            break delivery["id"].as_str().unwrap().to_owned();
        }
        assert!(began.elapsed() < PATIENCE, "nobody heard of it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let heard = ask_first(&world, "GET", &format!("{path}/{delivery}"), &Value::Null).await.json();
    assert_eq!(heard["data"]["by"], json!({"kind": "token", "name": "release-train"}));
    assert_eq!(heard["data"]["old_entity"]["snooze"], Value::Null);
    assert_eq!(heard["data"]["entity"]["snooze"], 60);
}

#[tokio::test]
async fn who_guesses_tokens_is_slowed_down_and_who_is_known_is_not() {
    let world = World::with([("ADMIN_TOKEN", FIRST)]).await;
    let (_, known) = give(&world, &json!({"name": "gateway", "role": "emitter"})).await;
    assert_eq!(ask(&world, &known, "POST", "/events", &a_change()).await.status, 202);
    for number in 0..10 {
        let guess = format!("guess-{number}");
        assert_eq!(ask(&world, &guess, "GET", "/event-hooks", &Value::Null).await.status, 401);
    }
    let refused = ask(&world, "guess", "GET", "/event-hooks", &Value::Null).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(ask(&world, &known, "POST", "/events", &a_change()).await.status, 202);
    assert_eq!(ask(&world, FIRST, "GET", "/tokens", &Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_token_outlives_the_process_and_stays_where_it_is_tied() {
    let world = World::with([("ADMIN_TOKEN", FIRST)]).await;
    let tied = json!({"name": "blue", "role": "admin", "workspaces": ["blue"]});
    let (_, token) = give(&world, &tied).await;
    let world = world.restarted().await;
    for (path, status) in [
        ("/blue/event-hooks", 200),
        ("/green/event-hooks", 403),
        ("/event-hooks", 403),
        ("/default/event-hooks", 403),
        ("/blue/tokens", 403),
        ("/blue/poison", 403),
    ] {
        let answered = ask(&world, &token, "GET", path, &Value::Null).await;
        assert_eq!(answered.status.as_u16(), status, "{path}: {}", answered.text);
    }
    let database = std::fs::read(world.data().join("event-hooks.db")).unwrap();
    let is_token = |it: &[u8]| it == token.as_bytes();
    assert!(!database.windows(token.len()).any(is_token), "only its hash is kept");
}
