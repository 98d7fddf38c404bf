//! Deliveries that are put off: no attempt was made, and the next one waits for something else.

use std::sync::Arc;

use hooks::{
    delivery::{Attempt, Delivery, PendingReason, Record, State, Status, Step},
    ports::{DeliveryEntry, PortResult, Progress},
};

use super::{
    MONTH, Subject,
    records::{EXHAUSTED, entry_of},
};
use crate::{
    builders::{START, at, attempt, attempt_step, delivery, pending, put_off, record, record_of},
    suites::races,
};

use PendingReason::{Circuit, Redelivery, Retry, Slow};

/// Where a delivery stands before its first attempt.
fn before_the_first() -> Step {
    attempt_step(0)
}

/// A first attempt failed.
fn failed() -> Record {
    record_of(delivery(), attempt_step(1), pending())
}

/// What is read when these were recorded, the last of them saying where the delivery stands.
fn entry_after(records: &[&Record]) -> DeliveryEntry {
    let last = records.last().expect("at least one");
    let attempts = records.iter().filter_map(|it| it.attempt.clone()).collect();
    DeliveryEntry { attempts, ..entry_of(last) }
}

impl Subject {
    /// Records these in their order, and reads the delivery.
    async fn after(&self, records: &[&Record]) -> PortResult<DeliveryEntry> {
        for record in records {
            self.ledger.record(record, START + MONTH).await?;
        }
        self.entry(records[0].delivery.id()).await
    }
}

pub(super) async fn every_reason_to_wait_is_read_back(subject: &Subject) -> PortResult<()> {
    for reason in [Retry, Circuit, Slow, Redelivery] {
        let put_off = put_off(delivery(), before_the_first(), 0, reason);
        assert_eq!(subject.after(&[&put_off]).await?, entry_of(&put_off));
    }
    Ok(())
}

pub(super) async fn a_deferral_moves_the_state_and_not_the_step_and_keeps_the_attempts(
    subject: &Subject,
) -> PortResult<()> {
    let failed = failed();
    let deferred = put_off(failed.delivery.clone(), attempt_step(1), 5, Circuit);
    let expected = entry_after(&[&failed, &deferred]);
    assert_eq!(expected.attempts.len(), 1);
    assert_eq!(subject.after(&[&failed, &deferred]).await?, expected);
    assert_eq!(subject.after(&[&deferred]).await?, expected, "twice is once");

    let progress = subject.ledger.progress(&[expected.id], subject.now()).await?;
    let waits = Progress { step: attempt_step(1), status: Status::Pending };
    assert_eq!(progress, [Some(waits)], "the second attempt is still owed");

    let second = record_of(failed.delivery.clone(), attempt_step(2), State::Delivered);
    let expected = entry_after(&[&failed, &deferred, &second]);
    assert_eq!(subject.after(&[&second]).await?, expected, "and may be made");
    Ok(())
}

pub(super) async fn a_deferral_before_the_first_attempt_is_followed_by_it(
    subject: &Subject,
) -> PortResult<()> {
    for state in [pending(), State::Delivered, EXHAUSTED, State::Parked] {
        let deferred = put_off(delivery(), before_the_first(), 0, Slow);
        let again = put_off(deferred.delivery.clone(), before_the_first(), 5, Circuit);
        assert_eq!(subject.after(&[&deferred, &again]).await?, entry_of(&again));

        let first = record_of(deferred.delivery.clone(), attempt_step(1), state);
        assert_eq!(subject.after(&[&first]).await?, entry_of(&first));
    }
    Ok(())
}

pub(super) async fn a_redelivery_waits_in_its_run_until_its_first_attempt(
    subject: &Subject,
) -> PortResult<()> {
    for end in [State::Delivered, EXHAUSTED, State::Parked, State::Cancelled, pending()] {
        let ended = record_of(delivery(), attempt_step(3), end);
        let again = Delivery { run: 1, ..ended.delivery.clone() };
        let sent = put_off(again.clone(), Step { run: 1, attempt: 0 }, 5, Redelivery);
        let expected = entry_after(&[&ended, &sent]);
        assert_eq!(expected.delivery.run, 1);
        assert_eq!(subject.after(&[&ended, &sent]).await?, expected);

        let first = record_of(again, Step { run: 1, attempt: 1 }, pending());
        let expected = entry_after(&[&ended, &sent, &first]);
        assert_eq!(subject.after(&[&first, &sent]).await?, expected);
    }
    Ok(())
}

pub(super) async fn of_several_deferrals_the_latest_stays(subject: &Subject) -> PortResult<()> {
    for (name, order) in [
        ("in order", [0, 1, 2]),
        ("backwards", [2, 1, 0]),
        ("the latest between the others", [0, 2, 1]),
    ] {
        let failed = failed();
        let at =
            |seconds, reason| put_off(failed.delivery.clone(), attempt_step(1), seconds, reason);
        let deferrals = [at(10, Circuit), at(20, Slow), at(30, Circuit)];
        let [first, second, third] = order.map(|it| &deferrals[it]);
        let expected = entry_after(&[&failed, &deferrals[2]]);
        assert_eq!(subject.after(&[&failed, first, second, third]).await?, expected, "{name}");
    }
    Ok(())
}

