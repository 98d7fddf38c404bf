//! [`Ledger`]: what happened so far, and what it means.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Page, PageRequest, PortResult};
use crate::{
    delivery::{Attempt, Delivery, Record, State, Status, Step},
    event::EventKey,
    gate::{GateKey, Memory},
    health::Health,
    id::{DeliveryId, Generation, HookId, OccurrenceId, PoisonId, RecoveryId},
    name::{SourceName, Workspace},
    task::Queue,
    time::Timestamp,
};

/// A gate's memory, and which writing of it this is.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// What is remembered.
    pub memory: Memory,
    /// Counts its writings.
    pub version: u64,
}

/// "This event was posted": for an event with a key of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Where the key holds.
    pub workspace: Workspace,
    /// Where the key holds.
    pub source: SourceName,
    /// The key.
    pub key: EventKey,
    /// Who claims it: the occurrence in the message, never the message, so that redelivery and
    /// splitting find their own claim.
    pub owner: OccurrenceId,
    /// When the claimant was accepted. What is in force is judged by that and not by the time of
    /// asking: of two posts that waited in a queue for long, only one may win.
    pub at: Timestamp,
    /// The end of the claim.
    pub until: Timestamp,
}

impl Claim {
    /// How long a claim is kept beyond its end: as long as a queue may hand a message over late.
    pub const KEPT_BEYOND_ITS_END: Duration = Duration::from_hours(7 * 24);
}

/// How far a delivery has come, and whether anything is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How far.
    pub step: Step,
    /// [`Status::Pending`] while more is to come in this run.
    pub status: Status,
}

impl Progress {
    /// Is this attempt of this run still owed, as far as the ledger knows?
    pub fn still_owes(&self, step: Step) -> bool {
        if self.step.run != step.run {
            return self.step.run < step.run;
        }
        self.step < step && self.status == Status::Pending
    }

    /// Where a record of this takes the delivery; `None` where it leaves it as it stands.
    /// [`Ledger::record`] says why.
    pub fn after(self, record: Self) -> Option<Self> {
        if self == record && record.status == Status::Pending {
            return Some(record);
        }
        let is_same_run = record.step.run == self.step.run;
        let is_late_success = record.status == Status::Delivered && self.status != record.status;
        if is_same_run && is_late_success {
            return Some(Self { step: record.step.max(self.step), ..record });
        }
        self.still_owes(record.step).then_some(record)
    }
}

/// Where a delivery stands, and how far it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryEntry {
    /// Its id.
    pub id: DeliveryId,
    /// What is owed to whom. Its run is the latest one; in lists its event is without data.
    pub delivery: Delivery,
    /// How far it has come.
    pub step: Step,
    /// Where it stands.
    pub state: State,
    /// When that was written.
    pub updated: Timestamp,
    /// Its attempts, oldest first; empty in lists.
    pub attempts: Vec<Attempt>,
}

/// Where a page of deliveries begins: after the one accepted then, of this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCursor {
    /// When its event was accepted.
    pub accepted: Timestamp,
    /// Its id.
    pub id: DeliveryId,
}

/// Which deliveries are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryQuery {
    /// Of which hook.
    pub hook: HookId,
    /// In which state, if it matters.
    pub status: Option<Status>,
    /// Accepted then or later.
    pub since: Option<Timestamp>,
    /// Accepted before then.
    pub until: Option<Timestamp>,
    /// Which part of the list, newest first.
    pub page: PageRequest<DeliveryCursor>,
}

/// How a hook's receiver is doing, and which writing of it this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptHealth {
    /// What is known.
    pub health: Health,
    /// Counts its writings.
    pub version: u64,
}

/// Deliveries of one hook that are being sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Its id.
    pub id: RecoveryId,
    /// The hook.
    pub hook: HookId,
    /// The life of the hook.
    pub generation: Generation,
    /// How many deliveries were in its range when it was asked for.
    pub accepted: u64,
    /// How many of them were sent so far.
    pub done: u64,
    /// Where it stands.
    pub state: RecoveryState,
    /// When it was asked for.
    pub at: Timestamp,
}

impl Recovery {
    /// Where this takes a recovery of which so much was `known`; `None` where that has ended, and
    /// stays as it is. A slice that is repeated counts fewer than before, and may end it all the
    /// same.
    pub fn after(&self, known: Option<&Self>) -> Option<Self> {
        let Some(known) = known else { return Some(self.clone()) };
        (known.state == RecoveryState::Running).then(|| Self {
            accepted: self.accepted.max(known.accepted),
            done: self.done.max(known.done),
            ..self.clone()
        })
    }
}

