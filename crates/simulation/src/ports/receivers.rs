//! Receivers: well, ill, slow, hanging, gone; and handlers that panic.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    time::Duration,
};

use async_trait::async_trait;
use fastrand::Rng;
use hooks::{
    delivery::{ExhaustedReason, Failure, FailureClass, HandlerResult, Outcome, Report},
    hook::Draft,
    id::HookId,
    ports::{CheckError, Handlers, Run},
};

use super::Port;
use crate::{
    check,
    profile::one_of,
    sabotage::Sabotage,
    world::{Phase, Process, State, millis},
};

/// How receivers are doing.
#[derive(Default)]
pub(crate) struct Receivers {
    moods: BTreeMap<HookId, Mood>,
    ill: BTreeSet<HookId>,
    /// Until when the one connection of a process is in use, where there is but one.
    busy: BTreeMap<Process, u64>,
}

/// How a receiver is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers 200, soon.
    Well,
    /// Fails now and then.
    Flaky,
    /// Fails, and now and then says when to come back.
    Down,
    /// Fails, and does not come back before amends are made.
    Dead,
    /// Answers after some seconds.
    Slow,
    /// Does not answer before the attempt times out.
    Hanging,
    /// Answers 410.
    Gone,
    /// Its template or script fails.
    Broken,
    /// Its handler panics.
    Panicking,
}

/// What becomes of a run.
enum Fate {
    Report(Outcome),
    Panic,
}

/// After which a run ends, whatever the receiver does.
const TIME_OUT: Duration = Duration::from_secs(15);

impl Receivers {
    pub(crate) fn set(&mut self, hook: HookId, mood: Mood) {
        self.moods.insert(hook, mood);
        if mood != Mood::Well {
            self.ill.insert(hook);
        }
    }

    /// Was it ever anything but well?
    pub(crate) fn was_ill(&self, hook: HookId) -> bool {
        self.ill.contains(&hook)
    }

    /// How it is, in this phase.
    fn mood(&self, hook: HookId, phase: Phase) -> Mood {
        let mood = self.moods.get(&hook).copied().unwrap_or(Mood::Well);
        match phase {
            Phase::Trouble => mood,
            Phase::Drain if mood == Mood::Dead => mood,
            Phase::Drain | Phase::Amends => Mood::Well,
        }
    }
}

impl Mood {
    fn run(self, dice: &mut Rng) -> (Duration, Fate) {
        let soon = Duration::from_millis(dice.u64(1..120));
        let failed = |class| {
            let failure = Failure { class, reason: "simulated".to_owned() };
            Fate::Report(Outcome::Failed(failure))
        };
        let ill = failed(FailureClass::Transient { retry_after: None });
        let well = Fate::Report(Outcome::Succeeded);
        match self {
            Self::Flaky if dice.bool() => (soon, ill),
            Self::Well | Self::Flaky => (soon, well),
            Self::Down => {
                let asked = one_of(dice, [None, None, None, Some(40), Some(7_200)]);
                let retry_after = asked.map(Duration::from_secs);
                (soon, failed(FailureClass::Transient { retry_after }))
            }
            Self::Dead => (soon, ill),
            Self::Slow => (Duration::from_millis(dice.u64(2_500..12_000)), well),
            Self::Hanging => (TIME_OUT, ill),
            Self::Gone => (soon, failed(FailureClass::Gone)),
            Self::Broken => {
                let reasons = [ExhaustedReason::TemplateError, ExhaustedReason::ScriptError];
                (soon, failed(FailureClass::Permanent(one_of(dice, reasons))))
            }
            Self::Panicking => (soon, Fate::Panic),
        }
    }
}

impl Port {
    /// Waits until the one connection is free, and keeps it for as long as a run takes.
    async fn wait_for_the_connection(&self, took: Duration) {
        if !self.world.suffers(Sabotage::OneConnection) {
            return;
        }
        let start = {
            let state = &mut *self.world.lock();
            let now = state.time.now;
            let busy = state.receivers.busy.entry(self.process).or_default();
            let start = now.max(*busy);
            *busy = start + millis(took);
            start
        };
        self.world.sleep_until(start).await;
    }

    fn plan(&self, hook: HookId) -> (Duration, Fate) {
        let state = &mut *self.world.lock();
        let mood = state.receivers.mood(hook, state.phase);
        mood.run(&mut state.dice)
    }
}

impl State {
    fn count_attempt(&mut self, fate: &Fate) {
        self.tally.attempts += 1;
        self.tally.failures += u64::from(!matches!(fate, Fate::Report(Outcome::Succeeded)));
        self.tally.panics += u64::from(matches!(fate, Fate::Panic));
    }
}

#[async_trait]
impl Handlers for Port {
    async fn check(&self, _hook: &Draft) -> Result<(), CheckError> {
        self.world.give_way().await;
        Ok(())
    }

    async fn run(&self, run: Run<'_>) -> Report {
        let (took, fate) = self.plan(run.hook.id);
        self.wait_for_the_connection(took).await;
        let attempt = {
            let state = &mut *self.world.lock();
            state.count_attempt(&fate);
            check::attempt_begins(state, self.world.profile(), self.process, &run)
        };
        self.world.sleep(took).await;
        let at = self.world.clock(self.process);
        let outcome = {
            let state = &mut *self.world.lock();
            let outcome = match fate {
                Fate::Report(outcome) => Some(outcome),
                Fate::Panic => None,
            };
            check::attempt_ends(state, attempt, outcome.as_ref(), at);
            outcome
        };
        match outcome {
            Some(outcome) => Report::without_request(outcome, HandlerResult::Nothing),
            // Without the panic hook's message: it is meant.
            None => resume_unwind(Box::new("simulated")),
        }
    }
}
