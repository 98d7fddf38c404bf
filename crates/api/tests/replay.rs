//! Can deliveries be sent again, one of them or all of a range?

use std::fmt::Display;

use hooks::{
    delivery::{ExhaustedReason, State, Status},
    hook::EventHook,
    id::{DeliveryId, HookId, RecoveryId},
    ports::{HookStore as _, Ledger as _, Recovery, RecoveryState},
    task::{Queue, Recover, Retry, Task},
};
use http::Method;
use serde_json::{Value, json};
use testkit::{
    builders::{at, pending},
    fakes::LedgerCall,
};

use crate::{
    deliveries::record,
    doors::{Doors, id},
};

const EXHAUSTED: State = State::Exhausted { reason: ExhaustedReason::ScheduleOver };
const NOBODY: &str = "5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10";

/// A hook of this workspace; `/` for none.
async fn hook_in(doors: &Doors, prefix: &str) -> EventHook {
    let path = format!("{prefix}event-hooks");
    let made = doors.json(Method::POST, &path, &json!({"source": "crud", "handler": "log"})).await;
    let hook: HookId = id(&made.expect(201)).parse().unwrap();
    doors.store.hook(hook).await.unwrap().unwrap()
}

/// A hook with a delivery in each state that there is, ten seconds apart.
async fn five(doors: &Doors) -> (EventHook, [DeliveryId; 5]) {
    let hook = hook_in(doors, "/").await;
    let states = [State::Delivered, pending(), EXHAUSTED, State::Parked, State::Cancelled];
    let mut ids = Vec::new();
    for (state, seconds) in states.into_iter().zip([10, 20, 30, 40, 50]) {
        ids.push(record(doors, &hook, seconds, state).await);
    }
    doors.clock.set(at(100));
    (hook, ids.try_into().unwrap())
}

/// Disables a hook.
async fn disable(doors: &Doors, hook: HookId) {
    let path = format!("/event-hooks/{hook}");
    doors.json(Method::PATCH, &path, &json!({"enabled": false})).await.expect(200);
}

fn redeliver_path(hook: impl Display + Copy, delivery: impl Display + Copy) -> String {
    format!("/event-hooks/{hook}/deliveries/{delivery}/redeliver")
}

/// The last task that was sent.
fn last_task(doors: &Doors) -> Task {
    let last = doors.queue.sent().pop().unwrap().outgoing;
    assert_eq!(last.queue, Queue::Retries);
    last.task
}

fn last_recover(doors: &Doors) -> Recover {
    let Task::Recover(recover) = last_task(doors) else { panic!("another task") };
    *recover
}

#[tokio::test]
async fn a_delivery_in_any_state_is_sent_again_in_a_new_run() {
    let doors = Doors::open();
    let (hook, deliveries) = five(&doors).await;
    for delivery in deliveries {
        for run in [1, 2] {
            let path = redeliver_path(hook.id, delivery);
            let answer = doors.ask(Method::POST, &path).await.expect(202);
            assert_eq!(answer, json!({"id": delivery, "run": run}));
            let Task::Retry(retry) = last_task(&doors) else { panic!("another task") };
            let Retry { delivery: sent, attempt: 1, due, .. } = *retry else {
                panic!("another attempt")
            };
            assert_eq!((sent.id(), sent.run, due), (delivery, run, at(100)));
        }
        let path = format!("/event-hooks/{}/deliveries/{delivery}", hook.id);
        let shown = doors.get(&path).await.expect(200);
        assert_eq!(shown["status"], "pending");
        assert_eq!(shown["reason"], "redelivery");
        assert_eq!(shown["due"], "2026-11-21T10:01:40.000Z");
        assert_eq!((&shown["run"], &shown["attempt"]), (&json!(2), &json!(0)));
        assert_eq!(shown["attempts"][0]["run"], 0, "what was attempted before is still shown");
    }
}

