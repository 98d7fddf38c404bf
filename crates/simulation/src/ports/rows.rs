//! What the ledger holds: deliveries, gate memories, claims, health, recoveries.

use std::collections::BTreeMap;

use hooks::{
    delivery::{Attempt, Delivery, Record, State as Standing, Status, Step},
    event::{Data, Event, EventKey},
    gate::{GateKey, Memory},
    id::{DeliveryId, Generation, HookId, OccurrenceId, RecoveryId},
    name::{SourceName, Workspace},
    ports::{
        Claim, DeliveryCursor, DeliveryEntry, DeliveryQuery, KeptHealth, Page, Progress, Recovery,
        RecoveryState,
    },
    time::Timestamp,
};

/// Everything that is written down.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) deliveries: BTreeMap<DeliveryId, Row>,
    pub(crate) claims: BTreeMap<(Workspace, SourceName, String), (OccurrenceId, Timestamp)>,
    pub(crate) recoveries: BTreeMap<RecoveryId, Recovery>,
    pub(crate) health: BTreeMap<(HookId, u64), KeptHealth>,
    pub(super) memories: BTreeMap<(HookId, u64, [u8; 16]), (Memory, u64)>,
}

/// A delivery.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) delivery: Delivery,
    pub(crate) step: Step,
    pub(crate) state: Standing,
    pub(crate) updated: Timestamp,
    attempts: BTreeMap<Step, Attempt>,
    expires: Timestamp,
    /// How far it had come, from which step of the world on.
    past: Vec<(u64, Progress)>,
}

pub(super) fn gate(key: &GateKey) -> (HookId, u64, [u8; 16]) {
    (key.hook, key.generation.as_u64(), *key.group.as_bytes())
}

impl Row {
    fn progress(&self) -> Progress {
        Progress { step: self.step, status: self.state.status() }
    }

    /// How far it had come at that step of the world.
    pub(crate) fn progress_at(&self, step: u64) -> Option<Progress> {
        self.past.iter().rev().find(|(at, _)| *at <= step).map(|(_, progress)| *progress)
    }

    /// Was it ever known to have been delivered in its present run?
    pub(crate) fn was_delivered(&self) -> bool {
        let is_delivered =
            |it: &Progress| it.step.run == self.step.run && it.status == Status::Delivered;
        self.past.iter().any(|(_, progress)| is_delivered(progress))
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

    fn listed(&self, id: DeliveryId) -> DeliveryEntry {
        let event = Event { data: Data::default(), ..self.delivery.event.clone() };
        let delivery = Delivery { event, ..self.delivery.clone() };
        DeliveryEntry { delivery, attempts: Vec::new(), ..self.entry(id) }
    }

    fn is_wanted(&self, query: &DeliveryQuery, now: Timestamp) -> bool {
        let accepted = self.delivery.event.order.accepted;
        self.expires > now
            && self.delivery.hook == query.hook
            && query.status.is_none_or(|it| it == self.state.status())
            && query.since.is_none_or(|it| it <= accepted)
            && query.until.is_none_or(|it| accepted < it)
    }
}

impl Rows {
    /// [`hooks::ports::Ledger::record`]; where `goes_back`, the last record wins.
    pub(super) fn record(&mut self, record: &Record, expires: Timestamp, at: u64, goes_back: bool) {
        let id = record.delivery.id();
        let recorded = Progress { step: record.step, status: record.state.status() };
        let attempt = record.attempt.iter().map(|it| (it.step, it.clone()));
        let Some(row) = self.deliveries.get_mut(&id) else {
            let row = Row {
                delivery: record.delivery.clone(),
                step: record.step,
                state: record.state.clone(),
                updated: record.at,
                attempts: attempt.collect(),
                expires,
                past: vec![(at, recorded)],
            };
            self.deliveries.insert(id, row);
            return;
        };
        let next = if goes_back { Some(recorded) } else { row.progress().after(recorded) };
        if let Some(next) = next {
            row.attempts.extend(attempt);
            row.delivery.run = next.step.run;
            (row.step, row.state) = (next.step, record.state.clone());
            (row.updated, row.expires) = (record.at, expires);
            row.past.push((at, row.progress()));
        } else if record.step != row.step {
            for (step, attempt) in attempt {
                row.attempts.entry(step).or_insert(attempt);
            }
        }
    }

    pub(super) fn progress(&self, id: DeliveryId, now: Timestamp) -> Option<Progress> {
        self.deliveries.get(&id).filter(|it| it.expires > now).map(Row::progress)
    }

    pub(super) fn entry(&self, id: DeliveryId, now: Timestamp) -> Option<DeliveryEntry> {
        self.deliveries.get(&id).filter(|it| it.expires > now).map(|it| it.entry(id))
    }

    pub(super) fn page(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> Page<DeliveryEntry, DeliveryCursor> {
        let place = |(id, row): (&DeliveryId, &Row)| (row.delivery.event.order.accepted, *id);
        let mut found: Vec<_> = self
            .deliveries
            .iter()
            .filter(|(_, row)| row.is_wanted(query, now))
            .map(place)
            .filter(|place| query.page.after.is_none_or(|it| *place < (it.accepted, it.id)))
            .collect();
        found.sort_unstable();
        found.reverse();
        let is_more = found.len() > query.page.size;
        found.truncate(query.page.size);
        let last = found.last().filter(|_| is_more);
        Page {
            next: last.map(|(accepted, id)| DeliveryCursor { accepted: *accepted, id: *id }),
            items: found.iter().map(|(_, id)| self.deliveries[id].listed(*id)).collect(),
        }
    }

    pub(super) fn count(&self, query: &DeliveryQuery, now: Timestamp) -> u64 {
        self.deliveries.values().filter(|row| row.is_wanted(query, now)).count() as u64
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> bool {
        let key = (claim.workspace.clone(), claim.source.clone(), spelled(&claim.key));
        match self.claims.get(&key) {
            Some((owner, until)) if *until > claim.at => *owner == claim.owner,
            _ => {
                self.claims.insert(key, (claim.owner, claim.until));
                true
            }
        }
    }

    /// Who claimed the key of this event.
    pub(crate) fn owner(&self, event: &Event) -> Option<OccurrenceId> {
        let key = spelled(event.key.as_ref()?);
        let key = (event.workspace.clone(), event.source.clone(), key);
        self.claims.get(&key).map(|(owner, _)| *owner)
    }

    pub(super) fn keep_recovery(&mut self, recovery: &Recovery) {
        let kept = self.recoveries.entry(recovery.id).or_insert_with(|| recovery.clone());
        if kept.state == RecoveryState::Running && recovery.done >= kept.done {
            *kept = recovery.clone();
        }
    }

    pub(crate) fn health_of(&self, hook: HookId, generation: Generation) -> Option<&KeptHealth> {
        self.health.get(&(hook, generation.as_u64()))
    }

    /// Drops what the gates of this hook remember.
    pub(super) fn forget(&mut self, hook: HookId) {
        self.memories.retain(|(it, ..), _| *it != hook);
    }
}

/// A key as text: keys have no order of their own.
fn spelled(key: &EventKey) -> String {
    match key {
        EventKey::Id(id) => format!("id {id}"),
        EventKey::Request { key, index } => format!("request {key} {index}"),
    }
}
