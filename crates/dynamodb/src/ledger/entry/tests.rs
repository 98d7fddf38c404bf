use std::time::Duration;

use hooks::{
    delivery::{Exchange, ExhaustedReason, LogLevel, LogLine, PendingReason},
    event::EventKey,
};
use serde_json::json;
use testkit::builders::{
    START, at, attempt, attempt_step, data, delivery, event, hook, pending, put_off, record_of,
};

use super::*;
use crate::item::{self, Key, Row};

const MONTH: Duration = Duration::from_hours(30 * 24);
const EXHAUSTED: State = State::Exhausted { reason: ExhaustedReason::ScheduleOver };

/// `DynamoDB`'s.
const MOST_BYTES: usize = 400 * 1024;

/// A record of an event with so many bytes of data and an attempt with so many bytes of an answer.
fn sized(state: State, bytes: usize, answer: usize) -> Record {
    let data = data(json!({"x": "x".repeat(bytes.saturating_sub(8))}));
    let delivery = Delivery::first(&hook(), Event { data, ..event() });
    let mut record = record_of(delivery, attempt_step(1), state);
    let exchange = &mut record.attempt.as_mut().unwrap().exchange;
    exchange.answer = Some("x".repeat(answer));
    record
}

/// The next attempt of a delivery, with so many bytes of an answer.
fn following(record: &Record, step: Step, state: State, answer: usize) -> Record {
    let exchange = Exchange { answer: Some("x".repeat(answer)), ..Exchange::default() };
    let attempt = Attempt { exchange, ..attempt(step) };
    let delivery = Delivery { run: step.run, ..record.delivery.clone() };
    Record { attempt: Some(attempt), ..record_of(delivery, step, state) }
}

fn first(record: &Record) -> Writing {
    Entry::first(record, START + MONTH).unwrap()
}

#[test]
fn a_row_is_read_back_as_it_was_written() {
    for record in [
        sized(State::Delivered, 1_000, 100),
        sized(pending(), 100_000, 100_000),
        put_off(delivery(), attempt_step(0), 5, PendingReason::Circuit),
        record_of(delivery(), Step { run: 7, attempt: 3 }, EXHAUSTED),
    ] {
        let entry = first(&record).entry;
        assert_eq!(Entry::read(&entry.row().unwrap().into_item()).unwrap(), entry);
    }
}

#[test]
fn what_is_small_stands_in_the_row_and_what_is_large_apart() {
    for (name, record, expected) in [
        ("a usual event", sized(State::Delivered, 1_000, 200), 0),
        ("as much data as fits", sized(State::Delivered, MOST_DATA, 200), 0),
        ("more data", sized(State::Delivered, MOST_DATA + 1, 200), 1),
        ("data that is written again", sized(pending(), MOST_DATA_OF_UNFINISHED, 200), 0),
        ("more of it", sized(pending(), MOST_DATA_OF_UNFINISHED + 1, 200), 1),
        ("an answer as large as kept", sized(pending(), 1_000, Exchange::MOST_KEPT), 0),
        ("a large attempt", sized(State::Delivered, 1_000, MOST_OF_FIRST), 1),
        ("both large", sized(State::Delivered, 256 * 1024, MOST_OF_FIRST), 2),
    ] {
        let writing = first(&record);
        assert_eq!(writing.apart.len(), expected, "{name}");
        let named: Vec<_> = writing.entry.apart().collect();
        let written: Vec<_> = writing.apart.iter().map(|(apart, _)| apart).collect();
        assert_eq!(named, written, "{name}: what is named was written");
        let texts = writing.apart.iter().map(|(_, text)| text.clone()).collect();
        let whole = writing.entry.whole(texts).unwrap();
        assert_eq!(whole.delivery, record.delivery, "{name}");
        assert_eq!(whole.attempts, Vec::from_iter(record.attempt), "{name}");
    }
}

#[test]
fn no_row_outgrows_an_item() {
    let mut record = sized(State::Delivered, MOST_DATA, MOST_OF_FIRST - 1_000);
    record.delivery.event.key = Some(EventKey::Id("\u{1}".repeat(255)));
    let bytes = item::bytes(&first(&record).entry.row().unwrap().into_item());
    assert!(bytes < 52 * 1024, "{bytes}");

    // Somebody sends it again and again, and has done so for long.
    let mut entry = first(&record).entry;
    let page = Page { apart: Apart::of("x"), steps: vec![(4_000_000, 1, 10); 3] };
    entry.pages = vec![page; 2_000];
    for run in 1..6 {
        let next = following(&record, Step { run, attempt: 1 }, EXHAUSTED, 7_000);
        entry = entry.after(&next, START + MONTH).unwrap().unwrap().entry;
        let bytes = item::bytes(&entry.row().unwrap().into_item());
        assert!((96 * 1024..MOST_BYTES / 2).contains(&bytes), "{bytes}");
        assert_eq!(entry.progress.step.run, run);
    }
    assert!(entry.pages.last().is_some_and(|it| it.holds(Step { run: 4, attempt: 1 })));
}