/// Where a recovery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryState {
    /// There is more to be sent.
    Running,
    /// All of it was sent.
    Done,
    /// The hook was disabled or deleted meanwhile: the rest was not sent.
    Stopped,
}

impl RecoveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Stopped];
}

/// A message that could not be processed at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Poison {
    /// Its id.
    pub id: PoisonId,
    /// The queue that it came from.
    pub queue: Queue,
    /// How often it was handed out.
    pub receives: u32,
    /// When it was sent.
    pub sent: Timestamp,
    /// When it was put aside.
    pub buried: Timestamp,
    /// Why.
    pub reason: String,
    /// Its text: a task, as far as anybody knows. Empty in lists.
    pub body: String,
}

/// Deliveries and attempts, gate memories, claims, and the health of receivers.
///
/// **Promise:** everything written is read by later calls until it expires, and by no call from
/// then on: every read compares the expiry itself. (A claim's end is compared with its rival's
/// acceptance.) Writing the same thing twice leaves what writing it once does.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What these gates remember, in their order.
    async fn recall(&self, gates: &[GateKey]) -> PortResult<Vec<Option<Remembered>>>;

    /// Writes a gate's memory; [`PortError::Conflict`](super::PortError::Conflict) when it is no longer the version that
    /// was `seen` (0 for none). `expires` is when it can no longer matter; `None` for never.
    async fn remember(
        &self,
        gate: &GateKey,
        memory: &Memory,
        seen: u64,
        expires: Option<Timestamp>,
    ) -> PortResult<()>;

    /// Claims keys for their owners, in one answer for each: `true` for the owner of the claim in
    /// force, who may ask again and again; `false` for anybody else who was accepted before it
    /// ends, however late they ask: claims stay for [`Claim::KEPT_BEYOND_ITS_END`].
    /// Two claims of one key in one call are decided in order.
    async fn claim(&self, claims: &[Claim]) -> PortResult<Vec<bool>>;

    /// Writes down what happened. A delivery goes forward from run to run, and within a run from
    /// step to step as long as it is pending: what ended stays as it ended, except that a success
    /// is never hidden. `Delivered` takes the place of any other state of its run, whichever step
    /// it comes from; the step is then the later of both, and its attempt replaces another record's
    /// of that step. A pending delivery may be written again at its step, as waiting for something
    /// else. Any other record adds its attempt and nothing else; one of the same step, not even
    /// that. The row stays until `expires`.
    async fn record(&self, record: &Record, expires: Timestamp) -> PortResult<()>;

    /// How far these deliveries have come, in their order; `None` for what is not in the ledger.
    async fn progress(
        &self,
        deliveries: &[DeliveryId],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Progress>>>;

    /// A part of a hook's log: newest events first, without event data and attempts.
    async fn deliveries(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> PortResult<Page<DeliveryEntry, DeliveryCursor>>;

    /// One delivery with its attempts.
    async fn delivery(&self, id: DeliveryId, now: Timestamp) -> PortResult<Option<DeliveryEntry>>;

    /// How many deliveries a query would list, all its pages together.
    async fn count(&self, query: &DeliveryQuery, now: Timestamp) -> PortResult<u64>;

    /// How this hook's receiver is doing; `None` where nothing is known.
    async fn health(
        &self,
        hook: HookId,
        generation: Generation,
        now: Timestamp,
    ) -> PortResult<Option<KeptHealth>>;

    /// Writes how this hook's receiver is doing; [`PortError::Conflict`](super::PortError::Conflict) when what is known is no
    /// longer the version that was `seen` (0 for none).
    async fn keep_health(
        &self,
        hook: HookId,
        generation: Generation,
        health: &Health,
        seen: u64,
        expires: Timestamp,
    ) -> PortResult<()>;

    /// Writes down how far a recovery has come. It never goes back: not to fewer that are done, nor
    /// from an end.
    async fn keep_recovery(&self, recovery: &Recovery, expires: Timestamp) -> PortResult<()>;

    /// A recovery.
    async fn recovery(&self, id: RecoveryId, now: Timestamp) -> PortResult<Option<Recovery>>;

    /// A part of the messages that could not be processed, by id, without their text.
    async fn poisons(&self, page: PageRequest<PoisonId>) -> PortResult<Page<Poison, PoisonId>>;

    /// One of them.
    async fn poison(&self, id: PoisonId) -> PortResult<Option<Poison>>;

    /// Drops one of them; `false` when there was none.
    async fn drop_poison(&self, id: PoisonId) -> PortResult<bool>;
}

#[cfg(test)]
mod tests;