#[tokio::test]
async fn what_cannot_be_sent_again_says_why() {
    let doors = Doors::open();
    let (hook, [delivered, ..]) = five(&doors).await;
    let other = hook_in(&doors, "/").await;
    let off = hook_in(&doors, "/").await;
    let parked = record(&doors, &off, 10, State::Parked).await;
    disable(&doors, off.id).await;
    let not_found = || "Not found".to_owned();
    let is_disabled =
        format!("hook {} is disabled: enable it first, with PATCH and enabled=true", off.id);
    let no_key = "invalid primary key: '{id=\"expected a valid UUID\"}'";
    let sent = doors.queue.sent().len();
    for (name, path, status, message) in [
        ("no such hook", redeliver_path(NOBODY, delivered), 404, not_found()),
        ("no such delivery", redeliver_path(hook.id, NOBODY), 404, not_found()),
        ("another hook's delivery", redeliver_path(other.id, delivered), 404, not_found()),
        ("no UUID", redeliver_path(hook.id, "1"), 400, no_key.to_owned()),
        ("no UUID for a hook", redeliver_path("1", delivered), 400, no_key.to_owned()),
        ("a disabled hook's", redeliver_path(off.id, parked), 409, is_disabled.clone()),
        (
            "from another workspace",
            format!("/team{}", redeliver_path(hook.id, delivered)),
            404,
            not_found(),
        ),
    ] {
        let refused = doors.ask(Method::POST, &path).await;
        assert_eq!(refused.status, status, "{name}");
        assert_eq!(refused.json()["message"], message, "{name}");
    }
    let recover = format!("/event-hooks/{}/recover", off.id);
    let refused = doors.json(Method::POST, &recover, &json!({"since": 0})).await.expect(409);
    assert_eq!(refused["message"], is_disabled);
    assert_eq!(doors.queue.sent().len(), sent, "nothing was sent");

    doors.form(Method::PATCH, &format!("/event-hooks/{}", off.id), "enabled=true").await;
    doors.ask(Method::POST, &redeliver_path(off.id, parked)).await.expect(202);
    let recovered = doors.json(Method::POST, &recover, &json!({"since": 0})).await;
    recovered.expect(202);
}

#[tokio::test]
async fn what_was_owed_to_a_hook_before_it_was_deleted_is_not_sent_to_the_next_one() {
    let doors = Doors::open();
    let hook = hook_in(&doors, "/").await;
    let delivery = record(&doors, &hook, 10, State::Cancelled).await;
    let path = format!("/event-hooks/{}", hook.id);
    doors.ask(Method::DELETE, &path).await.expect(204);
    doors.json(Method::PUT, &path, &json!({"source": "crud", "handler": "log"})).await.expect(200);
    let refused = doors.ask(Method::POST, &redeliver_path(hook.id, delivery)).await.expect(409);
    let message =
        format!("delivery {delivery} was owed to a hook that was deleted and made again since");
    assert_eq!(refused, json!({"message": message}));
}

#[tokio::test]
async fn a_workspace_sends_its_own_again() {
    let doors = Doors::open();
    let hook = hook_in(&doors, "/team/").await;
    let delivery = record(&doors, &hook, 10, State::Parked).await;
    let redeliver = redeliver_path(hook.id, delivery);
    let recover = format!("/event-hooks/{}/recover", hook.id);
    let since = json!({"since": 0});
    for (prefix, status) in [("", 202), ("/team", 202), ("/other", 404)] {
        doors.ask(Method::POST, &format!("{prefix}{redeliver}")).await.expect(status);
        let recover = format!("{prefix}{recover}");
        doors.json(Method::POST, &recover, &since).await.expect(status);
    }
    let begun = doors.json(Method::POST, &recover, &since).await.expect(202);
    for (prefix, status) in [("", 200), ("/team", 200), ("/other", 404)] {
        doors.get(&format!("{prefix}{recover}/{}", id(&begun))).await.expect(status);
    }
}

