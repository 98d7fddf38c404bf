//! The log of a hook, page by page.

use hooks::{
    delivery::{Delivery, Record, State, Status},
    event::{Data, Event},
    hook::EventHook,
    id::DeliveryId,
    ports::{DeliveryCursor, DeliveryQuery, PageRequest, PortResult},
};

use super::{Subject, all_of, owed};
use crate::{
    builders::{at, attempt_step, event, hook, order, pending, record_of},
    suites::pages,
};

/// The record of a first attempt for an event that was accepted at that second.
fn recorded(hook: &EventHook, seconds: i64, state: State) -> Record {
    record_of(owed(hook, seconds), attempt_step(1), state)
}

/// The ids of these in the order of lists.
fn newest_first<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<DeliveryId> {
    let place = |it: &Record| (it.delivery.event.order.accepted, it.delivery.id());
    let mut places: Vec<_> = records.into_iter().map(place).collect();
    places.sort_unstable_by(|a, b| b.cmp(a));
    places.into_iter().map(|(_, id)| id).collect()
}

pub(super) async fn a_hook_without_deliveries_has_an_empty_list(
    subject: &Subject,
) -> PortResult<()> {
    assert_eq!(subject.listed(&all_of(&hook()), 10).await?, []);
    Ok(())
}

pub(super) async fn the_newest_event_comes_first_whenever_it_was_recorded(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    let records: Vec<_> = [3, 0, 4, 1, 2].map(|it| recorded(&hook, it, State::Delivered)).into();
    subject.record_all(&records).await?;
    for size in [1, 2, 5, 6, 1_000] {
        let listed = subject.listed(&all_of(&hook), size).await?;
        assert_eq!(listed, newest_first(&records), "in pages of {size}");
    }
    Ok(())
}

pub(super) async fn a_list_leaves_out_event_data_and_attempts(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let record = recorded(&hook, 0, pending());
    subject.record_all(std::slice::from_ref(&record)).await?;
    let page = subject.ledger.deliveries(&all_of(&hook), subject.now()).await?;

    let mut whole = subject.entry(record.delivery.id()).await?;
    let event = Event { data: Data::default(), ..record.delivery.event };
    whole.delivery = Delivery { event, ..whole.delivery };
    whole.attempts.clear();
    assert_eq!(page.items, [whole]);
    Ok(())
}

pub(super) async fn a_list_holds_the_deliveries_of_its_hook_only(
    subject: &Subject,
) -> PortResult<()> {
    let (mine, other) = (hook(), hook());
    let wanted = recorded(&mine, 0, State::Delivered);
    let unwanted = recorded(&other, 0, State::Delivered);
    subject.record_all(&[wanted.clone(), unwanted]).await?;
    assert_eq!(subject.listed(&all_of(&mine), 10).await?, [wanted.delivery.id()]);
    Ok(())
}

pub(super) async fn a_list_of_one_status_follows_the_deliveries(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    let moving = recorded(&hook, 0, pending());
    let staying = recorded(&hook, 1, pending());
    let of = |status| DeliveryQuery { status: Some(status), ..all_of(&hook) };
    subject.record_all(&[moving.clone(), staying.clone()]).await?;
    let both = newest_first([&moving, &staying]);
    assert_eq!(subject.listed(&of(Status::Pending), 10).await?, both);
    for status in Status::ALL.into_iter().filter(|it| *it != Status::Pending) {
        assert_eq!(subject.listed(&of(status), 10).await?, [], "{status:?}");
    }

    let moved = record_of(moving.delivery.clone(), attempt_step(2), State::Delivered);
    subject.record_all(&[moved]).await?;
    assert_eq!(subject.listed(&of(Status::Pending), 10).await?, [staying.delivery.id()]);
    assert_eq!(subject.listed(&of(Status::Delivered), 10).await?, [moving.delivery.id()]);
    assert_eq!(subject.listed(&all_of(&hook), 10).await?, both);
    Ok(())
}

