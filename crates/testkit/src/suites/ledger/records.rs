//! What became of deliveries.

use std::sync::Arc;

use hooks::{
    delivery::{
        Attempt, Delivery, Exchange, ExhaustedReason, LogLevel, LogLine, Record, State, Status,
        Step,
    },
    event::Event,
    ports::{DeliveryEntry, PortResult, Progress},
};
use serde_json::json;

use super::{MONTH, Subject};
use crate::{
    builders::{
        START, at, attempt, attempt_step, data, delivery, event, hook, pending, record, record_of,
    },
    suites::races,
};

/// All attempts failed.
pub(super) const EXHAUSTED: State = State::Exhausted { reason: ExhaustedReason::ScheduleOver };

const LEVELS: [LogLevel; 8] = [
    LogLevel::Emerg,
    LogLevel::Alert,
    LogLevel::Crit,
    LogLevel::Error,
    LogLevel::Warn,
    LogLevel::Notice,
    LogLevel::Info,
    LogLevel::Debug,
];

/// The ledger's entry after this record alone.
pub(super) fn entry_of(record: &Record) -> DeliveryEntry {
    DeliveryEntry {
        id: record.delivery.id(),
        delivery: record.delivery.clone(),
        step: record.step,
        state: record.state.clone(),
        updated: record.at,
        attempts: record.attempt.iter().cloned().collect(),
    }
}

pub(super) async fn a_record_is_read_back_whole(subject: &Subject) -> PortResult<()> {
    let event = Event {
        data: data(json!({"big": u64::MAX, "float": 0.1, "deep": [{"ü": "\"'\n"}, null]})),
        time: Some(at(-100)),
        pid: Some(-1),
        key: Some(hooks::event::EventKey::Id("mine".into())),
        ..event()
    };
    let delivery = Delivery::first(&hook(), event);
    let ran = attempt(attempt_step(1));
    let attempt = Attempt {
        took_ms: u64::from(u32::MAX),
        error: Some("receiver answered 503".into()),
        exchange: Exchange {
            headers: vec![("x-one".into(), "***".into()), ("x-one".into(), String::new())],
            returns: vec![json!(null), json!({"deep": [1.5, "ü"]}), json!(false)],
            logs: LEVELS.map(|level| LogLine { level, text: "a line\n".into() }).into(),
            ..ran.exchange
        },
        ..ran
    };
    let record =
        Record { attempt: Some(attempt), ..record_of(delivery, attempt_step(1), pending()) };
    subject.record_all(std::slice::from_ref(&record)).await?;
    assert_eq!(subject.entry(record.delivery.id()).await?, entry_of(&record));
    Ok(())
}

pub(super) async fn an_end_without_an_attempt_is_read_back(subject: &Subject) -> PortResult<()> {
    let record = Record { attempt: None, state: State::Parked, ..record() };
    subject.record_all(std::slice::from_ref(&record)).await?;
    assert_eq!(subject.entry(record.delivery.id()).await?, entry_of(&record));
    Ok(())
}

pub(super) async fn every_state_is_read_back(subject: &Subject) -> PortResult<()> {
    let exhausted = |reason| State::Exhausted { reason };
    for state in [
        pending(),
        State::Delivered,
        State::Parked,
        State::Cancelled,
        exhausted(ExhaustedReason::ScheduleOver),
        exhausted(ExhaustedReason::ScriptError),
        exhausted(ExhaustedReason::TemplateError),
        exhausted(ExhaustedReason::Panicked),
    ] {
        let record = Record { state, ..record() };
        subject.record_all(std::slice::from_ref(&record)).await?;
        assert_eq!(subject.entry(record.delivery.id()).await?.state, record.state);
    }
    Ok(())
}

pub(super) async fn a_large_event_and_answer_are_read_back_whole(
    subject: &Subject,
) -> PortResult<()> {
    let data = data(json!({"filler": "ü".repeat(120 * 1024)}));
    let delivery = Delivery::first(&hook(), Event { data, ..event() });
    let mut record = record_of(delivery, attempt_step(1), State::Delivered);
    let exchange = &mut record.attempt.as_mut().expect("it has one").exchange;
    exchange.answer = Some("x".repeat(Exchange::MOST_KEPT));
    exchange.returns = vec![json!("x".repeat(Exchange::MOST_RETURNED - 2))];
    subject.record_all(std::slice::from_ref(&record)).await?;
    assert_eq!(subject.entry(record.delivery.id()).await?, entry_of(&record));
    Ok(())
}

pub(super) async fn writing_twice_leaves_what_writing_once_does(
    subject: &Subject,
) -> PortResult<()> {
    let failed = record_of(delivery(), attempt_step(1), pending());
    let delivered = record_of(failed.delivery.clone(), attempt_step(2), State::Delivered);
    subject.record_all(&[failed.clone(), delivered.clone()]).await?;
    let once = subject.entry(failed.delivery.id()).await?;
    subject.record_all(&[delivered.clone(), failed.clone(), failed, delivered]).await?;
    assert_eq!(subject.entry(once.id).await?, once);
    Ok(())
}