#[tokio::test]
async fn nothing_is_promised_while_a_part_is_out_of_reach() {
    let doors = Doors::open();
    let (hook, [delivered, ..]) = five(&doors).await;
    let redeliver = redeliver_path(hook.id, delivered);
    let recover = format!("/event-hooks/{}/recover", hook.id);
    let since = json!({"since": 0});
    for part in ["queue", "store", "ledger"] {
        let fail = |call| match part {
            "queue" => doors.queue.fail_next(),
            "store" => doors.store.fail_next(),
            _ => doors.ledger.fail_next(call),
        };
        fail(LedgerCall::Delivery);
        let refused = doors.ask(Method::POST, &redeliver).await;
        assert_eq!(refused.status, 503, "{part}");
        assert_eq!(refused.header("retry-after"), Some("1"), "{part}");
        fail(LedgerCall::Count);
        doors.json(Method::POST, &recover, &since).await.expect(503);
    }
    let path = format!("/event-hooks/{}/deliveries/{delivered}", hook.id);
    assert_eq!(doors.get(&path).await.expect(200)["run"], 0, "no run was begun");
    doors.ask(Method::POST, &redeliver).await.expect(202);
}

#[tokio::test]
async fn a_recovery_is_of_a_range() {
    use Status::{Delivered, Exhausted, Parked};
    let doors = Doors::open();
    let (hook, _) = five(&doors).await;
    let path = format!("/event-hooks/{}/recover", hook.id);
    let usual = || vec![Exhausted, Parked];
    let seconds = |offset| at(offset).as_seconds();
    for (name, body, accepted, statuses, (since, until)) in [
        ("what is usual", json!({"since": seconds(0)}), 2, usual(), (0, 100)),
        ("in RFC 3339", json!({"since": "2026-11-21T10:00:00Z"}), 2, usual(), (0, 100)),
        ("seconds as text", json!({"since": seconds(0).to_string()}), 2, usual(), (0, 100)),
        ("since then, then included", json!({"since": seconds(40)}), 1, usual(), (40, 100)),
        (
            "until then, then left out",
            json!({"since": seconds(0), "until": seconds(40)}),
            1,
            usual(),
            (0, 40),
        ),
        (
            "until some day: not what comes after the asking",
            json!({"since": seconds(0), "until": seconds(500)}),
            2,
            usual(),
            (0, 100),
        ),
        (
            "one status",
            json!({"since": seconds(0), "status": "delivered"}),
            1,
            vec![Delivered],
            (0, 100),
        ),
        (
            "several",
            json!({"since": seconds(0), "status": ["delivered", "exhausted"]}),
            2,
            vec![Delivered, Exhausted],
            (0, 100),
        ),
        (
            "one twice",
            json!({"since": seconds(0), "status": ["parked", "parked"]}),
            1,
            vec![Parked],
            (0, 100),
        ),
        (
            "null is the same as nothing",
            json!({"since": seconds(0), "until": null, "status": null}),
            2,
            usual(),
            (0, 100),
        ),
        ("what is to come", json!({"since": seconds(500)}), 0, usual(), (500, 100)),
    ] {
        let begun = doors.json(Method::POST, &path, &body).await.expect(202);
        let recover = last_recover(&doors);
        assert_eq!(begun, json!({"id": recover.recovery, "accepted": accepted}), "{name}");
        assert_eq!(recover.statuses, statuses, "{name}");
        assert_eq!((recover.since, recover.until), (at(since), at(until)), "{name}");
        let progress = doors.get(&format!("{path}/{}", recover.recovery)).await.expect(200);
        let expected =
            json!({"accepted": accepted, "done": 0, "remaining": accepted, "state": "running"});
        assert_eq!(progress, expected, "{name}");
    }
}

#[tokio::test]
async fn a_recovery_is_asked_for_with_a_form_too() {
    let doors = Doors::open();
    let (hook, _) = five(&doors).await;
    let path = format!("/event-hooks/{}/recover", hook.id);
    for (name, form, statuses) in [
        ("nothing but since", "since=1795255200", vec![Status::Exhausted, Status::Parked]),
        ("one status", "since=2026-11-21T10:00:00Z&status=parked", vec![Status::Parked]),
        (
            "two, and no end",
            "since=1795255200.5&until=&status=delivered&status=parked",
            vec![Status::Delivered, Status::Parked],
        ),
    ] {
        doors.form(Method::POST, &path, form).await.expect(202);
        assert_eq!(last_recover(&doors).statuses, statuses, "{name}");
    }
}

