//! What stands in the queues: events to dispatch, deliveries to attempt, records to write.
//!
//! A task carries the event, the hook's id and generation, run and attempt; never the hook or its
//! secrets: each attempt reads the hook as it is then. What was sent by one release is read by
//! the next, and after a rollback by the one before: tasks carry a version.

use serde::{Deserialize, Serialize};

use crate::{
    delivery::{Delivery, Record, Step},
    event::Event,
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
    },
    /// Deliveries whose gates were passed and whose first attempt is still owed: what did not
    /// fit into one dispatch, and pings.
    Deliver {
        /// Their first runs.
        deliveries: Vec<Delivery>,
    },
    /// The next attempt of a delivery. Boxed, as [`Task::Record`] is: both are larger than lists.
    Retry(Box<Retry>),
    /// A record that could not be written when it was due. The handler is not run again.
    Record(Box<Record>),
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