pub(super) async fn a_later_attempt_moves_the_delivery_on(subject: &Subject) -> PortResult<()> {
    let first = record_of(delivery(), attempt_step(1), pending());
    let later = Record {
        at: at(5),
        ..record_of(first.delivery.clone(), attempt_step(2), State::Delivered)
    };
    subject.record_all(&[first.clone(), later.clone()]).await?;
    let attempts = [first.attempt, later.attempt.clone()].into_iter().flatten().collect();
    let expected = DeliveryEntry { attempts, ..entry_of(&later) };
    assert_eq!(subject.entry(expected.id).await?, expected);
    Ok(())
}

pub(super) async fn a_late_record_adds_its_attempt_and_nothing_else(
    subject: &Subject,
) -> PortResult<()> {
    let late = Record { at: at(60), ..record_of(delivery(), attempt_step(1), pending()) };
    let present = record_of(late.delivery.clone(), attempt_step(2), State::Delivered);
    subject.record_all(&[present.clone(), late.clone()]).await?;
    let attempts = [late.attempt, present.attempt.clone()].into_iter().flatten().collect();
    let expected = DeliveryEntry { attempts, ..entry_of(&present) };
    assert_eq!(subject.entry(expected.id).await?, expected);
    Ok(())
}

pub(super) async fn a_record_of_the_same_step_changes_nothing(subject: &Subject) -> PortResult<()> {
    let present = record_of(delivery(), attempt_step(1), pending());
    let different = Attempt { error: Some("different".into()), ..attempt(attempt_step(1)) };
    let again = Record {
        attempt: Some(different),
        at: at(60),
        ..record_of(present.delivery.clone(), attempt_step(1), EXHAUSTED)
    };
    let ended = Record { attempt: None, ..again.clone() };
    subject.record_all(&[present.clone(), again.clone(), ended.clone()]).await?;
    assert_eq!(subject.entry(present.delivery.id()).await?, entry_of(&present));

    let without = Record { delivery: delivery(), ..ended };
    let with = Record { delivery: without.delivery.clone(), ..again };
    subject.record_all(&[without.clone(), with]).await?;
    let entry = subject.entry(without.delivery.id()).await?;
    assert_eq!(entry, entry_of(&without), "nor does it add an attempt");
    Ok(())
}

pub(super) async fn a_later_run_comes_after_every_attempt_of_an_earlier_one(
    subject: &Subject,
) -> PortResult<()> {
    let first_run = record_of(delivery(), attempt_step(10), EXHAUSTED);
    let again = Delivery { run: 1, ..first_run.delivery.clone() };
    let second_run = record_of(again, Step { run: 1, attempt: 1 }, State::Delivered);
    subject.record_all(&[first_run.clone(), second_run.clone(), first_run.clone()]).await?;

    let attempts = [first_run.attempt, second_run.attempt.clone()].into_iter().flatten().collect();
    let expected = DeliveryEntry { attempts, ..entry_of(&second_run) };
    assert_eq!(subject.entry(expected.id).await?, expected);
    Ok(())
}

pub(super) async fn a_run_after_a_success_starts_afresh(subject: &Subject) -> PortResult<()> {
    let delivered = record_of(delivery(), attempt_step(2), State::Delivered);
    let again = Delivery { run: 1, ..delivered.delivery.clone() };
    let failed = record_of(again, Step { run: 1, attempt: 1 }, pending());
    let late = record_of(delivered.delivery.clone(), attempt_step(3), State::Delivered);
    subject.record_all(&[delivered.clone(), failed.clone(), late.clone()]).await?;
    let attempts = [delivered, late, failed.clone()].into_iter().filter_map(|it| it.attempt);
    let expected = DeliveryEntry { attempts: attempts.collect(), ..entry_of(&failed) };
    assert_eq!(subject.entry(expected.id).await?, expected);
    Ok(())
}

pub(super) async fn delivered_then_a_later_failure_of_its_run_stays_delivered_with_both_attempts(
    subject: &Subject,
) -> PortResult<()> {
    for failure in [pending(), EXHAUSTED] {
        let delivered = record_of(delivery(), attempt_step(1), State::Delivered);
        let failed =
            Record { at: at(5), ..record_of(delivered.delivery.clone(), attempt_step(2), failure) };
        subject.record_all(&[delivered.clone(), failed.clone()]).await?;
        let attempts = [delivered.attempt.clone(), failed.attempt].into_iter().flatten().collect();
        let expected = DeliveryEntry { attempts, ..entry_of(&delivered) };
        assert_eq!(subject.entry(expected.id).await?, expected);
    }
    Ok(())
}

