//! Everything that a ledger keeps, in memory.

mod rows;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use hooks::{
    delivery::Record,
    event::EventKey,
    gate::{GateKey, Memory},
    health::Health,
    id::{DeliveryId, Generation, HookId, OccurrenceId, PoisonId, RecoveryId},
    name::{SourceName, Workspace},
    ports::{
        Claim, Clock, DeliveryCursor, DeliveryEntry, DeliveryQuery, KeptHealth, Ledger, Page,
        PageRequest, Poison, PortError, PortResult, Progress, Recovery, Remembered,
    },
    time::Timestamp,
};

use self::rows::Row;
use super::{HandClock, faults::Faults, locked};
use crate::suites::ledger::poison::Burying;

/// A [`Ledger`] in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    kept: Arc<Mutex<Kept>>,
    faults: Arc<Faults<LedgerCall>>,
    clock: HandClock,
    interleaves: Arc<AtomicBool>,
}

/// The calls of a ledger, to say which is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerCall {
    /// [`Ledger::recall`]
    Recall,
    /// [`Ledger::remember`]
    Remember,
    /// [`Ledger::claim`]
    Claim,
    /// [`Ledger::record`]
    Record,
    /// [`Ledger::progress`]
    Progress,
    /// [`Ledger::deliveries`]
    Deliveries,
    /// [`Ledger::delivery`]
    Delivery,
    /// [`Ledger::count`]
    Count,
    /// [`Ledger::health`]
    Health,
    /// [`Ledger::keep_health`]
    KeepHealth,
    /// [`Ledger::keep_recovery`]
    KeepRecovery,
    /// [`Ledger::recovery`]
    Recovery,
    /// [`Ledger::poisons`]
    Poisons,
    /// [`Ledger::poison`]
    Poison,
    /// [`Ledger::drop_poison`]
    DropPoison,
}

#[derive(Debug, Default)]
struct Kept {
    gates: HashMap<GateKey, (Remembered, Option<Timestamp>)>,
    claims: HashMap<(Workspace, SourceName, EventKey), (OccurrenceId, Timestamp)>,
    deliveries: BTreeMap<DeliveryId, Row>,
    healths: HashMap<(HookId, Generation), (KeptHealth, Timestamp)>,
    recoveries: HashMap<RecoveryId, (Recovery, Timestamp)>,
    poisons: BTreeMap<PoisonId, Poison>,
}

impl MemoryLedger {
    /// A ledger whose rows expire by this clock.
    pub fn new(clock: &HandClock) -> Self {
        Self { clock: clock.clone(), ..Self::default() }
    }

    /// The next call of this kind is unavailable.
    pub fn fail_next(&self, call: LedgerCall) {
        self.faults.add(call);
    }

    /// From now on, whoever writes a gate's memory lets all others go first.
    pub fn interleave(&self) {
        self.interleaves.store(true, Ordering::Relaxed);
    }

    /// How many gates are remembered, expired or not.
    pub fn gates(&self) -> usize {
        locked(&self.kept).gates.len()
    }

    /// Puts a message aside, as a worker does that cannot process it.
    pub fn put_aside(&self, poison: Poison) {
        locked(&self.kept).poisons.insert(poison.id, poison);
    }

    /// Drops what the gates of this hook remember.
    pub(super) fn forget(&self, hook: HookId) {
        locked(&self.kept).gates.retain(|key, _| key.hook != hook);
    }

    fn asked(&self, call: LedgerCall) -> PortResult<MutexGuard<'_, Kept>> {
        self.faults.strike(&call, "the ledger")?;
        Ok(locked(&self.kept))
    }
}

impl Kept {
    fn remembered(&self, gate: &GateKey, now: Timestamp) -> Option<&Remembered> {
        let (remembered, expires) = self.gates.get(gate)?;
        expires.is_none_or(|it| it > now).then_some(remembered)
    }

    fn row(&self, id: DeliveryId, now: Timestamp) -> Option<&Row> {
        self.deliveries.get(&id).filter(|row| row.expires > now)
    }

