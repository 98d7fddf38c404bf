//! What stands in the table, item by item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use dynamodb::{Dynamo, TIME_TO_LIVE, Tables};
use hooks::{
    delivery::{Record, State, Status},
    hook::EventHook,
    id::{HookId, HookTag},
    ports::{DeliveryQuery, Ledger},
};
use testkit::{
    builders::{START, at, attempt_step, hook, pending, record_of},
    fakes::HandClock,
};
use uuid::Uuid;

use super::{DAY, MONTH, all_of, large, listed, recorded};
use crate::world::{self, World};

type Item = HashMap<String, AttributeValue>;

/// A ledger, and all that it keeps.
struct Subject {
    ledger: Dynamo,
    clock: HandClock,
    tables: Tables,
}

impl Subject {
    async fn of(world: &World) -> Self {
        let (tables, clock) = (world.tables().await, HandClock::default());
        let ledger =
            Dynamo::new(world.client(), tables.clone(), std::sync::Arc::new(clock.clone()));
        Self { ledger, clock, tables }
    }

    /// Everything in the table whose partition's key begins so.
    async fn items(&self, world: &World, prefix: &str) -> Vec<Item> {
        let scan = world.client().scan().table_name(&self.tables.ledger).consistent_read(true);
        let items: Result<Vec<_>, _> = scan.into_paginator().items().send().collect().await;
        let mut items = items.unwrap();
        items.retain(|it| it["pk"].as_s().unwrap().starts_with(prefix));
        items
    }
}

