//! Where did everything go? Each event, for each hook that listens to it, ends in one way, and for a
//! reason.

use hooks::{
    delivery::{ExhaustedReason, State as Standing},
    event::Event,
    matching, retry,
};

use crate::{
    facts::{Ended, EventFact, Life, Pair},
    world::State,
};

/// Goes through all events and all lives of hooks; answers what is wrong, and how many there were.
pub(super) fn of_all(state: &State) -> (Vec<String>, u64) {
    let mut broken = Vec::new();
    let mut pairs = 0;
    for fact in state.facts.events.values() {
        broken.extend(unclaimed(state, fact));
        for life in &state.facts.lives {
            let pair = life.pair(fact.event.id);
            let verdict = match Listens::of(state, fact, life) {
                Listens::Surely => {
                    pairs += 1;
                    lost(state, fact, life).or_else(|| unjustified(state, life, pair))
                }
                Listens::Perhaps => unjustified(state, life, pair),
                Listens::No => {
                    has_trace(state, pair).then(|| "it does not listen to it".to_owned())
                }
                Listens::Repeated => {
                    has_trace(state, pair).then(|| "the same id was posted before".to_owned())
                }
            };
            broken.extend(verdict.map(|why| accusation(state, fact, pair, &why)));
        }
    }
    for (pair, is_promised) in &state.facts.owed {
        let Some(life) = state.facts.life(*pair) else { continue };
        let fact = &state.facts.events[&pair.event];
        let verdict = if has_trace(state, *pair) {
            unjustified(state, life, *pair)
        } else {
            is_promised.then(|| "it was sent to this hook, and nothing came of it".to_owned())
        };
        broken.extend(verdict.map(|why| accusation(state, fact, *pair, &why)));
    }
    (broken, pairs)
}

fn accusation(state: &State, fact: &EventFact, pair: Pair, why: &str) -> String {
    let Event { source, event, .. } = &fact.event;
    format!("{} ({source}/{event}): {why}", state.facts.names().pair(pair))
}

/// Does a hook listen to an event?
enum Listens {
    /// In every version that was in force while the event was dispatched.
    Surely,
    /// In some.
    Perhaps,
    No,
    /// It is a repetition of another event, and dispatched to nobody.
    Repeated,
}

impl Listens {
    fn of(state: &State, fact: &EventFact, life: &Life) -> Self {
        let pair = life.pair(fact.event.id);
        if state.facts.owed.iter().any(|(it, _)| *it == pair) {
            return Self::Perhaps;
        }
        if is_repeated(state, fact) {
            return Self::Repeated;
        }
        let (since, until) = (fact.since, fact.until.unwrap_or(u64::MAX));
        let matches = |hook: &hooks::hook::EventHook| matching::seen(hook, &fact.event).is_ok();
        let was_there_throughout =
            life.began() <= since && life.ended.is_none_or(|ended| ended > until);
        let mut versions = life.between(since, until).map(matches).peekable();
        if versions.peek().is_none() {
            return Self::No;
        }
        let all: Vec<_> = versions.collect();
        match (all.contains(&true), all.contains(&false)) {
            (true, false) if was_there_throughout => Self::Surely,
            (true, _) => Self::Perhaps,
            (false, _) => Self::No,
        }
    }
}

/// Does the event's key belong to another one?
pub(super) fn is_repeated(state: &State, fact: &EventFact) -> bool {
    let owner = state.rows.owner(&fact.event);
    fact.event.key.is_some() && owner.is_some_and(|owner| owner != fact.event.id)
}

/// An event with a key that nobody ever claimed was never dispatched.
fn unclaimed(state: &State, fact: &EventFact) -> Option<String> {
    let is_lost =
        fact.is_promised && fact.event.key.is_some() && state.rows.owner(&fact.event).is_none();
    let name = state.facts.names().event(fact.event.id);
    is_lost.then(|| format!("{name} was accepted, and never dispatched"))
}