    /// The deliveries that are wanted, on whichever page, and their places in a list.
    fn wanted(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> impl Iterator<Item = ((Timestamp, DeliveryId), &Row)> {
        let rows = self.deliveries.iter();
        rows.filter(move |(_, row)| row.expires > now && row.is_wanted(query))
            .map(|(id, row)| ((row.delivery.event.order.accepted, *id), row))
    }

    fn health(&self, hook: HookId, generation: Generation, now: Timestamp) -> Option<KeptHealth> {
        let (kept, expires) = self.healths.get(&(hook, generation))?;
        (*expires > now).then_some(*kept)
    }

    fn recovery(&self, id: RecoveryId, now: Timestamp) -> Option<&Recovery> {
        let (recovery, expires) = self.recoveries.get(&id)?;
        (*expires > now).then_some(recovery)
    }
}

/// A message as lists show it.
fn without_body(poison: &Poison) -> Poison {
    Poison { body: String::new(), ..poison.clone() }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn recall(&self, gates: &[GateKey]) -> PortResult<Vec<Option<Remembered>>> {
        let kept = self.asked(LedgerCall::Recall)?;
        let now = self.clock.now();
        Ok(gates.iter().map(|gate| kept.remembered(gate, now).cloned()).collect())
    }

    async fn remember(
        &self,
        gate: &GateKey,
        memory: &Memory,
        seen: u64,
        expires: Option<Timestamp>,
    ) -> PortResult<()> {
        if self.interleaves.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        let mut kept = self.asked(LedgerCall::Remember)?;
        let found = kept.remembered(gate, self.clock.now()).map_or(0, |it| it.version);
        if found != seen {
            return Err(PortError::Conflict);
        }
        let remembered = Remembered { memory: memory.clone(), version: seen + 1 };
        kept.gates.insert(*gate, (remembered, expires));
        Ok(())
    }

    async fn claim(&self, claims: &[Claim]) -> PortResult<Vec<bool>> {
        let mut kept = self.asked(LedgerCall::Claim)?;
        let decide = |claim: &Claim| {
            let key = (claim.workspace.clone(), claim.source.clone(), claim.key.clone());
            match kept.claims.get(&key) {
                Some((owner, until)) if *until > claim.at => *owner == claim.owner,
                _ => {
                    kept.claims.insert(key, (claim.owner, claim.until));
                    true
                }
            }
        };
        Ok(claims.iter().map(decide).collect())
    }

    async fn record(&self, record: &Record, expires: Timestamp) -> PortResult<()> {
        let mut kept = self.asked(LedgerCall::Record)?;
        let id = record.delivery.id();
        let now = self.clock.now();
        match kept.deliveries.get_mut(&id).filter(|row| row.expires > now) {
            Some(row) => row.add(record, expires),
            None => {
                kept.deliveries.insert(id, Row::new(record, expires));
            }
        }
        Ok(())
    }

    async fn progress(
        &self,
        deliveries: &[DeliveryId],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Progress>>> {
        let kept = self.asked(LedgerCall::Progress)?;
        Ok(deliveries.iter().map(|id| kept.row(*id, now).map(Row::progress)).collect())
    }

    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> PortResult<Page<DeliveryEntry, DeliveryCursor>> {
        let kept = self.asked(LedgerCall::Deliveries)?;
        let mut rows: Vec<_> = kept
            .wanted(query, now)
            .filter(|(place, _)| query.page.after.is_none_or(|it| *place < (it.accepted, it.id)))
            .collect();
        rows.sort_by_key(|(place, _)| std::cmp::Reverse(*place));

        let is_more = rows.len() > query.page.size;
        rows.truncate(query.page.size);
        let last = rows.last().filter(|_| is_more).map(|(place, _)| *place);
        Ok(Page {
            items: rows.iter().map(|((_, id), row)| row.listed(*id)).collect(),
            next: last.map(|(accepted, id)| DeliveryCursor { accepted, id }),
        })
    }

    async fn delivery(&self, id: DeliveryId, now: Timestamp) -> PortResult<Option<DeliveryEntry>> {
        let kept = self.asked(LedgerCall::Delivery)?;
        Ok(kept.row(id, now).map(|row| row.entry(id)))
    }

    async fn count(&self, query: &DeliveryQuery, now: Timestamp) -> PortResult<u64> {
        Ok(self.asked(LedgerCall::Count)?.wanted(query, now).count() as u64)
    }

    async fn health(
        &self,
        hook: HookId,
        generation: Generation,
        now: Timestamp,
    ) -> PortResult<Option<KeptHealth>> {
        Ok(self.asked(LedgerCall::Health)?.health(hook, generation, now))
    }

    async fn keep_health(
        &self,
        hook: HookId,
        generation: Generation,
        health: &Health,
        seen: u64,
        expires: Timestamp,
    ) -> PortResult<()> {
        let mut kept = self.asked(LedgerCall::KeepHealth)?;
        let found = kept.health(hook, generation, self.clock.now()).map_or(0, |it| it.version);
        if found != seen {
            return Err(PortError::Conflict);
        }
        let health = KeptHealth { health: *health, version: seen + 1 };
        kept.healths.insert((hook, generation), (health, expires));
        Ok(())
    }

    async fn keep_recovery(&self, recovery: &Recovery, expires: Timestamp) -> PortResult<()> {
        let mut kept = self.asked(LedgerCall::KeepRecovery)?;
        let known = kept.recovery(recovery.id, self.clock.now());
        if let Some(recovery) = recovery.after(known) {
            kept.recoveries.insert(recovery.id, (recovery, expires));
        }
        Ok(())
    }

    async fn recovery(&self, id: RecoveryId, now: Timestamp) -> PortResult<Option<Recovery>> {
        Ok(self.asked(LedgerCall::Recovery)?.recovery(id, now).cloned())
    }

    async fn poisons(&self, page: PageRequest<PoisonId>) -> PortResult<Page<Poison, PoisonId>> {
        let kept = self.asked(LedgerCall::Poisons)?;
        let mut following =
            kept.poisons.values().filter(|it| page.after.is_none_or(|after| after < it.id));
        let items: Vec<_> = following.by_ref().take(page.size).map(without_body).collect();
        let last = items.last().map(|it| it.id);
        Ok(Page { items, next: following.next().and(last) })
    }

    async fn poison(&self, id: PoisonId) -> PortResult<Option<Poison>> {
        Ok(self.asked(LedgerCall::Poison)?.poisons.get(&id).cloned())
    }

    async fn drop_poison(&self, id: PoisonId) -> PortResult<bool> {
        Ok(self.asked(LedgerCall::DropPoison)?.poisons.remove(&id).is_some())
    }
}

#[async_trait]
impl Burying for MemoryLedger {
    async fn bury(&self, poison: &Poison) -> PortResult<PoisonId> {
        self.put_aside(poison.clone());
        Ok(poison.id)
    }
}
