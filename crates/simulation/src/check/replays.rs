//! Was everything sent again that was asked for?

use hooks::{delivery::State as Standing, ports::RecoveryState};

use crate::{
    facts::{Life, Pair, RecoveryFact},
    world::State,
};

pub(super) fn of_all(state: &State) -> Vec<String> {
    let redelivered = state.facts.redeliveries.iter();
    let mut broken: Vec<_> =
        redelivered.filter_map(|(pair, run)| of_redelivery(state, *pair, *run)).collect();
    broken.extend(state.facts.recoveries.iter().flat_map(|it| of_recovery(state, it)));
    broken
}

fn of_redelivery(state: &State, pair: Pair, run: u32) -> Option<String> {
    let row = state.rows.deliveries.get(&pair.id())?;
    let name = state.facts.names().pair(pair);
    (row.step.run < run).then(|| {
        format!("{name}: to be sent again as run {run}, and the ledger knows run {}", row.step.run)
    })
}

fn of_recovery(state: &State, fact: &RecoveryFact) -> Vec<String> {
    let hook = state.facts.names().hook(fact.hook);
    let Some(recovery) = state.rows.recoveries.get(&fact.id) else {
        return vec![format!("a recovery of {hook} was answered, and nothing is known of it")];
    };
    let life = state
        .facts
        .lives
        .iter()
        .find(|it| it.hook == fact.hook && it.generation == fact.generation);
    let was_stopped = life.is_some_and(|it| was_out_of_service(it, fact.asked));
    match recovery.state {
        RecoveryState::Running => vec![format!("a recovery of {hook} never came to its end")],
        RecoveryState::Stopped if was_stopped => Vec::new(),
        RecoveryState::Stopped => vec![format!("a recovery of {hook} was stopped for nothing")],
        RecoveryState::Done => {
            let missed = fact.rows.iter().filter(|(id, run)| {
                let row = state.rows.deliveries.get(id);
                row.is_none_or(|it| it.step.run <= *run && it.state != Standing::Delivered)
            });
            missed
                .map(|(id, run)| {
                    let row = state.rows.deliveries.get(id);
                    let name = row.map(|it| state.facts.names().delivery(&it.delivery));
                    let name = name.unwrap_or_default();
                    format!("{name}: in the range of a recovery, and still in run {run}")
                })
                .collect()
        }
    }
}

/// Was the hook disabled or removed at some time since?
fn was_out_of_service(life: &Life, since: u64) -> bool {
    life.ended.is_some() || life.between(since, u64::MAX).any(|hook| !hook.is_enabled())
}
