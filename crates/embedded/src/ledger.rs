//! [`Ledger`]: what gates remember, who claimed what, what became of deliveries, how receivers are
//! doing, and what could not be processed.
//!
//! None of it needs to survive a power cut before it is answered: see `writer`.

mod claims;
mod deliveries;
mod gates;
mod health;
mod poison;
mod recoveries;

pub(crate) use deliveries::forget;

use async_trait::async_trait;
use hooks::{
    delivery::Record,
    gate::{GateKey, Memory},
    health::Health,
    id::{DeliveryId, Generation, HookId, PoisonId, RecoveryId},
    ports::{
        Claim, DeliveryCursor, DeliveryEntry, DeliveryQuery, KeptHealth, Ledger, Page, PageRequest,
        Poison, PortResult, Progress, Recovery, Remembered,
    },
    time::Timestamp,
};

use crate::{
    Store,
    fault::Fault,
    writer::{Survives, Terms},
};

const WHAT: &str = "the ledger";

fn terms(bytes: usize) -> Terms {
    Terms::asked(WHAT, Survives::Process, bytes)
}

#[async_trait]
impl Ledger for Store {
    async fn recall(&self, gates: &[GateKey]) -> PortResult<Vec<Option<Remembered>>> {
        let (gates, now) = (gates.to_vec(), self.now());
        self.read(WHAT, move |connection| {
            gates.iter().map(|gate| gates::recall(connection, gate, now)).collect()
        })
        .await
    }

    async fn remember(
        &self,
        gate: &GateKey,
        memory: &Memory,
        seen: u64,
        expires: Option<Timestamp>,
    ) -> PortResult<()> {
        let memory = serde_json::to_string(memory).map_err(|it| Fault::from(it).of(WHAT))?;
        let writing = gates::Writing { gate: *gate, memory, seen, expires, now: self.now() };
        self.write(terms(writing.memory.len()), move |it| writing.write(it)).await
    }

    async fn claim(&self, claims: &[Claim]) -> PortResult<Vec<bool>> {
        let claims: Vec<_> = claims
            .iter()
            .map(claims::Row::of)
            .collect::<Result<_, _>>()
            .map_err(|fault: Fault| fault.of(WHAT))?;
        let bytes = claims.iter().map(claims::Row::bytes).sum();
        self.write(terms(bytes), move |connection| {
            claims.iter().map(|claim| claim.take(connection)).collect()
        })
        .await
    }

    async fn record(&self, record: &Record, expires: Timestamp) -> PortResult<()> {
        let row = deliveries::Row::of(record, expires).map_err(|fault| fault.of(WHAT))?;
        let now = self.now();
        self.write(terms(row.bytes()).noted(), move |it| row.record(it, now)).await
    }

    async fn progress(
        &self,
        deliveries: &[DeliveryId],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Progress>>> {
        let deliveries = deliveries.to_vec();
        self.read(WHAT, move |connection| {
            deliveries.iter().map(|id| deliveries::progress(connection, *id, now)).collect()
        })
        .await
    }

    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> PortResult<Page<DeliveryEntry, DeliveryCursor>> {
        let query = query.clone();
        self.read(WHAT, move |connection| deliveries::list(connection, &query, now)).await
    }

    async fn delivery(&self, id: DeliveryId, now: Timestamp) -> PortResult<Option<DeliveryEntry>> {
        self.read(WHAT, move |connection| deliveries::one(connection, id, now)).await
    }

    async fn count(&self, query: &DeliveryQuery, now: Timestamp) -> PortResult<u64> {
        let query = query.clone();
        self.read(WHAT, move |connection| deliveries::count(connection, &query, now)).await
    }

    async fn health(
        &self,
        hook: HookId,
        generation: Generation,
        now: Timestamp,
    ) -> PortResult<Option<KeptHealth>> {
        self.read(WHAT, move |connection| health::read(connection, hook, generation, now)).await
    }

    async fn keep_health(
        &self,
        hook: HookId,
        generation: Generation,
        health: &Health,
        seen: u64,
        expires: Timestamp,
    ) -> PortResult<()> {
        let health = serde_json::to_string(health).map_err(|it| Fault::from(it).of(WHAT))?;
        let now = self.now();
        let writing = health::Writing { hook, generation, health, seen, expires, now };
        self.write(terms(writing.health.len()), move |it| writing.write(it)).await
    }

    async fn keep_recovery(&self, recovery: &Recovery, expires: Timestamp) -> PortResult<()> {
        let (recovery, now) = (recovery.clone(), self.now());
        self.write(terms(0), move |it| recoveries::write(it, &recovery, expires, now)).await
    }

    async fn recovery(&self, id: RecoveryId, now: Timestamp) -> PortResult<Option<Recovery>> {
        self.read(WHAT, move |connection| recoveries::read(connection, id, now)).await
    }

    async fn poisons(&self, page: PageRequest<PoisonId>) -> PortResult<Page<Poison, PoisonId>> {
        self.read(WHAT, move |connection| poison::list(connection, page)).await
    }

    async fn poison(&self, id: PoisonId) -> PortResult<Option<Poison>> {
        self.read(WHAT, move |connection| poison::one(connection, id)).await
    }

    async fn drop_poison(&self, id: PoisonId) -> PortResult<bool> {
        self.write(terms(0), move |connection| poison::remove(connection, id)).await
    }
}
