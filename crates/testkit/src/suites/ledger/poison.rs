//! The messages that could not be processed at all.

use std::sync::Arc;

use async_trait::async_trait;
use hooks::{
    id::PoisonId,
    ports::{Ledger, PageRequest, Poison, PortResult},
    task::Queue,
};

use crate::{
    builders::{at, poison},
    fakes::HandClock,
    suites::{check_each, pages, races},
};

/// Who puts messages aside.
#[async_trait]
pub trait Burying: Send + Sync {
    /// Lets a message come to this end, with all that is said of it but its id; answers that.
    async fn bury(&self, poison: &Poison) -> PortResult<PoisonId>;
}

/// A ledger under test, and who puts messages aside that it reads.
pub struct Subject {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Who puts them aside.
    pub undertaker: Arc<dyn Burying>,
}

/// Holds a ledger to its promise about poison. `fresh` makes an empty one that goes by this clock.
pub async fn run(fresh: impl AsyncFn(HandClock) -> Subject) {
    let subject = async || fresh(HandClock::default()).await;
    check_each!(subject().await => where_nothing_was_put_aside_nothing_is_found);
    check_each!(subject().await => a_message_is_read_back_whole_and_listed_without_its_text);
    check_each!(subject().await => a_list_goes_by_id_on_pages_of_any_size);
    check_each!(subject().await => a_message_is_dropped_once_and_no_other_with_it);
    check_each!(subject().await => pages_stay_in_place_while_messages_are_dropped);
    check_each!(subject().await => of_droppers_at_once_exactly_one_is_told_so);
}

/// Puts so many aside; answers them by id, as they are kept.
async fn buried(subject: &Subject, count: i64) -> PortResult<Vec<Poison>> {
    let mut all = Vec::new();
    for number in 0..count {
        let poison = Poison { reason: format!("number {number}"), buried: at(number), ..poison() };
        let id = subject.undertaker.bury(&poison).await?;
        all.push(Poison { id, ..poison });
    }
    all.sort_by_key(|it| it.id);
    Ok(all)
}

fn without_text(poison: &Poison) -> Poison {
    Poison { body: String::new(), ..poison.clone() }
}

async fn listed(subject: &Subject, size: usize) -> PortResult<Vec<Poison>> {
    pages::all(size, async |page| subject.ledger.poisons(page).await, pages::quietly).await
}

async fn where_nothing_was_put_aside_nothing_is_found(subject: &Subject) -> PortResult<()> {
    assert_eq!(listed(subject, 10).await?, []);
    let [lowest, highest] =
        ["0", "f"].map(|digit| digit.repeat(32).parse::<PoisonId>().expect("32 digits are an id"));
    for id in [poison().id, lowest, highest] {
        assert_eq!(subject.ledger.poison(id).await?, None);
        assert!(!subject.ledger.drop_poison(id).await?);
    }
    Ok(())
}

async fn a_message_is_read_back_whole_and_listed_without_its_text(
    subject: &Subject,
) -> PortResult<()> {
    for (queue, receives, sent, buried) in
        [(Queue::Events, 1, 0, 0), (Queue::Retries, 5, 7, 600), (Queue::Events, 20, 60, 61)]
    {
        let reason = "no task: \"ü\"\n".to_owned();
        let poison =
            Poison { queue, receives, sent: at(sent), buried: at(buried), reason, ..poison() };
        let id = subject.undertaker.bury(&poison).await?;
        let poison = Poison { id, ..poison };
        assert_eq!(subject.ledger.poison(id).await?, Some(poison.clone()));
        assert_eq!(listed(subject, 10).await?, [without_text(&poison)]);
        assert!(subject.ledger.drop_poison(id).await?);
    }
    Ok(())
}

async fn a_list_goes_by_id_on_pages_of_any_size(subject: &Subject) -> PortResult<()> {
    let all: Vec<_> = buried(subject, 7).await?.iter().map(without_text).collect();
    for size in [1, 2, 6, 7, 8, 1_000] {
        assert_eq!(listed(subject, size).await?, all, "in pages of {size}");
    }
    let page = PageRequest { size: 10, after: Some("f".repeat(32).parse().expect("an id")) };
    let beyond = subject.ledger.poisons(page).await?;
    assert_eq!((beyond.items, beyond.next), (Vec::new(), None), "beyond the end");
    Ok(())
}

async fn a_message_is_dropped_once_and_no_other_with_it(subject: &Subject) -> PortResult<()> {
    let all = buried(subject, 3).await?;
    let dropped = all[1].id;
    assert!(subject.ledger.drop_poison(dropped).await?);
    assert!(!subject.ledger.drop_poison(dropped).await?, "it is gone");
    assert_eq!(subject.ledger.poison(dropped).await?, None);
    assert_eq!(listed(subject, 10).await?, [without_text(&all[0]), without_text(&all[2])]);
    Ok(())
}

async fn pages_stay_in_place_while_messages_are_dropped(subject: &Subject) -> PortResult<()> {
    let all = buried(subject, 6).await?;
    let first = subject.ledger.poisons(PageRequest { size: 2, after: None }).await?;
    for poison in &all[..4] {
        subject.ledger.drop_poison(poison.id).await?;
    }
    let rest = subject.ledger.poisons(PageRequest { size: 10, after: first.next }).await?;
    assert_eq!(rest.items, [without_text(&all[4]), without_text(&all[5])]);
    Ok(())
}

async fn of_droppers_at_once_exactly_one_is_told_so(subject: &Subject) -> PortResult<()> {
    let id = buried(subject, 1).await?[0].id;
    let racers = (0..8).map(|_| {
        let ledger = Arc::clone(&subject.ledger);
        async move { ledger.drop_poison(id).await }
    });
    let dropped = races::run(racers).await.into_iter().collect::<PortResult<Vec<_>>>()?;
    assert_eq!(dropped.iter().filter(|&&it| it).count(), 1, "{dropped:?}");
    Ok(())
}
