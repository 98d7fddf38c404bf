//! Can what nobody could process be seen, sent again and dropped?

use hooks::{
    delivery::{Delivery, State, Status},
    event::Event,
    id::{PoisonId, RecoveryId},
    name::Workspace,
    ports::{Outgoing, Poison},
    task::{Owed, Queue, Recover, Retry, Task},
};
use http::Method;
use serde_json::{Value, json};
use testkit::{
    builders::{at, attempt_step, delivery, event, event_at, record_of, workspace},
    fakes::LedgerCall,
};
use uuid::Uuid;

use crate::doors::{Doors, id};

fn poison_id(number: u128) -> PoisonId {
    Uuid::from_u128(number).into()
}

/// A message of this text that was put aside.
fn put_aside(doors: &Doors, number: u128, queue: Queue, body: &str) -> PoisonId {
    let id = poison_id(number);
    doors.ledger.put_aside(Poison {
        id,
        queue,
        receives: 3,
        sent: at(0),
        buried: at(60),
        reason: "not a task: expected value".into(),
        body: body.into(),
    });
    id
}

fn put_task_aside(doors: &Doors, queue: Queue, task: &Task) -> PoisonId {
    put_aside(doors, 7, queue, &task.encode())
}

async fn redeliver(doors: &Doors, id: PoisonId) -> crate::doors::Answer {
    doors.ask(Method::POST, &format!("/poison/{id}/redeliver")).await
}

fn sent(doors: &Doors) -> Vec<Outgoing> {
    doors.queue.sent().into_iter().map(|it| it.outgoing).collect()
}

#[tokio::test]
async fn a_list_says_everything_but_the_text() {
    let doors = Doors::open();
    let none = doors.get("/poison").await.expect(200);
    assert_eq!(none, json!({"data": [], "next": null}));

    put_aside(&doors, 1, Queue::Events, "canary");
    let answer = doors.get("/poison").await;
    assert!(!answer.text.contains("canary"), "{}", answer.text);
    let listed = json!({
        "id": "00000000-0000-0000-0000-000000000001",
        "queue": "events",
        "reason": "not a task: expected value",
        "receives": 3,
        "sent_at": "2026-11-21T10:00:00.000Z",
        "buried_at": "2026-11-21T10:01:00.000Z",
    });
    let page = answer.expect(200);
    assert_eq!(page, json!({"data": [listed], "next": null}));

    let mut alone = listed;
    alone["body"] = "canary".into();
    assert_eq!(doors.get(&format!("/poison/{}", poison_id(1))).await.expect(200), alone);
}

