//! [`Ledger`]: what gates remember, who claimed what, what became of deliveries, how receivers are
//! doing, and what could not be processed.

mod keys;
mod age;
mod condition;
mod apart;
mod versioned;
mod claims;
mod entry;
mod records;
mod newest;
mod lists;
mod poison;

pub(crate) use self::keys::gates;
pub use self::poison::DeadLetter;

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

use crate::{Dynamo, Table, fault::Fault, item::Item};

const WHAT: &str = "the ledger";

impl Dynamo {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[async_trait]
impl Ledger for Dynamo {
    async fn recall(&self, gates: &[GateKey]) -> PortResult<Vec<Option<Remembered>>> {
        let keys: Vec<_> = gates.iter().map(keys::gate).collect();
        let (rows, now) = (self.get_all(WHAT, Table::Ledger, &keys).await?, self.now());
        let read = |row: Option<Item>| {
            let Some(row) = row else { return Ok(None) };
            if !age::lives(&row, now)? {
                return Ok(None);
            }
            versioned::read(&row).map(|(memory, version)| Some(Remembered { memory, version }))
        };
        rows.into_iter().map(read).collect::<Result<_, Fault>>().map_err(|it| it.of(WHAT))
    }

    async fn remember(
        &self,
        gate: &GateKey,
        memory: &Memory,
        seen: u64,
        expires: Option<Timestamp>,
    ) -> PortResult<()> {
        self.keep(&keys::gate(gate), memory, seen, expires).await
    }

    async fn claim(&self, claims: &[Claim]) -> PortResult<Vec<bool>> {
        self.make_claims(claims).await
    }

    async fn record(&self, record: &Record, expires: Timestamp) -> PortResult<()> {
        self.write_record(record, expires).await
    }

    async fn progress(
        &self,
        deliveries: &[DeliveryId],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Progress>>> {
        self.progress_of(deliveries, now).await
    }

    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> PortResult<Page<DeliveryEntry, DeliveryCursor>> {
        self.page(query, now).await
    }

    async fn delivery(&self, id: DeliveryId, now: Timestamp) -> PortResult<Option<DeliveryEntry>> {
        self.whole_entry(id, now).await
    }

    async fn count(&self, query: &DeliveryQuery, now: Timestamp) -> PortResult<u64> {
        self.count_all(query, now).await
    }

    async fn health(
        &self,
        hook: HookId,
        generation: Generation,
        now: Timestamp,
    ) -> PortResult<Option<KeptHealth>> {
        let kept = self.kept(&keys::health(hook, generation), now).await?;
        Ok(kept.map(|(health, version)| KeptHealth { health, version }))
    }

    async fn keep_health(
        &self,
        hook: HookId,
        generation: Generation,
        health: &Health,
        seen: u64,
        expires: Timestamp,
    ) -> PortResult<()> {
        self.keep(&keys::health(hook, generation), health, seen, Some(expires)).await
    }

    async fn keep_recovery(&self, recovery: &Recovery, expires: Timestamp) -> PortResult<()> {
        self.write_recovery(recovery, expires).await
    }

    async fn recovery(&self, id: RecoveryId, now: Timestamp) -> PortResult<Option<Recovery>> {
        let kept = self.kept(&keys::recovery(id), now).await?;
        Ok(kept.map(|(recovery, _)| recovery))
    }

    async fn poisons(&self, page: PageRequest<PoisonId>) -> PortResult<Page<Poison, PoisonId>> {
        self.poison_page(page).await
    }

    async fn poison(&self, id: PoisonId) -> PortResult<Option<Poison>> {
        self.poison_of(id).await
    }

    async fn drop_poison(&self, id: PoisonId) -> PortResult<bool> {
        self.remove_poison(id).await
    }
}