#[test]
fn attempts_move_apart_page_by_page_and_each_is_known_by_its_step() {
    let record = sized(pending(), 1_000, 1_000);
    let mut entry = first(&record).entry;
    let mut pages = Vec::new();
    let mut steps = vec![attempt_step(1)];
    for (run, attempt) in (0..3).flat_map(|run| (1..=10).map(move |it| (run, it))).skip(1) {
        let step = Step { run, attempt };
        let next = following(&record, step, pending(), 1_000);
        let writing = entry.after(&next, START + MONTH).unwrap().unwrap();
        assert!(writing.apart.len() <= 1);
        pages.extend(writing.apart.into_iter().map(|(_, text)| text));
        entry = writing.entry;
        steps.push(step);
    }
    assert!((3..=6).contains(&pages.len()), "{}", pages.len());
    for step in &steps {
        let again = following(&record, *step, EXHAUSTED, 1);
        let again = Record { state: pending(), ..again };
        assert!(entry.after(&again, START + MONTH).unwrap().is_none(), "{step:?}");
    }
    let texts = pages.clone();
    let whole = entry.clone().whole(texts).unwrap();
    assert_eq!(whole.attempts.iter().map(|it| it.step).collect::<Vec<_>>(), steps);

    let missed = following(&record, Step { run: 1, attempt: 11 }, pending(), 1);
    let writing = entry.after(&missed, START + MONTH).unwrap().expect("nobody knows this one");
    assert_eq!(writing.entry.progress, entry.progress, "it is late");
}

#[test]
fn the_success_of_a_step_takes_the_place_of_what_is_apart() {
    let record = sized(EXHAUSTED, 1_000, 20_000);
    let writing = first(&record);
    let page = writing.apart[0].1.clone();
    let success = following(&record, attempt_step(1), State::Delivered, 3);
    let writing = writing.entry.after(&success, START + MONTH).unwrap().unwrap();
    let whole = writing.entry.whole(vec![page]).unwrap();
    assert_eq!(whole.attempts, Vec::from_iter(success.attempt));
    assert_eq!(whole.state, State::Delivered);
}

#[test]
fn what_is_not_delivered_is_marked_and_seldom_anew() {
    let record = |state| sized(state, 100, 100);
    for (name, state, marked) in [
        ("delivered", State::Delivered, None),
        ("waiting", pending(), Some(Status::Pending)),
        ("parked", State::Parked, Some(Status::Parked)),
    ] {
        let writing = first(&record(state));
        assert_eq!((writing.marked, writing.unmarked), (marked, None), "{name}");
    }

    let ends = |later: Duration| START + MONTH + later;
    let day = Duration::from_hours(24);
    let (soon, late) = (ends(GRACE), ends(GRACE + day));
    for (name, state, ends, marked, unmarked) in [
        ("a success", State::Delivered, ends(day), None, Some(Status::Pending)),
        ("an end", EXHAUSTED, ends(day), Some(Status::Exhausted), Some(Status::Pending)),
        ("another failure", pending(), ends(day), None, None),
        ("kept for as long as its mark", pending(), soon, None, None),
        ("kept for longer than its mark", pending(), late, Some(Status::Pending), None),
        ("kept for less long", pending(), START + day, Some(Status::Pending), None),
    ] {
        let first_record = record(pending());
        let entry = first(&first_record).entry;
        let next = following(&first_record, attempt_step(2), state, 100);
        let writing = entry.after(&next, ends).unwrap().unwrap();
        assert_eq!((writing.marked, writing.unmarked), (marked, unmarked), "{name}");
        let of_row = writing.entry.marked;
        assert_eq!(of_row.is_some(), writing.entry.progress.status != Status::Delivered, "{name}");
        assert!(of_row.is_none_or(|it| it <= ends && ends <= it + GRACE), "{name}");
    }
}

#[test]
fn a_delivery_that_comes_back_from_delivered_is_marked_again() {
    let record = sized(pending(), 100, 100);
    let mut entry = first(&record).entry;
    let day = Duration::from_hours(24);
    for (number, state, marked, unmarked) in [
        (2, State::Delivered, None, Some(Status::Pending)),
        (3, pending(), Some(Status::Pending), None),
        (4, EXHAUSTED, Some(Status::Exhausted), Some(Status::Pending)),
        (5, State::Parked, Some(Status::Parked), Some(Status::Exhausted)),
        (6, State::Parked, None, None),
    ] {
        let step = Step { run: number, attempt: 1 };
        let next = following(&record, step, state, 100);
        let writing = entry.after(&next, START + MONTH + day).unwrap().unwrap();
        assert_eq!((writing.marked, writing.unmarked), (marked, unmarked), "run {number}");
        entry = writing.entry;
    }
}

