//! Handlers that do what a test tells them to.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hooks::{
    delivery::{ExhaustedReason, Failure, FailureClass, HandlerResult, Outcome, Report},
    event::Event,
    hook::Draft,
    id::{DeliveryId, HookId},
    ports::{CheckError, Handlers, Run},
    time::Timestamp,
    violation::Violations,
};
use tokio::sync::watch;

use super::locked;

/// [`Handlers`] that note every run, and succeed unless a test says otherwise.
#[derive(Debug, Clone, Default)]
pub struct ScriptedHandlers {
    kept: Arc<Mutex<Kept>>,
    let_go: Arc<watch::Sender<bool>>,
}

#[derive(Debug, Default)]
struct Kept {
    scripts: HashMap<HookId, VecDeque<Script>>,
    always: HashMap<HookId, Script>,
    runs: Vec<Ran>,
    refused: Option<Violations>,
}

/// What a run is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Script {
    /// Succeed.
    Succeed,
    /// Fail, with another attempt to follow. The receiver may ask for a delay.
    Fail {
        /// `Retry-After`
        retry_after: Option<Duration>,
    },
    /// Fail for good.
    FailForGood(ExhaustedReason),
    /// Report this.
    Report(Report),
    /// Not end before [`ScriptedHandlers::let_go`] is called; then succeed.
    Hang,
    /// Panic.
    Panic,
}

/// A run that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Whose handler ran.
    pub hook: HookId,
    /// The version of the hook.
    pub version: u64,
    /// The event, as the hook saw it.
    pub event: Event,
    /// The delivery.
    pub delivery: DeliveryId,
    /// The time of the attempt.
    pub at: Timestamp,
}

impl Script {
    /// Fail, with another attempt to follow on the schedule.
    pub const FAIL: Self = Self::Fail { retry_after: None };
}

impl ScriptedHandlers {
    /// The next runs of this hook do this, one after the other.
    pub fn next(&self, hook: HookId, scripts: impl IntoIterator<Item = Script>) {
        locked(&self.kept).scripts.entry(hook).or_default().extend(scripts);
    }

    /// All runs of this hook do this, from when its [`Self::next`] are used up.
    pub fn always(&self, hook: HookId, script: Script) {
        locked(&self.kept).always.insert(hook, script);
    }

    /// Every check answers this from now on.
    pub fn refuse(&self, violations: Violations) {
        locked(&self.kept).refused = Some(violations);
    }

    /// Lets all runs end that hang, and those to come.
    pub fn let_go(&self) {
        self.let_go.send_replace(true);
    }

    /// Every run that was begun, in order.
    pub fn runs(&self) -> Vec<Ran> {
        locked(&self.kept).runs.clone()
    }

    /// Whose handlers ran, in order.
    pub fn hooks_run(&self) -> Vec<HookId> {
        locked(&self.kept).runs.iter().map(|it| it.hook).collect()
    }

    /// Notes the run and answers what it is to do.
    fn begin(&self, run: Run<'_>) -> Script {
        let mut kept = locked(&self.kept);
        kept.runs.push(Ran {
            hook: run.hook.id,
            version: run.hook.version,
            event: run.event.clone(),
            delivery: run.delivery,
            at: run.at,
        });
        let next = kept.scripts.get_mut(&run.hook.id).and_then(VecDeque::pop_front);
        next.or_else(|| kept.always.get(&run.hook.id).cloned()).unwrap_or(Script::Succeed)
    }
}

fn report(outcome: Outcome) -> Report {
    Report::without_request(outcome, HandlerResult::Nothing)
}

fn failed(class: FailureClass) -> Report {
    report(Outcome::Failed(Failure { class, reason: "a test wants it to fail".to_owned() }))
}

#[async_trait]
impl Handlers for ScriptedHandlers {
    async fn check(&self, _: &Draft) -> Result<(), CheckError> {
        locked(&self.kept).refused.clone().map_or(Ok(()), |it| Err(it.into()))
    }

    async fn run(&self, run: Run<'_>) -> Report {
        match self.begin(run) {
            Script::Succeed => report(Outcome::Succeeded),
            Script::Fail { retry_after } => failed(FailureClass::Transient { retry_after }),
            Script::FailForGood(reason) => failed(FailureClass::Permanent(reason)),
            Script::Report(report) => report,
            Script::Panic => panic!("a test wants this handler to panic"),
            Script::Hang => {
                let gone = self.let_go.subscribe().wait_for(|gone| *gone).await.is_ok();
                assert!(gone, "the sender lives as long as these handlers");
                report(Outcome::Succeeded)
            }
        }
    }
}
