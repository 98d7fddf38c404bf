//! A receiver is in trouble: what is done about it, who is told, and how what it missed gets to it.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::receiver::{Answer, Received, Receiver};

use crate::world::{PATIENCE, World, a_change, a_webhook};

/// A webhook for everything that is said of this source.
fn listening_to(source: &str, event: Option<&str>, url: &str) -> Value {
    json!({"source": source, "event": event, "handler": "webhook", "config": {"url": url}})
}

fn body(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Somebody who is told what happens to hooks and deliveries.
async fn somebody_told(world: &World) -> Receiver {
    let receiver = Receiver::http().await;
    world.hook(&listening_to("event-hooks", None, &receiver.url())).await;
    receiver.next().await;
    receiver
}

/// A hook whose ping was delivered, and its receiver.
async fn a_hook(world: &World) -> (String, Receiver) {
    let receiver = Receiver::http().await;
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    world.newest_that_is(&hook, "delivered").await;
    (hook, receiver)
}

/// Posts an event, and answers its delivery as soon as it has this status and reason.
async fn posted(world: &World, hook: &str, status: &str, reason: Option<&str>) -> Value {
    let event = world.publish(&a_change()).await;
    let is_it = |it: &&Value| {
        it["event_id"] == *event && it["status"] == status && it["reason"] == json!(reason)
    };
    let listed = world.deliveries(hook, |all| all.iter().any(|it| is_it(&it))).await;
    listed.iter().find(is_it).unwrap().clone()
}

/// Sends a delivery again, and answers its new run.
async fn redelivered(world: &World, hook: &str, delivery: &Value) -> Value {
    let id = delivery["id"].as_str().unwrap();
    let path = format!("/event-hooks/{hook}/deliveries/{id}/redeliver");
    let again = world.post(&path, &json!({})).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (202, &delivery["id"]));
    again.json()["run"].clone()
}