pub(super) async fn a_record_that_comes_after_the_deferral_of_its_retry_adds_its_attempt_only(
    subject: &Subject,
) -> PortResult<()> {
    let failed = failed();
    let deferred = put_off(failed.delivery.clone(), attempt_step(1), 5, Circuit);
    let expected = entry_after(&[&failed, &deferred]);
    let read = subject.after(&[&deferred, &failed]).await?;
    assert_eq!(read, expected, "nothing was known before");

    let first = self::failed();
    let second = record_of(first.delivery.clone(), attempt_step(2), pending());
    let deferred = put_off(first.delivery.clone(), attempt_step(2), 35, Slow);
    let expected = entry_after(&[&first, &second, &deferred]);
    assert_eq!(subject.after(&[&first, &deferred, &second]).await?, expected, "the first was");

    let late = self::failed();
    let deferred = put_off(late.delivery.clone(), attempt_step(2), 35, Slow);
    let expected = entry_after(&[&late, &deferred]);
    assert_eq!(subject.after(&[&deferred, &late]).await?, expected, "of an earlier attempt");
    Ok(())
}

pub(super) async fn an_attempt_that_comes_again_does_not_undo_a_deferral(
    subject: &Subject,
) -> PortResult<()> {
    let failed = failed();
    let deferred = put_off(failed.delivery.clone(), attempt_step(1), 5, Circuit);
    let different = Attempt { error: Some("different".into()), ..attempt(attempt_step(1)) };
    let repeated = Record { attempt: Some(different), at: at(60), ..failed.clone() };
    let expected = entry_after(&[&failed, &deferred]);
    assert_eq!(subject.after(&[&failed, &deferred, &failed, &repeated]).await?, expected);
    Ok(())
}

pub(super) async fn a_late_deferral_changes_nothing(subject: &Subject) -> PortResult<()> {
    for end in [State::Delivered, EXHAUSTED, State::Parked, State::Cancelled] {
        let ended = record_of(delivery(), attempt_step(2), end);
        let put_off = |step| put_off(ended.delivery.clone(), step, 60, Circuit);
        for (name, late) in [
            ("before the first attempt", put_off(before_the_first())),
            ("at an earlier step", put_off(attempt_step(1))),
            ("at the step of the end", put_off(attempt_step(2))),
            ("at a later step", put_off(attempt_step(3))),
        ] {
            assert_eq!(subject.after(&[&ended, &late]).await?, entry_of(&ended), "{name}");
        }
    }

    let second = record_of(delivery(), attempt_step(2), pending());
    let late = put_off(second.delivery.clone(), attempt_step(1), 60, Circuit);
    let read = subject.after(&[&second, &late]).await?;
    assert_eq!(read, entry_of(&second), "of the attempt before");

    let again = Delivery { run: 1, ..delivery() };
    let present = record_of(again.clone(), Step { run: 1, attempt: 1 }, pending());
    let late = put_off(Delivery { run: 0, ..again }, attempt_step(1), 60, Circuit);
    let read = subject.after(&[&present, &late]).await?;
    assert_eq!(read, entry_of(&present), "of the run before");
    Ok(())
}

pub(super) async fn a_success_takes_the_place_of_a_deferral(subject: &Subject) -> PortResult<()> {
    for attempt in [1, 2, 3] {
        let deferred = put_off(delivery(), attempt_step(2), 5, Circuit);
        let success = record_of(deferred.delivery.clone(), attempt_step(attempt), State::Delivered);
        let step = attempt_step(attempt.max(2));
        let expected = DeliveryEntry { step, ..entry_of(&success) };
        let read = subject.after(&[&deferred, &success, &deferred]).await?;
        assert_eq!(read, expected, "of attempt {attempt}");
    }
    Ok(())
}

pub(super) async fn what_is_put_off_is_kept_for_longer(subject: &Subject) -> PortResult<()> {
    let failed = failed();
    let id = failed.delivery.id();
    let deferred = put_off(failed.delivery.clone(), attempt_step(1), 5, Slow);
    subject.ledger.record(&failed, at(60)).await?;
    subject.ledger.record(&deferred, at(120)).await?;
    for (now, is_there) in [(at(60), true), (at(119), true), (at(120), false)] {
        assert_eq!(subject.ledger.delivery(id, now).await?.is_some(), is_there, "at {now}");
    }
    Ok(())
}

pub(super) async fn deferrals_and_attempts_at_once_lose_no_attempt(
    subject: &Subject,
) -> PortResult<()> {
    let delivery = record().delivery;
    let attempts = (1..=5).map(|it| record_of(delivery.clone(), attempt_step(it), pending()));
    let deferrals =
        (0..=5).map(|it| put_off(delivery.clone(), attempt_step(it), 10 + i64::from(it), Circuit));
    let racers =
        deferrals.zip(attempts.clone().chain(attempts.take(1))).map(|(put_off, failed)| {
            let ledger = Arc::clone(&subject.ledger);
            async move {
                ledger.record(&put_off, START + MONTH).await?;
                ledger.record(&failed, START + MONTH).await
            }
        });
    races::run(racers).await.into_iter().collect::<PortResult<()>>()?;
    let entry = subject.entry(delivery.id()).await?;
    let last = put_off(delivery, attempt_step(5), 15, Circuit);
    assert_eq!((entry.step, entry.state), (last.step, last.state));
    let steps: Vec<_> = entry.attempts.iter().map(|it| it.step).collect();
    assert_eq!(steps, (1..=5).map(attempt_step).collect::<Vec<_>>());
    Ok(())
}
