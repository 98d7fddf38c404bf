//! Many hooks, by scope and by shelf.

use hooks::{hook::EventHook, name::Scope, ports::PortResult};

use super::{Subject, on_source, shelf_of};
use crate::{
    builders::{hook, workspace},
    suites::pages,
};

pub(super) async fn hooks_are_listed_by_id_within_their_scope_whatever_the_page(
    subject: &Subject,
) -> PortResult<()> {
    let names = ["default", "a", "b"];
    let place = |it: usize| EventHook { workspace: workspace(names[it % 3]), ..hook() };
    let mut hooks: Vec<_> = (0..21).map(place).collect();
    subject.insert_all(&hooks).await?;
    hooks.sort_by_key(|it| it.id);

    let scopes = names.map(|name| Scope::Only(workspace(name)));
    for scope in [Scope::All, Scope::Only(workspace("nobody"))].iter().chain(&scopes) {
        let expected: Vec<_> =
            hooks.iter().filter(|it| scope.includes(&it.workspace)).cloned().collect();
        for size in [1, 2, 7, 21, 22, 1_000] {
            assert_eq!(subject.listed(scope, size).await?, expected, "{scope:?} by {size}");
        }
    }
    Ok(())
}

pub(super) async fn pages_stay_in_place_while_hooks_are_added_and_removed(
    subject: &Subject,
) -> PortResult<()> {
    let mut there_all_along: Vec<_> = (0..10).map(|_| hook()).collect();
    subject.insert_all(&there_all_along).await?;
    there_all_along.sort_by_key(|it| it.id);

    let fetch = async |page| subject.store.hooks(&Scope::All, page).await;
    let between = async || {
        let passing = hook();
        subject.insert_all(&[passing.clone(), hook()]).await?;
        subject.store.remove(&passing).await
    };
    let listed = pages::all(3, fetch, between).await?;
    assert!(listed.is_sorted_by(|a, b| a.id < b.id), "by id, none twice");
    let seen: Vec<_> = listed.into_iter().filter(|it| there_all_along.contains(it)).collect();
    assert_eq!(seen, there_all_along, "none left out");
    Ok(())
}

pub(super) async fn a_shelf_holds_the_hooks_of_its_workspace_and_source(
    subject: &Subject,
) -> PortResult<()> {
    let wanted = [hook(), hook()];
    let other_source = EventHook { draft: on_source("balancer"), ..hook() };
    let other_workspace = EventHook { workspace: workspace("a"), ..hook() };
    subject.insert_all(&wanted).await?;
    subject.insert_all(&[other_source, other_workspace]).await?;

    let mut shelf = subject.store.shelf(&shelf_of(&wanted[0])).await?.hooks;
    shelf.sort_by_key(|it| it.id != wanted[0].id);
    assert_eq!(shelf, wanted);
    Ok(())
}
