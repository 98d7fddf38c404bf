//! What stands in the queues: events to dispatch, deliveries to attempt, records to write.
//!
//! A task carries the event, the hook's id and generation, run and attempt; never the hook or its
//! secrets: each attempt reads the hook as it is then. What was sent by one release is read by
//! the next, and after a rollback by the one before: tasks carry a version.

use serde::{Deserialize, Serialize, de::Error as _};

use crate::{
    delivery::{Delivery, Record, Status, Step},
    event::Event,
    id::{Generation, HookId, RecoveryId},
    name::{EventName, SourceName},
    ports::DeliveryCursor,
    time::Timestamp,
};

/// A queue message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Accepted events of one workspace, nothing decided yet.
    Dispatch {
        /// In the order in which they were accepted.
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
    /// Since when it was due and put off again and again, for its receiver is not doing well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Timestamp>,
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

/// What tasks there are.
const KINDS: &[&str] = &["dispatch", "deliver", "retry", "record", "recover"];

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
        struct Head {
            v: u32,
            task: Option<String>,
        }
        #[derive(Deserialize)]
        struct Dispatch {
            events: Vec<Event>,
            #[serde(default)]
            again: bool,
        }
        #[derive(Deserialize)]
        struct Deliver {
            event: Box<Event>,
            owed: Vec<Owed>,
        }

        // What it is, is found out first: a reader that finds out on the way keeps a copy of all.
        let Head { v, task } = serde_json::from_str(text)?;
        if v != VERSION {
            return Err(TaskError::Version(v));
        }
        let Some(task) = task else { return Err(serde_json::Error::missing_field("task").into()) };
        Ok(match task.as_str() {
            "dispatch" => {
                let Dispatch { events, again } = serde_json::from_str(text)?;
                Self::Dispatch { events, again }
            }
            "deliver" => {
                let Deliver { event, owed } = serde_json::from_str(text)?;
                Self::Deliver { event, owed }
            }
            "retry" => Self::Retry(serde_json::from_str(text)?),
            "record" => Self::Record(serde_json::from_str(text)?),
            "recover" => Self::Recover(serde_json::from_str(text)?),
            unknown => return Err(serde_json::Error::unknown_variant(unknown, KINDS).into()),
        })
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
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Events, Self::Retries];

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
    use crate::delivery::{PendingReason, State};

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

    const RECOVER: &str = r#"{"v":1,"task":"recover",
        "recovery":"019aa5e2-7a80-4000-8000-000000000003",
        "hook":"019aa5e2-7a80-4000-8000-000000000004","generation":5,
        "statuses":["parked","exhausted"],"since":1795251600000,"until":1795255200000,
        "after":{"accepted":1795255100000,"id":"019aa5e2-7a80-5000-8000-000000000006"},
        "done":25,"accepted":60,"at":1795255200000}"#;

    #[test]
    fn a_recorded_recovery_is_still_read() {
        let task = Task::decode(RECOVER).unwrap();
        let Task::Recover(recover) = &task else { panic!("another task") };
        assert_eq!(recover.statuses, [Status::Parked, Status::Exhausted]);
        assert_eq!((recover.done, recover.accepted), (25, 60));
        assert_eq!(recover.after.map(|it| it.accepted.as_seconds()), Some(1_795_255_100));
        assert_eq!(Task::decode(&task.encode()).unwrap(), task);

        let first = RECOVER.replacen(
            r#""after":{"accepted":1795255100000,"id":"019aa5e2-7a80-5000-8000-000000000006"},"#,
            "",
            1,
        );
        let Task::Recover(first) = Task::decode(&first).unwrap() else { panic!("another task") };
        assert_eq!(first.after, None, "the first slice");
    }

    /// A record as it was sent; headers and the reasons but `retry` came later than the rest.
    const RECORD: &str = r#"{"v":1,"task":"record","delivery":{
        "hook":"019aa5e2-7a80-4000-8000-000000000004","generation":5,"run":1,"event":EVENT},
        "step":{"run":1,"attempt":2},"attempt":{"run":1,"attempt":2,"at":1795255205000,
        "took_ms":12,"request":"POST https://example.com/",HEADERS"status":503,"error":"503"},
        "state":{"status":"pending","due":1795255235000,"reason":"REASON"},"at":1795255205012}"#;

    const EVENT: &str = r#"{"id":"019aa5e2-7a80-7000-8000-000000000001","accepted":1795255200000,
        "request":"019aa5e2-7a80-7000-8000-000000000002","index":0,"workspace":"default",
        "source":"crud","event":"consumers","data":{}}"#;

    #[test]
    fn recorded_records_are_still_read() {
        let headers = r#""headers":[["content-type","application/json"],["x-key","***"]],"#;
        for (name, headers, shown, reason, expected) in [
            ("without headers", "", 0, "retry", PendingReason::Retry),
            ("with headers", headers, 2, "retry", PendingReason::Retry),
            ("waiting for the circuit", headers, 2, "circuit", PendingReason::Circuit),
            ("waiting for a slow one", headers, 2, "slow", PendingReason::Slow),
            ("sent again", headers, 2, "redelivery", PendingReason::Redelivery),
        ] {
            let recorded = RECORD
                .replace("EVENT", EVENT)
                .replace("HEADERS", headers)
                .replace("REASON", reason);
            let task = Task::decode(&recorded).unwrap();
            let Task::Record(record) = &task else { panic!("another task: {name}") };
            let attempt = record.attempt.as_ref().unwrap();
            assert_eq!(attempt.exchange.headers.len(), shown, "{name}");
            assert_eq!(attempt.step, Step { run: 1, attempt: 2 }, "{name}");
            let State::Pending { reason, .. } = record.state else { panic!("{name}") };
            assert_eq!(reason, expected, "{name}");
            assert_eq!(Task::decode(&task.encode()).unwrap(), task, "{name}");
        }
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
            ("no kind", r#"{"v":1,"events":[]}"#, "not a task: missing field `task`"),
            ("another kind", r#"{"v":1,"task":"new"}"#, "not a task: unknown variant `new`"),
            (
                "its kind comes last",
                r#"{"events":7,"v":1,"task":"dispatch"}"#,
                "not a task: invalid",
            ),
            ("no JSON", "hello", "not a task: expected value"),
        ] {
            let error = Task::decode(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{name}: {error}");
        }
    }
}
