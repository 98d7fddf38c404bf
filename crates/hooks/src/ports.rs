//! What the use cases need from the world. Each trait's doc is a promise; `testkit` proves it
//! for every adapter and every fake, with one suite per port.
//!
//! What must change in one step sits behind one trait.

use std::{error::Error, time::Duration};

use async_trait::async_trait;

use crate::{
    access::{Token, TokenHash},
    catalog::Published,
    delivery::{Attempt, Delivery, Record, Report, State, Status, Step},
    event::{Event, EventKey},
    gate::{GateKey, Memory},
    hook::{Draft, EventHook},
    id::{DeliveryId, HookId, OccurrenceId, TokenId},
    name::{EventName, Scope, SourceName, Workspace},
    task::{Queue, Task},
    time::Timestamp,
    violation::Violations,
};

/// The cause of an error, for logs.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a port could not do it, sorted by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Somebody else was faster: read again and decide again.
    #[error("changed meanwhile")]
    Conflict,
    /// Try again later. It may have happened all the same.
    #[error("{what} is unavailable: {source}")]
    Unavailable {
        /// What was asked.
        what: &'static str,
        /// Why it did not answer.
        source: BoxError,
    },
    /// Get a human.
    #[error("{what} is corrupt: {source}")]
    Corrupt {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        source: BoxError,
    },
}

/// What ports answer.
pub type PortResult<T> = Result<T, PortError>;

/// A part of a long list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T, C> {
    /// The part.
    pub items: Vec<T>,
    /// Where the next part begins; `None` at the end of the list.
    pub next: Option<C>,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<C> {
    /// How many items at most, 1 to 1,000. A page may be shorter and still not the last: it ends
    /// at about a megabyte.
    pub size: usize,
    /// Where to begin: the `next` of the page before.
    pub after: Option<C>,
}

/// Where hooks of one workspace and source are kept together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShelfKey {
    /// The workspace.
    pub workspace: Workspace,
    /// The source.
    pub source: SourceName,
}

/// The hooks of one workspace and source, as of one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shelf {
    /// Grows with every change to these hooks; 0 while there never was one.
    pub version: u64,
    /// In no particular order.
    pub hooks: Vec<EventHook>,
}

/// Hooks, by id and by what they listen to.
///
/// **Promise:** a change that was answered is seen by every later call, on every instance. Each
/// change of a hook moves the version of its shelf (of both shelves, when it changes its source)
/// in the same step.
#[async_trait]
pub trait HookStore: Send + Sync {
    /// The hook of this id.
    async fn hook(&self, id: HookId) -> PortResult<Option<EventHook>>;

    /// The hooks in scope, by id.
    async fn hooks(
        &self,
        scope: &Scope,
        page: PageRequest<HookId>,
    ) -> PortResult<Page<EventHook, HookId>>;

    /// Adds a hook; [`PortError::Conflict`] when its id is taken, in whatever workspace.
    async fn insert(&self, hook: &EventHook) -> PortResult<()>;

    /// Puts this hook in the place of the one with its id; [`PortError::Conflict`] when that one
    /// is gone, of another generation, or no longer of version `seen`.
    async fn replace(&self, hook: &EventHook, seen: u64) -> PortResult<()>;

    /// Removes the hook, and the memories of its gates; [`PortError::Conflict`] as `replace`.
    async fn remove(&self, hook: &EventHook) -> PortResult<()>;

    /// The versions of these shelves, in their order.
    async fn versions(&self, shelves: &[ShelfKey]) -> PortResult<Vec<u64>>;

    /// Everything on a shelf.
    async fn shelf(&self, key: &ShelfKey) -> PortResult<Shelf>;
}

/// What gateways and plugins have published.
///
/// **Promise:** a publication that was answered is seen by every later call.
#[async_trait]
pub trait CatalogStore: Send + Sync {
    /// Everything published, in no particular order.
    async fn published(&self) -> PortResult<Vec<Published>>;

    /// Adds an entry, in the place of the one with the same names.
    async fn publish(&self, entry: &Published) -> PortResult<()>;

    /// Removes an entry; `false` when there was none.
    async fn withdraw(&self, source: &SourceName, event: &EventName) -> PortResult<bool>;
}

/// Access tokens, by the hash of what the caller shows.
///
/// **Promise:** a token that was removed is found by no later call.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// The token with this hash.
    async fn token(&self, hash: &TokenHash) -> PortResult<Option<Token>>;

    /// All tokens, by id.
    async fn tokens(&self, page: PageRequest<TokenId>) -> PortResult<Page<Token, TokenId>>;

    /// Adds a token; [`PortError::Conflict`] when its id or hash is taken.
    async fn add_token(&self, token: &Token) -> PortResult<()>;

    /// Removes a token; `false` when there was none.
    async fn remove_token(&self, id: TokenId) -> PortResult<bool>;
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Deliveries and attempts, gate memories, and claims.
///
/// **Promise:** everything written is read by later calls until it expires, and by no call from
/// then on: every read compares the expiry itself. (A claim's end is compared with its rival's
/// acceptance.) Writing the same thing twice leaves what writing it once does.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What these gates remember, in their order.
    async fn recall(&self, gates: &[GateKey]) -> PortResult<Vec<Option<Remembered>>>;

    /// Writes a gate's memory; [`PortError::Conflict`] when it is no longer the version that
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
    /// of that step. Any other record adds its attempt and nothing else; one of the same step, not
    /// even that. The row stays until `expires`.
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
}

/// A task on its way into a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Which queue.
    pub queue: Queue,
    /// What.
    pub task: Task,
    /// Not to be handed out for so long, at most [`LONGEST_DELAY`].
    pub delay: Duration,
    /// Tasks of one group are handed out fairly beside those of others: the workspace for
    /// events, the hook for retries.
    pub group: String,
}

/// The sending half of the queues.
///
/// **Promise:** after `Ok`, each task is handed out at least once, however many processes die.
/// After an error, some of them may be.
#[async_trait]
pub trait TaskQueue: Send + Sync {
    /// Sends tasks, durably.
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()>;
}

/// The longest that a queue can hold a task back (SQS: 15 minutes).
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// What a handler is run with.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The hook, as it is now.
    pub hook: &'a EventHook,
    /// The event, under the names that the hook sees.
    pub event: &'a Event,
    /// The event's name as the receiver sees it; `None` only in a test of a hook that names none,
    /// where `event.event` means nothing.
    pub name: Option<&'a EventName>,
    /// The delivery that this is an attempt of: receivers see it as `webhook-id`.
    pub delivery: DeliveryId,
    /// The time of the attempt: receivers see it as `webhook-timestamp`.
    pub at: Timestamp,
}

/// Why a hook may not be kept.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Its handler would never succeed.
    #[error("the hook is not valid")]
    Invalid(Violations),
    /// It could not be found out: try again later.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl From<Violations> for CheckError {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

/// The four handlers.
///
/// **Promise:** a run ends within the deployment's time-out, whatever the receiver or script does.
/// It never panics on input, and reports what it knows of how far it came.
#[async_trait]
pub trait Handlers: Send + Sync {
    /// Would this hook's handler be allowed to run? Judges what can be judged without the network:
    /// targets, headers, templates and functions.
    async fn check(&self, hook: &Draft) -> Result<(), CheckError>;

    /// Runs the hook's handler once.
    async fn run(&self, run: Run<'_>) -> Report;
}

/// What time is it?
///
/// **Promise:** never before 1970. It may go back: nothing is ordered by it but the acceptance of
/// events, and rules compare those without asking it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests;
