//! Sends deliveries again: one of them, or all of a range.
//!
//! What is sent again begins a new *run* of the same delivery, under the same id; an older run that
//! still waits is given up when its turn comes. The task is sent first and the ledger told then: a
//! crash in between shows an old state for a while, where the other order would leave a delivery
//! waiting for a task that nobody sent.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    access::By,
    audit::{self, Change},
    delivery::{Delivery, PendingReason, Record, State, Status, Step},
    hook::EventHook,
    id::{DeliveryId, HookId, RecoveryId},
    name::Scope,
    ports::{
        Clock, DeliveryEntry, DeliveryQuery, HookStore, Ledger, Outgoing, PageRequest, PortError,
        PortResult, Recovery, RecoveryState, TaskQueue,
    },
    task::{Queue, Recover, Retry, Task},
    time::Timestamp,
};

/// Why nothing is sent again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no hook of this id, or not here.
    #[error("there is no hook {0}")]
    NoHook(HookId),
    /// There is no delivery of this id to this hook.
    #[error("there is no delivery {0}")]
    NoDelivery(DeliveryId),
    /// There is no recovery of this id of this hook.
    #[error("there is no recovery {0}")]
    NoRecovery(RecoveryId),
    /// It was owed to a hook of this id that was deleted.
    #[error("delivery {0} was owed to a hook that was deleted and made again since")]
    AnotherLife(DeliveryId),
    /// What is sent to a disabled hook is parked.
    #[error("hook {0} is disabled: enable it first, with PATCH and enabled=true")]
    Disabled(HookId),
    /// The store or the queue did not do its part.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Which deliveries are to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Accepted then or later.
    pub since: Timestamp,
    /// Accepted before then; what was accepted after the asking is never sent again by it.
    pub until: Option<Timestamp>,
    /// In one of these states.
    pub statuses: Vec<Status>,
}

/// Sends deliveries again.
pub struct Replays {
    pub(crate) hooks: Arc<dyn HookStore>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) queue: Arc<dyn TaskQueue>,
    pub(crate) clock: Arc<dyn Clock>,
    retention: Duration,
}

impl Replays {
    /// What may be sent again.
    pub const STATUSES: [Status; 3] = [Status::Parked, Status::Exhausted, Status::Delivered];
    /// What is sent again where nobody says otherwise.
    pub const USUAL: [Status; 2] = [Status::Parked, Status::Exhausted];
    /// How many deliveries a slice of a recovery sends.
    const SLICE: usize = 25;
    /// How long a recovery can be asked about.
    const KEPT: Duration = Duration::from_hours(30 * 24);

    /// Over these ports; deliveries are kept for `retention`.
    pub fn new(
        hooks: Arc<dyn HookStore>,
        ledger: Arc<dyn Ledger>,
        queue: Arc<dyn TaskQueue>,
        clock: Arc<dyn Clock>,
        retention: Duration,
    ) -> Self {
        Self { hooks, ledger, queue, clock, retention }
    }

    /// Sends a delivery again, in whatever state it is; answers its new run.
    pub async fn redeliver(
        &self,
        by: &By,
        scope: &Scope,
        hook: HookId,
        delivery: DeliveryId,
    ) -> Result<u32, ReplayError> {
        let hook = self.enabled(scope, hook).await?;
        let entry = self.ledger.delivery(delivery, self.clock.now()).await?;
        let entry = entry.filter(|it| it.delivery.hook == hook.id);
        let entry = entry.ok_or(ReplayError::NoDelivery(delivery))?;
        if entry.delivery.generation != hook.generation {
            return Err(ReplayError::AnotherLife(delivery));
        }
        let run = entry.delivery.run + 1;
        let sent = self.send_again(vec![entry]).await;
        let after = json!({"delivery": delivery, "run": run});
        let change = Change { after: Some(after), ..Change::of("delivery.redeliver", &hook) };
        audit::note(by, &change, &sent);
        sent.map(|()| run).map_err(ReplayError::from)
    }

    /// Begins to send again what is in a range.
    pub async fn recover(
        &self,
        by: &By,
        scope: &Scope,
        hook: HookId,
        range: Range,
    ) -> Result<Recovery, ReplayError> {
        let hook = self.enabled(scope, hook).await?;
        let now = self.clock.now();
        let mut recover = Recover {
            recovery: RecoveryId::random(),
            hook: hook.id,
            generation: hook.generation,
            statuses: in_order(&range.statuses),
            since: range.since,
            until: range.until.unwrap_or(now).min(now),
            after: None,
            done: 0,
            accepted: 0,
            at: now,
        };
        for status in &recover.statuses {
            recover.accepted += self.ledger.count(&query(&recover, *status, 1), now).await?;
        }
        let recovery = recover.progress(RecoveryState::Running);
        self.ledger.keep_recovery(&recovery, now + Self::KEPT).await?;
        let change = Change { after: Some(said_of(&recover)), ..Change::of("hook.recover", &hook) };
        let sent = self.queue.send(vec![outgoing(Task::Recover(Box::new(recover)), &hook)]).await;
        audit::note(by, &change, &sent);
        sent.map(|()| recovery).map_err(ReplayError::from)
    }

    /// How far a recovery has come.
    pub async fn recovery(
        &self,
        scope: &Scope,
        hook: HookId,
        recovery: RecoveryId,
    ) -> Result<Recovery, ReplayError> {
        let hook = self.hook(scope, hook).await?;
        let found = self.ledger.recovery(recovery, self.clock.now()).await?;
        found.filter(|it| it.hook == hook.id).ok_or(ReplayError::NoRecovery(recovery))
    }

