//! What does it cost? The table in the ledger's page, measured.
//!
//! Units of writing are counted from what is written, for Amazon's own server for tests counts
//! those of transactions twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
        },
    },
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::PutItemInput,
        query::{QueryInput, QueryOutput},
        transact_write_items::TransactWriteItemsInput,
    },
    types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity::Total},
};
use dynamodb::Dynamo;
use hooks::{
    delivery::{Delivery, State, Status},
    id::OccurrenceId,
    ports::{BoxError, Claim, DeliveryQuery, Ledger},
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
type Costs = (u32, u32, u32, u32);

/// Counts what a client asks for. A write that is refused costs as much as one that is done.
#[derive(Debug, Clone, Default)]
struct Meter(Arc<Mutex<Costs>>);

impl Meter {
    fn take(&self) -> Costs {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn wrote(&self, items: &[(u32, usize)]) {
        let mut costs = self.0.lock().unwrap();
        costs.0 += 1;
        for (times, bytes) in items {
            costs.1 += 1;
            costs.3 += times * u32::try_from(bytes.div_ceil(1024).max(1)).unwrap();
        }
    }

    fn read(&self, consumed: &[ConsumedCapacity]) {
        let mut costs = self.0.lock().unwrap();
        costs.0 += 1;
        // Who finds nothing pays for one.
        let units: f64 = consumed.iter().filter_map(ConsumedCapacity::capacity_units).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
        let units = units.max(1.0).ceil() as u32;
        costs.2 += units;
    }
}

fn bytes(item: &HashMap<String, AttributeValue>) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() / 2 + 2,
        other => panic!("no row has {other:?}"),
    };
    item.iter().map(|(name, it)| name.len() + value(it)).sum()
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        if let Some(put) = input.downcast_ref::<PutItemInput>() {
            self.wrote(&[(1, bytes(put.item().unwrap()))]);
        } else if let Some(writes) = input.downcast_ref::<TransactWriteItemsInput>() {
            let put = |item: Option<usize>| (2, item.unwrap_or(1));
            let sizes =
                writes.transact_items().iter().map(|it| it.put().map(|it| bytes(it.item())));
            self.wrote(&sizes.map(put).collect::<Vec<_>>());
        } else if let Some(it) = input.downcast_mut::<GetItemInput>() {
            it.return_consumed_capacity = Some(Total);
        } else if let Some(it) = input.downcast_mut::<BatchGetItemInput>() {
            it.return_consumed_capacity = Some(Total);
        } else if let Some(it) = input.downcast_mut::<QueryInput>() {
            it.return_consumed_capacity = Some(Total);
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        if let Some(it) = output.downcast_ref::<GetItemOutput>() {
            self.read(it.consumed_capacity.as_slice());
        } else if let Some(it) = output.downcast_ref::<BatchGetItemOutput>() {
            self.read(it.consumed_capacity());
        } else if let Some(it) = output.downcast_ref::<QueryOutput>() {
            self.read(it.consumed_capacity.as_slice());
        }
        Ok(())
    }
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
            costs.push((name, meter.take()));
        }
        for (name, delivery) in [("all of 1 KB", usual), ("all of 100 KB", large)] {
            ledger.delivery(delivery.id(), START).await.unwrap();
            costs.push((name, meter.take()));
        }
        ledger.progress(&[failing.id()], START).await.unwrap();
        costs.push(("how far one is", meter.take()));
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
        costs.push(("to remember", meter.take()));
        ledger.recall(&[gate]).await.unwrap();
        costs.push(("to recall", meter.take()));
        ledger.claim(&[claim("a"), claim("b")]).await.unwrap();
        costs.push(("to claim two keys", meter.take()));
        let rival = Claim { owner: OccurrenceId::at(START), ..claim("a") };
        ledger.claim(&[rival]).await.unwrap();
        costs.push(("to be refused", meter.take()));
        ledger.keep_health(hook.id, hook.generation, &failing(1), 0, ends).await.unwrap();
        costs.push(("to keep a health", meter.take()));
        ledger.health(hook.id, hook.generation, START).await.unwrap();
        costs.push(("to ask for it", meter.take()));
        ledger.keep_recovery(&recovery(), ends).await.unwrap();
        costs.push(("to keep a recovery", meter.take()));
        let letter = large::letter("a", &"x".repeat(60_000)).id();
        ledger.bury(&large::letter("a", &"x".repeat(60_000)), MONTH).await.unwrap();
        costs.push(("to bury 60 KB", meter.take()));
        ledger.poison(letter).await.unwrap();
        costs.push(("to read them", meter.take()));
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
        let mut most: HashMap<Option<Status>, u32> = HashMap::new();
        for (hook, name) in [(&short, "short"), (&long, "long")] {
            for (status, size, bound) in
                [(None, 50, 40), (Some(Status::Delivered), 50, 48), (Some(Status::Parked), 5, 14)]
            {
                meter.take();
                let query = DeliveryQuery { status, ..all_of(hook, size) };
                let page = ledger.deliveries(&query, START).await.unwrap();
                assert_eq!(page.items.len(), size);
                let (_, _, units, _) = meter.take();
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
            assert_eq!(meter.take(), (8, 0, 8, 0), "{status:?}");
            assert_eq!(ledger.count(&query, START).await.unwrap(), 0);
            assert_eq!(meter.take(), (8, 0, 8, 0), "{status:?}");
        }
    })
    .await;
}
