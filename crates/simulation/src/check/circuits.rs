//! Is a receiver that is down left alone?

use hooks::{
    health::Health,
    id::{Generation, HookId},
    ports::Run,
    time::Timestamp,
};

use crate::world::{Process, State};

/// What is known of a hook's receiver changes.
pub(crate) fn health_written(
    state: &mut State,
    process: Process,
    (hook, generation): (HookId, Generation),
    before: Option<Health>,
    after: Health,
    now: Timestamp,
) {
    let before = before.filter(|it| it.hook_version == after.hook_version);
    let granted = before.and_then(|it| it.probe_until);
    let is_probe = after.probe_until.is_some() && after.probe_until != granted;
    let lease = granted.filter(|until| *until > now);
    let was_open = before.is_some_and(|it| it.is_open());
    let at = state.time.now;
    let circuit = state.facts.circuits.entry((hook, generation.as_u64())).or_default();
    match (was_open, after.is_open()) {
        (false, true) => (circuit.open, circuit.granted) = (Some((after.hook_version, at)), 0),
        (_, false) => circuit.open = None,
        (true, true) => {}
    }
    circuit.granted += u32::from(is_probe);
    state.tally.probes += u64::from(is_probe);
    state.note(|state| {
        let hook = state.facts.names().hook(hook);
        let kind = if is_probe { ", lets a probe through" } else { "" };
        format!("{process} writes the health of {hook}: {} failures{kind}", after.failures)
    });
    if is_probe && lease.is_some() {
        let hook = state.facts.names().hook(hook);
        state.accuse(format!("two probes of {hook} at once, the second one by {process}"));
    }
}

/// An attempt at a hook whose circuit has been open for longer than `patience`, and known to be:
/// is it the probe?
pub(super) fn attempt_begins(state: &mut State, run: &Run<'_>, patience: u64) -> Option<String> {
    let now = state.time.now;
    let circuit = state.facts.circuits.get_mut(&(run.hook.id, run.hook.generation.as_u64()))?;
    let (version, since) = circuit.open?;
    if circuit.is_in_doubt || version != run.hook.version || now < since + patience {
        return None;
    }
    if circuit.granted > 0 {
        circuit.granted -= 1;
        return None;
    }
    Some(format!("the circuit has been open for {} ms, and this is not the probe", now - since))
}
