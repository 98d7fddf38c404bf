//! What does it cost? The table in the ledger's page, measured.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::Client;
use awskit::meter::{Meter, TableCosts};
use dynamodb::Dynamo;
use hooks::{
    delivery::{Delivery, State, Status},
    id::OccurrenceId,
    ports::{Claim, DeliveryQuery, Ledger},
};
use testkit::{
    builders::{
        START, attempt_step, claim, failing, gate_key, hook, memory, pending, record_of, recovery,
    },
    fakes::HandClock,
};

use super::{MONTH, all_of, large, recorded};
use crate::world::{self, World};

/// What was asked for: requests, items written, units of reading and of writing.
type Costs = (usize, usize, usize, usize);

/// What tables were asked for since this was asked last.
fn taken(meter: &Meter) -> Costs {
    let TableCosts { requests, items, read, written } = meter.take().tables;
    (requests, items, read, written)
}

/// A ledger, and who counts what it asks for.
async fn metered(world: &World) -> (Dynamo, Meter) {
    let meter = Meter::default();
    let config = world.client().config().to_builder().interceptor(meter.clone()).build();
    let clock = Arc::new(HandClock::default());
    (Dynamo::new(Client::from_conf(config), world.tables().await, clock), meter)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_costs_what_the_table_says() {
    world::with(async |world| {
        let (ledger, meter) = metered(world).await;
        let hook = hook();
        let of = |bytes| large::event_of(&hook, bytes);
        let record = |delivery: &Delivery, attempt, state| {
            record_of(delivery.clone(), attempt_step(attempt), state)
        };
        let (usual, failing, large) = (of(1_000), of(1_000), of(100_000));
        let mut costs = Vec::new();
        for (name, record) in [
            ("a success, of 1 KB", record(&usual, 1, State::Delivered)),
            ("the same again", record(&usual, 1, State::Delivered)),
            ("a success, of 30 KB", record(&of(30_000), 1, State::Delivered)),
            ("a success, of 100 KB", record(&large, 1, State::Delivered)),
            ("a failure", record(&failing, 1, pending())),
            ("a failure again", record(&failing, 2, pending())),
            ("that again", record(&failing, 2, pending())),
            ("an end", record(&failing, 3, State::Parked)),
            ("a failure, of 30 KB", record(&of(30_000), 1, pending())),
        ] {
            ledger.record(&record, START + MONTH).await.unwrap();
            costs.push((name, taken(&meter)));
        }
        for (name, delivery) in [("all of 1 KB", usual), ("all of 100 KB", large)] {
            ledger.delivery(delivery.id(), START).await.unwrap();
            costs.push((name, taken(&meter)));
        }
        ledger.progress(&[failing.id()], START).await.unwrap();
        costs.push(("how far one is", taken(&meter)));
        assert_eq!(
            costs,
            [
                ("a success, of 1 KB", (1, 1, 0, 2)),
                ("the same again", (2, 1, 1, 2)),
                ("a success, of 30 KB", (1, 1, 0, 30)),
                ("a success, of 100 KB", (2, 2, 0, 99)),
                ("a failure", (1, 2, 0, 6)),
                ("a failure again", (2, 1, 1, 2)),
                ("that again", (1, 0, 1, 0)),
                ("an end", (2, 3, 1, 8)),
                ("a failure, of 30 KB", (2, 3, 0, 34)),
                ("all of 1 KB", (1, 0, 1, 0)),
                ("all of 100 KB", (2, 0, 26, 0)),
                ("how far one is", (1, 0, 1, 0)),
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_costs_what_the_table_says() {
    world::with(async |world| {
        let (ledger, meter) = metered(world).await;
        let (gate, hook, ends) = (gate_key(), hook(), START + MONTH);
        let mut costs = Vec::new();
        ledger.remember(&gate, &memory(0, "a"), 0, None).await.unwrap();
        costs.push(("to remember", taken(&meter)));
        ledger.recall(&[gate]).await.unwrap();
        costs.push(("to recall", taken(&meter)));
        ledger.claim(&[claim("a"), claim("b")]).await.unwrap();
        costs.push(("to claim two keys", taken(&meter)));
        let rival = Claim { owner: OccurrenceId::at(START), ..claim("a") };
        ledger.claim(&[rival]).await.unwrap();
        costs.push(("to be refused", taken(&meter)));
        ledger.keep_health(hook.id, hook.generation, &failing(1), 0, ends).await.unwrap();
        costs.push(("to keep a health", taken(&meter)));
        ledger.health(hook.id, hook.generation, START).await.unwrap();
        costs.push(("to ask for it", taken(&meter)));
        ledger.keep_recovery(&recovery(), ends).await.unwrap();
        costs.push(("to keep a recovery", taken(&meter)));
        let letter = large::letter("a", &"x".repeat(60_000)).id;
        ledger.bury(&large::letter("a", &"x".repeat(60_000)), MONTH).await.unwrap();
        costs.push(("to bury 60 KB", taken(&meter)));
        ledger.poison(letter).await.unwrap();
        costs.push(("to read them", taken(&meter)));
        assert_eq!(
            costs,
            [
                ("to remember", (1, 1, 0, 1)),
                ("to recall", (1, 0, 1, 0)),
                ("to claim two keys", (2, 2, 0, 2)),
                ("to be refused", (2, 1, 1, 1)),
                ("to keep a health", (1, 1, 0, 1)),
                ("to ask for it", (1, 0, 1, 0)),
                ("to keep a recovery", (2, 1, 1, 1)),
                ("to bury 60 KB", (3, 2, 1, 60)),
                ("to read them", (2, 0, 16, 0)),
            ]
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_costs_by_what_is_on_it_and_not_by_what_is_in_the_log() {
    world::with(async |world| {
        let (ledger, meter) = metered(world).await;
        let (short, long) = (hook(), hook());
        for (hook, count) in [(&short, 100), (&long, 2_000)] {
            for second in 0..count {
                let parked = second % 10 == 0;
                let state = if parked { State::Parked } else { State::Delivered };
                ledger.record(&recorded(hook, second, state), START + MONTH).await.unwrap();
            }
        }
        let mut most: HashMap<Option<Status>, usize> = HashMap::new();
        for (hook, name) in [(&short, "short"), (&long, "long")] {
            for (status, size, bound) in
                [(None, 50, 40), (Some(Status::Delivered), 50, 48), (Some(Status::Parked), 5, 14)]
            {
                meter.take();
                let query = DeliveryQuery { status, ..all_of(hook, size) };
                let page = ledger.deliveries(&query, START).await.unwrap();
                assert_eq!(page.items.len(), size);
                let (_, _, units, _) = taken(&meter);
                assert!(units <= bound, "{name}, {status:?}: {units} units");
                let of_short = *most.entry(status).or_insert(units);
                assert!(units <= of_short + 10, "{name}, {status:?}: {units} after {of_short}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_find_nothing_is_one_request_for_each_shard() {
    world::with(async |world| {
        let (ledger, meter) = metered(world).await;
        let hook = hook();
        for status in [None, Some(Status::Delivered), Some(Status::Parked)] {
            let query = DeliveryQuery { status, ..all_of(&hook, 100) };
            ledger.deliveries(&query, START).await.unwrap();
            assert_eq!(taken(&meter), (8, 0, 8, 0), "{status:?}");
            assert_eq!(ledger.count(&query, START).await.unwrap(), 0);
            assert_eq!(taken(&meter), (8, 0, 8, 0), "{status:?}");
        }
    })
    .await;
}
