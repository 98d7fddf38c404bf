//! What is as large as anything that the ledger is given.

use dynamodb::DeadLetter;
use hooks::{
    delivery::{Delivery, Exchange, ExhaustedReason, LogLevel, LogLine, Record, State, Step},
    event::{Event, EventKey},
    hook::EventHook,
    ports::{Ledger, PageRequest, Poison},
    task::Queue,
};
use serde_json::json;
use testkit::{
    builders::{START, at, attempt, attempt_step, data, event, hook, pending, record_of},
    fakes::HandClock,
};

use super::{MONTH, all_of, listed};
use crate::world;

/// An event with so many bytes of data, owed to this hook.
pub(crate) fn event_of(hook: &EventHook, bytes: usize) -> Delivery {
    let data = data(json!({"filler": "ü".repeat(bytes / 2)}));
    Delivery::first(hook, Event { data, ..event() })
}

/// The same, with an attempt of a script that returned as much as is kept.
pub(crate) fn with_returns(mut record: Record) -> Record {
    let mut attempt = attempt(record.step);
    attempt.exchange.returns = vec![json!("x".repeat(Exchange::MOST_RETURNED - 2))];
    record.attempt = Some(attempt);
    record
}

/// A message that could not be processed.
pub(crate) fn letter<'a>(message_id: &'a str, body: &'a str) -> DeadLetter<'a> {
    DeadLetter { message_id, queue: Queue::Events, receives: 5, sent: START, reason: "no", body }
}

/// A record as large as there can be one: the numbers of its event are written longer than they
/// were posted, and every letter that it quotes is escaped.
fn largest(hook: &EventHook, step: Step) -> Record {
    let data = data(json!({"numbers": vec![1e15; 50_000]}));
    let key = Some(EventKey::Id("\u{1}".repeat(255)));
    let delivery = Delivery::first(hook, Event { data, key, ..event() });
    let mut record = with_returns(record_of(delivery, step, State::Delivered));
    let attempt = record.attempt.as_mut().unwrap();
    attempt.error = Some("\u{2}".repeat(4 * 1024));
    let exchange = &mut attempt.exchange;
    exchange.request = Some(format!("POST https://example.com/{}", "x".repeat(8 * 1024)));
    exchange.headers = vec![("x-header".into(), "x".repeat(1_024)); 64];
    exchange.answer = Some("\u{1}".repeat(Exchange::MOST_KEPT));
    exchange.logs = vec![LogLine { level: LogLevel::Error, text: "\u{1}".repeat(655) }; 100];
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_record_is_read_back_whole() {
    world::with(async |world| {
        let ledger = world.dynamo(&HandClock::default()).await;
        let hook = hook();
        for (name, record) in [
            ("a large event", record_of(event_of(&hook, 256 * 1024), attempt_step(1), pending())),
            ("the largest", largest(&hook, attempt_step(1))),
            ("the largest, late", largest(&hook, attempt_step(9))),
        ] {
            // Twice is once.
            for _ in 0..2 {
                ledger.record(&record, START + MONTH).await.unwrap();
            }
            let entry = ledger.delivery(record.delivery.id(), START).await.unwrap().unwrap();
            assert_eq!(entry.delivery, record.delivery, "{name}");
            assert_eq!(entry.attempts, Vec::from_iter(record.attempt), "{name}");
        }
        let (ids, _) = listed(&ledger, &all_of(&hook, 10), START).await.unwrap();
        assert_eq!(ids.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_large_attempts_of_three_runs_are_read_back_in_order() {
    world::with(async |world| {
        let ledger = world.dynamo(&HandClock::default()).await;
        let first = event_of(&hook(), 256 * 1024);
        let exhausted = State::Exhausted { reason: ExhaustedReason::ScheduleOver };
        let (mut steps, mut expected) = (Vec::new(), Vec::new());
        for (run, attempt) in (0..3).flat_map(|run| (1..=10).map(move |it| (run, it))) {
            let step = Step { run, attempt };
            let delivery = Delivery { run, ..first.clone() };
            let state = if attempt == 10 { exhausted.clone() } else { pending() };
            let record = record_of(delivery, step, state);
            // Some are large, some are not.
            let record = if attempt % 3 == 0 { with_returns(record) } else { record };
            ledger.record(&record, START + MONTH).await.unwrap();
            steps.push(step);
            expected.extend(record.attempt);
        }
        let entry = ledger.delivery(first.id(), START).await.unwrap().unwrap();
        assert_eq!((entry.step, entry.state), (Step { run: 2, attempt: 10 }, exhausted));
        assert_eq!(entry.attempts, expected);
        assert_eq!(entry.delivery.event, first.event);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_of_a_megabyte_is_read_back_and_dropped_whole() {
    world::with(async |world| {
        let (clock, tables) = (HandClock::default(), world.tables().await);
        let clock_of = std::sync::Arc::new(clock.clone());
        let ledger = dynamodb::Dynamo::new(world.client(), tables.clone(), clock_of);
        let body = "ü".repeat(512 * 1024);
        let letter = DeadLetter { queue: Queue::Retries, ..letter("one", &body) };
        let id = ledger.bury(&letter, MONTH).await.unwrap();
        clock.set(at(60));
        assert_eq!(ledger.bury(&letter, MONTH).await.unwrap(), id, "the same message");
        let other = ledger.bury(&self::letter("another", "x"), MONTH).await.unwrap();
        assert_ne!(other, id);

        let expected = Poison {
            id,
            queue: Queue::Retries,
            receives: 5,
            sent: START,
            buried: START,
            reason: "no".to_owned(),
            body: body.clone(),
        };
        assert_eq!(ledger.poison(id).await.unwrap(), Some(expected));
        let page = PageRequest { size: 10, after: None };
        assert_eq!(ledger.poisons(page).await.unwrap().items.len(), 2);
        for id in [id, other] {
            assert!(ledger.drop_poison(id).await.unwrap());
        }
        let left = world.client().scan().table_name(&tables.ledger).send().await.unwrap();
        assert_eq!(left.count, 0, "its text is gone, too");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_read_until_it_ends_and_not_then() {
    world::with(async |world| {
        let clock = HandClock::default();
        let ledger = world.dynamo(&clock).await;
        let page = PageRequest { size: 10, after: None };
        let buried = [("a", 60), ("b", 120)];
        for (message_id, seconds) in buried {
            let retention = std::time::Duration::from_secs(seconds);
            ledger.bury(&letter(message_id, "x"), retention).await.unwrap();
        }
        clock.set(at(60));
        let ids = buried.map(|(message_id, _)| letter(message_id, "x").id());
        let listed = ledger.poisons(page).await.unwrap().items;
        assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [ids[1]]);
        assert_eq!(ledger.poison(ids[0]).await.unwrap(), None);
        assert!(!ledger.drop_poison(ids[0]).await.unwrap());
        ledger.bury(&letter("a", "anew"), MONTH).await.unwrap();
        let anew = ledger.poison(ids[0]).await.unwrap().unwrap();
        assert_eq!((anew.body.as_str(), anew.buried), ("anew", at(60)));
    })
    .await;
}