    /// Sends a slice of a recovery, and what is left of it on. What is left is sent before it is
    /// noted how far that is: a slice that is noted already was seen through.
    pub(crate) async fn slice(&self, mut recover: Recover) -> PortResult<()> {
        let now = self.clock.now();
        let noted = self.ledger.recovery(recover.recovery, now).await?;
        let is_over = |it: &Recovery| it.state != RecoveryState::Running || it.done > recover.done;
        if noted.as_ref().is_some_and(is_over) {
            return Ok(());
        }
        let Some(status) = recover.statuses.first().copied() else {
            return self.keep(&recover.progress(RecoveryState::Done)).await;
        };
        let hook = self.hooks.hook(recover.hook).await?;
        let hook = hook.filter(|it| it.generation == recover.generation && it.is_enabled());
        let Some(hook) = hook else {
            return self.keep(&recover.progress(RecoveryState::Stopped)).await;
        };
        let page = self.ledger.deliveries(&query(&recover, status, Self::SLICE), now).await?;
        let listed = page.items.len();
        let mut entries = Vec::with_capacity(listed);
        for listed in page.items {
            let entry = self.ledger.delivery(listed.id, now).await?;
            let is_same = |it: &DeliveryEntry| {
                it.delivery.generation == recover.generation
                    && it.state.status() == status
                    // Not what this recovery itself has sent before, and came to an end since; what
                    // is parked was not sent, or the hook would be disabled again.
                    && (status == Status::Parked || it.updated <= recover.at)
            };
            entries.extend(entry.filter(is_same));
        }
        self.send_again(entries).await?;
        recover.done += listed as u64;
        recover.after = page.next;
        if page.next.is_none() {
            recover.statuses.remove(0);
        }
        let progress = recover.progress(RecoveryState::Running);
        self.queue.send(vec![outgoing(Task::Recover(Box::new(recover)), &hook)]).await?;
        self.keep(&progress).await
    }

    async fn send_again(&self, entries: Vec<DeliveryEntry>) -> PortResult<()> {
        let now = self.clock.now();
        let again =
            |entry: DeliveryEntry| Delivery { run: entry.delivery.run + 1, ..entry.delivery };
        let deliveries: Vec<_> = entries.into_iter().map(again).collect();
        let task = |delivery: &Delivery| Outgoing {
            queue: Queue::Retries,
            group: delivery.hook.to_string(),
            task: Task::Retry(Box::new(Retry {
                delivery: delivery.clone(),
                attempt: 1,
                due: now,
                waits_since: None,
            })),
            delay: Duration::ZERO,
        };
        if deliveries.is_empty() {
            return Ok(());
        }
        self.queue.send(deliveries.iter().map(task).collect()).await?;
        for delivery in deliveries {
            let step = Step { run: delivery.run, attempt: 0 };
            let state = State::Pending { due: now, reason: PendingReason::Redelivery };
            let record = Record { delivery, step, attempt: None, state, at: now };
            // Shown a little late at worst: its first attempt writes the same and more.
            if let Err(error) = self.ledger.record(&record, now + self.retention).await {
                tracing::warn!(delivery.id = %record.delivery.id(), %error, "redelivery not recorded");
            }
        }
        Ok(())
    }

    async fn keep(&self, recovery: &Recovery) -> PortResult<()> {
        self.ledger.keep_recovery(recovery, self.clock.now() + Self::KEPT).await
    }

    async fn hook(&self, scope: &Scope, id: HookId) -> Result<EventHook, ReplayError> {
        let hook = self.hooks.hook(id).await?.filter(|hook| scope.includes(&hook.workspace));
        hook.ok_or(ReplayError::NoHook(id))
    }

    async fn enabled(&self, scope: &Scope, id: HookId) -> Result<EventHook, ReplayError> {
        let hook = self.hook(scope, id).await?;
        if hook.is_enabled() { Ok(hook) } else { Err(ReplayError::Disabled(id)) }
    }
}

impl Recover {
    /// How far it has come.
    fn progress(&self, state: RecoveryState) -> Recovery {
        Recovery {
            id: self.recovery,
            hook: self.hook,
            generation: self.generation,
            accepted: self.accepted.max(self.done),
            done: self.done,
            state,
            at: self.at,
        }
    }
}

/// What the audit says of it.
fn said_of(recover: &Recover) -> Value {
    json!({
        "recovery": recover.recovery,
        "since": recover.since.to_string(),
        "until": recover.until.to_string(),
        "status": recover.statuses.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
        "accepted": recover.accepted,
    })
}

/// What is looked through, one after the other, each once. Delivered ones first: what this sends
/// again and is delivered then must not be met again.
fn in_order(wanted: &[Status]) -> Vec<Status> {
    let order = [Status::Delivered, Status::Exhausted, Status::Parked];
    order.into_iter().filter(|it| wanted.contains(it)).collect()
}

fn query(recover: &Recover, status: Status, size: usize) -> DeliveryQuery {
    DeliveryQuery {
        hook: recover.hook,
        status: Some(status),
        since: Some(recover.since),
        until: Some(recover.until),
        page: PageRequest { size, after: recover.after },
    }
}

fn outgoing(task: Task, hook: &EventHook) -> Outgoing {
    let group = hook.id.to_string();
    Outgoing { queue: Queue::Retries, task, delay: Duration::ZERO, group }
}