fn number(item: &Item, name: &str) -> i64 {
    item[name].as_n().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_event_is_one_item_and_a_failing_one_two() {
    world::with(async |world| {
        let subject = Subject::of(world).await;
        let hook = hook();
        let failing = recorded(&hook, 1, pending());
        let again = record_of(failing.delivery.clone(), attempt_step(2), pending());
        let success = record_of(failing.delivery.clone(), attempt_step(3), State::Delivered);
        for (name, record, items) in [
            ("delivered", recorded(&hook, 0, State::Delivered), 1),
            ("another one failed", failing, 1 + 2),
            ("and failed again", again, 1 + 2),
            ("and was delivered", success, 1 + 1),
        ] {
            subject.ledger.record(&record, START + MONTH).await.unwrap();
            assert_eq!(subject.items(world, "").await.len(), items, "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_cleared_away_before_the_row_that_names_it() {
    world::with(async |world| {
        let subject = Subject::of(world).await;
        let hook = hook();
        let large = large::event_of(&hook, 256 * 1024);
        let mut ends = START + MONTH;
        // Failures for some days, a week of silence, and a redelivery.
        for (attempt, later) in [(1, 0), (2, 1), (3, 2), (4, 9), (5, 30)] {
            let step = attempt_step(attempt);
            let record = large::with_returns(record_of(large.clone(), step, pending()));
            subject.clock.set(START + DAY * later);
            ends = START + MONTH + DAY * later;
            subject.ledger.record(&record, ends).await.unwrap();

            let rows = subject.items(world, "d#").await;
            assert_eq!(number(&rows[0], "ends"), ends.as_millis());
            for item in subject.items(world, "").await {
                let (expires, key) = (number(&item, TIME_TO_LIVE), &item["pk"]);
                assert!(expires >= ends.as_seconds(), "attempt {attempt}: {key:?} ends too early");
            }
        }
        let entry = subject.ledger.delivery(large.id(), subject_end(ends)).await.unwrap().unwrap();
        assert_eq!((entry.attempts.len(), entry.delivery), (5, large));
    })
    .await;
}

fn subject_end(ends: hooks::time::Timestamp) -> hooks::time::Timestamp {
    ends - std::time::Duration::from_millis(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_cleared_away_in_the_end() {
    world::with(async |world| {
        let subject = Subject::of(world).await;
        let hook = hook();
        let delivery = large::event_of(&hook, 100 * 1024);
        let ledger = &subject.ledger;
        let record = large::with_returns(record_of(delivery, attempt_step(1), pending()));
        ledger.record(&record, at(60)).await.unwrap();
        let gate = testkit::builders::gate_key();
        let memory = testkit::builders::memory(0, "a");
        ledger.remember(&gate, &memory, 0, Some(at(60))).await.unwrap();
        let claim = testkit::builders::claim("a");
        ledger.claim(std::slice::from_ref(&claim)).await.unwrap();
        let health = testkit::builders::failing(1);
        ledger.keep_health(hook.id, hook.generation, &health, 0, at(60)).await.unwrap();
        ledger.keep_recovery(&testkit::builders::recovery(), at(60)).await.unwrap();
        let letter = large::letter("a", "x");
        ledger.bury(&letter, MONTH).await.unwrap();

        let items = subject.items(world, "").await;
        assert!(items.len() >= 10, "{}", items.len());
        for item in items {
            assert!(item.contains_key(TIME_TO_LIVE), "{:?} stays for ever", item["pk"]);
        }
    })
    .await;
}

/// Two hooks whose deliveries stand in the same partitions.
fn of_one_tag() -> [EventHook; 2] {
    let mut seen = HashMap::new();
    for number in 0.. {
        let id = HookId::from(Uuid::from_u128(number));
        if let Some(other) = seen.insert(HookTag::of(id), id) {
            return [id, other].map(|id| EventHook { id, ..hook() });
        }
    }
    unreachable!("there are 2^24 tags")
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_share_a_tag_share_no_delivery() {
    world::with(async |world| {
        let subject = Subject::of(world).await;
        let hooks = of_one_tag();
        assert_eq!(HookTag::of(hooks[0].id), HookTag::of(hooks[1].id));
        let mut of_each: [Vec<Record>; 2] = Default::default();
        for second in 0..60 {
            // One of them has a few, in the midst of the other's.
            let which = usize::from(second % 10 == 0);
            let state = if second % 4 == 0 { pending() } else { State::Delivered };
            let record = recorded(&hooks[which], second, state);
            subject.ledger.record(&record, START + MONTH).await.unwrap();
            of_each[which].insert(0, record);
        }
        for (hook, records) in hooks.iter().zip(&of_each) {
            for status in [None, Some(Status::Delivered), Some(Status::Pending)] {
                let expected: Vec<_> = records
                    .iter()
                    .filter(|it| status.is_none_or(|status| it.state.status() == status))
                    .map(|it| it.delivery.id())
                    .collect();
                for size in [1, 7, 100] {
                    let query = DeliveryQuery { status, ..all_of(hook, size) };
                    let (ids, _) = listed(&subject.ledger, &query, at(60)).await.unwrap();
                    assert_eq!(ids, expected, "{status:?} by {size}");
                    let count = subject.ledger.count(&query, at(60)).await.unwrap();
                    assert_eq!(usize::try_from(count).unwrap(), expected.len(), "{status:?}");
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mark_says_too_late_or_too_early_the_row_decides() {
    world::with(async |world| {
        let subject = Subject::of(world).await;
        let hook = hook();
        let ledger = &subject.ledger;
        let [stays, ends, again] = [0, 1, 2].map(|it| recorded(&hook, it, pending()));
        for record in [&stays, &ends, &again] {
            ledger.record(record, at(60)).await.unwrap();
        }
        // Another attempt: the row is kept for longer, and its mark left as it is.
        let second = record_of(stays.delivery.clone(), attempt_step(2), pending());
        ledger.record(&second, at(120)).await.unwrap();
        subject.clock.set(at(60));
        // One that ended begins anew, and nobody removed its mark.
        let anew = record_of(again.delivery.clone(), attempt_step(1), State::Delivered);
        ledger.record(&anew, at(120)).await.unwrap();
        assert_eq!(subject.items(world, "i#").await.len(), 3);

        let of = |status| DeliveryQuery { status, ..all_of(&hook, 10) };
        for (status, expected) in [
            (Some(Status::Pending), vec![stays.delivery.id()]),
            (Some(Status::Delivered), vec![again.delivery.id()]),
            (None, vec![again.delivery.id(), stays.delivery.id()]),
        ] {
            let (ids, _) = listed(ledger, &of(status), at(60)).await.unwrap();
            assert_eq!(ids, expected, "{status:?}");
            let count = ledger.count(&of(status), at(60)).await.unwrap();
            assert_eq!(usize::try_from(count).unwrap(), expected.len(), "{status:?}");
        }
    })
    .await;
}
