//! What only a deployed system has: functions that come and go, queues that hand messages over again,
//! a token in a vault. `make e2e` deploys one.

mod alone;
mod pages;

use std::{io::Write as _, time::Duration};

use serde_json::{Value, json};
use testkit::receiver::Receiver;

use crate::world::{PATIENCE, Stack, World, a_change, a_webhook, answer};

/// The deployed system, and a receiver; `None` where none is deployed, which is said.
async fn deployed(story: &str) -> Option<(World, Receiver)> {
    let Some(stack) = Stack::deployed() else {
        // Not with `println!`, which is shown only of tests that fail.
        let _ = writeln!(std::io::stdout(), "skipped: {story}: run it with `make e2e`");
        return None;
    };
    Some((World::on(stack), Receiver::http().await))
}

/// Waits until this is so, asking again and again.
async fn until<T>(what: &str, patience: Duration, ask: impl AsyncFn() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(answered) = ask().await {
                return answered;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| panic!("not yet: {what}"))
}

/// The first message that was put aside and has `text` in it.
async fn poison_with(world: &World, text: &str) -> Value {
    until(&format!("poison with {text}"), 3 * PATIENCE, async || {
        let listed = world.get("/poison?size=1000").await.json();
        for it in listed["data"].as_array().unwrap() {
            let alone = world.get(&format!("/poison/{}", it["id"].as_str().unwrap())).await;
            // Another story may have dealt with its own meanwhile.
            if alone.status == 200 && alone.json()["body"].as_str().unwrap().contains(text) {
                return Some(alone.json());
            }
        }
        None
    })
    .await
}

/// An event that says so.
fn saying(what: &str) -> Value {
    let mut event = a_change();
    event["said"] = what.into();
    event
}

async fn said(receiver: &Receiver) -> Value {
    let came = receiver.next_within(PATIENCE).await;
    serde_json::from_slice::<Value>(&came.body).unwrap()["said"].clone()
}

#[tokio::test]
async fn gates_remember_from_one_invocation_to_the_next() {
    let Some((world, receiver)) = deployed("gates across invocations").await else { return };
    for (rule, posted, expected) in [
        (
            ("on_change", json!(true)),
            ["a", "a", "b", "b", "a"].as_slice(),
            ["a", "b", "a"].as_slice(),
        ),
        (("snooze", json!(3600)), &["a", "b", "c"], &["a"]),
    ] {
        let mut hook = a_webhook(&receiver.url());
        hook[rule.0] = rule.1;
        let hook = world.hook(&hook).await;
        receiver.next_within(PATIENCE).await;
        for what in posted {
            // Each is a message of its own, and is worked on before the next one is posted.
            world.publish(&saying(what)).await;
            tokio::time::sleep(Duration::from_millis(1_500)).await;
        }
        for what in expected {
            assert_eq!(said(&receiver).await, *what, "{}", rule.0);
        }
        // To see that nothing else came, something else comes.
        let path = format!("/event-hooks/{hook}");
        let open = json!({"on_change": false, "snooze": null});
        assert_eq!(world.send("PATCH", &path, &open).await.status, 200);
        world.publish(&saying("last")).await;
        assert_eq!(said(&receiver).await, "last", "{}", rule.0);
        world.send("DELETE", &path, &json!({})).await;
    }
}

#[tokio::test]
async fn what_is_no_task_is_put_aside_for_somebody_to_see() {
    let Some((world, _)) = deployed("a message that is no task").await else { return };
    let stack = Stack::deployed().unwrap();
    let text = format!("no task, but {:016x}", fastrand::u64(..));
    for (queue, output) in [("events", "EventsQueueUrl"), ("retries", "RetriesQueueUrl")] {
        let sent = json!({"QueueUrl": stack.output(output), "MessageBody": text});
        stack.ask("sqs", "send_message", sent).await;
        let poison = poison_with(&world, &text).await;
        assert_eq!((&poison["queue"], &poison["body"]), (&json!(queue), &json!(text)));
        let path = format!("/poison/{}", poison["id"].as_str().unwrap());
        let again = world.post(&format!("{path}/redeliver"), &json!({})).await;
        assert_eq!(again.status, 409, "it would come back: {}", again.text);
        assert_eq!(world.send("DELETE", &path, &json!({})).await.status, 204);
        assert_eq!(world.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn what_lies_in_a_dead_letter_queue_is_put_aside() {
    let Some((world, _)) = deployed("dead-letter queues").await else { return };
    let stack = Stack::deployed().unwrap();
    for (queue, output) in [("events", "EventsDeadQueueUrl"), ("retries", "RetriesDeadQueueUrl")] {
        let text = format!("dead, {:016x}", fastrand::u64(..));
        let sent = json!({"QueueUrl": stack.output(output), "MessageBody": text});
        stack.ask("sqs", "send_message", sent).await;
        let poison = poison_with(&world, &text).await;
        assert_eq!(poison["queue"], queue);
        assert_eq!(poison["reason"], "handed out too often");
        world
            .send("DELETE", &format!("/poison/{}", poison["id"].as_str().unwrap()), &json!({}))
            .await;
    }
}

#[tokio::test]
async fn the_generated_token_opens_the_door_and_nothing_else_does() {
    let Some((world, _)) = deployed("the generated token").await else { return };
    let stack = Stack::deployed().unwrap();
    assert_eq!(stack.token().len(), 40, "as it was generated, or replaced by one like it");
    for (name, token, status) in [
        ("the generated one", Some(stack.token()), 200),
        ("another", Some("kong"), 401),
        ("none", None, 401),
    ] {
        let answered = answer(world.request_with(token, "GET", "/event-hooks")).await;
        assert_eq!(answered.status, status, "{name}: {}", answered.text);
    }
    let posted = world.request_with(None, "POST", "/events").body(a_change().to_string());
    assert_eq!(answer(posted).await.status, 401);
    assert!(!world.logged().await.contains(stack.token()), "it is in the log");
}

#[tokio::test]
async fn everything_is_within_reach() {
    let Some((world, _)) = deployed("health").await else { return };
    let status = world.get("/status").await;
    assert_eq!(status.status, 200, "{}", status.text);
    assert_eq!(
        (&status.json()["storage"], &status.json()["queue"]),
        (&json!("reachable"), &json!("reachable"))
    );
}