pub(super) async fn since_is_included_and_until_is_not(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let records: Vec<_> = (0..5).map(|it| recorded(&hook, it, State::Delivered)).collect();
    subject.record_all(&records).await?;
    for (since, until, expected) in [
        (None, None, 0..5),
        (Some(2), None, 2..5),
        (None, Some(2), 0..2),
        (Some(1), Some(4), 1..4),
        (Some(2), Some(2), 0..0),
        (Some(4), Some(1), 0..0),
        (Some(-10), Some(0), 0..0),
        (Some(5), Some(10), 0..0),
    ] {
        let (since_at, until_at) = (since.map(at), until.map(at));
        for status in [None, Some(Status::Delivered)] {
            let query = DeliveryQuery { since: since_at, until: until_at, status, ..all_of(&hook) };
            let listed = subject.listed(&query, 10).await?;
            let expected = newest_first(&records[expected.clone()]);
            assert_eq!(listed, expected, "since {since:?}, until {until:?}, {status:?}");
        }
    }
    Ok(())
}

pub(super) async fn deliveries_of_one_moment_are_each_on_one_page(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    // One request, so that its events have one moment.
    let moment = order(0);
    let delivery = |_| Delivery::first(&hook, Event { order: moment, ..event() });
    let records: Vec<_> = (0..9)
        .map(delivery)
        .map(|it| record_of(it, attempt_step(1), State::Delivered))
        .chain([recorded(&hook, -1, State::Delivered), recorded(&hook, 1, State::Delivered)])
        .collect();
    subject.record_all(&records).await?;
    let expected = newest_first(&records);
    for size in [1, 2, 4, 10, 11] {
        for status in [None, Some(Status::Delivered)] {
            let query = DeliveryQuery { status, ..all_of(&hook) };
            assert_eq!(subject.listed(&query, size).await?, expected, "{status:?} by {size}");
        }
    }
    Ok(())
}

pub(super) async fn filters_hold_on_every_page(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let state = |it: i64| if it % 3 == 0 { pending() } else { State::Delivered };
    let records: Vec<_> = (0..30).map(|it| recorded(&hook, it, state(it))).collect();
    subject.record_all(&records).await?;
    let query = DeliveryQuery {
        status: Some(Status::Pending),
        since: Some(at(5)),
        until: Some(at(25)),
        ..all_of(&hook)
    };
    let expected = newest_first(records[5..25].iter().filter(|it| it.state == pending()));
    for size in [1, 3, 7, 1_000] {
        assert_eq!(subject.listed(&query, size).await?, expected, "in pages of {size}");
    }
    Ok(())
}

pub(super) async fn a_cursor_does_not_lift_the_filters(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let records: Vec<_> = (0..5).map(|it| recorded(&hook, it, State::Delivered)).collect();
    subject.record_all(&records).await?;
    let last = &records[4].delivery;
    let after = Some(DeliveryCursor { accepted: last.event.order.accepted, id: last.id() });
    for (name, since, until, expected) in [
        ("the cursor alone", None, None, 0..4),
        ("an end before the cursor", None, Some(at(2)), 0..2),
        ("a beginning", Some(at(3)), None, 3..4),
        ("a beginning after the cursor", Some(at(4)), None, 0..0),
    ] {
        let page = PageRequest { size: 10, after };
        let query = DeliveryQuery { since, until, page, ..all_of(&hook) };
        let page = subject.ledger.deliveries(&query, subject.now()).await?;
        let listed: Vec<_> = page.items.iter().map(|it| it.id).collect();
        assert_eq!(listed, newest_first(&records[expected]), "{name}");
    }
    Ok(())
}

pub(super) async fn pages_stay_in_place_while_newer_events_are_recorded(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    let records: Vec<_> = (0..10).map(|it| recorded(&hook, it, State::Delivered)).collect();
    subject.record_all(&records).await?;

    let fetch = async |page| {
        let query = DeliveryQuery { page, ..all_of(&hook) };
        subject.ledger.deliveries(&query, subject.now()).await
    };
    let between = async || subject.record_all(&[recorded(&hook, 100, State::Delivered)]).await;
    let listed = pages::all(3, fetch, between).await?;
    let listed: Vec<_> = listed.into_iter().map(|it| it.id).collect();
    assert_eq!(listed, newest_first(&records), "none twice, none left out, none added");
    Ok(())
}
