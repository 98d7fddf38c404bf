//! Can it be read what became of the events that a hook was owed?

use hooks::{
    delivery::{Delivery, ExhaustedReason, PendingReason, Record, State},
    hook::EventHook,
    id::{DeliveryId, HookId},
    ports::{HookStore as _, Ledger as _},
};
use http::Method;
use serde_json::{Value, json};
use testkit::builders::{at, attempt, attempt_step, event_at, pending, record_of, workspace};

use crate::doors::{Doors, id};

/// A hook with a delivery in each of three states, the newest last.
async fn three(doors: &Doors) -> (HookId, [DeliveryId; 3]) {
    let id: HookId = doors.log_hook().await.parse().unwrap();
    let hook = doors.store.hook(id).await.unwrap().unwrap();
    let mut ids = Vec::new();
    for (seconds, state) in [
        (10, State::Delivered),
        (20, pending()),
        (30, State::Exhausted { reason: ExhaustedReason::ScheduleOver }),
    ] {
        ids.push(record(doors, &hook, seconds, state).await);
    }
    (id, ids.try_into().unwrap())
}

/// A delivery of an event that was accepted so many seconds after the start.
pub(crate) async fn record(
    doors: &Doors,
    hook: &EventHook,
    seconds: i64,
    state: State,
) -> DeliveryId {
    let delivery = Delivery::first(hook, event_at(seconds));
    let id = delivery.id();
    let record = Record { at: at(seconds + 1), ..record_of(delivery, attempt_step(1), state) };
    doors.ledger.record(&record, at(1_000_000)).await.unwrap();
    id
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn a_list_shows_where_deliveries_stand() {
    let doors = Doors::open();
    let (hook, [delivered, pending, exhausted]) = three(&doors).await;
    let page = doors.get(&format!("/event-hooks/{hook}/deliveries")).await.expect(200);
    let data = page["data"].as_array().unwrap();
    assert_eq!(
        ids(&page),
        [exhausted, pending, delivered].map(|it| it.to_string()),
        "newest first"
    );
    assert_eq!(page["next"], Value::Null);
    assert_eq!(
        data[2],
        json!({
            "id": delivered,
            "event_id": data[2]["event_id"],
            "source": "crud",
            "event": "consumers",
            "status": "delivered",
            "run": 0,
            "attempt": 1,
            "accepted_at": "2026-11-21T10:00:10.000Z",
            "updated_at": "2026-11-21T10:00:11.000Z",
        })
    );
    assert_eq!(data[1]["status"], "pending");
    assert_eq!(data[1]["reason"], "retry");
    assert_eq!(data[1]["due"], "2026-11-21T10:00:05.000Z");
    assert_eq!(data[0]["reason"], "schedule-over");
    assert_eq!(data[0].get("due"), None);
}

#[tokio::test]
async fn a_list_is_filtered_and_paged() {
    let doors = Doors::open();
    let (hook, all) = three(&doors).await;
    let [delivered, pending, exhausted] = all.map(|it| it.to_string());
    for (name, query, expected) in [
        ("by status", "status=pending", vec![&pending]),
        ("since then, then included", "since=2026-11-21T10:00:20Z", vec![&exhausted, &pending]),
        ("until then, then left out", "until=1795255220", vec![&delivered]),
        ("between", "since=1795255211&until=1795255221", vec![&pending]),
        ("nothing", "status=parked", vec![]),
    ] {
        let page = doors.get(&format!("/event-hooks/{hook}/deliveries?{query}")).await.expect(200);
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), expected, "{name}");
    }

    let first = format!("/default/event-hooks/{hook}/deliveries?since=1795255211&size=1&foo=bar");
    let first = doors.get(&first).await.expect(200);
    assert_eq!(ids(&first), [exhausted]);
    let next = first["next"].as_str().unwrap();
    let expected =
        format!("/default/event-hooks/{hook}/deliveries?size=1&since=1795255211&offset=");
    assert!(next.starts_with(&expected), "{next}");
    let second = doors.get(next).await.expect(200);
    assert_eq!(ids(&second), [pending]);
    assert_eq!(second["next"], Value::Null, "the filter is kept");
}

#[tokio::test]
async fn a_delivery_alone_has_data_and_attempts() {
    let doors = Doors::open();
    let (hook, [delivered, ..]) = three(&doors).await;
    let path = format!("/event-hooks/{hook}/deliveries/{delivered}");
    let shown = doors.get(&path).await.expect(200);
    assert_eq!(shown["hook_id"], json!(hook));
    assert_eq!(shown["workspace"], "default");
    assert_eq!(shown["data"]["entity"]["username"], "alice");
    let exchange = attempt(attempt_step(1)).exchange;
    assert_eq!(
        shown["attempts"],
        json!([{
            "number": 1,
            "run": 0,
            "at": "2026-11-21T10:00:00.000Z",
            "took_ms": 12,
            "request": exchange.request,
            "status": 200,
            "answer": "ok",
            "error": null,
        }])
    );
}

