//! What a hook leaves behind in the ledger beside the store.

use hooks::{
    delivery::{Delivery, State},
    digest::Digest,
    gate::GateKey,
    hook::EventHook,
    ports::{PortResult, Remembered},
};

use super::{Subject, changed, on_source};
use crate::builders::{at, attempt_step, event, hook, memory, record_of};

/// The key of a gate of this hook.
fn gate_of(hook: &EventHook, group: &str) -> GateKey {
    GateKey { hook: hook.id, generation: hook.generation, group: Digest::of_texts([group]) }
}

pub(super) async fn removal_drops_what_the_gates_of_the_hook_remember_and_of_no_other(
    subject: &Subject,
) -> PortResult<()> {
    let (gone, kept) = (hook(), hook());
    subject.insert_all(&[gone.clone(), kept.clone()]).await?;
    let gates = [gate_of(&gone, "a"), gate_of(&gone, "b"), gate_of(&kept, "a")];
    for gate in &gates {
        subject.ledger.remember(gate, &memory(0, "a"), 0, None).await?;
    }
    subject.store.remove(&gone).await?;
    let recalled = subject.ledger.recall(&gates).await?;
    assert_eq!(recalled.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true]);
    Ok(())
}

pub(super) async fn a_change_leaves_what_gates_remember(subject: &Subject) -> PortResult<()> {
    let before = hook();
    let after = changed(&before, on_source("balancer"));
    subject.store.insert(&before).await?;
    let memory = memory(0, "a");
    subject.ledger.remember(&gate_of(&before, "a"), &memory, 0, None).await?;
    subject.store.replace(&after, before.version).await?;
    let recalled = subject.ledger.recall(&[gate_of(&after, "a")]).await?;
    assert_eq!(recalled, [Some(Remembered { memory, version: 1 })]);
    Ok(())
}

pub(super) async fn deliveries_of_a_removed_hook_stay_readable_by_id(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    subject.store.insert(&hook).await?;
    let delivery = Delivery::first(&hook, event());
    let step = attempt_step(1);
    let record = record_of(delivery, step, State::Delivered);
    subject.ledger.record(&record, at(60)).await?;
    subject.store.remove(&hook).await?;
    let entry = subject.ledger.delivery(record.delivery.id(), at(0)).await?;
    assert_eq!(entry.map(|it| it.delivery), Some(record.delivery));
    Ok(())
}