fn has_trace(state: &State, pair: Pair) -> bool {
    let id = pair.id();
    state.rows.deliveries.contains_key(&id) || !state.facts.attempts_of(id).is_empty()
}

fn succeeded(state: &State, pair: Pair) -> bool {
    let attempts = state.facts.attempts_of(pair.id());
    attempts.iter().any(|it| matches!(it.ended, Some((_, Ended::Well))))
}

/// Is there neither an end nor a gate that may have held it?
fn lost(state: &State, fact: &EventFact, life: &Life) -> Option<String> {
    let pair = life.pair(fact.event.id);
    let is_there = state.rows.deliveries.contains_key(&pair.id()) || succeeded(state, pair);
    let is_owed = fact.is_promised || fact.is_taken;
    let is_lost = is_owed && !is_there && !life.was_gated();
    let accepted = if fact.is_promised { "accepted" } else { "taken by the queue" };
    let tried = state.facts.attempts_of(pair.id()).len();
    is_lost.then(|| {
        format!("lost: it was {accepted}, attempted {tried} times, and is not in the ledger")
    })
}

/// Does the ledger say something that did not happen?
fn unjustified(state: &State, life: &Life, pair: Pair) -> Option<String> {
    let row = state.rows.deliveries.get(&pair.id())?;
    let of_run = |it: &&crate::facts::AttemptFact| it.step.is_none_or(|it| it.run == row.step.run);
    let attempts: Vec<_> = state.facts.attempts_of(pair.id()).iter().filter(of_run).collect();
    let ended =
        |how| attempts.iter().filter(|it| it.ended.is_some_and(|(_, it)| it == how)).count();
    // Who dies between a success and its record takes the knowledge of it along.
    let is_disturbed = state.facts.events.get(&pair.event).is_none_or(|it| it.disturbed > 0);
    let is_known = row.was_delivered() || (ended(Ended::Well) > 0 && !is_disturbed);
    let why = match &row.state {
        Standing::Pending { reason, .. } => format!("still pending ({})", reason.as_str()),
        Standing::Delivered if ended(Ended::Well) > 0 => return None,
        Standing::Delivered => {
            "delivered, it says, and no attempt of this run succeeded".to_owned()
        }
        _ if is_known => format!("delivered, and it says {}", row.state.status().as_str()),
        Standing::Exhausted { reason: ExhaustedReason::ScheduleOver } => {
            let waited = row.updated.distance(row.delivery.event.order.accepted);
            let has_waited_long = waited.as_secs() >= 24 * 3_600;
            if has_waited_long || ended(Ended::Ill) + ended(Ended::Gone) > retry::SCHEDULE.len() {
                return None;
            }
            format!("schedule over, it says, after {} attempts", attempts.len())
        }
        Standing::Exhausted { .. } if ended(Ended::ForGood) > 0 => return None,
        Standing::Exhausted { .. } => "failed for good, it says, and no attempt did".to_owned(),
        Standing::Parked if life.was_disabled() || ended(Ended::Gone) > 0 => return None,
        Standing::Parked => "parked, it says, and the hook never was disabled".to_owned(),
        Standing::Cancelled if life.ended.is_some() => return None,
        Standing::Cancelled => "cancelled, it says, and the hook was not removed".to_owned(),
    };
    Some(why)
}

/// What was not delivered, although nothing was wrong any more and it was sent again.
pub(super) fn left_over(state: &State) -> Vec<String> {
    let rows = state.rows.deliveries.values();
    let of_the_living = rows.filter(|row| {
        let alive = state.hooks.alive.get(&row.delivery.hook);
        alive.is_some_and(|it| it.generation == row.delivery.generation)
    });
    let left = of_the_living.filter(|row| row.state != Standing::Delivered);
    left.map(|row| {
        let name = state.facts.names().delivery(&row.delivery);
        format!("{name}: {:?}, after it was sent again to a receiver that is well", row.state)
    })
    .collect()
}
