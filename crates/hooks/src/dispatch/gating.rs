//! Which matches do the gates let pass?
//!
//! The events of one group in a batch are decided together, in memory, and written once. Whoever
//! else writes the same memory meanwhile is asked again.

use std::{collections::BTreeMap, sync::PoisonError};

use futures_util::{StreamExt as _, stream};

use super::{Dispatcher, Match};
use crate::{
    catalog::Catalog,
    gate::{self, Candidate, GateKey, HoldReason, Memory, Rules, Verdict},
    hook::EventHook,
    ports::{PortError, PortResult, Remembered},
};

/// The matches of one batch that one gate memory decides.
struct Group {
    key: GateKey,
    rules: Rules,
    version: u64,
    candidates: Vec<Candidate>,
    matches: Vec<Match>,
}

impl Group {
    fn of(key: GateKey, hook: &EventHook) -> Self {
        let (candidates, matches) = (Vec::new(), Vec::new());
        Self { key, rules: hook.rules(), version: hook.version, candidates, matches }
    }
}

impl Dispatcher {
    /// The matches that their hooks' gates let pass.
    pub(super) async fn passed(&self, matches: Vec<Match>) -> PortResult<Vec<Match>> {
        let (gated, mut passed): (Vec<_>, Vec<_>) =
            matches.into_iter().partition(|it| it.hook.rules().is_gated());
        if gated.is_empty() {
            return Ok(passed);
        }
        let catalog = Catalog::with(self.catalog.published().await?);
        // In an order that is the same every time: simulations replay.
        let mut groups: BTreeMap<GateKey, Group> = BTreeMap::new();
        for it in gated {
            let fields = catalog.gate_fields(&it.event, &it.hook.draft.source, &it.name);
            let (key, candidate) = gate::before(&it.hook, &it.name, &it.event, fields);
            let candidate = Candidate { again: it.redelivered, ..candidate };
            let group = groups.entry(key).or_insert_with(|| Group::of(key, &it.hook));
            group.candidates.push(candidate);
            group.matches.push(it);
        }
        for group in groups.values_mut() {
            self.hold_what_is_known_to_be_snoozed(group);
        }
        groups.retain(|_, group| !group.matches.is_empty());
        if groups.is_empty() {
            return Ok(passed);
        }

        let keys: Vec<_> = groups.keys().copied().collect();
        let recalled = self.deliverer.ledger.recall(&keys).await?;
        let mut decided = stream::iter(groups.into_values().zip(recalled))
            .map(|(group, remembered)| self.decided(group, remembered))
            .buffer_unordered(Self::MOST_IN_FLIGHT);
        while let Some(group) = decided.next().await {
            passed.extend(group?);
        }
        Ok(passed)
    }

    /// Decides a group and writes its memory, against whoever does so at the same time.
    async fn decided(
        &self,
        group: Group,
        mut remembered: Option<Remembered>,
    ) -> PortResult<Vec<Match>> {
        let Group { key, rules, version, candidates, matches } = group;
        let ledger = &self.deliverer.ledger;
        for _ in 0..Self::MOST_TRIES_AT_A_GATE {
            let Remembered { memory, version: seen } =
                remembered.unwrap_or(Remembered { memory: Memory::default(), version: 0 });
            let (verdicts, after) = gate::decide_all(rules, &memory, &candidates);
            let written = match &after {
                None => Ok(()),
                Some(after) => ledger.remember(&key, after, seen, after.expires(rules)).await,
            };
            match written {
                Err(PortError::Conflict) => {
                    remembered = ledger.recall(&[key]).await?.pop().flatten();
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    self.know(key, version, rules, after.unwrap_or(memory));
                    return Ok(fired(matches, &verdicts));
                }
            }
        }
        Err(PortError::Conflict)
    }

    /// While this instance knows that a group is snoozed, it asks nobody. Not on a redelivery: the
    /// event may be one that passed before.
    fn hold_what_is_known_to_be_snoozed(&self, group: &mut Group) {
        let mut snoozed = self.snoozed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(memory) = snoozed.get(&(group.key, group.version)) else { return };
        let held = |candidate: &Candidate, it: &Match| {
            let verdict = gate::decide(group.rules, memory, candidate);
            let held = matches!(verdict, Verdict::Hold(HoldReason::Snoozed { .. }));
            if held && !it.redelivered { Some(verdict) } else { None }
        };
        let (candidates, matches) = (&mut group.candidates, &mut group.matches);
        for index in (0..matches.len()).rev() {
            if let Some(verdict) = held(&candidates[index], &matches[index]) {
                candidates.remove(index);
                fired(vec![matches.remove(index)], &[verdict]);
            }
        }
    }

    fn know(&self, key: GateKey, version: u64, rules: Rules, memory: Memory) {
        if rules.snooze.is_some() {
            let mut snoozed = self.snoozed.lock().unwrap_or_else(PoisonError::into_inner);
            snoozed.put((key, version), memory);
        }
    }
}

fn fired(matches: Vec<Match>, verdicts: &[Verdict]) -> Vec<Match> {
    let fires = |(it, verdict): (Match, &Verdict)| match verdict {
        Verdict::Fire(_) => Some(it),
        Verdict::Hold(reason) => {
            metrics::counter!("event_hooks_held_total", "reason" => reason.as_str()).increment(1);
            tracing::debug!(hook.id = %it.hook.id, event.id = %it.event.id, ?reason, "held");
            None
        }
    };
    matches.into_iter().zip(verdicts).filter_map(fires).collect()
}