#[tokio::test]
async fn an_attempt_shows_the_headers_that_were_sent() {
    let doors = Doors::open();
    let id: HookId = doors.log_hook().await.parse().unwrap();
    let hook = doors.store.hook(id).await.unwrap().unwrap();
    let delivery = Delivery::first(&hook, event_at(10));
    let path = format!("/event-hooks/{id}/deliveries/{}", delivery.id());
    let mut record = record_of(delivery, attempt_step(1), State::Delivered);
    let sent = [("webhook-id", "1"), ("x-token", "***"), ("x-many", "a"), ("x-many", "b")];
    record.attempt.as_mut().unwrap().exchange.headers =
        sent.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    doors.ledger.record(&record, at(1_000_000)).await.unwrap();

    let shown = doors.get(&path).await.expect(200);
    assert_eq!(
        shown["attempts"][0]["headers"],
        json!({"webhook-id": "1", "x-token": "***", "x-many": "a, b"})
    );
}

#[tokio::test]
async fn a_pending_delivery_says_what_it_waits_for_and_until_when() {
    let doors = Doors::open();
    let id: HookId = doors.log_hook().await.parse().unwrap();
    let hook = doors.store.hook(id).await.unwrap().unwrap();
    for (seconds, reason, expected) in [
        (1, PendingReason::Retry, "retry"),
        (2, PendingReason::Circuit, "circuit"),
        (3, PendingReason::Slow, "slow"),
        (4, PendingReason::Redelivery, "redelivery"),
    ] {
        let state = State::Pending { due: at(900), reason };
        let delivery = record(&doors, &hook, seconds, state).await;
        let shown = doors.get(&format!("/event-hooks/{id}/deliveries/{delivery}")).await;
        let shown = shown.expect(200);
        assert_eq!(shown["status"], "pending", "{expected}");
        assert_eq!(shown["reason"], expected);
        assert_eq!(shown["due"], "2026-11-21T10:15:00.000Z", "{expected}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let doors = Doors::open();
    let (hook, [delivered, ..]) = three(&doors).await;
    let other = doors.log_hook().await;
    for (name, path, status) in [
        ("no such hook", format!("{}/deliveries", HookId::random()), 404),
        ("no such delivery", format!("{hook}/deliveries/{other}"), 404),
        ("another hook's delivery", format!("{other}/deliveries/{delivered}"), 404),
        ("no UUID", format!("{hook}/deliveries/1"), 400),
        ("no UUID for a hook", "1/deliveries".into(), 400),
    ] {
        let answer = doors.get(&format!("/event-hooks/{path}")).await;
        assert_eq!(answer.status, status, "{name}");
    }
    doors.get(&format!("/team/event-hooks/{hook}/deliveries")).await.expect(404);
    doors.get(&format!("/team/event-hooks/{hook}/deliveries/{delivered}")).await.expect(404);
}

#[tokio::test]
async fn deliveries_of_a_deleted_hook_stay_readable_by_id() {
    let doors = Doors::open();
    let (hook, [delivered, ..]) = three(&doors).await;
    doors.ask(Method::DELETE, &format!("/event-hooks/{hook}")).await.expect(204);
    doors.get(&format!("/event-hooks/{hook}/deliveries")).await.expect(404);
    let path = format!("/event-hooks/{hook}/deliveries/{delivered}");
    doors.get(&path).await.expect(200);
    doors.get(&format!("/{}{path}", workspace("team"))).await.expect(404);
    doors.clock.set(at(1_000_000));
    doors.get(&path).await.expect(404);
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let doors = Doors::open();
    let hook = doors.log_hook().await;
    for (query, message) in [
        ("status=done", "status must be one of pending, delivered, exhausted, parked, cancelled"),
        ("since=yesterday", "since must be a time in RFC 3339 or in seconds since 1970"),
        ("until=", "until must be a time in RFC 3339 or in seconds since 1970"),
        ("size=0", "size must be an integer between 1 and 1000"),
        ("size=1.5", "size must be an integer between 1 and 1000"),
        ("size=", "size must be a number"),
        ("offset=", "'' is not a valid offset: bad json encoding"),
        ("offset=eyJhIjoxfQ", "'eyJhIjoxfQ' is not a valid offset: it is not one of this list"),
        ("offset=WzEsMl0=", "'WzEsMl0=' is not a valid offset: it is not one of this list"),
    ] {
        let refused = doors.get(&format!("/event-hooks/{hook}/deliveries?{query}")).await;
        assert_eq!(refused.expect(400)["message"], message, "{query}");
    }
}
