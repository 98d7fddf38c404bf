//! Was a promise broken? Some are judged when it happens, others when all is over.

mod attempts;
mod circuits;
mod accounts;
mod gates;
mod replays;

pub(crate) use self::{
    attempts::{attempt_begins, attempt_ends},
    circuits::health_written,
};
use crate::world::State;

/// What must be true when nothing is left to be done.
pub(crate) fn at_the_end(state: &mut State) {
    if !state.queues.is_empty() {
        let names = state.facts.names();
        let left: Vec<_> = state.queues.tasks().take(5).map(|it| names.task(it)).collect();
        state.accuse(format!("it does not come to an end: left are {}", left.join("; ")));
        return;
    }
    let (mut broken, pairs) = accounts::of_all(state);
    state.tally.accounted += pairs;
    broken.extend(attempts::repeated_without_need(state));
    let (of_gates, judged) = gates::of_all(state);
    state.tally.gated += judged;
    broken.extend(of_gates);
    broken.extend(replays::of_all(state));
    broken.into_iter().for_each(|it| state.accuse(it));
}

/// What must be true when nothing was wrong any more, and all that was left over was sent again.
pub(crate) fn after_amends(state: &mut State) {
    let mut broken = accounts::left_over(state);
    broken.extend(replays::of_all(state));
    broken.into_iter().for_each(|it| state.accuse(it));
}
