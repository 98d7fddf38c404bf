//! May this attempt be made, now?

use std::{collections::BTreeSet, time::Duration};

use hooks::{
    delivery::{Failure, FailureClass, Outcome, Step},
    id::DeliveryId,
    ports::Run,
    retry,
    time::Timestamp,
};

use super::circuits;
use crate::{
    facts::{AttemptFact, Ended, Life, Pair, step_asked_for},
    ports::Handout,
    profile::{Plot, Profile},
    world::{Process, State},
};

/// An attempt that has begun, to say later how it ended.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    delivery: DeliveryId,
    number: usize,
}

/// How long after it could have been handed out a message's first attempts begin, whatever other
/// hooks' receivers do.
const SOON: u64 = 2_000;

/// A handler is run: judges whether it may be.
pub(crate) fn attempt_begins(
    state: &mut State,
    profile: &Profile,
    process: Process,
    run: &Run<'_>,
) -> Begun {
    state.tick();
    let delivery = run.delivery;
    let pair = state.facts.pair_of(delivery, run.event.id, run.hook.id);
    let asked = pair.map(|pair| asked_for(state, delivery, pair)).unwrap_or_default();
    let steps: BTreeSet<_> = asked.iter().map(|(step, _)| *step).collect();
    let step = steps.first().copied().filter(|_| steps.len() == 1);

    let name = pair.map_or("?".to_owned(), |pair| state.facts.names().pair(pair));
    let which = step.map_or("one of several".to_owned(), said);
    state.note(|state| {
        let version = run.hook.version;
        let hook = state.facts.names().hook(run.hook.id);
        format!("{process} runs {name}, attempt {which}, with {hook} in version {version}")
    });
    for it in judged(state, profile, run, pair, &asked, step) {
        state.accuse(format!("{name}, attempt {which} by {process}: {it}"));
    }
    let attempts = state.facts.attempts.entry(delivery).or_default();
    attempts.push(AttemptFact { step, ended: None });
    Begun { delivery, number: attempts.len() - 1 }
}

/// All that is wrong with an attempt.
fn judged(
    state: &mut State,
    profile: &Profile,
    run: &Run<'_>,
    pair: Option<Pair>,
    asked: &[(Step, Handout)],
    step: Option<Step>,
) -> Vec<String> {
    let Some(life) = pair.and_then(|pair| state.facts.life(pair)) else {
        return vec!["there never was such a hook".to_owned()];
    };
    if asked.is_empty() {
        return vec!["no message asks for it".to_owned()];
    }
    let mut broken = Vec::new();
    broken.extend(at_another_hook(asked, life, run));
    broken.extend(held_by_the_ledger(state, run.delivery, asked));
    if let Some(step) = step {
        let before = state.facts.attempts_of(run.delivery);
        broken.extend(out_of_turn(before, step, run, slack(state, profile)));
    }
    if profile.is_calm() && profile.plot != Plot::Week {
        broken.extend(kept_waiting(state, asked, run));
    }
    if profile.plot != Plot::Crowd {
        let patience = if profile.is_sluggish { 60_000 } else { 10_000 };
        broken.extend(circuits::attempt_begins(state, run, patience));
    }
    broken
}

fn said(step: Step) -> String {
    format!("{} of run {}", step.attempt, step.run)
}

/// The handler has come to its end; `None` where it panicked.
pub(crate) fn attempt_ends(
    state: &mut State,
    begun: Begun,
    outcome: Option<&Outcome>,
    at: Timestamp,
) {
    let ended = match outcome {
        Some(Outcome::Succeeded) => Ended::Well,
        Some(Outcome::Failed(Failure { class, .. })) => match class {
            FailureClass::Transient { .. } => Ended::Ill,
            FailureClass::Gone => Ended::Gone,
            FailureClass::Permanent(_) | FailureClass::NotTried => Ended::ForGood,
        },
        None => Ended::ForGood,
    };
    let attempts = state.facts.attempts.entry(begun.delivery).or_default();
    attempts[begun.number].ended = Some((at, ended));
    state.note(|_| format!("…it ends: {ended:?}"));
}

/// What the messages in hand ask for.
fn asked_for(state: &State, delivery: DeliveryId, pair: Pair) -> Vec<(Step, Handout)> {
    let asked =
        |handout: &Handout| Some((step_asked_for(&handout.task, delivery, pair)?, handout.clone()));
    state.in_hand.iter().filter_map(asked).collect()
}

