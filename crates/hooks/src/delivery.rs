//! One event owed to one hook: its attempts, and where it stands.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The headers that were sent; the values of those that may hold a secret are `***`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The first [`Exchange::MOST_KEPT`] bytes of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What functions returned, as far as it fits into [`Exchange::MOST_RETURNED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Value>,
    /// What scripts logged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

impl Exchange {
    /// How many bytes of an answer are kept.
    pub const MOST_KEPT: usize = 4 * 1024;

    /// How many bytes of what functions returned are kept, as JSON.
    pub const MOST_RETURNED: usize = 64 * 1024;
}

/// A line that a script logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
}

/// How important a line of a script's log is, as the gateway names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// `ngx.EMERG`
    Emerg,
    /// `ngx.ALERT`
    Alert,
    /// `ngx.CRIT`
    Crit,
    /// `ngx.ERR`, and what a script raises.
    Error,
    /// `ngx.WARN`
    Warn,
    /// `ngx.NOTICE`
    Notice,
    /// `ngx.INFO`
    Info,
    /// `ngx.DEBUG`
    Debug,
}

impl LogLevel {
    /// All of them, the most important one first.
    pub const ALL: [Self; 8] = [
        Self::Emerg,
        Self::Alert,
        Self::Crit,
        Self::Error,
        Self::Warn,
        Self::Notice,
        Self::Info,
        Self::Debug,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
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
    /// The receiver has failed too often: another delivery finds out when it is back.
    Circuit,
    /// The receiver takes long, and has as many attempts in hand as it may.
    Slow,
    /// It was asked to be sent again.
    Redelivery,
}

impl PendingReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Retry, Self::Circuit, Self::Slow, Self::Redelivery];

    /// As the API and the metrics say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Circuit => "circuit",
            Self::Slow => "slow",
            Self::Redelivery => "redelivery",
        }
    }
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

impl ExhaustedReason {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::ScheduleOver, Self::ScriptError, Self::TemplateError, Self::Panicked];
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
    /// It was not begun, for there is no room for it on our side: this is no attempt.
    NotTried,
    /// The receiver wants no more, of this or of anything: the hook is disabled.
    Gone,
}

/// What a handler reports of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Method and URL, without credentials, where a request was made or tried.
    pub request: Option<String>,
    /// The headers that were sent; the values of those that may hold a secret are `***`.
    pub headers: Vec<(String, String)>,
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
    /// Functions ran.
    Returned {
        /// What each function returned, of those that ended.
        returns: Vec<Value>,
        /// What they logged.
        logs: Vec<LogLine>,
    },
}

impl Report {
    /// Of a run that made no request.
    pub fn without_request(outcome: Outcome, result: HandlerResult) -> Self {
        Self { outcome, request: None, headers: Vec::new(), result }
    }

    /// What the ledger keeps of it.
    pub fn into_exchange(self) -> Exchange {
        let mut exchange =
            Exchange { request: self.request, headers: self.headers, ..Exchange::default() };
        match self.result {
            HandlerResult::Answered { status, mut body, .. } => {
                body.truncate(body.floor_char_boundary(Exchange::MOST_KEPT));
                exchange.status = Some(status);
                exchange.answer = (!body.is_empty()).then_some(body);
            }
            HandlerResult::Returned { returns, logs } => {
                exchange.returns = fitting(returns);
                exchange.logs = logs;
            }
            HandlerResult::Nothing | HandlerResult::Logged => {}
        }
        exchange
    }
}

/// The first values that fit together into [`Exchange::MOST_RETURNED`]; a note stands for each of
/// the others, so that every function's value keeps its place.
fn fitting(returns: Vec<Value>) -> Vec<Value> {
    let mut left = Exchange::MOST_RETURNED;
    let fit = |value: Value| {
        let len = serde_json::to_vec(&value).map_or(usize::MAX, |json| json.len());
        match left.checked_sub(len) {
            Some(rest) => {
                left = rest;
                value
            }
            None => "<too large to be kept>".into(),
        }
    };
    returns.into_iter().map(fit).collect()
}
