//! The ledger: its port's suites, and what they cannot know of this one's rows.

mod costs;
pub(crate) mod large;
mod log;
mod rows;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dynamodb::{DeadLetter, Dynamo};
use hooks::{
    delivery::{Delivery, Record, State},
    hook::EventHook,
    id::{DeliveryId, PoisonId},
    ports::{DeliveryQuery, Ledger, PageRequest, Poison, PortResult},
    time::Timestamp,
};
use testkit::{
    builders::{attempt_step, event_at, record_of},
    fakes::HandClock,
    suites::{self, ledger::poison::Burying},
};
use uuid::Uuid;

use crate::world;

const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(30 * 24);

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_its_promise() {
    world::with(async |world| {
        suites::ledger::run(async |clock| Arc::new(world.dynamo(&clock).await) as _).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_its_promise_about_poison() {
    world::with(async |world| {
        suites::ledger::poison::run(async |clock: HandClock| {
            let dynamo = world.dynamo(&clock).await;
            let undertaker = Arc::new(Undertaker { dynamo: dynamo.clone(), clock });
            suites::ledger::poison::Subject { ledger: Arc::new(dynamo), undertaker }
        })
        .await;
    })
    .await;
}

/// Puts messages aside, each under a name of its own.
pub(crate) struct Undertaker {
    pub(crate) dynamo: Dynamo,
    pub(crate) clock: HandClock,
}

#[async_trait]
impl Burying for Undertaker {
    async fn bury(&self, poison: &Poison) -> PortResult<PoisonId> {
        let message_id = Uuid::new_v4().to_string();
        self.clock.set(poison.buried);
        let letter = DeadLetter {
            message_id: &message_id,
            queue: poison.queue,
            receives: poison.receives,
            sent: poison.sent,
            reason: &poison.reason,
            body: &poison.body,
        };
        self.dynamo.bury(&letter, MONTH).await
    }
}

/// The record of a first attempt for an event that was accepted at that second.
fn recorded(hook: &EventHook, seconds: i64, state: State) -> Record {
    record_of(Delivery::first(hook, event_at(seconds)), attempt_step(1), state)
}

/// Everything that a hook has, on pages of this size.
fn all_of(hook: &EventHook, size: usize) -> DeliveryQuery {
    let page = PageRequest { size, after: None };
    DeliveryQuery { hook: hook.id, status: None, since: None, until: None, page }
}

/// The ids that all pages of a query list, and how many pages they are.
async fn listed(
    ledger: &Dynamo,
    query: &DeliveryQuery,
    now: Timestamp,
) -> PortResult<(Vec<DeliveryId>, usize)> {
    let (mut ids, mut query, mut pages) = (Vec::new(), query.clone(), 0);
    loop {
        let page = ledger.deliveries(&query, now).await?;
        assert!(page.items.len() <= query.page.size);
        ids.extend(page.items.iter().map(|it| it.id));
        pages += 1;
        query.page.after = page.next;
        if page.next.is_none() {
            return Ok((ids, pages));
        }
    }
}
