//! What has an end is read until then, whether it was cleared away or not.

use std::time::Duration;

use hooks::{
    delivery::State,
    id::OccurrenceId,
    ports::{Claim, PortResult},
};

use super::{MONTH, Subject, all_of, owed};
use crate::{
    builders::{START, at, attempt_step, claim, gate_key, hook, memory, pending, record_of},
    suites::races,
};

/// What all of this expires at, in seconds after the start.
const END: i64 = 60;

/// In seconds.
const HOUR: i64 = 60 * 60;

const ALMOST: Duration = Duration::from_millis(59_999);
const ONE_MORE: Duration = Duration::from_millis(1);

pub(super) async fn a_memory_is_recalled_until_it_expires_and_not_then(
    subject: &Subject,
) -> PortResult<()> {
    let gate = gate_key();
    subject.ledger.remember(&gate, &memory(0, "a"), 0, Some(at(END))).await?;
    subject.clock.advance(ALMOST);
    assert!(subject.ledger.recall(&[gate]).await?[0].is_some(), "it has not ended");
    subject.clock.advance(ONE_MORE);
    assert_eq!(subject.ledger.recall(&[gate]).await?, [None], "it has");
    Ok(())
}

pub(super) async fn a_memory_that_expired_is_none_to_writers(subject: &Subject) -> PortResult<()> {
    let gate = gate_key();
    subject.ledger.remember(&gate, &memory(0, "old"), 0, Some(at(END))).await?;
    subject.clock.set(at(END));
    let late = subject.ledger.remember(&gate, &memory(1, "late"), 1, None).await;
    assert!(races::is_conflict(&late), "what it saw is gone: {late:?}");
    let new = memory(2, "new");
    subject.ledger.remember(&gate, &new, 0, None).await?;
    let recalled = subject.ledger.recall(&[gate]).await?;
    assert_eq!(recalled[0].as_ref().map(|it| &it.memory), Some(&new));
    Ok(())
}

pub(super) async fn a_memory_without_an_end_stays(subject: &Subject) -> PortResult<()> {
    let gate = gate_key();
    subject.ledger.remember(&gate, &memory(0, "a"), 0, None).await?;
    subject.clock.advance(MONTH * 1_200);
    assert!(subject.ledger.recall(&[gate]).await?[0].is_some());
    Ok(())
}

pub(super) async fn the_latest_writing_says_when_a_memory_ends(
    subject: &Subject,
) -> PortResult<()> {
    let [longer, forever, shorter] = [gate_key(), gate_key(), gate_key()];
    let remember = async |gate, seen, expires| {
        subject.ledger.remember(gate, &memory(0, "a"), seen, expires).await
    };
    remember(&longer, 0, Some(at(END))).await?;
    remember(&longer, 1, Some(at(2 * END))).await?;
    remember(&forever, 0, Some(at(END))).await?;
    remember(&forever, 1, None).await?;
    remember(&shorter, 0, None).await?;
    remember(&shorter, 1, Some(at(END))).await?;
    subject.clock.set(at(END));
    let recalled = subject.ledger.recall(&[longer, forever, shorter]).await?;
    assert_eq!(recalled.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    Ok(())
}

pub(super) async fn a_claim_holds_until_its_end_and_not_then(subject: &Subject) -> PortResult<()> {
    let accepted = |claim: &Claim, at| Claim { at, ..claim.clone() };
    let first = Claim { until: at(END), ..claim("a") };
    let next = Claim { owner: OccurrenceId::at(START), until: at(2 * END), ..first.clone() };
    for (name, claim, expected) in [
        ("the first", accepted(&first, START), true),
        ("somebody else, before the end", accepted(&next, START + ALMOST), false),
        ("the owner, before the end", accepted(&first, START + ALMOST), true),
        ("somebody else, at the end", accepted(&next, at(END)), true),
        ("the former owner", accepted(&first, START), false),
        ("the present one", accepted(&next, at(END)), true),
    ] {
        assert_eq!(subject.ledger.claim(&[claim]).await?, [expected], "{name}");
    }
    Ok(())
}

pub(super) async fn asked_long_after_the_second_of_two_posts_within_a_day_still_loses(
    subject: &Subject,
) -> PortResult<()> {
    let posted = |key: &str, hour: i64| Claim {
        at: at(hour * HOUR),
        until: at((hour + 24) * HOUR),
        owner: OccurrenceId::at(START),
        ..claim(key)
    };
    let (first, second, next_day) = (posted("a", 0), posted("a", 23), posted("a", 24));
    subject.clock.set(at(100 * HOUR));
    let (ledger, clock) = (&subject.ledger, &subject.clock);
    assert_eq!(ledger.claim(&[first.clone(), second.clone()]).await?, [true, false], "both late");
    clock.set(first.until + Claim::KEPT_BEYOND_ITS_END - ONE_MORE);
    assert_eq!(ledger.claim(&[second, first]).await?, [false, true], "later still");
    assert_eq!(ledger.claim(&[next_day]).await?, [true], "a day after the first");

    let (first, second) = (posted("b", 0), posted("b", 23));
    assert_eq!(ledger.claim(&[second, first]).await?, [true, false], "in the other order");
    Ok(())
}

pub(super) async fn a_delivery_is_read_until_it_expires_and_not_then(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    let record = record_of(owed(&hook, 0), attempt_step(1), State::Delivered);
    let id = record.delivery.id();
    subject.ledger.record(&record, at(END)).await?;
    for (name, now, is_there) in [
        ("before its end", START + ALMOST, true),
        ("at its end", at(END), false),
        ("long after", at(100 * END), false),
    ] {
        let ledger = &subject.ledger;
        assert_eq!(ledger.delivery(id, now).await?.is_some(), is_there, "{name}");
        assert_eq!(ledger.progress(&[id], now).await?[0].is_some(), is_there, "{name}");
        let listed = ledger.deliveries(&all_of(&hook), now).await?.items;
        assert_eq!(listed.len(), usize::from(is_there), "{name}");
    }
    Ok(())
}

pub(super) async fn an_expired_delivery_is_on_no_page(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let mut kept = Vec::new();
    for second in (0..10).rev() {
        let record = record_of(owed(&hook, second), attempt_step(1), State::Delivered);
        let expires = if second % 2 == 0 { at(END) } else { START + MONTH };
        subject.ledger.record(&record, expires).await?;
        if second % 2 == 1 {
            kept.push(record.delivery.id());
        }
    }
    subject.clock.set(at(END));
    for size in [1, 3, 10] {
        assert_eq!(subject.listed(&all_of(&hook), size).await?, kept, "in pages of {size}");
    }
    Ok(())
}

pub(super) async fn an_expired_delivery_begins_anew(subject: &Subject) -> PortResult<()> {
    let old = record_of(owed(&hook(), 0), attempt_step(3), State::Delivered);
    let new = record_of(old.delivery.clone(), attempt_step(1), pending());
    subject.ledger.record(&old, at(END)).await?;
    subject.clock.set(at(END));
    subject.record_all(std::slice::from_ref(&new)).await?;
    let entry = subject.entry(new.delivery.id()).await?;
    assert_eq!((entry.step, entry.state), (new.step, new.state));
    assert_eq!(entry.attempts.iter().map(|it| it.step).collect::<Vec<_>>(), [attempt_step(1)]);
    Ok(())
}
