//! How receivers are doing.

use std::{sync::Arc, time::Duration};

use hooks::{
    health::Health,
    hook::EventHook,
    id::{Generation, HookId},
    ports::{KeptHealth, PortResult},
    time::Timestamp,
};

use super::{MONTH, Subject};
use crate::{
    builders::{START, at, failing, hook},
    suites::races,
};

impl Subject {
    async fn health(&self, hook: &EventHook) -> PortResult<Option<KeptHealth>> {
        self.ledger.health(hook.id, hook.generation, self.now()).await
    }

    async fn keep(
        &self,
        hook: &EventHook,
        health: &Health,
        seen: u64,
        expires: Timestamp,
    ) -> PortResult<()> {
        self.ledger.keep_health(hook.id, hook.generation, health, seen, expires).await
    }

    /// Several writers at once, which all saw this.
    async fn race_for_health(&self, hook: &EventHook, seen: u64) -> PortResult<()> {
        let racers = (0..8).map(|failures| {
            let (ledger, hook) = (Arc::clone(&self.ledger), hook.clone());
            async move {
                let health = failing(failures);
                ledger.keep_health(hook.id, hook.generation, &health, seen, START + MONTH).await
            }
        });
        let winner = races::only_winner(&races::run(racers).await);
        let health = failing(u32::try_from(winner).expect("one of eight"));
        assert_eq!(self.health(hook).await?, Some(KeptHealth { health, version: seen + 1 }));
        Ok(())
    }
}

pub(super) async fn of_most_hooks_nothing_is_known(subject: &Subject) -> PortResult<()> {
    assert_eq!(subject.health(&hook()).await?, None);
    Ok(())
}

pub(super) async fn health_is_read_back_whole_and_each_writing_is_counted(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    let probed = Health { probe_until: Some(at(30)), hook_version: 1 << 40, ..failing(u32::MAX) };
    for (version, health) in [(1, failing(1)), (2, probed), (3, Health::unknown(7))] {
        subject.keep(&hook, &health, version - 1, START + MONTH).await?;
        assert_eq!(subject.health(&hook).await?, Some(KeptHealth { health, version }));
    }
    Ok(())
}

pub(super) async fn healths_of_hooks_and_lives_are_apart(subject: &Subject) -> PortResult<()> {
    let first = hook();
    let others = [
        EventHook { id: HookId::random(), ..first.clone() },
        EventHook { generation: Generation::random(), ..first.clone() },
    ];
    subject.keep(&first, &failing(1), 0, START + MONTH).await?;
    for other in &others {
        assert_eq!(subject.health(other).await?, None);
        subject.keep(other, &failing(2), 0, START + MONTH).await?;
    }
    let kept = Some(KeptHealth { health: failing(1), version: 1 });
    assert_eq!(subject.health(&first).await?, kept, "nor does another's writing change it");
    Ok(())
}

pub(super) async fn a_stale_writer_changes_nothing(subject: &Subject) -> PortResult<()> {
    let (hook, late) = (hook(), failing(9));
    let first = subject.keep(&hook, &late, 1, START + MONTH).await;
    assert!(races::is_conflict(&first), "nothing is there to be seen: {first:?}");
    assert_eq!(subject.health(&hook).await?, None);
    subject.keep(&hook, &failing(1), 0, START + MONTH).await?;
    subject.keep(&hook, &failing(2), 1, START + MONTH).await?;
    for (name, seen) in [("none", 0), ("the one before", 1), ("one to come", 3)] {
        let result = subject.keep(&hook, &late, seen, START + MONTH).await;
        assert!(races::is_conflict(&result), "saw {name}: {result:?}");
    }
    let expected = KeptHealth { health: failing(2), version: 2 };
    assert_eq!(subject.health(&hook).await?, Some(expected));
    Ok(())
}

pub(super) async fn of_writers_that_saw_nothing_exactly_one_wins(
    subject: &Subject,
) -> PortResult<()> {
    subject.race_for_health(&hook(), 0).await
}

pub(super) async fn of_writers_that_saw_the_same_exactly_one_wins(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    subject.keep(&hook, &failing(1), 0, START + MONTH).await?;
    subject.race_for_health(&hook, 1).await
}

pub(super) async fn it_is_read_until_it_expires_and_not_then(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    subject.keep(&hook, &failing(1), 0, at(60)).await?;
    for (now, is_there) in
        [(at(60) - Duration::from_millis(1), true), (at(60), false), (START + MONTH, false)]
    {
        let found = subject.ledger.health(hook.id, hook.generation, now).await?;
        assert_eq!(found.is_some(), is_there, "at {now}");
    }
    Ok(())
}

pub(super) async fn what_expired_is_none_to_writers(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    subject.keep(&hook, &failing(1), 0, at(60)).await?;
    subject.clock.set(at(60));
    let late = subject.keep(&hook, &failing(2), 1, START + MONTH).await;
    assert!(races::is_conflict(&late), "what it saw is gone: {late:?}");
    subject.keep(&hook, &failing(3), 0, START + MONTH).await?;
    let expected = KeptHealth { health: failing(3), version: 1 };
    assert_eq!(subject.health(&hook).await?, Some(expected));
    Ok(())
}

pub(super) async fn the_latest_writing_says_when_it_ends(subject: &Subject) -> PortResult<()> {
    let (longer, shorter) = (hook(), hook());
    subject.keep(&longer, &failing(1), 0, at(60)).await?;
    subject.keep(&longer, &failing(2), 1, at(120)).await?;
    subject.keep(&shorter, &failing(1), 0, at(120)).await?;
    subject.keep(&shorter, &failing(2), 1, at(60)).await?;
    subject.clock.set(at(60));
    assert!(subject.health(&longer).await?.is_some());
    assert_eq!(subject.health(&shorter).await?, None);
    Ok(())
}
