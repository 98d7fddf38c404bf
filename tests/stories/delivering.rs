//! From a hook to a verified delivery.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::receiver::{Answer, Receiver};

use crate::{
    signature::{self, SECRET},
    world::{World, a_change, a_webhook},
};

fn signed(url: &str) -> Value {
    let mut hook = a_webhook(url);
    hook["config"]["secret"] = SECRET.into();
    hook
}

#[tokio::test]
async fn a_signed_delivery_is_what_the_specification_and_the_gateway_say() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let hook = world.hook(&signed(&receiver.url())).await;

    let ping = receiver.next().await;
    let body: Value = serde_json::from_slice(&ping.body).unwrap();
    assert_eq!((&body["source"], &body["event"]), (&json!("kong:event_hooks"), &json!("ping")));
    assert_eq!(body["operation"], "create");
    assert_eq!(body["event_hooks"]["id"], hook.as_str());
    assert_eq!(body["event_hooks"]["config"]["secret"], Value::Null, "never in a ping");

    world.publish(&a_change()).await;
    let delivery = receiver.next().await;
    let body: Value = serde_json::from_slice(&delivery.body).unwrap();
    assert_eq!(body, a_change());
    assert_eq!(delivery.header("content-type"), Some("application/json"));
    signature::assert_holds(&delivery);
}

#[tokio::test]
async fn newer_gateways_signature_is_a_setting() {
    let world = World::with([("SIGNATURE", "sha256")]).await;
    let receiver = Receiver::http().await;
    world.hook(&signed(&receiver.url())).await;
    let signature = receiver.next().await.header("x-kong-signature").unwrap().to_owned();
    assert_eq!((&signature[..7], signature.len()), ("sha256=", 71));
}

#[tokio::test]
async fn a_certificate_is_checked_where_the_hook_says_so() {
    let (world, receiver) = (World::new().await, Receiver::https().await);
    let hook_with = async |ssl_verify: bool| {
        let mut hook = a_webhook(&receiver.url());
        hook["config"]["ssl_verify"] = ssl_verify.into();
        world.hook(&hook).await
    };
    let lenient = hook_with(false).await;
    receiver.next().await;
    world.deliveries(&lenient, |all| all.iter().any(|it| it["status"] == "delivered")).await;

    let strict = hook_with(true).await;
    let deliveries = world.deliveries(&strict, |all| !all.is_empty()).await;
    let delivery = world.delivery(&strict, &deliveries[0]["id"]).await;
    let error = delivery["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("certificate"), "{error}");
    assert_eq!(delivery["status"], "pending", "somebody may mend it");
}

#[tokio::test]
async fn a_failed_attempt_is_made_again_and_every_attempt_is_in_the_log() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    receiver.script([Answer::status(503).body("not now")]);
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    let (first, second) =
        (receiver.next().await, receiver.next_within(Duration::from_secs(10)).await);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);

    let done = |all: &[Value]| all.iter().any(|it| it["status"] == "delivered");
    let listed = world.deliveries(&hook, done).await;
    assert_eq!(listed[0]["id"], first.header("webhook-id").unwrap());
    let delivery = world.delivery(&hook, &listed[0]["id"]).await;
    let attempts = delivery["attempts"].as_array().unwrap();
    let of = |member| attempts.iter().map(|it| it[member].clone()).collect::<Vec<_>>();
    assert_eq!(of("number"), [1, 2]);
    assert_eq!(of("status"), [503, 200]);
    assert_eq!(of("answer")[0], "not now");
    assert_eq!(of("error"), [json!("receiver answered 503"), Value::Null]);
}

#[tokio::test]
async fn a_log_hook_writes_one_record() {
    let world = World::new().await;
    world.hook(&json!({"source": "crud", "event": "consumers", "handler": "log"})).await;
    let mut event = a_change();
    event["pid"] = 7.into();
    let data = json!({"operation": "create"});
    world.publish(&json!({"source": "crud", "event": "consumers", "data": data, "pid": 7})).await;
    let logged = world.log_with("log callback").await;
    let record = logged.lines().find(|line| line.contains("log callback")).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(record).unwrap(),
        json!({
            "level": "notice", "message": "log callback",
            "event": "consumers", "source": "crud", "data": data, "pid": 7,
        })
    );
}

#[tokio::test]
async fn a_snooze_holds_what_comes_too_soon() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let mut hook = a_webhook(&receiver.url());
    hook["snooze"] = 2.into();
    world.hook(&hook).await;
    receiver.next().await;

    let numbered = |number: u32| {
        let mut event = a_change();
        event["number"] = number.into();
        event
    };
    world.publish(&numbered(1)).await;
    world.publish(&numbered(2)).await;
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    world.publish(&numbered(3)).await;

    let mut came = Vec::new();
    for _ in 0..2 {
        let body: Value = serde_json::from_slice(&receiver.next().await.body).unwrap();
        came.push(body["number"].clone());
    }
    assert_eq!(came, [1, 3]);
    let metrics = world.get("/metrics").await.text;
    assert!(metrics.contains(r#"event_hooks_held_total{reason="snoozed"} 1"#), "{metrics}");
}

#[tokio::test]
async fn an_event_with_an_id_is_delivered_once() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    let event =
        |id: &str| json!({"source": "crud", "event": "consumers", "id": id, "data": {"id": id}});
    world.publish(&event("mine")).await;
    world.publish(&event("mine")).await;
    world.publish(&event("yours")).await;
    let came = [receiver.next().await, receiver.next().await];
    let ids = came.map(|it| serde_json::from_slice::<Value>(&it.body).unwrap()["id"].clone());
    let mut ids = ids.map(|it| it.as_str().unwrap().to_owned());
    ids.sort();
    assert_eq!(ids, ["mine", "yours"]);
}

/// Breaks when batches are decided side by side, or requests of one millisecond have no order.
#[tokio::test]
async fn no_change_is_late_because_another_overtook_it_here() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let mut hook = a_webhook(&receiver.url());
    hook["on_change"] = true.into();
    world.hook(&hook).await;
    receiver.next().await;
    for number in 0..300 {
        let mut event = a_change();
        event["number"] = number.into();
        world.publish(&event).await;
    }
    for _ in 0..300 {
        receiver.next().await;
    }
}
