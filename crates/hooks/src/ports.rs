//! What the use cases need from the world. Each trait's doc is a promise; `testkit` proves it
//! for every adapter and every fake, with one suite per port.
//!
//! What must change in one step sits behind one trait.

mod ledger;

use std::{error::Error, time::Duration};

use async_trait::async_trait;

pub use self::ledger::{
    Claim, DeliveryCursor, DeliveryEntry, DeliveryQuery, KeptHealth, Ledger, Poison, Progress,
    Recovery, RecoveryState, Remembered,
};
use crate::{
    access::{Token, TokenHash},
    catalog::Published,
    delivery::Report,
    event::Event,
    hook::{Draft, EventHook},
    id::{DeliveryId, HookId, TokenId},
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

impl PortError {
    /// The same, for somebody else who waited for the same thing.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Conflict => Self::Conflict,
            Self::Unavailable { what, source } => {
                Self::Unavailable { what, source: source.to_string().into() }
            }
            Self::Corrupt { what, source } => {
                Self::Corrupt { what, source: source.to_string().into() }
            }
        }
    }
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