#[test]
fn what_is_kept_apart_is_kept_for_as_long_as_the_row() {
    let record = sized(pending(), 100_000, 20_000);
    let entry = first(&record).entry;
    assert_eq!(entry.apart().count(), 2);
    let ends = |later: Duration| START + MONTH + later;
    let day = Duration::from_hours(24);
    for (name, ends, answer, renewed, until) in [
        ("somewhat longer", ends(day), 100, 0, ends(GRACE)),
        ("as long as it is kept", ends(GRACE), 100, 0, ends(GRACE)),
        ("longer", ends(GRACE + day), 100, 2, ends(GRACE + day + GRACE)),
        ("longer, and with more", ends(GRACE + day), 20_000, 2, ends(GRACE + day + GRACE)),
        ("with more", ends(day), 20_000, 0, ends(GRACE)),
        ("with more that is kept for less long", START + day, 20_000, 0, START + day + GRACE),
    ] {
        let next = following(&record, attempt_step(2), pending(), answer);
        let writing = entry.after(&next, ends).unwrap().unwrap();
        assert_eq!(writing.renewed.len(), renewed, "{name}");
        assert_eq!(writing.entry.apart_until, Some(until), "{name}");
    }

    let small = sized(pending(), 100, 100);
    let next = following(&small, attempt_step(2), pending(), 100);
    let writing = first(&small).entry.after(&next, ends(MONTH)).unwrap().unwrap();
    assert_eq!((writing.renewed.len(), writing.entry.apart_until), (0, None), "nothing is apart");
}

#[test]
fn what_changes_nothing_is_not_written() {
    let record = record_of(delivery(), attempt_step(2), pending());
    let entry = first(&record).entry;
    let deferral = |step, second| {
        put_off(record.delivery.clone(), attempt_step(step), second, PendingReason::Circuit)
    };
    let other = Attempt { error: Some("another".into()), ..attempt(attempt_step(2)) };
    for (name, record, changes) in [
        ("the same", record.clone(), false),
        ("another of its step", Record { attempt: Some(other), ..record.clone() }, false),
        ("a deferral", deferral(2, 5), true),
        ("an older deferral", deferral(2, -5), false),
        ("a deferral of the attempt before", deferral(1, 5), false),
        (
            "an earlier attempt",
            record_of(record.delivery.clone(), attempt_step(1), pending()),
            true,
        ),
    ] {
        let writing = entry.after(&record, START + MONTH).unwrap();
        assert_eq!(writing.is_some(), changes, "{name}");
    }
}

/// A row as the first release wrote it. A later one must still read it.
const RECORDED: &str = r#"{
    "pk": "d#bbccdd#2", "sk": "01a201ea-5c00-8123-8456-78905abbccdd", "seal": "0123456789abcdef",
    "hook": "019aa5e2-7a80-4000-8000-000000000004", "generation": 5, "run": 1, "attempt": 2,
    "status": "pending", "state": "{\"status\":\"pending\",\"due\":1795255235000,\"reason\":\"retry\"}",
    "updated": 1795255205012, "ends": 1797847205012, "expires": 1797847206, "marked": 1797847205012,
    "event": "{\"id\":\"01a201ea-5c00-7000-8000-000000000001\",\"accepted\":1795255200000,\"request\":\"019aa5e2-7a80-7000-8000-000000000002\",\"index\":0,\"workspace\":\"default\",\"source\":\"crud\",\"event\":\"consumers\",\"data\":{}}",
    "data_apart": "{\"name\":\"00112233445566aa\",\"parts\":1}", "apart_until": 1798452005012,
    "pages": "[{\"name\":\"00112233445566bb\",\"parts\":1,\"steps\":[[0,1,10]]}]",
    "attempts": "[{\"run\":1,\"attempt\":2,\"at\":1795255205000,\"took_ms\":12,\"status\":503,\"error\":\"503\"}]"
}"#;

#[test]
fn a_recorded_row_is_still_read() {
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(RECORDED).unwrap();
    let row =
        members.into_iter().fold(Row::at(&Key::new("", "")), |row, (name, value)| match value {
            serde_json::Value::String(text) => row.text(&name, text),
            number => row.number(&name, number),
        });
    let entry = Entry::read(&row.into_item()).unwrap();
    assert_eq!(entry.progress.step, Step { run: 1, attempt: 2 });
    assert_eq!(entry.apart().count(), 2);
    assert!(entry.pages[0].holds(attempt_step(10)) && !entry.pages[0].holds(attempt_step(11)));
    let earlier = serde_json::to_string(&[attempt(attempt_step(1))]).unwrap();
    let whole = entry.whole(vec![r#"{"a":1}"#.to_owned(), earlier]).unwrap();
    assert_eq!(whole.delivery.event.data.get("a"), Some(&json!(1)));
    assert_eq!(whole.attempts.len(), 2);
    assert_eq!(whole.updated, at(5) + Duration::from_millis(12));
}

#[test]
fn the_largest_attempt_is_read_back_from_its_parts() {
    let control = "\u{1}".repeat(640);
    let mut record = sized(State::Delivered, 256 * 1024, 0);
    let exchange = &mut record.attempt.as_mut().unwrap().exchange;
    exchange.returns = vec![json!("x".repeat(Exchange::MOST_RETURNED - 2))];
    exchange.logs = vec![LogLine { level: LogLevel::Debug, text: control }; 100];
    let writing = first(&record);
    assert!(item::bytes(&writing.entry.row().unwrap().into_item()) < 2_000, "all of it is apart");
    let texts = writing.apart.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(writing.entry.whole(texts).unwrap().attempts, Vec::from_iter(record.attempt));
}
