//! More comes in than goes out: what is answered, and is anything lost that was accepted?

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::receiver::Receiver;

use crate::world::{Answer, PATIENCE, World, a_change, a_webhook};

/// An event of which a few fill the smallest queue that there can be.
fn a_large_change() -> Value {
    let mut change = a_change();
    change["entity"]["filler"] = "x".repeat(200 * 1024).into();
    change
}

/// Posts until something is refused; answers the ids of what was taken, and the refusal.
async fn fill(world: &World) -> (Vec<Value>, Answer) {
    let mut taken = Vec::new();
    while taken.len() < 10 {
        let answer = world.post("/events", &a_large_change()).await;
        if answer.status != 202 {
            return (taken, answer);
        }
        taken.push(answer.json()["ids"][0].clone());
    }
    panic!("two MiB wait, where one may")
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_posts_are_put_off_and_what_was_taken_is_delivered() {
    let world = World::with([("QUEUE_LIMIT", "1")]).await;
    let receiver = Receiver::http().await;
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    world.newest_that_is(&hook, "delivered").await;
    let silence = receiver.silent().await;

    let (mut taken, refused) = fill(&world).await;
    assert!(taken.len() >= 5, "a MiB may wait, and only {} events do", taken.len());
    assert_eq!(refused.status, 429, "{}", refused.text);
    let seconds: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("nothing was accepted; try again later"), "{message}");
    let batch = json!([a_change(), a_change()]);
    assert_eq!(world.post("/events", &batch).await.status, 429, "however small");
    let counted = world.get("/metrics").await.text;
    assert!(counted.contains("event_hooks_refused_total{reason=\"queue\"} 2"), "{counted}");

    let another = Receiver::http().await;
    let elsewhere = world.hook(&a_webhook(&another.url())).await;
    let pinged = world.newest_that_is(&elsewhere, "delivered").await;
    assert_eq!(pinged["event"], "ping", "what nobody posted is not refused");
    let removed = world.send("DELETE", &format!("/event-hooks/{elsewhere}"), &Value::Null).await;
    assert_eq!(removed.status, 204);

    drop(silence);

    let began = Instant::now();
    taken.push(loop {
        let answer = world.post("/events", &a_change()).await;
        if answer.status == 202 {
            break answer.json()["ids"][0].clone();
        }
        assert!(began.elapsed() < PATIENCE, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    });
    let is_delivered =
        |id: &Value, it: &Value| it["event_id"] == *id && it["status"] == "delivered";
    let all = world
        .deliveries(&hook, |all| taken.iter().all(|id| all.iter().any(|it| is_delivered(id, it))))
        .await;
    assert_eq!(all.len(), taken.len() + 1, "and a ping: nothing that was refused came: {all:#?}");
}

/// As many hooks as it takes to fill all places for attempts, if each had its share of them.
const HOOKS: usize = 8;

/// How many attempts are made at once of what waited before: fewer than there are places.
const MOST_THAT_WAITED: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_event_does_not_wait_for_a_backlog_of_what_is_sent_again() {
    let world = World::with([]).await;
    let receiver = Receiver::http().await;
    let mut hooks = Vec::new();
    for _ in 0..HOOKS {
        hooks.push(world.hook(&a_webhook(&receiver.url())).await);
    }
    let elsewhere = Receiver::http().await;
    let fresh = json!({"source": "crud", "event": "routes"});
    let mut hook = a_webhook(&elsewhere.url());
    hook["event"] = fresh["event"].clone();
    world.hook(&hook).await;
    let ping: Value = serde_json::from_str(elsewhere.next().await.text()).unwrap();
    assert_eq!(ping["event"], "ping");
    let batch = vec![a_change(); 100];
    assert_eq!(world.post("/events", &batch.into()).await.status, 202);
    for hook in &hooks {
        // A page of them: the newest, which the pings are not among.
        let is_delivered = |it: &Value| it["status"] == "delivered";
        world.deliveries(hook, |all| all.len() == 100 && all.iter().all(is_delivered)).await;
    }

    let silence = receiver.silent().await;
    receiver.forget();
    for hook in &hooks {
        let again = json!({"since": 0, "status": "delivered"});
        let asked = world.post(&format!("/event-hooks/{hook}/recover"), &again).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
    }
    let began = Instant::now();
    while receiver.requests().len() < MOST_THAT_WAITED {
        assert!(began.elapsed() < PATIENCE, "only {} came again", receiver.requests().len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.publish(&fresh).await;
    let came: Value = serde_json::from_str(elsewhere.next().await.text()).unwrap();
    assert_eq!(came, fresh, "while all that waited is still in hand");
    drop(silence);
}