pub(super) async fn what_ended_stays_so_when_a_later_failure_of_its_run_is_recorded(
    subject: &Subject,
) -> PortResult<()> {
    for end in [EXHAUSTED, State::Parked, State::Cancelled] {
        let ended = record_of(delivery(), attempt_step(1), end);
        let failed = record_of(ended.delivery.clone(), attempt_step(2), pending());
        subject.record_all(&[ended.clone(), failed.clone()]).await?;
        let attempts = [ended.attempt.clone(), failed.attempt].into_iter().flatten().collect();
        let expected = DeliveryEntry { attempts, ..entry_of(&ended) };
        assert_eq!(subject.entry(expected.id).await?, expected);
    }
    Ok(())
}

pub(super) async fn exhausted_then_a_late_success_of_its_run_becomes_delivered(
    subject: &Subject,
) -> PortResult<()> {
    for (name, late_step) in [
        ("of a later step", attempt_step(4)),
        ("of the same step", attempt_step(3)),
        ("of an earlier step", attempt_step(2)),
    ] {
        let exhausted = record_of(delivery(), attempt_step(3), EXHAUSTED);
        let success = Attempt { took_ms: 99, ..attempt(late_step) };
        let delivered = Record {
            attempt: Some(success.clone()),
            at: at(5),
            ..record_of(exhausted.delivery.clone(), late_step, State::Delivered)
        };
        subject.record_all(&[exhausted.clone(), delivered.clone(), exhausted.clone()]).await?;

        let entry = subject.entry(exhausted.delivery.id()).await?;
        let step = late_step.max(exhausted.step);
        assert_eq!(
            (entry.step, &entry.state, entry.updated),
            (step, &State::Delivered, at(5)),
            "{name}"
        );
        assert!(entry.attempts.contains(&success), "{name}: its attempt is shown");
        let mut steps = vec![exhausted.step, late_step];
        steps.sort_unstable();
        steps.dedup();
        assert_eq!(entry.attempts.iter().map(|it| it.step).collect::<Vec<_>>(), steps, "{name}");
        let progress = subject.ledger.progress(&[entry.id], subject.now()).await?;
        assert_eq!(progress, [Some(Progress { step, status: Status::Delivered })], "{name}");
    }
    Ok(())
}

pub(super) async fn progress_is_answered_in_order(subject: &Subject) -> PortResult<()> {
    let first = record();
    let second = record_of(delivery(), Step { run: 2, attempt: 3 }, pending());
    subject.record_all(&[first.clone(), second.clone()]).await?;
    let (first, second) = (first.delivery.id(), second.delivery.id());
    let unknown = delivery().id();
    let asked = [second, unknown, first, second];
    let progress = subject.ledger.progress(&asked, START).await?;
    let late = Progress { step: Step { run: 2, attempt: 3 }, status: Status::Pending };
    let done = Progress { step: attempt_step(1), status: Status::Delivered };
    assert_eq!(progress, [Some(late), None, Some(done), Some(late)]);
    assert_eq!(subject.ledger.progress(&[], START).await?, []);
    assert_eq!(subject.ledger.delivery(unknown, START).await?, None);
    Ok(())
}

pub(super) async fn deliveries_of_one_event_to_different_hooks_are_apart(
    subject: &Subject,
) -> PortResult<()> {
    let event = event();
    let [one, other] = [hook(), hook()].map(|it| Delivery::first(&it, event.clone()));
    let one = record_of(one, attempt_step(1), State::Delivered);
    let other = record_of(other, attempt_step(1), pending());
    subject.record_all(&[one.clone(), other.clone()]).await?;
    assert_eq!(subject.entry(one.delivery.id()).await?, entry_of(&one));
    assert_eq!(subject.entry(other.delivery.id()).await?, entry_of(&other));
    Ok(())
}

pub(super) async fn records_at_once_end_at_the_latest_step_with_every_attempt(
    subject: &Subject,
) -> PortResult<()> {
    let delivery = delivery();
    let steps: Vec<_> = (1..=10).map(attempt_step).collect();
    let record_at = |step| match step {
        Step { attempt: 10, .. } => record_of(delivery.clone(), step, State::Delivered),
        _ => record_of(delivery.clone(), step, pending()),
    };
    // Each of them twice.
    let racers = steps.iter().rev().chain(&steps).map(|step| {
        let (ledger, record) = (Arc::clone(&subject.ledger), record_at(*step));
        async move { ledger.record(&record, START + MONTH).await }
    });
    races::run(racers).await.into_iter().collect::<PortResult<()>>()?;
    let entry = subject.entry(delivery.id()).await?;
    assert_eq!((entry.step, entry.state), (attempt_step(10), State::Delivered));
    assert_eq!(entry.attempts.iter().map(|it| it.step).collect::<Vec<_>>(), steps);
    Ok(())
}
