//! Secrets that nobody could mistake for anything else: where do they turn up?
//!
//! In the hook's own row, from which requests are made, and in answers to administrators who ask
//! for the hook; nowhere else, whatever goes wrong. A ping and the events about hooks repeat a
//! hook's URL and headers, as the gateway's do, and never its secret.

use std::process::Command;

use serde_json::{Value, json};
use testkit::receiver::{Answer, Received, Receiver};

use crate::world::{Answer as Answered, World, a_change, answer, json_body};

const SECRET: &str = "canary-in-the-secret";
const HEADER: &str = "canary-in-a-header";
const USER: &str = "canary-in-the-user";
const PASSWORD: &str = "canary-in-the-password";
const QUERY: &str = "canary-in-the-query";

const ALL: [&str; 5] = [SECRET, HEADER, USER, PASSWORD, QUERY];

/// Fails where one of these is in a text.
fn none_of(canaries: &[&str], place: &str, text: &str) {
    for canary in canaries {
        let Some(at) = text.find(canary) else { continue };
        let from = text.floor_char_boundary(at.saturating_sub(300));
        let to = text.ceil_char_boundary((at + 100).min(text.len()));
        panic!("{canary} is in {place}: …{}…", &text[from..to]);
    }
}

/// With all that is secret in a webhook of one's own making.
fn custom(receiver: &Receiver) -> Value {
    let address = receiver.address();
    json!({
        "source": "crud", "event": "consumers", "handler": "webhook-custom",
        "config": {
            "method": "POST",
            "url": format!("http://{USER}:{PASSWORD}@{address}/here?key={QUERY}"),
            "headers": {"authorization": format!("Bearer {HEADER}")},
            "secret": SECRET,
            "body": "{{ entity.username }}",
        },
    })
}

/// A webhook that is greeted: with a secret, and nothing else to hide.
fn greeted(receiver: &Receiver) -> Value {
    json!({
        "source": "crud", "event": "consumers", "handler": "webhook",
        "config": {"url": receiver.url(), "secret": SECRET},
    })
}

/// Two hooks with secrets, and one that repeats what it is given in its errors.
struct Hooks {
    custom: String,
    greeted: String,
    lambda: String,
}

impl Hooks {
    async fn of(world: &World, receiver: &Receiver) -> Self {
        let lambda = json!({
            "source": "crud", "event": "consumers", "handler": "lambda",
            "config": {"functions": ["return function(data) error(data.entity.username) end"]},
        });
        let hooks = Self {
            custom: world.hook(&custom(receiver)).await,
            greeted: world.hook(&greeted(receiver)).await,
            lambda: world.hook(&lambda).await,
        };
        receiver.next().await;
        hooks
    }

    fn with_secrets(&self) -> [&str; 2] {
        [&self.custom, &self.greeted]
    }

    fn all(&self) -> [&str; 3] {
        [&self.custom, &self.greeted, &self.lambda]
    }
}

#[tokio::test]
async fn a_secret_is_nowhere_but_in_its_hook_and_in_the_requests_that_it_makes() {
    let world = World::with([("LOG", "trace"), ("LOG_FORMAT", "json")]).await;
    let receiver = Receiver::http().await;
    let hooks = Hooks::of(&world, &receiver).await;

    let mut answers = deliver_and_fail_and_repeat(&world, &hooks, &receiver).await;
    drop(receiver);
    answers.extend(lose_the_receiver(&world, &hooks).await);
    answers.extend(make_mistakes(&world).await);
    answers.extend(look_at_everything(&world, &hooks).await);

    for answer in &answers {
        none_of(&ALL, "an answer", &answer.text);
    }
    let logged = world.log_with("hook disabled").await;
    assert!(logged.contains("TRACE"), "it logs all that it can");
    none_of(&ALL, "the log", &logged);
    let Some((hooks, others)) = tables(&world) else {
        println!("skipped: secrets in the data folder, for there is no python3");
        return;
    };
    assert!(hooks.contains(SECRET), "the row of a hook has its secret, or this finds nothing");
    none_of(&ALL, "the data folder, beside the hooks", &others);
}

