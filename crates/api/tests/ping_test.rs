//! Is it shown what came of running a handler on request?

use hooks::delivery::{Failure, FailureClass, HandlerResult, Outcome, Report};
use http::Method;
use serde_json::{Value, json};
use testkit::fakes::Script;

use crate::doors::{Doors, webhook};

fn report(outcome: Outcome, result: HandlerResult) -> Script {
    Script::Report(Report {
        request: Some("POST https://example.com/hook".into()),
        ..Report::without_request(outcome, result)
    })
}

fn failed(reason: &str) -> Outcome {
    let class = FailureClass::Transient { retry_after: None };
    Outcome::Failed(Failure { class, reason: reason.into() })
}

fn answered(status: u16) -> HandlerResult {
    let headers = [("Server", "x"), ("Vary", "a"), ("Vary", "b")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    HandlerResult::Answered { status, headers, body: "hello".into() }
}

#[tokio::test]
async fn a_ping_answers_what_it_sent() {
    let doors = Doors::open();
    let mut hook = webhook();
    hook["config"]["secret"] = "canary".into();
    let mut shown = doors.hook(&hook).await;
    let path = format!("/event-hooks/{}/ping", shown["id"].as_str().unwrap());
    let sent = doors.get(&path).await.expect(200);

    shown["config"]["headers"] = json!({"content-type": "application/json"});
    shown["config"]["secret"] = json!(null);
    let expected = json!({"source": "kong:event_hooks", "event": "ping", "event_hooks": shown});
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_ping_that_fails_says_how() {
    let doors = Doors::open();
    let hook = doors.webhook().await;
    let path = format!("/event-hooks/{hook}/ping");
    let hook = hook.parse().unwrap();

    doors.handlers.next(hook, [report(failed("receiver answered 500"), answered(500))]);
    assert_eq!(
        doors.get(&path).await.expect(502),
        json!({
            "message": "the receiver did not take the ping: receiver answered 500",
            "result": {
                "status": 500, "headers": {"Server": "x", "Vary": "a, b"}, "body": "hello",
            },
            "error": "receiver answered 500",
        })
    );
    doors.handlers.next(hook, [report(failed("connection refused"), HandlerResult::Nothing)]);
    let refused = doors.get(&path).await.expect(502);
    assert_eq!(refused["result"], json!(null));
}

#[tokio::test]
async fn nothing_is_pinged_by_a_head() {
    let doors = Doors::open();
    let hook = doors.webhook().await;
    let answer = doors.ask(Method::HEAD, &format!("/event-hooks/{hook}/ping")).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET, OPTIONS"));
    assert_eq!(doors.handlers.hooks_run(), []);
}

#[tokio::test]
async fn only_webhooks_are_pinged() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}/ping", doors.log_hook().await);
    let message = "a hook with handler 'log' cannot be pinged, only one with handler 'webhook'";
    assert_eq!(doors.get(&path).await.expect(400), json!({"message": message}));
}

#[tokio::test]
async fn a_test_answers_data_and_result() {
    let doors = Doors::open();
    let webhook = doors.webhook().await;
    let log = doors.log_hook().await;
    let [webhook_test, log_test] = [&webhook, &log].map(|hook| format!("/event-hooks/{hook}/test"));
    let data = json!({"consumer": {"username": "Jane Austen"}, "source": "mine"});
    let merged = json!({
        "consumer": {"username": "Jane Austen"}, "source": "crud", "event": "consumers",
    });

    doors.handlers.next(webhook.parse().unwrap(), [report(Outcome::Succeeded, answered(200))]);
    let answer = doors.json(Method::POST, &webhook_test, &data).await.expect(200);
    assert_eq!(answer["data"], merged);
    assert_eq!(answer["result"]["status"], 200);
    assert_eq!(answer.get("error"), None);

    doors.handlers.next(webhook.parse().unwrap(), [report(failed("no"), answered(404))]);
    let answer = doors.json(Method::POST, &webhook_test, &data).await.expect(200);
    assert_eq!(answer["error"], "no", "a receiver's failure is a result too");
    assert_eq!(answer["result"]["status"], 404);

    doors.handlers.next(log.parse().unwrap(), [report(Outcome::Succeeded, HandlerResult::Logged)]);
    let answer = doors.form(Method::POST, &log_test, "consumer.username=Jane+Austen").await;
    assert_eq!(answer.expect(200), json!({"data": merged, "result": true}));
}

#[tokio::test]
async fn data_of_a_test_may_have_many_members() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}/test", doors.log_hook().await);
    let many: Value = (0..1_001).map(|it| (format!("x{it}"), json!(it))).collect();
    let answer = doors.json(Method::POST, &path, &many).await.expect(200);
    assert_eq!(answer["data"]["x1000"], 1_000);
}

#[tokio::test]
async fn data_of_a_test_is_an_object_and_nothing_of_it_is_expanded() {
    let doors = Doors::open();
    let path = format!("/event-hooks/{}/test", doors.log_hook().await);
    let answer = doors.json(Method::POST, &path, &json!({"a.b": {"c.d": 1}})).await.expect(200);
    assert_eq!(answer["data"]["a.b"], json!({"c.d": 1}));
    let answer = doors.ask(Method::POST, &path).await.expect(200);
    assert_eq!(answer["data"], json!({"source": "crud", "event": "consumers"}), "no data");
    for body in [json!([1]), json!(1), json!("a"), json!(null)] {
        let refused = doors.json(Method::POST, &path, &body).await.expect(400);
        assert_eq!(refused, json!({"message": "Cannot parse JSON body"}), "{body}");
    }
}
