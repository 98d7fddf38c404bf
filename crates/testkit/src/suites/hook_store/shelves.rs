//! What caches compare: the versions of shelves.

use std::sync::Arc;

use hooks::{
    name::Scope,
    ports::{PortResult, ShelfKey},
};

use super::{Subject, changed, on_source, shelf_of};
use crate::{
    builders::{draft, hook, source, workspace},
    suites::races,
};

pub(super) async fn every_change_moves_the_version_of_its_shelf_and_of_no_other(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    let shelf = shelf_of(&hook);
    let other_source = ShelfKey { source: source("other"), ..shelf.clone() };
    let other_workspace = ShelfKey { workspace: workspace("other"), ..shelf.clone() };

    let mut versions = vec![subject.version(&shelf).await?];
    subject.store.insert(&hook).await?;
    versions.push(subject.version(&shelf).await?);
    let next = changed(&hook, draft());
    subject.store.replace(&next, hook.version).await?;
    versions.push(subject.version(&shelf).await?);
    subject.store.remove(&next).await?;
    versions.push(subject.version(&shelf).await?);

    assert_eq!(versions[0], 0, "there never was a hook");
    assert!(versions.is_sorted_by(|a, b| a < b), "each change moves it: {versions:?}");
    assert_eq!(subject.version(&other_source).await?, 0);
    assert_eq!(subject.version(&other_workspace).await?, 0);
    Ok(())
}

pub(super) async fn a_change_of_source_moves_both_shelves(subject: &Subject) -> PortResult<()> {
    let before = hook();
    let after = changed(&before, on_source("balancer"));
    subject.store.insert(&before).await?;
    let left = subject.version(&shelf_of(&before)).await?;
    subject.store.replace(&after, before.version).await?;

    assert!(subject.version(&shelf_of(&before)).await? > left, "the one that it left");
    assert!(subject.version(&shelf_of(&after)).await? > 0, "the one that it came to");
    assert_eq!(subject.store.shelf(&shelf_of(&before)).await?.hooks, []);
    subject.assert_only(&after).await
}

pub(super) async fn a_version_never_goes_back(subject: &Subject) -> PortResult<()> {
    let mut last = 0;
    for _ in 0..3 {
        let hook = hook();
        subject.store.insert(&hook).await?;
        subject.store.remove(&hook).await?;
        let version = subject.version(&shelf_of(&hook)).await?;
        assert!(version > last, "{version} after {last}, although the shelf was empty meanwhile");
        last = version;
    }
    Ok(())
}

pub(super) async fn versions_are_answered_in_order(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let (known, unknown) = (shelf_of(&hook), ShelfKey { source: source("x"), ..shelf_of(&hook) });
    subject.store.insert(&hook).await?;
    let version = subject.version(&known).await?;
    let asked = [unknown.clone(), known.clone(), unknown, known];
    assert_eq!(subject.store.versions(&asked).await?, [0, version, 0, version]);
    Ok(())
}

pub(super) async fn changes_at_once_each_move_the_version(subject: &Subject) -> PortResult<()> {
    let racers = (0..20).map(|_| {
        let store = Arc::clone(&subject.store);
        async move { store.insert(&hook()).await }
    });
    races::run(racers).await.into_iter().collect::<PortResult<()>>()?;
    assert!(subject.version(&shelf_of(&hook())).await? >= 20, "no change hides another");
    assert_eq!(subject.listed(&Scope::All, 100).await?.len(), 20);
    Ok(())
}