#[tokio::test]
async fn a_range_that_makes_no_sense_is_refused() {
    let doors = Doors::open();
    let (hook, _) = five(&doors).await;
    let path = format!("/event-hooks/{}/recover", hook.id);
    let moment = "expected a time in RFC 3339 or in seconds since 1970";
    let status = "expected one of: parked, exhausted, delivered";
    let sent = doors.queue.sent().len();
    for (name, body, fields) in [
        ("nothing", json!({}), json!({"since": "required field missing"})),
        ("no time", json!({"since": "yesterday"}), json!({"since": moment})),
        ("before 1970", json!({"since": -1}), json!({"since": moment})),
        ("a list of times", json!({"since": [0]}), json!({"since": moment})),
        ("no end", json!({"since": 0, "until": true}), json!({"until": moment})),
        (
            "an empty range",
            json!({"since": 5, "until": 5}),
            json!({"until": "must be after since"}),
        ),
        ("what still waits", json!({"since": 0, "status": "pending"}), json!({"status": status})),
        ("no status", json!({"since": 0, "status": "done"}), json!({"status": status})),
        (
            "no status in a list",
            json!({"since": 0, "status": ["parked", "cancelled"]}),
            json!({"status": {"2": status}}),
        ),
        (
            "none at all",
            json!({"since": 0, "status": []}),
            json!({"status": "length must be at least 1"}),
        ),
        ("a number", json!({"since": 0, "status": 1}), json!({"status": "expected a string"})),
        ("something else", json!({"since": 0, "to": 1}), json!({"to": "unknown field"})),
        (
            "all of it",
            json!({"until": "x", "status": "y", "z": 1}),
            json!({
                "since": "required field missing", "status": status, "until": moment,
                "z": "unknown field",
            }),
        ),
    ] {
        let refused = doors.json(Method::POST, &path, &body).await.expect(400);
        assert_eq!(refused["name"], "schema violation", "{name}");
        assert_eq!(refused["fields"], fields, "{name}");
    }
    assert_eq!(doors.queue.sent().len(), sent, "nothing was begun");
    let nobodys = format!("/event-hooks/{NOBODY}/recover");
    for (body, status) in [(json!({}), 400), (json!({"since": 0}), 404)] {
        doors.json(Method::POST, &nobodys, &body).await.expect(status);
    }
}

#[tokio::test]
async fn a_recovery_says_how_far_it_has_come() {
    let doors = Doors::open();
    let hook = hook_in(&doors, "/").await;
    let other = hook_in(&doors, "/").await;
    let path =
        |hook: HookId, id: &Value| format!("/event-hooks/{hook}/recover/{}", id.as_str().unwrap());
    for (name, done, state, remaining, expected) in [
        ("on its way", 3, RecoveryState::Running, 7, "running"),
        ("at its end", 10, RecoveryState::Done, 0, "done"),
        ("at its end, some were gone", 9, RecoveryState::Done, 0, "done"),
        ("given up", 4, RecoveryState::Stopped, 6, "stopped"),
    ] {
        let recovery = Recovery {
            id: RecoveryId::random(),
            hook: hook.id,
            generation: hook.generation,
            accepted: 10,
            done,
            state,
            at: at(0),
        };
        doors.ledger.keep_recovery(&recovery, at(1_000)).await.unwrap();
        let id = json!(recovery.id);
        let shown = doors.get(&path(hook.id, &id)).await.expect(200);
        let expected =
            json!({"accepted": 10, "done": done, "remaining": remaining, "state": expected});
        assert_eq!(shown, expected, "{name}");
        doors.get(&path(other.id, &id)).await.expect(404);
    }
    for (name, path, status) in [
        ("no such recovery", format!("{}/recover/{NOBODY}", hook.id), 404),
        ("no such hook", format!("{NOBODY}/recover/{NOBODY}"), 404),
        ("no UUID", format!("{}/recover/1", hook.id), 400),
        ("no UUID for a hook", format!("1/recover/{NOBODY}"), 400),
    ] {
        let answer = doors.get(&format!("/event-hooks/{path}")).await;
        assert_eq!(answer.status, status, "{name}");
    }
}
