//! What stands in the queues: events to dispatch, deliveries to attempt, records to write.
//!
//! A task carries the event, the hook's id and generation, run and attempt; never the hook or its
//! secrets: each attempt reads the hook as it is then. What was sent by one release is read by
//! the next, and after a rollback by the one before: tasks carry a version.

use serde::{Deserialize, Serialize};

use crate::{
    delivery::{Delivery, Record, Status, Step},
    event::Event,
    id::{Generation, HookId, RecoveryId},
    name::{EventName, SourceName},
    ports::DeliveryCursor,
    time::Timestamp,
};

/// A queue message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Accepted events of one request, nothing decided yet.
    Dispatch {
        /// In the order of the request.
        events: Vec<Event>,
        /// Were they part of a message that was handed over before? What of them was done then
        /// is in the ledger.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// An event that has passed the gates of these hooks and whose first attempts are still owed:
    /// what did not fit into one dispatch, and pings.
    Deliver {
        /// The event.
        event: Box<Event>,
        /// To whom.
        owed: Vec<Owed>,
    },
    /// The next attempt of a delivery. Boxed, as [`Task::Record`] is: both are larger than lists.
    Retry(Box<Retry>),
    /// A record that could not be written when it was due. The handler is not run again.
    Record(Box<Record>),
    /// The next slice of a recovery.
    Recover(Box<Recover>),
}

/// A hook that an event is owed to, and the names that it sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The hook.
    pub hook: HookId,
    /// The life of the hook.
    pub generation: Generation,
    /// The source, as the hook has it.
    pub source: SourceName,
    /// The event's name, as the hook sees it.
    pub event: EventName,
}

impl Owed {
    /// The delivery that this makes of `event`.
    pub fn delivery(&self, event: &Event) -> Delivery {
        Delivery {
            hook: self.hook,
            generation: self.generation,
            run: 0,
            event: event.seen_as(&self.source, &self.event),
        }
    }
}

impl From<&Delivery> for Owed {
    fn from(delivery: &Delivery) -> Self {
        Self {
            hook: delivery.hook,
            generation: delivery.generation,
            source: delivery.event.source.clone(),
            event: delivery.event.event.clone(),
        }
    }
}

/// The next attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// The delivery, event and all: no retry depends on reading a log row.
    pub delivery: Delivery,
    /// The attempt to make, counted from 1.
    pub attempt: u32,
    /// Not before then. Delays longer than a queue's longest are reached in hops.
    pub due: Timestamp,
}

impl Retry {
    /// The step that this attempt is.
    pub fn step(&self) -> Step {
        Step { run: self.delivery.run, attempt: self.attempt }
    }
}

/// A slice of a recovery. Its range was fixed when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recover {
    /// Which one.
    pub recovery: RecoveryId,
    /// Whose deliveries.
    pub hook: HookId,
    /// The life of the hook.
    pub generation: Generation,
    /// What is still to be looked through, the first one being looked through now.
    pub statuses: Vec<Status>,
    /// Accepted then or later.
    pub since: Timestamp,
    /// Accepted before then.
    pub until: Timestamp,
    /// The last delivery of this status that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeliveryCursor>,
    /// How many were sent so far.
    pub done: u64,
    /// How many there were when it was asked for.
    pub accepted: u64,
    /// When it was asked for.
    pub at: Timestamp,
}

/// The version that tasks of this release carry.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    #[serde(flatten)]
    task: &'a Task,
}

/// Why a message is no task: it is poison.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// It was sent by a release that this one knows nothing of.
    #[error("task of version {0}, this release reads up to {VERSION}")]
    Version(u32),
    /// It is something else.
    #[error("not a task: {0}")]
    Malformed(#[from] serde_json::Error),
}

impl Task {
    /// The task as the text of a message.
    pub fn encode(&self) -> String {
        serde_json::to_string(&Written { v: VERSION, task: self })
            .expect("tasks have only string keys and no fallible serialisers")
    }

    /// Reads the text of a message.
    pub fn decode(text: &str) -> Result<Self, TaskError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        match serde_json::from_str(text)? {
            Versioned { v: VERSION } => Ok(serde_json::from_str(text)?),
            Versioned { v } => Err(TaskError::Version(v)),
        }
    }
}

/// Which of the two queues. Each has its own concurrency, so that old failures never starve
/// fresh events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Fresh events and first attempts.
    Events,
    /// Everything that comes after a failure.
    Retries,
}

impl Queue {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Retries => "retries",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from the first release. A later one must still read it.
    const FIRST_RELEASE: &str = r#"{"v":1,"task":"dispatch","events":[{
        "id":"019aa5e2-7a80-7000-8000-000000000001","accepted":1795255200000,
        "request":"019aa5e2-7a80-7000-8000-000000000002","index":0,"workspace":"default",
        "source":"crud","event":"consumers","data":{"operation":"create"},
        "key":{"id":"mine"},"pid":7}]}"#;

    #[test]
    fn a_recorded_task_is_still_read() {
        let Task::Dispatch { events, again: false } = Task::decode(FIRST_RELEASE).unwrap() else {
            panic!("another task")
        };
        assert_eq!(events[0].data.text("operation"), Some("create"));
        let task = Task::Dispatch { events, again: false };
        assert_eq!(Task::decode(&task.encode()).unwrap(), task);
    }

    #[test]
    fn what_is_no_task_says_why() {
        for (name, text, expected) in [
            (
                "from the future",
                r#"{"v":2,"task":"new"}"#,
                "task of version 2, this release reads up to 1",
            ),
            ("no version", r#"{"task":"dispatch","events":[]}"#, "not a task: missing field `v`"),
            ("no JSON", "hello", "not a task: expected value"),
        ] {
            let error = Task::decode(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{name}: {error}");
        }
    }
}