/// Is the hook the one that the event is owed to, as it is now?
fn at_another_hook(asked: &[(Step, Handout)], life: &Life, run: &Run<'_>) -> Option<String> {
    let since = asked.iter().map(|(_, handout)| handout.step).min()?;
    if since < life.began() {
        return None;
    }
    let Some(hook) = life.at(since) else {
        return Some("the hook was removed before this was handed out".to_owned());
    };
    if run.hook.version < hook.version {
        let (used, version) = (run.hook.version, hook.version);
        return Some(format!("with version {used} of the hook, where {version} is in force"));
    }
    (!run.hook.is_enabled()).then(|| "the hook is disabled".to_owned())
}

/// Did the ledger say, before this was handed out, that it is not owed any more?
fn held_by_the_ledger(
    state: &State,
    delivery: DeliveryId,
    asked: &[(Step, Handout)],
) -> Option<String> {
    let row = state.rows.deliveries.get(&delivery)?;
    let held = |(step, handout): &(Step, Handout)| {
        row.progress_at(handout.step).filter(|it| !it.still_owes(*step))
    };
    let all: Vec<_> = asked.iter().map(held).collect();
    let progress = all.iter().all(Option::is_some).then_some(all.first().copied()??)?;
    Some(format!("the ledger had it at {} already ({:?})", said(progress.step), progress.status))
}

/// Does it come too often, too early, or without a reason?
fn out_of_turn(
    before: &[AttemptFact],
    step: Step,
    run: &Run<'_>,
    slack: Duration,
) -> Option<String> {
    let most = u32::try_from(retry::SCHEDULE.len()).unwrap_or(u32::MAX) + 1;
    if step.attempt > most {
        return Some(format!("only {most} are on the schedule"));
    }
    if step.attempt == 1 {
        return None;
    }
    let last = Step { attempt: step.attempt - 1, ..step };
    let of_last = before.iter().filter(|it| it.step == Some(last) || it.step.is_none());
    let failed = of_last.filter_map(|it| it.ended).filter(|(_, ended)| *ended != Ended::Well);
    let Some((ended, _)) = failed.min_by_key(|(at, _)| *at) else {
        return Some("the attempt before it has not failed".to_owned());
    };
    let wait = retry::SCHEDULE[step.attempt as usize - 2].mul_f64(0.79);
    let early = (ended + wait).since(run.at + slack)?;
    Some(format!("{early:?} too early"))
}

/// How far two readings of clocks can be apart in the wrong direction.
fn slack(state: &State, profile: &Profile) -> Duration {
    let put_back = u64::try_from(state.time.put_back).unwrap_or(0);
    Duration::from_millis(if profile.has_bad_clocks { put_back + 1_500 } else { 0 })
}

/// Is a first attempt late, although its hook's receiver is well?
fn kept_waiting(state: &State, asked: &[(Step, Handout)], run: &Run<'_>) -> Option<String> {
    let is_first = |(step, handout): &&(Step, Handout)| {
        *step == Step { run: 0, attempt: 1 } && handout.receives == 1
    };
    let (_, handout) = asked.iter().find(is_first)?;
    let is_retry = matches!(&*handout.task, hooks::task::Task::Retry(_));
    let waited = state.time.now.saturating_sub(handout.visible);
    let is_late = waited > SOON && !is_retry && !state.receivers.was_ill(run.hook.id);
    is_late.then(|| format!("begins {waited} ms late, for other hooks' trouble"))
}

/// Deliveries that were attempted more often than anything that went wrong explains.
pub(super) fn repeated_without_need(state: &State) -> Vec<String> {
    let mut broken = Vec::new();
    for (event, fact) in &state.facts.events {
        for life in &state.facts.lives {
            let pair = life.pair(*event);
            let attempts = state.facts.attempts_of(pair.id());
            // One of which nobody can tell which step it was is no repetition for that.
            let mut steps: Vec<_> = attempts.iter().filter_map(|it| it.step).collect();
            let all = steps.len();
            steps.sort_unstable();
            steps.dedup();
            let repeated = all - steps.len();
            if repeated > fact.disturbed as usize * 10 {
                let name = state.facts.names().pair(pair);
                let disturbed = fact.disturbed;
                broken.push(format!(
                    "{name}: {repeated} attempts were repeated, where {disturbed} messages were"
                ));
            }
        }
    }
    broken
}
