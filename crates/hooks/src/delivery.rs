//! One event owed to one hook: its attempts, and where it stands.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    event::Event,
    hook::EventHook,
    id::{DeliveryId, Generation, HookId},
    time::Timestamp,
};

/// One event owed to one hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The hook that it is owed to.
    pub hook: HookId,
    /// The life of the hook that it is owed to.
    pub generation: Generation,
    /// How often it was sent again on request, counted from 0. "Done" means done in this run.
    pub run: u32,
    /// The event, under the names that the hook sees.
    pub event: Event,
}

impl Delivery {
    /// The first run of what is owed to a hook for an event, under the names that it sees.
    pub fn first(hook: &EventHook, event: Event) -> Self {
        Self { hook: hook.id, generation: hook.generation, run: 0, event }
    }

    /// Its id, the same on every attempt and in every run.
    pub fn id(&self) -> DeliveryId {
        DeliveryId::of(self.event.id, self.hook, self.generation)
    }
}

/// How far a delivery has come: run, then attempt. Later steps replace earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step {
    /// The run.
    pub run: u32,
    /// The attempt within it, counted from 1; the one that would have been next where the
    /// delivery ended without one.
    pub attempt: u32,
}

/// One run of a hook's handler, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which one.
    #[serde(flatten)]
    pub step: Step,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What was sent, and what came back.
    #[serde(flatten)]
    pub exchange: Exchange,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What an attempt sent and got, as far as it came, cut to what is worth keeping.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Exchange {
    /// Method and URL, without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The first [`Exchange::MOST_KEPT`] bytes of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl Exchange {
    /// How much of an answer is kept.
    pub const MOST_KEPT: usize = 4 * 1024;
}

/// Where a delivery stands. Each state carries what is true only in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum State {
    /// Another attempt will be made.
    Pending {
        /// Not before then.
        due: Timestamp,
        /// What it waits for.
        reason: PendingReason,
    },
    /// The handler succeeded.
    Delivered,
    /// No more attempts will be made.
    Exhausted {
        /// Why not.
        reason: ExhaustedReason,
    },
    /// The hook is disabled.
    Parked,
    /// The hook was deleted, or deleted and made again.
    Cancelled,
}

/// What a pending delivery waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingReason {
    /// The next step of the schedule, after a failure.
    Retry,
}

/// Why no more attempts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExhaustedReason {
    /// The last attempt of the schedule failed.
    ScheduleOver,
    /// A script raised an error.
    ScriptError,
    /// A template could not be rendered.
    TemplateError,
    /// The handler panicked, which is a defect of ours.
    Panicked,
}

/// The states by name, as the API filters by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// [`State::Pending`]
    Pending,
    /// [`State::Delivered`]
    Delivered,
    /// [`State::Exhausted`]
    Exhausted,
    /// [`State::Parked`]
    Parked,
    /// [`State::Cancelled`]
    Cancelled,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Delivered, Self::Exhausted, Self::Parked, Self::Cancelled];

    /// The name that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl State {
    /// Its name.
    pub fn status(&self) -> Status {
        match self {
            Self::Pending { .. } => Status::Pending,
            Self::Delivered => Status::Delivered,
            Self::Exhausted { .. } => Status::Exhausted,
            Self::Parked => Status::Parked,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

/// Something that happened to a delivery, to be written into the ledger: an attempt, or an end
/// without one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The delivery.
    pub delivery: Delivery,
    /// How far it has come.
    pub step: Step,
    /// The attempt, where one was made.
    pub attempt: Option<Attempt>,
    /// Where it stands now.
    pub state: State,
    /// When this happened.
    pub at: Timestamp,
}

/// How an attempt ended. A receiver's 503 is no error of ours: it is an outcome.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The handler did what it is for.
    Succeeded,
    /// It did not.
    Failed(Failure),
}

/// Why a handler failed, and what that means for the delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What to do about it.
    pub class: FailureClass,
    /// What went wrong, for people; no secret in it.
    pub reason: String,
}

/// What to do about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// Try again on the schedule.
    Transient {
        /// What the receiver asked for with `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// Trying again cannot help.
    Permanent(ExhaustedReason),
}

/// What a handler reports of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Method and URL, without credentials, where a request was made or tried.
    pub request: Option<String>,
    /// What came of it, as far as it came.
    pub result: HandlerResult,
}

/// What came of running a handler.
#[derive(Debug, Clone, PartialEq)]
pub enum HandlerResult {
    /// It did not come that far.
    Nothing,
    /// The receiver answered.
    Answered {
        /// The status.
        status: u16,
        /// The headers, as they came.
        headers: Vec<(String, String)>,
        /// As much of the body as was read.
        body: String,
    },
    /// The record was written.
    Logged,
}

impl Report {
    /// What the ledger keeps of it.
    pub fn into_exchange(self) -> Exchange {
        let (status, answer) = match self.result {
            HandlerResult::Answered { status, mut body, .. } => {
                body.truncate(body.floor_char_boundary(Exchange::MOST_KEPT));
                (Some(status), (!body.is_empty()).then_some(body))
            }
            HandlerResult::Nothing | HandlerResult::Logged => (None, None),
        };
        Exchange { request: self.request, status, answer }
    }
}