#[tokio::test]
async fn a_list_has_pages_and_is_the_same_in_every_workspace() {
    let doors = Doors::open();
    let all: Vec<_> =
        (1..=5).map(|it| put_aside(&doors, it, Queue::Retries, "?").to_string()).collect();
    for prefix in ["", "/default", "/team"] {
        let mut path = format!("{prefix}/poison?size=2&foo=bar");
        let mut met: Vec<String> = Vec::new();
        for left in [3, 1, 0] {
            let page = doors.get(&path).await.expect(200);
            met.extend(page["data"].as_array().unwrap().iter().map(id));
            assert_eq!(met.len(), 5 - left, "{path}");
            match page["next"].as_str() {
                Some(next) => {
                    assert!(next.starts_with(&format!("{prefix}/poison?size=2&offset=")), "{next}");
                    path = next.to_owned();
                }
                None => assert_eq!(left, 0, "{path}"),
            }
        }
        assert_eq!(met, all, "{prefix}");
    }
    for (query, message) in [
        ("size=0", "size must be an integer between 1 and 1000"),
        ("offset=WzEsMl0=", "'WzEsMl0=' is not a valid offset: it is not one of this list"),
    ] {
        let refused = doors.get(&format!("/poison?{query}")).await.expect(400);
        assert_eq!(refused["message"], message);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let doors = Doors::open();
    put_aside(&doors, 1, Queue::Events, "?");
    let nobody = poison_id(2);
    for (method, path, status) in [
        (Method::GET, format!("/poison/{nobody}"), 404),
        (Method::DELETE, format!("/poison/{nobody}"), 404),
        (Method::POST, format!("/poison/{nobody}/redeliver"), 404),
        (Method::GET, "/poison/1".into(), 400),
        (Method::DELETE, "/poison/1".into(), 400),
        (Method::POST, "/poison/1/redeliver".into(), 400),
    ] {
        assert_eq!(doors.ask(method.clone(), &path).await.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn what_nobody_wants_is_dropped() {
    let doors = Doors::open();
    let path = format!("/poison/{}", put_aside(&doors, 1, Queue::Events, "?"));
    let other = put_aside(&doors, 2, Queue::Events, "?");
    assert_eq!(doors.ask(Method::DELETE, &path).await.expect(204), Value::Null);
    doors.get(&path).await.expect(404);
    doors.ask(Method::DELETE, &path).await.expect(404);
    doors.get(&format!("/poison/{other}")).await.expect(200);
    assert_eq!(sent(&doors), [], "nothing is sent");
}

#[tokio::test]
async fn a_task_is_sent_again_to_its_queue() {
    let team = Event { workspace: workspace("team"), ..event() };
    let owed = delivery();
    let hook = owed.hook.to_string();
    let retry = |due| {
        let delivery = Delivery { run: 2, ..owed.clone() };
        Task::Retry(Box::new(Retry { delivery, attempt: 4, due, waits_since: None }))
    };
    let record = record_of(owed.clone(), attempt_step(1), State::Delivered);
    let record = Task::Record(Box::new(record));
    let recover = Task::Recover(Box::new(Recover {
        recovery: RecoveryId::random(),
        hook: owed.hook,
        generation: owed.generation,
        statuses: vec![Status::Parked],
        since: at(0),
        until: at(9),
        after: None,
        done: 1,
        accepted: 2,
        at: at(9),
    }));
    let continued = Task::Deliver { event: Box::new(team.clone()), owed: vec![Owed::from(&owed)] };
    for (name, queue, task, group, expected) in [
        ("a continuation", Queue::Events, continued.clone(), "team", continued),
        ("a record", Queue::Retries, record.clone(), &*hook, record),
        ("a recovery", Queue::Retries, recover.clone(), &*hook, recover),
        ("a retry that is not due", Queue::Retries, retry(at(500)), &*hook, retry(at(500))),
        (
            "a retry that was due long ago: it waits for its receiver from now on",
            Queue::Retries,
            retry(at(1)),
            &*hook,
            retry(at(100)),
        ),
        (
            "an event: what was done of it is asked for",
            Queue::Events,
            Task::Dispatch { events: vec![team.clone()], again: false },
            "team",
            Task::Dispatch { events: vec![team], again: true },
        ),
    ] {
        let doors = Doors::open();
        doors.clock.set(at(100));
        let id = put_task_aside(&doors, queue, &task);
        assert_eq!(redeliver(&doors, id).await.expect(202), json!({"id": id}), "{name}");
        let again = Outgoing {
            queue,
            task: expected,
            delay: std::time::Duration::ZERO,
            group: group.to_owned(),
        };
        assert_eq!(sent(&doors), [again], "{name}");
        doors.get(&format!("/poison/{id}")).await.expect(404);
    }
}

#[tokio::test]
async fn events_that_were_packed_are_sent_again_one_by_one() {
    let doors = Doors::open();
    let events = [event_at(1), event_at(2), event_at(3)];
    let packed = Task::Dispatch { events: events.to_vec(), again: false };
    let id = put_task_aside(&doors, Queue::Events, &packed);
    redeliver(&doors, id).await.expect(202);
    let alone = |event| Task::Dispatch { events: vec![event], again: true };
    let tasks: Vec<_> = sent(&doors).into_iter().map(|it| it.task).collect();
    assert_eq!(tasks, events.map(alone));
    let groups: Vec<_> = sent(&doors).into_iter().map(|it| it.group).collect();
    assert_eq!(groups, [Workspace::default_workspace().as_str(); 3]);
}

#[tokio::test]
async fn what_no_release_knows_stays_where_it_is() {
    let known = Task::Dispatch { events: vec![event()], again: false }.encode();
    for (name, body, why) in [
        ("no JSON", "hello", "not a task: expected value"),
        ("nothing", "", "not a task: EOF"),
        ("no task", "{}", "not a task: missing field `v`"),
        (
            "of a later release",
            &known.replacen("\"v\":1", "\"v\":2", 1),
            "task of version 2, this release reads up to 1",
        ),
        ("cut off", &known[..known.len() - 1], "not a task: EOF"),
    ] {
        let doors = Doors::open();
        let id = put_aside(&doors, 1, Queue::Events, body);
        let refused = redeliver(&doors, id).await.expect(409);
        let message = refused["message"].as_str().unwrap();
        let expected = format!("the message is nothing that this release can process: {why}");
        assert!(message.starts_with(&expected), "{name}: {message}");
        assert_eq!(sent(&doors), [], "{name}");
        doors.get(&format!("/poison/{id}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_message_is_sent_before_it_is_dropped() {
    let doors = Doors::open();
    let task = Task::Dispatch { events: vec![event()], again: false };
    let id = put_task_aside(&doors, Queue::Events, &task);
    let path = format!("/poison/{id}");

    doors.queue.fail_next();
    assert_eq!(redeliver(&doors, id).await.header("retry-after"), Some("1"));
    doors.get(&path).await.expect(200);

    doors.ledger.fail_next(LedgerCall::DropPoison);
    redeliver(&doors, id).await.expect(503);
    assert_eq!(sent(&doors).len(), 1, "it was sent all the same");
    doors.get(&path).await.expect(200);

    redeliver(&doors, id).await.expect(202);
    assert_eq!(sent(&doors).len(), 2, "twice is harmless");
    redeliver(&doors, id).await.expect(404);
}

#[tokio::test]
async fn a_ledger_that_is_out_of_reach_is_asked_again_later() {
    let doors = Doors::open();
    let path = format!("/poison/{}", put_aside(&doors, 1, Queue::Events, "?"));
    for (call, method, path) in [
        (LedgerCall::Poisons, Method::GET, "/poison"),
        (LedgerCall::Poison, Method::GET, &path),
        (LedgerCall::DropPoison, Method::DELETE, &path),
        (LedgerCall::Poison, Method::POST, &format!("{path}/redeliver")),
    ] {
        doors.ledger.fail_next(call);
        assert_eq!(doors.ask(method.clone(), path).await.status, 503, "{method} {path}");
    }
}
