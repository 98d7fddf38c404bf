//! [`HookStore`]: a change that was answered is seen by every later call, and moves the version of
//! its shelf.

mod beside;
mod changes;
mod lists;
mod shelves;

use std::sync::Arc;

use hooks::{
    hook::{Draft, EventHook},
    name::Scope,
    ports::{HookStore, Ledger, PortResult, ShelfKey},
};

use super::{check_each, pages};
use crate::{
    builders::{at, draft, source},
    fakes::HandClock,
};

/// A store, and the ledger beside it, whose gate memories go with their hooks.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn HookStore>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
}

/// Holds a hook store to its promise. `fresh` makes an empty one, and its ledger, that go by this
/// clock.
pub async fn run(fresh: impl AsyncFn(HandClock) -> Subject) {
    let subject = async || fresh(HandClock::default()).await;
    check_each!(subject().await =>
        changes::nothing_is_there_at_first,
        changes::a_hook_is_read_back_whole_from_everywhere,
        changes::an_id_is_taken_in_whatever_workspace,
        changes::a_replaced_hook_is_seen_everywhere,
        changes::a_stale_writer_changes_nothing,
        changes::a_removed_hook_is_gone_from_everywhere,
        changes::a_removed_hook_leaves_its_id_free,
        changes::of_two_hooks_with_one_id_exactly_one_is_added,
        changes::of_two_writers_that_saw_the_same_exactly_one_wins,
        changes::of_a_change_and_a_removal_exactly_one_wins,
    );
    check_each!(subject().await =>
        lists::hooks_are_listed_by_id_within_their_scope_whatever_the_page,
        lists::pages_stay_in_place_while_hooks_are_added_and_removed,
        lists::a_shelf_holds_the_hooks_of_its_workspace_and_source,
        shelves::every_change_moves_the_version_of_its_shelf_and_of_no_other,
        shelves::a_change_of_source_moves_both_shelves,
        shelves::a_version_never_goes_back,
        shelves::versions_are_answered_in_order,
        shelves::changes_at_once_each_move_the_version,
        beside::removal_drops_what_the_gates_of_the_hook_remember_and_of_no_other,
        beside::a_change_leaves_what_gates_remember,
        beside::deliveries_of_a_removed_hook_stay_readable_by_id,
    );
}

/// The next version of a hook, as somebody left it.
fn changed(hook: &EventHook, draft: Draft) -> EventHook {
    hook.changed(draft, at(60))
}

fn shelf_of(hook: &EventHook) -> ShelfKey {
    ShelfKey { workspace: hook.workspace.clone(), source: hook.draft.source.clone() }
}

fn on_source(name: &str) -> Draft {
    Draft { source: source(name), ..draft() }
}

impl Subject {
    async fn insert_all(&self, hooks: &[EventHook]) -> PortResult<()> {
        for hook in hooks {
            self.store.insert(hook).await?;
        }
        Ok(())
    }

    async fn listed(&self, scope: &Scope, size: usize) -> PortResult<Vec<EventHook>> {
        let fetch = async |page| self.store.hooks(scope, page).await;
        pages::all(size, fetch, pages::quietly).await
    }

    async fn version(&self, key: &ShelfKey) -> PortResult<u64> {
        let versions = self.store.versions(std::slice::from_ref(key)).await?;
        let shelf = self.store.shelf(key).await?;
        assert_eq!(versions, [shelf.version], "both ways to ask agree");
        Ok(shelf.version)
    }

    /// Holds everything that can be read against this being the only hook.
    async fn assert_only(&self, hook: &EventHook) -> PortResult<()> {
        let only = std::slice::from_ref(hook);
        assert_eq!(self.store.hook(hook.id).await?.as_ref(), Some(hook));
        assert_eq!(self.listed(&Scope::All, 10).await?, only);
        assert_eq!(self.store.shelf(&shelf_of(hook)).await?.hooks, only);
        Ok(())
    }
}
