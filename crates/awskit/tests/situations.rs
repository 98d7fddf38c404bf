//! What does an event cost in each situation?
//!
//! Instances are warm: they have seen one event. Nothing shares a batch by accident: what Lambda
//! hands over together was due in the same second.

use std::time::Duration;

use awskit::{
    meter::{QueueCosts, TableCosts},
    servers::{self, Servers},
};
use hooks::{
    deliver::DeliveryLog::{self, All, Failures},
    hook::{Draft, Snooze},
    id::HookId,
};
use testkit::{builders::draft, fakes::Script};

use crate::{
    page,
    world::{Bill, World},
};

const SECOND: Duration = Duration::from_secs(1);

/// How long the one hook of a situation is quiet, where it snoozes.
const SNOOZE: u32 = 3_600;

/// A consumer that no event of what is measured is about.
const SOMEBODY_ELSE: usize = 1_000_000;

/// A world that is warm, and its hook.
async fn warm(servers: &Servers, log: DeliveryLog, draft: Draft) -> (World, HookId) {
    let mut world = World::keeping(log, servers).await;
    let hook = world.hook(draft).await;
    world.post([SOMEBODY_ELSE]).await;
    world.work().await;
    world.wait(2 * SNOOZE * SECOND);
    world.begin();
    (world, hook)
}

/// A hundred events, one by one.
async fn single(servers: &Servers, log: DeliveryLog) -> Bill {
    let (mut world, _) = warm(servers, log, draft()).await;
    for consumer in 0..100 {
        world.wait(SECOND);
        world.post([consumer]).await;
        world.work().await;
    }
    world.bill()
}

/// Ten requests of a hundred events each, of another consumer each.
async fn batches(servers: &Servers, log: DeliveryLog, draft: Draft) -> Bill {
    let (world, _) = warm(servers, log, draft).await;
    ten_batches(world).await
}

/// The same, where each event has an id.
async fn batches_with_ids(servers: &Servers) -> Bill {
    let (mut world, _) = warm(servers, All, draft()).await;
    world.give_ids();
    ten_batches(world).await
}

async fn ten_batches(mut world: World) -> Bill {
    for number in 0..10 {
        world.wait(SECOND);
        world.post(number * 100..(number + 1) * 100).await;
        world.work().await;
    }
    world.bill()
}

/// Ten requests of a hundred events each, of which the hook lets the first pass.
async fn storm(servers: &Servers) -> Bill {
    let draft = Draft { snooze: Some(Snooze::seconds(SNOOZE)), ..draft() };
    batches(servers, All, draft).await
}

/// Fifty events, a minute apart, the first attempt of each of which fails.
async fn failing_once(servers: &Servers) -> Bill {
    let (mut world, hook) = warm(servers, All, draft()).await;
    for consumer in 0..50 {
        world.wait(60 * SECOND);
        world.handlers.next(hook, [Script::FAIL, Script::Succeed]);
        world.post([consumer]).await;
        world.work_until_the_end().await;
    }
    world.bill()
}

/// Four events, a minute apart, to a receiver that never answers well.
async fn failing_always(servers: &Servers) -> Bill {
    let (mut world, hook) = warm(servers, All, draft()).await;
    world.handlers.always(hook, Script::FAIL);
    for consumer in 0..4 {
        world.wait(60 * SECOND);
        world.post([consumer]).await;
        world.work().await;
    }
    world.work_until_the_end().await;
    world.bill()
}

#[tokio::test(flavor = "multi_thread")]
async fn single_posts() {
    servers::with(async |servers| {
        let bill = single(servers, All).await;
        let queues = QueueCosts { requests: 300, billed: 300 };
        // Two shelves and the receiver's health for each event; every ten seconds token and catalog.
        let tables = TableCosts { requests: 320, items: 100, read: 320, written: 200 };
        assert_eq!((bill.queues, bill.tables), (queues, tables));
        page::says("single posts", &bill);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn single_posts_without_the_log() {
    servers::with(async |servers| {
        let bill = single(servers, Failures).await;
        let queues = QueueCosts { requests: 300, billed: 300 };
        let tables = TableCosts { requests: 220, items: 0, read: 320, written: 0 };
        assert_eq!((bill.queues, bill.tables), (queues, tables));
        page::says("single posts, `DeliveryLog=failures`", &bill);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_hundred() {
    servers::with(async |servers| {
        let bill = batches(servers, All, draft()).await;
        let queues = QueueCosts { requests: 30, billed: 50 };
        let tables = TableCosts { requests: 1_022, items: 1_000, read: 32, written: 2_000 };
        assert_eq!((bill.queues, bill.tables), (queues, tables));
        page::says("batches of 100", &bill);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_hundred_without_the_log() {
    servers::with(async |servers| {
        let bill = batches(servers, Failures, draft()).await;
        let queues = QueueCosts { requests: 30, billed: 50 };
        let tables = TableCosts { requests: 22, items: 0, read: 32, written: 0 };
        assert_eq!((bill.queues, bill.tables), (queues, tables));
        page::says("batches of 100, `DeliveryLog=failures`", &bill);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_hundred_with_ids() {
    servers::with(async |servers| {
        let bill = batches_with_ids(servers).await;
        let queues = QueueCosts { requests: 30, billed: 50 };
        let tables = TableCosts { requests: 2_022, items: 2_000, read: 32, written: 3_000 };
        assert_eq!((bill.queues, bill.tables), (queues, tables));
        page::says("batches of 100, each event with an `id`", &bill);
    })
    .await;
}

/// Each event is a group of its own, and passes: more than that a gate cannot cost.
#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_hundred_through_a_gate() {
    servers::with(async |servers| {
        let group_by = Some(vec!["entity".to_owned()]);
        let gated = Draft { on_change: Some(true), group_by, ..draft() };
        let bill = batches(servers, All, gated).await;
        let queues = QueueCosts { requests: 30, billed: 50 };
        let tables = TableCosts { requests: 2_042, items: 2_000, read: 1_042, written: 3_000 };
        assert_eq!((bill.queues, bill.tables), (queues, tables));
        page::says("batches of 100, through a gate", &bill);
    })
    .await;
}

/// What is held costs no write at all: these are of the one event that passes, and of the memory that
/// it did.
#[tokio::test(flavor = "multi_thread")]
async fn a_snoozed_storm() {
    servers::with(async |servers| {
        let bill = storm(servers).await;
        let queues = QueueCosts { requests: 30, billed: 50 };
        let tables = TableCosts { requests: 26, items: 2, read: 34, written: 3 };
        assert_eq!((bill.attempts, bill.queues, bill.tables), (1, queues, tables));
        page::says("snoozed storm", &bill);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_once() {
    servers::with(async |servers| {
        let bill = failing_once(servers).await;
        let queues = QueueCosts { requests: 300, billed: 300 };
        let tables = TableCosts { requests: 600, items: 300, read: 450, written: 700 };
        assert_eq!((bill.attempts, bill.queues, bill.tables), (100, queues, tables));
        page::says("failing receiver: once for each event", &bill);
    })
    .await;
}

/// How often it goes round differs by a few in a hundred: where two deliveries are due at once, either
/// of them is seen to first.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_always_fails() {
    servers::with(async |servers| {
        let bill = failing_always(servers).await;
        assert_eq!(bill.attempts, 40, "ten attempts of each");
        page::says_about("failing receiver: for a day", &bill);
    })
    .await;
}