#[tokio::test]
async fn five_failures_open_the_circuit_and_one_success_closes_it() {
    let world = World::new().await;
    let (hook, receiver) = a_hook(&world).await;
    receiver.always(Answer::status(503));
    for _ in 0..5 {
        posted(&world, &hook, "pending", Some("retry")).await;
        receiver.next().await;
    }
    world.log_with("circuit opened").await;

    let waiting = posted(&world, &hook, "pending", Some("circuit")).await;
    assert_eq!(waiting["attempt"], 0, "waiting is no attempt");

    // Retries go on to ask, one at a time, and one of them may be just now.
    receiver.always(Answer::status(200));
    assert_eq!(redelivered(&world, &hook, &waiting).await, 1);
    let is_delivered = |it: &Value| it["id"] == waiting["id"] && it["status"] == "delivered";
    world.deliveries(&hook, |all| all.iter().any(is_delivered)).await;
    world.log_with("circuit closed").await;
    posted(&world, &hook, "delivered", None).await;
    let metrics = world.get("/metrics").await.text;
    assert!(metrics.contains(r#"event_hooks_deferred_total{reason="circuit"}"#), "{metrics}");
}

#[tokio::test]
async fn who_is_gone_is_left_alone_until_somebody_enables_the_hook() {
    let world = World::new().await;
    let told = somebody_told(&world).await;
    let (hook, receiver) = a_hook(&world).await;
    receiver.script([Answer::status(410)]);

    let gone = posted(&world, &hook, "parked", None).await;
    assert_eq!(gone["attempt"], 1);
    assert_eq!(world.get(&format!("/event-hooks/{hook}")).await.json()["enabled"], false);
    let said = body(&told.next().await);
    assert_eq!((&said["event"], &said["reason"]), (&json!("hook-disabled"), &json!("gone")));
    assert_eq!(said["hook"]["id"], hook.as_str());
    let missed = posted(&world, &hook, "parked", None).await;
    let recover = format!("/event-hooks/{hook}/recover");
    assert_eq!(
        world.post(&recover, &json!({"since": 0})).await.status,
        409,
        "nobody would hear it"
    );
    assert_eq!(receiver.requests().len(), 2, "a ping, and the one that it did not want");

    let path = format!("/event-hooks/{hook}");
    assert_eq!(world.send("PATCH", &path, &json!({"enabled": true})).await.status, 200);
    assert_eq!(body(&told.next().await)["event"], "hook-enabled");
    let begun = world.post(&recover, &json!({"since": 0})).await;
    assert_eq!((begun.status.as_u16(), &begun.json()["accepted"]), (202, &json!(2)));

    receiver.next().await;
    let mut came = [receiver.next().await, receiver.next().await]
        .map(|it| it.header("webhook-id").unwrap().to_owned());
    let mut owed = [gone, missed].map(|it| it["id"].as_str().unwrap().to_owned());
    came.sort();
    owed.sort();
    assert_eq!(came, owed, "the same deliveries, once each");
    let progress = format!("{recover}/{}", begun.json()["id"].as_str().unwrap());
    let done = json!({"accepted": 2, "done": 2, "remaining": 0, "state": "done"});
    let began = std::time::Instant::now();
    while world.get(&progress).await.json() != done {
        assert!(began.elapsed() < PATIENCE, "{}", world.get(&progress).await.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let all_delivered = |all: &[Value]| all.iter().all(|it| it["status"] == "delivered");
    assert_eq!(world.deliveries(&hook, all_delivered).await.len(), 3, "with the ping");
}

#[tokio::test]
async fn what_was_delivered_is_sent_again_where_somebody_asks_for_it() {
    let world = World::new().await;
    let (hook, receiver) = a_hook(&world).await;
    let delivered = posted(&world, &hook, "delivered", None).await;
    let first = receiver.next().await;
    for run in [1, 2] {
        assert_eq!(redelivered(&world, &hook, &delivered).await, run);
        let again = receiver.next().await;
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(again.body, first.body);
        let is_done = |it: &Value| it["run"] == run && it["status"] == "delivered";
        world.deliveries(&hook, |all| all.iter().any(is_done)).await;
    }
    let all = world.delivery(&hook, &delivered["id"]).await;
    let runs: Vec<_> = all["attempts"].as_array().unwrap().iter().map(|it| &it["run"]).collect();
    assert_eq!(runs, [0, 1, 2], "every attempt of every run is in the log");
}

#[tokio::test]
async fn what_is_given_up_is_said_and_can_be_sent_again_when_it_is_mended() {
    let world = World::new().await;
    let (told, receiver) = (somebody_told(&world).await, Receiver::http().await);
    let with_body = |body: &str| {
        json!({
            "source": "crud", "event": "consumers", "handler": "webhook-custom",
            "config": {"method": "POST", "url": receiver.url(), "body": body},
        })
    };
    let hook = world.hook(&with_body("{% error('no') %}")).await;
    let given_up = posted(&world, &hook, "exhausted", Some("template-error")).await;
    let said = body(&told.next().await);
    assert_eq!(
        (&said["event"], &said["reason"], &said["delivery"]["id"]),
        (&json!("delivery-exhausted"), &json!("template-error"), &given_up["id"])
    );

    let path = format!("/event-hooks/{hook}");
    assert_eq!(world.send("PUT", &path, &with_body("mended")).await.status, 200);
    let begun = world.post(&format!("/event-hooks/{hook}/recover"), &json!({"since": 0})).await;
    assert_eq!((begun.status.as_u16(), &begun.json()["accepted"]), (202, &json!(1)));
    let came = receiver.next().await;
    assert_eq!((came.text(), came.header("webhook-id")), ("mended", given_up["id"].as_str()));
}

#[tokio::test]
async fn a_hook_sees_other_hooks_come_and_change_and_go_without_their_secrets() {
    let (world, told) = (World::new().await, Receiver::http().await);
    world.hook(&listening_to("crud", Some("event_hooks"), &told.url())).await;
    assert_eq!(body(&told.next().await)["event"], "ping", "of its own making it is not told");

    let receiver = Receiver::http().await;
    let mut hook = a_webhook(&receiver.url());
    hook["config"]["secret"] = "s3cr3t".into();
    let hook = world.hook(&hook).await;
    let path = format!("/event-hooks/{hook}");
    let mut seen = vec![body(&told.next().await)];
    world.send("PATCH", &path, &json!({"snooze": 7})).await;
    seen.push(body(&told.next().await));
    world.send("DELETE", &path, &Value::Null).await;
    seen.push(body(&told.next().await));

    let of = |member: &str| seen.iter().map(|it| it[member].clone()).collect::<Vec<_>>();
    assert_eq!(of("operation"), ["create", "update", "delete"]);
    for change in &seen {
        assert_eq!(
            (&change["source"], &change["event"], &change["schema"], &change["entity"]["id"]),
            (&json!("crud"), &json!("event_hooks"), &json!("event_hooks"), &json!(hook))
        );
        assert_eq!(change["entity"]["config"]["secret"], Value::Null);
    }
    assert_eq!(seen[1]["entity"]["snooze"], 7);
}
