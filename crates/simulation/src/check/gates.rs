//! Did gates let through what they must, once, and hold the rest for a reason?
//!
//! Judged from outside: by which events passed and in which order they were accepted. Hooks whose
//! rules changed, and those that were disabled for a while, are left out.

use std::{collections::BTreeMap, time::Duration};

use hooks::{
    catalog::Catalog,
    gate::{self, Candidate},
    id::OccurrenceId,
    matching,
};

use super::accounts;
use crate::{
    facts::{EventFact, Life, Pair},
    world::State,
};

/// One event before the gate of one hook.
struct Seen {
    candidate: Candidate,
    passed: bool,
}

/// Judges all gates; answers what is wrong, and how many events were looked at.
pub(super) fn of_all(state: &State) -> (Vec<String>, u64) {
    let catalog = Catalog::default();
    let mut broken = Vec::new();
    let mut judged = 0;
    for life in state.facts.lives.iter().filter(|it| is_steady(it)) {
        let mut groups: BTreeMap<[u8; 16], Vec<Seen>> = BTreeMap::new();
        for fact in state.facts.events.values().filter(|it| was_dispatched(state, it, life)) {
            let (_, hook) = &life.versions[0];
            let Ok(name) = matching::seen(hook, &fact.event) else { continue };
            let fields = catalog.gate_fields(&fact.event, &hook.draft.source, &name);
            let (key, candidate) = gate::before(hook, &name, &fact.event, fields);
            let passed = passed(state, life.pair(fact.event.id));
            groups.entry(*key.group.as_bytes()).or_default().push(Seen { candidate, passed });
        }
        for mut group in groups.into_values() {
            judged += group.len() as u64;
            group.sort_by_key(|it| it.candidate.order);
            broken.extend(of_group(state, life, &group));
        }
    }
    (broken, judged)
}

fn is_steady(life: &Life) -> bool {
    let (_, first) = &life.versions[0];
    let is_same = |hook: &hooks::hook::EventHook| {
        hook.rules() == first.rules() && hook.draft.group_by == first.draft.group_by
    };
    life.was_gated()
        && !life.was_disabled()
        && life.ended.is_none()
        && life.versions.iter().all(|(_, hook)| is_same(hook))
}

/// Was this event brought before the gates while the hook was there?
fn was_dispatched(state: &State, fact: &EventFact, life: &Life) -> bool {
    let was_there = life.began() <= fact.since || passed(state, life.pair(fact.event.id));
    fact.is_taken && was_there && !accounts::is_repeated(state, fact)
}

fn passed(state: &State, pair: Pair) -> bool {
    let id = pair.id();
    state.rows.deliveries.contains_key(&id) || !state.facts.attempts_of(id).is_empty()
}

fn of_group(state: &State, life: &Life, group: &[Seen]) -> Vec<String> {
    let (_, hook) = &life.versions[0];
    let rules = hook.rules();
    let window = rules.snooze.map(|it| Duration::from_secs(it.get().into()));
    let name = |it: &Seen| state.facts.names().pair(life.pair(it.candidate.occurrence));
    let mut broken = Vec::new();
    if rules.on_change {
        broken.extend(fired_twice_for_one_change(group).map(|(a, b)| {
            format!("{} and {}: fired twice, where nothing changed in between", name(a), name(b))
        }));
    }
    if rules.on_change && window.is_none() {
        broken.extend(
            change_unheard_of(group)
                .map(|it| format!("{}: the latest change was never told", name(it))),
        );
    }
    if let Some(window) = window {
        broken.extend(
            fired_within_a_snooze(group, window).map(|(a, b)| {
                format!("{} and {}: fired twice within {window:?}", name(a), name(b))
            }),
        );
        for held in group.iter().filter(|it| !it.passed) {
            let is_justified = is_snoozed(group, held, window)
                || (rules.on_change && may_be_unchanged(group, held.candidate.occurrence));
            if !is_justified {
                broken.push(format!("{}: held, and nothing fired around it", name(held)));
            }
        }
    } else {
        for held in group.iter().filter(|it| !it.passed) {
            if !may_be_unchanged(group, held.candidate.occurrence) {
                broken.push(format!("{}: held, and it was a change", name(held)));
            }
        }
    }
    broken
}

/// Two events that passed one after the other and say the same.
fn fired_twice_for_one_change(group: &[Seen]) -> Option<(&Seen, &Seen)> {
    let passed: Vec<_> = group.iter().filter(|it| it.passed).collect();
    let twice = passed.windows(2).find(|it| it[0].candidate.said == it[1].candidate.said)?;
    Some((twice[0], twice[1]))
}

/// The latest event of all, where the last one that passed says something else.
fn change_unheard_of(group: &[Seen]) -> Option<&Seen> {
    let latest = group.last()?;
    let told = group.iter().rev().find(|it| it.passed);
    let is_told = told.is_some_and(|it| it.candidate.said == latest.candidate.said);
    (!is_told).then_some(latest)
}

/// Two events that passed and lie within a snooze of each other, though none fired later that made
/// the gate forget the first one.
fn fired_within_a_snooze(group: &[Seen], window: Duration) -> Option<(&Seen, &Seen)> {
    let passed: Vec<_> = group.iter().filter(|it| it.passed).collect();
    let at = |it: &Seen| it.candidate.order.accepted;
    for (index, first) in passed.iter().enumerate() {
        for second in &passed[index + 1..] {
            let is_within = at(second).distance(at(first)) < window;
            let is_excused = passed.iter().any(|it| {
                it.candidate.subject == first.candidate.subject && at(it) >= at(second) + window
            });
            if is_within && !is_excused && first.candidate.subject == second.candidate.subject {
                return Some((first, second));
            }
        }
    }
    None
}

fn is_snoozed(group: &[Seen], held: &Seen, window: Duration) -> bool {
    let at = held.candidate.order.accepted;
    let mut same = group.iter().filter(|it| it.candidate.subject == held.candidate.subject);
    same.any(|it| it.passed && it.candidate.order.accepted.distance(at) < window)
}

/// Is there a later event that made it stale, or did the last one that passed say the same?
fn may_be_unchanged(group: &[Seen], held: OccurrenceId) -> bool {
    let place = group.iter().position(|it| it.candidate.occurrence == held);
    let Some(place) = place else { return false };
    let said = group[place].candidate.said;
    let last = group[..place].iter().rev().find(|it| it.passed);
    let is_last = place + 1 == group.len();
    !is_last || last.is_some_and(|it| it.candidate.said == said)
}
