//! Are events taken in all their forms, whole or not at all?

use hooks::{
    event::{Event, EventKey},
    task::Task,
    time::Timestamp,
};
use http::Method;
use serde_json::{Value, json};
use testkit::builders::START;

use crate::doors::{Answer, Doors, JSON, request};

fn consumer(name: &str) -> Value {
    json!({"source": "crud", "event": "consumers", "data": {"entity": {"username": name}}})
}

/// The events on the queue, in order.
fn queued(doors: &Doors) -> Vec<Event> {
    let tasks = doors.queue.take_all().into_iter();
    tasks
        .flat_map(|task| match task {
            Task::Dispatch { events, .. } => events,
            other => panic!("not a dispatch: {other:?}"),
        })
        .collect()
}

async fn post(doors: &Doors, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
    doors.send(request(Method::POST, "/events", headers, body.into())).await
}

fn content_type(name: &str) -> [(&str, &str); 1] {
    [("content-type", name)]
}

#[tokio::test]
async fn accepted_means_on_the_queue() {
    let doors = Doors::open();
    let accepted = doors.post_events(&consumer("alice")).await.expect(202);
    let [event] = &queued(&doors)[..] else { panic!("one event is on the queue") };
    assert_eq!(accepted, json!({"accepted": 1, "ids": [event.id]}));
    assert_eq!(event.data.get("entity"), Some(&json!({"username": "alice"})));
    assert_eq!(event.workspace.as_str(), "default");
    assert_eq!((event.order.accepted, event.key.as_ref()), (START, None));

    doors.queue.fail_next();
    let answer = doors.post_events(&consumer("bob")).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.expect(503);
    assert_eq!(queued(&doors).len(), 0);
}

#[tokio::test]
async fn every_form_says_the_same() {
    let flat = r#"{"source":"crud","event":"consumers","entity":1}"#;
    let nested = r#"{"source":"crud","event":"consumers","data":{"entity":1}}"#;
    let cloud =
        r#"{"specversion":"1.0","id":"1","source":"crud","type":"consumers","data":{"entity":1}}"#;
    for (name, kind, body, count) in [
        ("nested", "application/json", nested.to_owned(), 1),
        ("flat", "application/json", flat.to_owned(), 1),
        ("an array", "application/json", format!(" [{flat} , {nested}] "), 2),
        ("capitals and a charset", "Application/JSON; Charset=\"UTF-8\"", flat.to_owned(), 1),
        ("lines", "application/x-ndjson", format!("{flat}\r\n\n{nested}\n"), 2),
        ("lines without a last break", "application/ndjson", format!("{flat}\n{nested}"), 2),
        ("lines by another name", "application/jsonl", flat.to_owned(), 1),
        ("a CloudEvent", "application/cloudevents+json; charset=utf-8", cloud.to_owned(), 1),
        ("CloudEvents", "application/cloudevents-batch+json", format!("[{cloud},{cloud}]"), 2),
    ] {
        let doors = Doors::open();
        let answer = post(&doors, &content_type(kind), body).await;
        assert_eq!(answer.status, 202, "{name}: {}", answer.text);
        assert_eq!(answer.json()["accepted"], count, "{name}");
        let events = queued(&doors);
        assert_eq!(events.len(), count, "{name}");
        for event in events {
            assert_eq!(event.source.as_str(), "crud", "{name}");
            assert_eq!(event.event.as_str(), "consumers", "{name}");
            assert_eq!(event.data.get("entity"), Some(&json!(1)), "{name}");
        }
    }
}

