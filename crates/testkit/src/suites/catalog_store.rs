//! [`CatalogStore`]: what was published stays until it is withdrawn.

use std::sync::Arc;

use hooks::{
    catalog::{EventSpec, Published},
    ports::{CatalogStore, PortResult},
};

use super::{check_each, races};
use crate::builders::{named, published, source};

type Store = Arc<dyn CatalogStore>;

/// Holds a catalog to its promise. `fresh` makes an empty one.
pub async fn run(fresh: impl AsyncFn() -> Store) {
    check_each!(fresh().await =>
        nothing_is_published_at_first,
        what_was_published_is_read_back_whole,
        a_publication_takes_the_place_of_the_one_with_its_names,
        entries_that_share_one_name_stand_side_by_side,
        what_was_withdrawn_is_gone_and_was_there_once,
        publications_at_once_are_all_kept,
    );
}

async fn all(store: &Store) -> PortResult<Vec<Published>> {
    let mut all = store.published().await?;
    all.sort_by(|a, b| (&a.source, &a.event).cmp(&(&b.source, &b.event)));
    Ok(all)
}

async fn nothing_is_published_at_first(store: &Store) -> PortResult<()> {
    assert_eq!(all(store).await?, []);
    Ok(())
}

async fn what_was_published_is_read_back_whole(store: &Store) -> PortResult<()> {
    let spec = EventSpec {
        fields: vec!["operation".into(), "поле".into()],
        unique: Some(vec!["operation".into()]),
        description: Some("It's \"quoted\".".into()),
        group_by: Some(Vec::new()),
    };
    let entry = Published { spec, ..published("my-plugin", "foo:bar") };
    store.publish(&entry).await?;
    assert_eq!(all(store).await?, [entry]);
    Ok(())
}

async fn a_publication_takes_the_place_of_the_one_with_its_names(store: &Store) -> PortResult<()> {
    store.publish(&published("a", "x")).await?;
    let next = Published { spec: EventSpec::default(), ..published("a", "x") };
    store.publish(&next).await?;
    store.publish(&next).await?;
    assert_eq!(all(store).await?, [next]);
    Ok(())
}

async fn entries_that_share_one_name_stand_side_by_side(store: &Store) -> PortResult<()> {
    let entries = [published("a", "x"), published("a", "y"), published("b", "x")];
    for entry in &entries {
        store.publish(entry).await?;
    }
    assert_eq!(all(store).await?, entries);
    Ok(())
}

async fn what_was_withdrawn_is_gone_and_was_there_once(store: &Store) -> PortResult<()> {
    let (kept, gone) = (published("a", "x"), published("a", "y"));
    store.publish(&kept).await?;
    store.publish(&gone).await?;
    assert!(store.withdraw(&gone.source, &gone.event).await?, "it was there");
    assert!(!store.withdraw(&gone.source, &gone.event).await?, "it was there once");
    assert!(!store.withdraw(&source("b"), &named("x")).await?, "it never was");
    assert_eq!(all(store).await?, [kept]);
    Ok(())
}

async fn publications_at_once_are_all_kept(store: &Store) -> PortResult<()> {
    let racers = (0..20).map(|number| {
        let store = Arc::clone(store);
        async move { store.publish(&published("a", &format!("event-{number}"))).await }
    });
    races::run(racers).await.into_iter().collect::<PortResult<()>>()?;
    assert_eq!(all(store).await?.len(), 20);
    Ok(())
}
