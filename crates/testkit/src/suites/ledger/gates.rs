//! What gates remember.

use std::sync::Arc;

use hooks::{
    digest::Digest,
    gate::{self, Candidate, GateKey, Memory, Rules},
    id::{Generation, HookId, OccurrenceId},
    ports::{PortResult, Remembered},
};

use super::Subject;
use crate::{
    builders::{at, gate_key, memory, order},
    suites::races,
};

impl Subject {
    async fn remembered(&self, gate: &GateKey) -> PortResult<Option<Remembered>> {
        let mut recalled = self.ledger.recall(std::slice::from_ref(gate)).await?;
        assert_eq!(recalled.len(), 1, "one answer for one gate");
        Ok(recalled.remove(0))
    }

    /// Several writers at once, which all saw this; answers what is remembered after it.
    async fn race(&self, gate: GateKey, seen: u64) -> PortResult<()> {
        let memories: Vec<_> = (0..8).map(|it| memory(it, &format!("racer {it}"))).collect();
        let racers = memories.clone().into_iter().map(|memory| {
            let ledger = Arc::clone(&self.ledger);
            async move { ledger.remember(&gate, &memory, seen, None).await }
        });
        let winner = races::only_winner(&races::run(racers).await);
        let expected = Remembered { memory: memories[winner].clone(), version: seen + 1 };
        assert_eq!(self.remembered(&gate).await?, Some(expected));
        Ok(())
    }
}

pub(super) async fn a_gate_without_memory_recalls_nothing(subject: &Subject) -> PortResult<()> {
    assert_eq!(subject.ledger.recall(&[]).await?, []);
    assert_eq!(subject.ledger.recall(&[gate_key(), gate_key()]).await?, [None, None]);
    Ok(())
}

pub(super) async fn memories_are_recalled_in_the_order_of_asking(
    subject: &Subject,
) -> PortResult<()> {
    let gates: Vec<_> = (0..20).map(|_| gate_key()).collect();
    let memories: Vec<_> = (0..20).map(|it| memory(it, "a")).collect();
    for (gate, memory) in gates.iter().zip(&memories) {
        subject.ledger.remember(gate, memory, 0, None).await?;
    }
    let asked = [gates[7], gate_key(), gates[19], gates[0], gates[7]];
    let recalled = subject.ledger.recall(&asked).await?;
    let recalled: Vec<_> = recalled.into_iter().map(|it| it.map(|it| it.memory)).collect();
    let expected = [Some(7), None, Some(19), Some(0), Some(7)];
    assert_eq!(recalled, expected.map(|it| it.map(|it: usize| memories[it].clone())));
    Ok(())
}

pub(super) async fn each_writing_is_counted(subject: &Subject) -> PortResult<()> {
    let gate = gate_key();
    for writing in 1..=3 {
        let memory = memory(writing, "a");
        let version = writing.unsigned_abs();
        subject.ledger.remember(&gate, &memory, version - 1, None).await?;
        let expected = Remembered { memory, version };
        assert_eq!(subject.remembered(&gate).await?, Some(expected));
    }
    Ok(())
}

/// As much as a memory ever holds: the most events that passed, each of another subject.
fn full_memory() -> Memory {
    let count = i64::try_from(Memory::MOST_PASSED.max(Memory::MOST_SUBJECTS)).expect("a few");
    let candidate = |seconds: i64| Candidate {
        occurrence: OccurrenceId::at(at(seconds)),
        order: order(seconds),
        said: Digest::of_texts([seconds.to_string().as_str()]),
        subject: Some(Digest::of_texts([seconds.to_string().as_str()])),
        again: false,
    };
    let events: Vec<_> = (0..=count).map(candidate).collect();
    let rules = Rules { on_change: true, snooze: None };
    gate::decide_all(rules, &Memory::default(), &events).1.expect("all of them pass")
}

pub(super) async fn a_full_memory_is_recalled_whole(subject: &Subject) -> PortResult<()> {
    let (gate, memory) = (gate_key(), full_memory());
    subject.ledger.remember(&gate, &memory, 0, None).await?;
    assert_eq!(subject.remembered(&gate).await?.map(|it| it.memory), Some(memory));
    Ok(())
}

pub(super) async fn memories_of_hooks_lives_and_groups_are_apart(
    subject: &Subject,
) -> PortResult<()> {
    let gate = gate_key();
    let others = [
        GateKey { hook: HookId::random(), ..gate },
        GateKey { generation: Generation::random(), ..gate },
        GateKey { group: Digest::of_texts(["another group"]), ..gate },
    ];
    subject.ledger.remember(&gate, &memory(0, "a"), 0, None).await?;
    assert_eq!(subject.ledger.recall(&others).await?, [None, None, None]);
    Ok(())
}

pub(super) async fn a_stale_writer_changes_nothing(subject: &Subject) -> PortResult<()> {
    let (gate, present, late) = (gate_key(), memory(1, "present"), memory(2, "late"));
    let first = subject.ledger.remember(&gate, &late, 1, None).await;
    assert!(races::is_conflict(&first), "nothing is there to be seen: {first:?}");
    subject.ledger.remember(&gate, &memory(0, "first"), 0, None).await?;
    subject.ledger.remember(&gate, &present, 1, None).await?;
    for (name, seen) in [("none", 0), ("the one before", 1), ("one to come", 3)] {
        let result = subject.ledger.remember(&gate, &late, seen, None).await;
        assert!(races::is_conflict(&result), "saw {name}: {result:?}");
    }
    let expected = Remembered { memory: present, version: 2 };
    assert_eq!(subject.remembered(&gate).await?, Some(expected));
    Ok(())
}

pub(super) async fn of_writers_that_saw_nothing_exactly_one_wins(
    subject: &Subject,
) -> PortResult<()> {
    subject.race(gate_key(), 0).await
}

pub(super) async fn of_writers_that_saw_the_same_exactly_one_wins(
    subject: &Subject,
) -> PortResult<()> {
    let gate = gate_key();
    subject.ledger.remember(&gate, &memory(0, "first"), 0, None).await?;
    subject.race(gate, 1).await
}
