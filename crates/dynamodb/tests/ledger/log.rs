//! A hook's log, however long it is, and however long ago its last event.

use std::time::Duration;

use dynamodb::Dynamo;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hooks::{
    delivery::{ExhaustedReason, Record, State, Status},
    ports::{DeliveryQuery, Ledger},
};
use testkit::{
    builders::{START, at, hook},
    fakes::HandClock,
};

use super::{DAY, MONTH, all_of, listed, recorded};
use crate::world::{self, Troubled};

const EXHAUSTED: State = State::Exhausted { reason: ExhaustedReason::ScheduleOver };

/// Records these, many at a time.
async fn record_all(ledger: &Dynamo, records: &[Record]) {
    stream::iter(records)
        .map(|record| ledger.record(record, START + MONTH * 24))
        .buffer_unordered(16)
        .try_collect::<()>()
        .await
        .expect("the server is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_forty_days_is_listed_from_any_day_to_any_other() {
    world::with(async |world| {
        let ledger = world.dynamo(&HandClock::default()).await;
        let hook = hook();
        let day = i64::try_from(DAY.as_secs()).unwrap();
        // Nothing on most days; the last moment of a day, and the first of the next.
        let seconds = [0, 3 * day - 1, 3 * day, 4 * day + 5, 11 * day, 11 * day + 1, 39 * day];
        let records: Vec<_> =
            seconds.iter().map(|it| recorded(&hook, *it, State::Delivered)).collect();
        record_all(&ledger, &records).await;
        for (name, since, until, expected) in [
            ("all of it", None, None, 0..7),
            ("since a day", Some(3 * day), None, 2..7),
            ("until a day", None, Some(3 * day), 0..2),
            ("one day", Some(11 * day), Some(12 * day), 4..6),
            ("empty days", Some(12 * day), Some(39 * day), 0..0),
            ("a part of a day", Some(4 * day), Some(4 * day + 5), 0..0),
        ] {
            let mut expected: Vec<_> =
                records[expected].iter().map(|it| it.delivery.id()).collect();
            expected.reverse();
            let (since, until) = (since.map(at), until.map(at));
            for size in [1, 2, 100] {
                let query = DeliveryQuery { since, until, ..all_of(&hook, size) };
                let (ids, _) = listed(&ledger, &query, START).await.unwrap();
                assert_eq!(ids, expected, "{name} by {size}");
                let count = ledger.count(&query, START).await.unwrap();
                assert_eq!(usize::try_from(count).unwrap(), expected.len(), "{name}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_takes_as_many_requests_from_a_long_log_as_from_a_short_one() {
    world::with(async |world| {
        let Troubled { direct, troubled: ledger, flaky } =
            world.troubled(&HandClock::default()).await;
        let (short, long, empty) = (hook(), hook(), hook());
        let of = |hook, count| -> Vec<_> {
            let state = |it: i64| if it % 50 == 0 { EXHAUSTED } else { State::Delivered };
            (0..count).map(|it| recorded(hook, it, state(it))).collect()
        };
        record_all(&direct, &of(&short, 100)).await;
        let long_ago = of(&long, 4_000);
        record_all(&direct, &long_ago).await;

        for (name, hook, status, size, most) in [
            ("an empty log", &empty, None, 100, 8),
            ("an empty list of one status", &empty, Some(Status::Parked), 100, 8),
            ("a short log", &short, None, 20, 12),
            ("a long log", &long, None, 20, 12),
            ("the few of a status", &long, Some(Status::Exhausted), 20, 13),
            ("the many of another one", &long, Some(Status::Delivered), 20, 12),
        ] {
            flaky.never();
            let query = DeliveryQuery { status, ..all_of(hook, size) };
            let page = ledger.deliveries(&query, START).await.unwrap();
            let asked = flaky.asked().len();
            assert!(asked <= most, "{name}: {asked} requests");
            assert!(page.items.len() == size || hook.id == empty.id, "{name}");
        }

        flaky.never();
        let (ids, _) = listed(&ledger, &all_of(&long, 1_000), START).await.unwrap();
        let expected: Vec<_> = long_ago.iter().rev().map(|it| it.delivery.id()).collect();
        assert_eq!(ids, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_needle_is_found_over_several_pages_of_hay() {
    world::with(async |world| {
        let Troubled { direct, troubled: ledger, flaky } =
            world.troubled(&HandClock::default()).await;
        let hook = hook();
        let mut records: Vec<_> = (1..3_000).map(|it| recorded(&hook, it, EXHAUSTED)).collect();
        let needle = recorded(&hook, 0, State::Delivered);
        records.push(needle.clone());
        record_all(&direct, &records).await;

        flaky.never();
        let query = DeliveryQuery { status: Some(Status::Delivered), ..all_of(&hook, 1) };
        let (ids, pages) = listed(&ledger, &query, START).await.unwrap();
        assert_eq!(ids, [needle.delivery.id()]);
        let asked = flaky.asked().len();
        assert!(asked <= pages * 72, "{asked} requests for {pages} pages");
        assert_eq!(ledger.count(&query, START).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_at_a_megabyte() {
    world::with(async |world| {
        let ledger = world.dynamo(&HandClock::default()).await;
        let hook = hook();
        let large = |it: i64| {
            let mut record = recorded(&hook, it, State::Delivered);
            let key = hooks::event::EventKey::Id("x".repeat(60 * 1024));
            record.delivery.event.key = Some(key);
            record
        };
        let records: Vec<_> = (0..30).map(large).collect();
        record_all(&ledger, &records).await;
        for status in [None, Some(Status::Delivered)] {
            let query = DeliveryQuery { status, ..all_of(&hook, 1_000) };
            let page = ledger.deliveries(&query, START).await.unwrap();
            assert!((17..=18).contains(&page.items.len()), "{}", page.items.len());
            let (ids, pages) = listed(&ledger, &query, START).await.unwrap();
            assert_eq!((ids.len(), pages), (30, 2));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_is_listed_in_no_time_however_long_it_is_kept() {
    world::with(async |world| {
        let ledger = world.dynamo(&HandClock::default()).await;
        let query = all_of(&hook(), 100);
        ledger.deliveries(&query, START).await.unwrap();
        let began = std::time::Instant::now();
        let page = ledger.deliveries(&query, START + DAY * 365).await.unwrap();
        assert_eq!(page.next, None);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    })
    .await;
}
