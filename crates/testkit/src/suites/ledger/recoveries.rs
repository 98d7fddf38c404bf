//! How far recoveries have come.

use std::{sync::Arc, time::Duration};

use hooks::ports::{
    PortResult, Recovery,
    RecoveryState::{self, Done, Running, Stopped},
};

use super::{MONTH, Subject};
use crate::{
    builders::{START, at, recovery},
    suites::races,
};

impl Subject {
    async fn found(&self, recovery: &Recovery) -> PortResult<Option<Recovery>> {
        self.ledger.recovery(recovery.id, self.now()).await
    }
}

pub(super) async fn a_recovery_is_read_back_whole(subject: &Subject) -> PortResult<()> {
    assert_eq!(subject.found(&recovery()).await?, None, "nobody asked for this one");
    for state in [Running, Done, Stopped] {
        let recovery = Recovery { accepted: 1 << 40, done: 1 << 33, state, ..recovery() };
        subject.ledger.keep_recovery(&recovery, START + MONTH).await?;
        assert_eq!(subject.found(&recovery).await?, Some(recovery));
    }
    Ok(())
}

pub(super) async fn recoveries_are_apart(subject: &Subject) -> PortResult<()> {
    let first = recovery();
    let second = Recovery { done: 5, state: Done, id: recovery().id, ..first.clone() };
    for recovery in [&first, &second] {
        subject.ledger.keep_recovery(recovery, START + MONTH).await?;
    }
    assert_eq!(subject.found(&first).await?, Some(first));
    assert_eq!(subject.found(&second).await?, Some(second));
    Ok(())
}

pub(super) async fn a_recovery_never_goes_back(subject: &Subject) -> PortResult<()> {
    type Said = (RecoveryState, u64);
    let rows: [(&str, &[Said], Said); 11] = [
        ("slice by slice", &[(Running, 3), (Running, 6), (Done, 10)], (Done, 10)),
        ("a slice twice", &[(Running, 3), (Running, 3)], (Running, 3)),
        ("a slice that comes late", &[(Running, 6), (Running, 3)], (Running, 6)),
        ("a slice after the end", &[(Done, 6), (Running, 3)], (Done, 6)),
        ("a later slice after the end", &[(Done, 6), (Running, 9)], (Done, 6)),
        ("a slice after it was stopped", &[(Stopped, 6), (Running, 9)], (Stopped, 6)),
        ("the end twice", &[(Done, 6), (Done, 6)], (Done, 6)),
        ("another end after the end", &[(Stopped, 6), (Done, 9)], (Stopped, 6)),
        ("a stop after the end", &[(Done, 9), (Stopped, 6)], (Done, 9)),
        (
            "an end that counted fewer, for a slice was repeated",
            &[(Running, 9), (Done, 6)],
            (Done, 9),
        ),
        ("a stop that counted fewer", &[(Running, 9), (Stopped, 6)], (Stopped, 9)),
    ];
    for (name, said, (state, done)) in rows {
        let first = recovery();
        for (state, done) in said.iter().copied() {
            let recovery = Recovery { state, done, ..first.clone() };
            subject.ledger.keep_recovery(&recovery, START + MONTH).await?;
        }
        let expected = Recovery { state, done, ..first.clone() };
        assert_eq!(subject.found(&first).await?, Some(expected), "{name}");
    }
    Ok(())
}

pub(super) async fn of_slices_at_once_the_furthest_stays(subject: &Subject) -> PortResult<()> {
    let first = recovery();
    let racers = (1..=10).rev().map(|done| {
        let state = if done == 10 { Done } else { Running };
        let (ledger, recovery) =
            (Arc::clone(&subject.ledger), Recovery { done, state, ..first.clone() });
        async move { ledger.keep_recovery(&recovery, START + MONTH).await }
    });
    races::run(racers).await.into_iter().collect::<PortResult<()>>()?;
    let expected = Recovery { done: 10, state: Done, ..first.clone() };
    assert_eq!(subject.found(&first).await?, Some(expected));
    Ok(())
}

pub(super) async fn it_is_read_until_it_expires_and_not_then(subject: &Subject) -> PortResult<()> {
    let recovery = recovery();
    subject.ledger.keep_recovery(&recovery, at(60)).await?;
    for (now, is_there) in
        [(at(60) - Duration::from_millis(1), true), (at(60), false), (START + MONTH, false)]
    {
        let found = subject.ledger.recovery(recovery.id, now).await?;
        assert_eq!(found.is_some(), is_there, "at {now}");
    }
    Ok(())
}

pub(super) async fn what_expired_begins_anew(subject: &Subject) -> PortResult<()> {
    let running = recovery();
    let done = Recovery { done: 10, state: Done, ..running.clone() };
    subject.ledger.keep_recovery(&done, at(60)).await?;
    subject.clock.set(at(60));
    subject.ledger.keep_recovery(&running, START + MONTH).await?;
    assert_eq!(subject.found(&running).await?, Some(running));
    Ok(())
}

pub(super) async fn the_latest_writing_says_when_it_ends(subject: &Subject) -> PortResult<()> {
    let first = recovery();
    subject.ledger.keep_recovery(&first, at(60)).await?;
    let further = Recovery { done: 3, ..first.clone() };
    subject.ledger.keep_recovery(&further, at(120)).await?;
    subject.clock.set(at(60));
    assert_eq!(subject.found(&first).await?, Some(further));
    Ok(())
}
