//! The disk is full: what is promised then, and what when there is room again?

#![cfg(target_os = "linux")]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use testkit::receiver::{Answer, Receiver};

use crate::world::{self, PATIENCE, World, a_change, a_webhook};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_promised_without_room_and_nothing_is_lost_that_was() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: a disk without room, for there is no prlimit");
        return;
    }
    let mut world = World::that_may_run_out_of_room().await;
    let receiver = Receiver::http().await;
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    world.newest_that_is(&hook, "delivered").await;
    // Accepted, and under way when there is no room any more to write down how it ends.
    receiver.script([Answer::status(200).after(Duration::from_millis(500))]);
    world.publish(&a_change()).await;
    let under_way = receiver.next().await;
    world.process().limit_writing("0");

    for (name, path, body) in [
        ("an event", "/events", a_change()),
        ("a hook", "/event-hooks", a_webhook(&receiver.url())),
    ] {
        let refused = world.post(path, &body).await;
        assert_eq!(refused.status, 503, "{name}: {}", refused.text);
        let message = "a part of the service is unavailable, try again";
        assert_eq!(refused.json()["message"], message, "{name}");
        assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{name}");
    }
    assert_eq!(world.get("/status").await.status, 503, "whoever asks is told");
    assert_eq!(world.get(&format!("/event-hooks/{hook}")).await.status, 200, "reading goes on");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.process_mut().is_alive());
    let logged = world.log_with("disk I/O error").await;
    assert!(!logged.contains("panicked"), "{logged}");

    world.process().limit_writing("unlimited");

    let began = Instant::now();
    let accepted = loop {
        let answer = world.post("/events", &a_change()).await;
        if answer.status == 202 {
            break answer.json()["ids"][0].clone();
        }
        assert!(began.elapsed() < PATIENCE, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let ended = world
        .deliveries(&hook, |all| {
            let is_delivered = |id: &str, it: &serde_json::Value| {
                (it["id"] == id || it["event_id"] == id) && it["status"] == "delivered"
            };
            [under_way.header("webhook-id").unwrap(), accepted.as_str().unwrap()]
                .iter()
                .all(|id| all.iter().any(|it| is_delivered(id, it)))
        })
        .await;
    assert!(ended.iter().all(|it| it["status"] == "delivered"), "{ended:#?}");
    assert_eq!(world.get("/status").await.status, 200);
    let unpublished = world::answer(world.request("GET", "/poison")).await;
    assert_eq!(unpublished.json()["data"], serde_json::json!([]));
}
