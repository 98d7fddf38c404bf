//! [`Ledger`]: what gates remember, who claimed what, what became of deliveries, how receivers are
//! doing, and what could not be processed.
//!
//! | partition key | sort key | holds |
//! |---|---|---|
//! | `d#<tag>#<shard>` | `<delivery>` | a delivery: event, where it stands, attempts |
//! | `a#<delivery>` | `<name>#<part>` | what is too large for that row |
//! | `i#<hook>#<status>#<shard>` | `<delivery>` | a mark: this one has this status, and is not delivered |
//! | `g#<hook>#<generation>` | `<group>` | what a gate remembers |
//! | `c#<digest of what is claimed>` | `claim` | whose it is |
//! | `h#<hook>#<generation>` | `health` | how a receiver is doing |
//! | `r#<recovery>` | `recovery` | how far one has come |
//! | `poison` | `<poison>` | what is said of a message |
//! | `poison#<poison>` | `<name>#<part>` | its text |
//!
//! The id of a delivery says when it was accepted, whose it is (the hook's tag), and by its hash in
//! which of eight shards it stands: one row serves who knows the id, and who reads a hook's log. The
//! rows of a shard are in the order of time, so that the newest are found whenever they came, and
//! however many there are. Rows of hooks that share a tag are told apart by their `hook`.
//!
//! Every row that ages has its end in `ends`, in milliseconds, which every read compares, and
//! `expires` for `DynamoDB`, which deletes late.
//!
//! What it costs, in requests, in units of writing (1 KB, and twice that in a transaction) and of
//! reading (4 KB). Of an event of 1 KB, where nothing else is said:
//!
//! | to … | requests | writing | reading |
//! |---|---|---|---|
//! | record a success: one row | 1 | 2 | |
//! | record a success of 30 KB | 1 | 30 | |
//! | record a success of 100 KB: its data apart | 2 | 99 | |
//! | record a first failure: a row and a mark | 1 | 6 | |
//! | record a first failure of 30 KB: its data apart | 2 | 34 | |
//! | record another failure | 2 | 2 | 1 |
//! | record an end: the row, and marks | 2 | 8 | 1 |
//! | record what is recorded already, first attempt | 2 | 2 | 1 |
//! | record what is recorded already, later attempt | 1 | | 1 |
//! | ask how far a delivery has come, a hundred in a request | 1 | | 1 each |
//! | recall what gates remember, a hundred in a request | 1 | | 1 each |
//! | remember, keep a health, claim a key | 1 | 1 | |
//! | claim what somebody else has | 2 | 1 | 1 |
//! | read a delivery | 1 | | 1 |
//! | read a delivery of 100 KB | 2 | | 26 |
//! | list or count nothing, in however long a log | 8 | | 8 |
//! | list a page of 50 of a log, however long | 8 to 12 | | 40 |
//! | list 5 of one status, but delivered, among however many others | 9 | | 14 |
//! | count those of one status, but delivered | 8 | | 1 for 40 |
//! | count what was delivered, or everything | 8 | | 1 for 2 |
//! | bury a message of 60 KB | 3 | 60 | 1 |

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
