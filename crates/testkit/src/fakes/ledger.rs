//! Deliveries, gate memories and claims in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use hooks::{
    delivery::{Attempt, Delivery, Record, State, Step},
    event::{Data, Event, EventKey},
    gate::{GateKey, Memory},
    id::{DeliveryId, HookId, OccurrenceId},
    name::{SourceName, Workspace},
    ports::{
        Claim, Clock, DeliveryCursor, DeliveryEntry, DeliveryQuery, Ledger, Page, PortError,
        PortResult, Progress, Remembered,
    },
    time::Timestamp,
};

use super::{HandClock, faults::Faults, locked};

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
}

#[derive(Debug, Default)]
struct Kept {
    gates: HashMap<GateKey, (Remembered, Option<Timestamp>)>,
    claims: HashMap<(Workspace, SourceName, EventKey), (OccurrenceId, Timestamp)>,
    deliveries: BTreeMap<DeliveryId, Row>,
}

#[derive(Debug)]
struct Row {
    delivery: Delivery,
    step: Step,
    state: State,
    updated: Timestamp,
    attempts: BTreeMap<Step, Attempt>,
    expires: Timestamp,
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
}

impl Row {
    fn new(record: &Record, expires: Timestamp) -> Self {
        Self {
            delivery: record.delivery.clone(),
            step: record.step,
            state: record.state.clone(),
            updated: record.at,
            attempts: record.attempt.iter().map(|it| (it.step, it.clone())).collect(),
            expires,
        }
    }

    fn progress(&self) -> Progress {
        Progress { step: self.step, status: self.state.status() }
    }

    fn add(&mut self, record: &Record, expires: Timestamp) {
        let recorded = Progress { step: record.step, status: record.state.status() };
        let attempt = record.attempt.iter().map(|it| (it.step, it.clone()));
        if let Some(next) = self.progress().after(recorded) {
            self.attempts.extend(attempt);
            self.delivery.run = next.step.run;
            self.step = next.step;
            self.state = record.state.clone();
            self.updated = record.at;
            self.expires = expires;
        } else if record.step != self.step {
            for (step, attempt) in attempt {
                self.attempts.entry(step).or_insert(attempt);
            }
        }
    }

    fn entry(&self, id: DeliveryId) -> DeliveryEntry {
        DeliveryEntry {
            id,
            delivery: self.delivery.clone(),
            step: self.step,
            state: self.state.clone(),
            updated: self.updated,
            attempts: self.attempts.values().cloned().collect(),
        }
    }

    /// As lists show it: without event data and attempts.
    fn listed(&self, id: DeliveryId) -> DeliveryEntry {
        let event = Event { data: Data::default(), ..self.delivery.event.clone() };
        let delivery = Delivery { event, ..self.delivery.clone() };
        DeliveryEntry { delivery, attempts: Vec::new(), ..self.entry(id) }
    }

    fn is_wanted(&self, query: &DeliveryQuery) -> bool {
        let accepted = self.delivery.event.order.accepted;
        self.delivery.hook == query.hook
            && query.status.is_none_or(|it| it == self.state.status())
            && query.since.is_none_or(|it| it <= accepted)
            && query.until.is_none_or(|it| accepted < it)
    }
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
            .deliveries
            .iter()
            .filter(|(_, row)| row.expires > now && row.is_wanted(query))
            .map(|(id, row)| ((row.delivery.event.order.accepted, *id), row))
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
}