/// Everything is delivered at the second attempt, sent again, tested and pinged.
async fn deliver_and_fail_and_repeat(
    world: &World,
    hooks: &Hooks,
    receiver: &Receiver,
) -> Vec<Answered> {
    receiver.script([503, 503].map(Answer::status));
    world.publish(&a_change()).await;
    let mut answers = Vec::new();
    for hook in hooks.with_secrets() {
        let newest = world.newest_that_is(hook, "delivered").await;
        assert_eq!(newest["attempts"].as_array().unwrap().len(), 2, "{newest}");
        let delivery = newest["id"].as_str().unwrap();
        let path = format!("/event-hooks/{hook}/deliveries/{delivery}/redeliver");
        answers.push(world.post(&path, &json!({})).await);
        let is_done = |it: &Value| it["run"] == 1 && it["status"] == "delivered";
        world.deliveries(hook, |all| all.iter().any(is_done)).await;
        answers.push(world.post(&format!("/event-hooks/{hook}/test"), &json!({"a": 1})).await);
        answers.push(world.get(&format!("/event-hooks/{hook}/ping")).await);
    }
    world.newest_that_is(&hooks.lambda, "exhausted").await;
    let came = receiver.requests();
    let is_secret = |it: &&Received| it.header("authorization").is_some();
    let query = format!("key={QUERY}");
    assert!(came.iter().filter(is_secret).all(|it| it.query.as_ref() == Some(&query)));
    assert!(came.iter().filter(is_secret).count() >= 4, "the receiver gets what it is to get");
    answers
}

/// Nobody answers any more, and then somebody who wants no more.
async fn lose_the_receiver(world: &World, hooks: &Hooks) -> Vec<Answered> {
    world.publish(&a_change()).await;
    let mut answers = Vec::new();
    for hook in hooks.with_secrets() {
        world.newest_that_is(hook, "pending").await;
        answers.push(world.post(&format!("/event-hooks/{hook}/test"), &json!({"a": 1})).await);
    }
    let gone = Receiver::http().await;
    gone.always(Answer::status(410));
    // Changes of hooks are written to the log, where a hook is there to do so.
    world.hook(&json!({"source": "crud", "event": "event_hooks", "handler": "log"})).await;
    let moved = json!({"config": {"url": gone.url(), "secret": format!("{SECRET}-renewed")}});
    let path = format!("/event-hooks/{}", hooks.greeted);
    assert_eq!(world.send("PATCH", &path, &moved).await.status, 200);
    world.log_with("log callback").await;
    world.publish(&a_change()).await;
    world.newest_that_is(&hooks.greeted, "parked").await;
    answers
}

/// What is refused is not repeated.
async fn make_mistakes(world: &World) -> Vec<Answered> {
    let wrong = json!({
        "source": "crud", "handler": "webhook",
        "config": {
            "url": format!("ftp://{USER}:{PASSWORD}@host/?{QUERY}"),
            "headers": {"no name": HEADER}, "secret": SECRET, "ssl_verify": SECRET,
        },
    });
    let refused = world.post("/event-hooks", &wrong).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let not_json = json_body(world.request("POST", "/event-hooks"), &Value::Null);
    let not_json = not_json.body(format!("{{\"secret\": {SECRET}"));
    let unread = answer(not_json).await;
    assert_eq!(unread.status, 400, "{}", unread.text);
    vec![refused, unread]
}

/// Every answer there is beside the hooks themselves.
async fn look_at_everything(world: &World, hooks: &Hooks) -> Vec<Answered> {
    let mut answers = Vec::new();
    for hook in hooks.all() {
        let recover = format!("/event-hooks/{hook}/recover");
        let begun = world.post(&recover, &json!({"since": 0})).await;
        if begun.status == 202 {
            let id = begun.json()["id"].as_str().unwrap().to_owned();
            answers.push(world.get(&format!("{recover}/{id}")).await);
        }
        let listed = world.get(&format!("/event-hooks/{hook}/deliveries")).await;
        for delivery in listed.json()["data"].as_array().unwrap() {
            let id = delivery["id"].as_str().unwrap();
            answers.push(world.get(&format!("/event-hooks/{hook}/deliveries/{id}")).await);
        }
        answers.extend([begun, listed]);
    }
    for path in ["/poison", "/metrics", "/status", "/event-hooks/sources"] {
        answers.push(world.get(path).await);
    }
    answers.push(world.post("/events?explain=true", &a_change()).await);
    answers
}

/// What is in the table of hooks, and what is in all others; nothing where there is no Python.
fn tables(world: &World) -> Option<(String, String)> {
    const DUMP: &str = "
import sqlite3, sys
file = sqlite3.connect(sys.argv[1])
for (table,) in file.execute(\"select name from sqlite_schema where type = 'table'\").fetchall():
    for row in file.execute(f'select * from {table}'):
        print(table, repr(row))
";
    let file = world.data().join("event-hooks.db");
    let mut python = Command::new("python3");
    python.args(["-c", DUMP]).arg(file).env("PYTHONIOENCODING", "utf-8");
    let dumped = python.output().ok()?;
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let text = String::from_utf8_lossy(&dumped.stdout);
    let (hooks, others): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with("hook "));
    assert!(others.iter().any(|line| line.starts_with("attempt ")), "it sees other tables");
    Some((hooks.join("\n"), others.join("\n")))
}
