//! Can what nobody could process be processed after all?
//!
//! A message is put aside when no release knows its text, or when it was handed over so often that
//! it must be what breaks whoever takes it. After a mend it is sent again, here.
//!
//! It is sent first and dropped then: a crash in between sends it twice, which is harmless, where
//! the other order would lose it.

use std::{sync::Arc, time::Duration};

use crate::{
    access::By,
    audit::{self, Change},
    id::PoisonId,
    ports::{Clock, Ledger, Outgoing, PortError, PortResult, TaskQueue},
    task::{Retry, Task, TaskError},
    time::Timestamp,
};

/// Why a message was not sent again.
#[derive(Debug, thiserror::Error)]
pub enum PoisonError {
    /// There is none of this id.
    #[error("there is no message {0}")]
    NotFound(PoisonId),
    /// It would come back: this release cannot read it.
    #[error("the message is nothing that this release can process: {0}")]
    NoTask(#[from] TaskError),
    /// The ledger or the queue did not do its part.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Sends messages again that could not be processed, or gives them up.
pub struct Poisons {
    ledger: Arc<dyn Ledger>,
    queue: Arc<dyn TaskQueue>,
    clock: Arc<dyn Clock>,
}

impl Poisons {
    /// Over these ports.
    pub fn new(ledger: Arc<dyn Ledger>, queue: Arc<dyn TaskQueue>, clock: Arc<dyn Clock>) -> Self {
        Self { ledger, queue, clock }
    }

    /// Sends a message to its queue again, and drops it then.
    pub async fn redeliver(&self, by: &By, id: PoisonId) -> Result<(), PoisonError> {
        let poison = self.ledger.poison(id).await?.ok_or(PoisonError::NotFound(id))?;
        let tasks = again(Task::decode(&poison.body)?, self.clock.now());
        let outgoing = |task: Task| Outgoing {
            queue: poison.queue,
            group: group(&task),
            task,
            delay: Duration::ZERO,
        };
        let sent = self.queue.send(tasks.into_iter().map(outgoing).collect()).await;
        audit::note(by, &Change::of_poison("poison.redeliver", &poison), &sent);
        sent?;
        // Whoever dropped it meanwhile has sent it too, or did not want it: it is gone either way.
        self.ledger.drop_poison(id).await?;
        tracing::info!(poison.id = %id, queue = poison.queue.as_str(), "poison sent again");
        Ok(())
    }

    /// Gives a message up, with all that is in it; `false` when there is none.
    pub async fn drop_it(&self, by: &By, id: PoisonId) -> PortResult<bool> {
        let Some(poison) = self.ledger.poison(id).await? else { return Ok(false) };
        let dropped = self.ledger.drop_poison(id).await;
        if !matches!(dropped, Ok(false)) {
            audit::note(by, &Change::of_poison("poison.drop", &poison), &dropped);
        }
        dropped
    }
}

/// The tasks that a task is sent again as. Of several events one may be what nobody could process:
/// each goes alone, and what was done of it before is in the ledger. A retry has waited for us, and
/// not for its receiver: how long it may wait for that counts from now.
fn again(task: Task, now: Timestamp) -> Vec<Task> {
    match task {
        Task::Dispatch { events, .. } => {
            let alone = |event| Task::Dispatch { events: vec![event], again: true };
            events.into_iter().map(alone).collect()
        }
        Task::Retry(retry) => {
            let due = retry.due.max(now);
            vec![Task::Retry(Box::new(Retry { due, waits_since: None, ..*retry }))]
        }
        Task::Deliver { .. } | Task::Record(_) | Task::Recover(_) => vec![task],
    }
}

/// Whom a queue is to be fair to: as the task was sent the first time.
fn group(task: &Task) -> String {
    match task {
        Task::Dispatch { events, .. } => {
            events.first().map_or_else(String::new, |event| event.workspace.as_str().to_owned())
        }
        Task::Deliver { event, .. } => event.workspace.as_str().to_owned(),
        Task::Retry(retry) => retry.delivery.hook.to_string(),
        Task::Record(record) => record.delivery.hook.to_string(),
        Task::Recover(recover) => recover.hook.to_string(),
    }
}