#[tokio::test]
async fn a_cloud_event_may_come_in_headers() {
    let doors = Doors::open();
    let headers = [
        ("content-type", "application/vnd.mine+json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "a%20b"),
        ("ce-source", "crud"),
        ("ce-type", "consumers"),
        ("ce-time", "2026-11-21T10:00:00Z"),
    ];
    post(&doors, &headers, r#"{"entity":1}"#).await.expect(202);
    post(&doors, &headers[1..], "").await.expect(202);
    let events = queued(&doors);
    assert_eq!(events[0].key, Some(EventKey::Id("a b".into())));
    assert_eq!(events[0].time, Some(START));
    assert_eq!(events[0].data.get("entity"), Some(&json!(1)));
    assert!(events[1].data.as_map().is_empty());

    let refused = post(&doors, &[&headers[..2], &headers[3..]].concat(), "{}").await.expect(400);
    assert_eq!(refused["errors"][0]["message"], "id: required");
    assert_eq!(refused["errors"][0]["event"], "consumers");
    let twice = [&headers[..], &[("ce-id", "c")]].concat();
    let refused = post(&doors, &twice, "{}").await.expect(400);
    assert_eq!(refused["errors"][0]["message"], "id: must be sent once");
    for id in ["%fe", "%ff"] {
        let odd = [&headers[..2], &[("ce-id", id)], &headers[3..]].concat();
        let refused = post(&doors, &odd, "{}").await.expect(400);
        let message = "id: must be UTF-8, percent-encoded or not";
        assert_eq!(refused["errors"][0]["message"], message, "{id}");
    }
    let text = [&[("content-type", "text/plain")], &headers[1..]].concat();
    post(&doors, &text, "hello").await.expect(415);
}

#[tokio::test]
async fn what_an_event_says_of_itself_is_kept() {
    let doors = Doors::open();
    let mut event = consumer("alice");
    event["id"] = "e-1".into();
    event["time"] = json!(1_795_255_200.5);
    event["pid"] = json!(68854.0);
    let other = consumer("bob");
    let headers = [JSON, ("idempotency-key", "k-1")];
    post(&doors, &headers, json!([event, other]).to_string()).await.expect(202);

    let events = queued(&doors);
    assert_eq!(events[0].key, Some(EventKey::Id("e-1".into())));
    assert_eq!(events[0].time, Some(Timestamp::from_millis(1_795_255_200_500)));
    assert_eq!(events[0].pid, Some(68854));
    assert_eq!(events[1].key, Some(EventKey::Request { key: "k-1".into(), index: 1 }));
}

#[tokio::test]
async fn a_key_is_short_visible_and_alone() {
    let doors = Doors::open();
    let body = consumer("alice").to_string();
    let long = "k".repeat(256);
    for (name, keys, status) in [
        ("one", &["k"][..], 202),
        ("the longest", &[&long[1..]], 202),
        ("too long", &[&long], 400),
        ("empty", &[""], 400),
        ("with a space", &["a b"], 400),
        ("not ASCII", &["\u{e9}"], 400),
        ("two", &["a", "a"], 400),
    ] {
        let mut headers = vec![JSON];
        headers.extend(keys.iter().map(|key| ("idempotency-key", *key)));
        assert_eq!(post(&doors, &headers, body.clone()).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn a_bad_event_refuses_all_and_all_bad_ones_are_named() {
    let doors = Doors::open();
    let body = json!([
        consumer("alice"),
        {"source": "crud"},
        {"source": "mine", "event": "log"},
        5,
        {"source": "crud", "event": "consumers", "data": {}, "pid": "x"},
    ]);
    assert_eq!(
        doors.post_events(&body).await.expect(400),
        json!({
            "message": "4 events are not valid, nothing was accepted",
            "errors": [
                {"index": 1, "source": "crud", "event": null, "message": "event: required"},
                {
                    "index": 2,
                    "source": "mine",
                    "event": "log",
                    "message": "event 'log' of source 'mine' is not in the catalog; \
                        publish it with PUT /event-hooks/sources/{source}/{event}",
                },
                {"index": 3, "source": null, "event": null, "message": "an event must be a JSON object"},
                {"index": 4, "source": "crud", "event": "consumers", "message": "pid: must be an integer"},
            ],
        })
    );
    assert_eq!(doors.queue.sent().len(), 0);

    let refused = doors.post_events(&json!(vec![Value::Null; 1_000])).await.expect(400);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 1_000, "all are named");
    assert_eq!(refused["message"], "1000 events are not valid, nothing was accepted");
}

#[tokio::test]
async fn an_event_that_nobody_published_is_refused_until_somebody_does() {
    let doors = Doors::open();
    let event = json!({"source": "mine", "event": "log"});
    let refused = doors.post_events(&event).await.expect(400);
    assert_eq!(refused["message"], "one event is not valid, nothing was accepted");
    assert_eq!(refused["errors"][0]["source"], "mine");
    doors.json(Method::PUT, "/event-hooks/sources/mine/log", &json!({})).await.expect(200);
    doors.post_events(&event).await.expect(202);
}

#[tokio::test]
async fn an_event_belongs_to_the_workspace_of_its_request() {
    let doors = Doors::open();
    doors.json(Method::POST, "/team/events/", &consumer("alice")).await.expect(202);
    assert_eq!(queued(&doors)[0].workspace.as_str(), "team");
    assert_eq!(doors.queue.sent()[0].outgoing.group, "team");
}

#[tokio::test]
async fn an_explanation_runs_nothing() {
    let doors = Doors::open();
    let hook = doors.log_hook().await;
    let sent = doors.queue.sent().len();
    let explained = doors.json(Method::POST, "/events?explain=true", &consumer("alice")).await;
    assert_eq!(
        explained.expect(200),
        json!({
            "data": [{
                "index": 0,
                "source": "crud",
                "event": "consumers",
                "hooks": [{
                    "hook": hook,
                    "outcome": "would_fire",
                    "seen_as": "consumers",
                    "reason": "no_rules",
                }],
                "more": false,
            }],
        })
    );
    assert_eq!(doors.queue.sent().len(), sent);

    let unknown = json!({"source": "mine", "event": "log"});
    let refused = doors.json(Method::POST, "/events?explain=true", &unknown).await.expect(400);
    assert_eq!(refused["errors"][0]["index"], 0);
    let refused = doors.json(Method::POST, "/events?explain=maybe", &unknown).await.expect(400);
    assert_eq!(refused, json!({"message": "explain must be true or false", "errors": []}));
    doors.json(Method::POST, "/events?explain=false", &consumer("alice")).await.expect(202);
}

#[tokio::test]
async fn an_event_is_part_of_the_trace_that_it_was_posted_in() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OTHER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01";
    for (name, headers, expected) in [
        ("none", &[][..], None),
        ("one", &[("traceparent", PARENT)], Some(PARENT)),
        ("one that is none costs no event", &[("traceparent", "00-0-0-0")], None),
        ("two are none", &[("traceparent", PARENT), ("traceparent", OTHER)], None),
    ] {
        let doors = Doors::open();
        let headers = [&[JSON][..], headers].concat();
        post(&doors, &headers, consumer("alice").to_string()).await.expect(202);
        let trace = queued(&doors)[0].trace.map(|it| it.to_string());
        assert_eq!(trace.as_deref(), expected, "{name}");
    }
}
