//! How many deliveries a query would list.

use hooks::{
    delivery::{State, Status},
    ports::{DeliveryCursor, DeliveryQuery, PageRequest, PortResult},
};

use super::{MONTH, Subject, all_of, owed, records::EXHAUSTED};
use crate::builders::{START, at, attempt_step, hook, pending, record_of};

impl Subject {
    async fn count(&self, query: &DeliveryQuery) -> PortResult<usize> {
        let count = self.ledger.count(query, self.now()).await?;
        Ok(usize::try_from(count).expect("a few"))
    }
}

pub(super) async fn a_hook_without_deliveries_counts_none(subject: &Subject) -> PortResult<()> {
    assert_eq!(subject.count(&all_of(&hook())).await?, 0);
    Ok(())
}

pub(super) async fn a_count_is_what_all_pages_list_together(subject: &Subject) -> PortResult<()> {
    let (mine, other) = (hook(), hook());
    let states = [pending(), State::Delivered, EXHAUSTED, State::Parked, State::Cancelled];
    for (second, state) in (0..30).zip(states.iter().cycle()) {
        for hook in [&mine, &other] {
            let record = record_of(owed(hook, second), attempt_step(1), state.clone());
            subject.record_all(&[record]).await?;
        }
    }
    let statuses = Status::ALL.into_iter().map(Some).chain([None]);
    for status in statuses {
        for (since, until) in [
            (None, None),
            (Some(7), None),
            (None, Some(7)),
            (Some(7), Some(23)),
            (Some(7), Some(7)),
            (Some(23), Some(7)),
            (Some(30), None),
            (None, Some(0)),
        ] {
            let (since, until) = (since.map(at), until.map(at));
            let query = DeliveryQuery { status, since, until, ..all_of(&mine) };
            let listed = subject.listed(&query, 4).await?.len();
            let name = format!("{status:?} since {since:?} until {until:?}");
            assert_eq!(subject.count(&query).await?, listed, "{name}");

            let after = Some(DeliveryCursor { accepted: at(3), id: owed(&mine, 3).id() });
            let query = DeliveryQuery { page: PageRequest { size: 1, after }, ..query };
            assert_eq!(subject.count(&query).await?, listed, "{name}, whichever page is meant");
        }
    }
    assert_eq!(subject.count(&all_of(&mine)).await?, 30);
    Ok(())
}

pub(super) async fn a_count_follows_the_deliveries(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let first = record_of(owed(&hook, 0), attempt_step(1), pending());
    let moved = record_of(first.delivery.clone(), attempt_step(2), State::Delivered);
    let of = |status| DeliveryQuery { status: Some(status), ..all_of(&hook) };
    for (name, record, pending, delivered) in
        [("pending", first.clone(), 1, 0), ("delivered", moved, 0, 1), ("late", first, 0, 1)]
    {
        subject.record_all(&[record]).await?;
        assert_eq!(subject.count(&of(Status::Pending)).await?, pending, "{name}");
        assert_eq!(subject.count(&of(Status::Delivered)).await?, delivered, "{name}");
        assert_eq!(subject.count(&all_of(&hook)).await?, 1, "{name}");
    }
    Ok(())
}

pub(super) async fn an_expired_delivery_is_not_counted(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    for second in 0..10 {
        let record = record_of(owed(&hook, second), attempt_step(1), State::Delivered);
        let expires = if second < 3 { at(60) } else { START + MONTH };
        subject.ledger.record(&record, expires).await?;
    }
    let delivered = DeliveryQuery { status: Some(Status::Delivered), ..all_of(&hook) };
    for (now, expected) in [(at(59), 10), (at(60), 7), (START + MONTH, 0)] {
        for query in [&delivered, &all_of(&hook)] {
            assert_eq!(subject.ledger.count(query, now).await?, expected, "at {now}");
        }
    }
    Ok(())
}
