//! What changes the system for everybody: each of these runs while no other story does.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use serde_json::json;
use testkit::receiver::{Answer, Receiver};

use super::{deployed, pages::Reader, poison_with, said, saying};
use crate::world::{PATIENCE, Stack, World, a_webhook, answer, json_body};

/// When a token that was replaced is good for nothing any more, and a moment.
const REPLACED: Duration = Duration::from_secs(11);

#[tokio::test]
async fn what_is_handed_out_too_often_is_buried_and_can_be_sent_again() {
    let Some((world, receiver)) = deployed("a dead letter").await else { return };
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next_within(PATIENCE).await;
    // The receiver takes its time, and the queue takes the message for forgotten, again and again.
    receiver.always(Answer::status(200).after(Duration::from_secs(12)));
    let queue = Patience::of("EventsQueueUrl", "1").await;
    let id = world.publish(&saying("it takes too long")).await;
    let poison = poison_with(&world, &id).await;
    queue.restore().await;
    assert_eq!(
        (&poison["queue"], &poison["reason"]),
        (&json!("events"), &json!("handed out too often"))
    );

    // Nothing is lost: what was begun has gone on, and who listens now gets what is sent again.
    assert_eq!(said(&receiver).await, "it takes too long");
    world.deliveries(&hook, |all| all.iter().any(|it| it["status"] == "delivered")).await;
    let late = Receiver::http().await;
    world.hook(&a_webhook(&late.url())).await;
    late.next_within(PATIENCE).await;
    let path = format!("/poison/{}", poison["id"].as_str().unwrap());
    let again = world.post(&format!("{path}/redeliver"), &json!({})).await;
    assert_eq!(again.status, 202, "{}", again.text);
    assert_eq!(said(&late).await, "it takes too long");
    assert_eq!(world.get(&path).await.status, 404, "it is no poison any more");
}

#[tokio::test]
async fn the_first_token_is_replaced_in_its_secret() {
    let Some((world, _)) = deployed("the first token's rotation").await else { return };
    let stack = Stack::deployed().unwrap();
    let old = stack.token().to_owned();
    let made = world.post("/tokens", &json!({"name": "a gateway", "role": "emitter"})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let gateways = made.json()["token"].as_str().unwrap().to_owned();

    Reader::of(&stack).await.types("docs/operate.md", "put-secret-value").await.unwrap();
    let new = secret(&stack).await;
    // Whatever comes of it, the others need the old one.
    let rotated = AssertUnwindSafe(async {
        is_in_force(&world, &new, &old).await;
        let event = world.request_with(Some(&gateways), "POST", "/events");
        let posted = answer(json_body(event, &saying("hi"))).await;
        assert_eq!(posted.status, 202, "a token of its own goes on: {}", posted.text);
    });
    let rotated = rotated.catch_unwind().await;
    put(&stack, &old).await;
    is_in_force(&world, &old, &new).await;
    rotated.unwrap();
    let path = format!("/tokens/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(world.send("DELETE", &path, &json!({})).await.status, 204);
}

async fn secret(stack: &Stack) -> String {
    let asked = json!({"SecretId": stack.output("AdminTokenSecret")});
    let secret = stack.ask("secretsmanager", "get_secret_value", asked).await;
    secret["SecretString"].as_str().unwrap().to_owned()
}

async fn put(stack: &Stack, token: &str) {
    let secret = stack.output("AdminTokenSecret");
    let value = json!({"SecretId": secret, "SecretString": token});
    stack.ask("secretsmanager", "put_secret_value", value).await;
}

/// One token opens every door, and the other none: each function finds out by itself. Nobody asks
/// before that, for who shows wrong tokens again and again is not listened to any more.
async fn is_in_force(world: &World, new: &str, old: &str) {
    tokio::time::sleep(REPLACED).await;
    for (method, path, opened) in [("GET", "/event-hooks", 200), ("POST", "/events", 202)] {
        for (name, token, status) in [("the new one", new, opened), ("the old one", old, 401)] {
            let asked = json_body(world.request_with(Some(token), method, path), &saying("hi"));
            let answered = answer(asked).await;
            assert_eq!(answered.status, status, "{name}, {method} {path}: {}", answered.text);
        }
    }
}

/// For how long a queue leaves a message to who took it.
struct Patience {
    stack: Stack,
    output: &'static str,
    seconds: String,
}

impl Patience {
    async fn of(output: &'static str, seconds: &str) -> Self {
        let stack = Stack::deployed().unwrap();
        let asked = json!({
            "QueueUrl": stack.output(output), "AttributeNames": ["VisibilityTimeout"],
        });
        let had = stack.ask("sqs", "get_queue_attributes", asked).await;
        let had = had["Attributes"]["VisibilityTimeout"].as_str().unwrap().to_owned();
        let patience = Self { stack, output, seconds: had };
        patience.set(seconds).await;
        patience
    }

    async fn set(&self, seconds: &str) {
        let attributes = json!({
            "QueueUrl": self.stack.output(self.output),
            "Attributes": {"VisibilityTimeout": seconds},
        });
        self.stack.ask("sqs", "set_queue_attributes", attributes).await;
    }

    async fn restore(self) {
        self.set(&self.seconds).await;
    }
}
