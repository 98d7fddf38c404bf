//! Hooks and the catalog, as a process reaches them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hooks::{
    catalog::Published,
    hook::EventHook,
    id::HookId,
    name::{EventName, Scope, SourceName},
    ports::{CatalogStore, HookStore, Page, PageRequest, PortError, PortResult, Shelf, ShelfKey},
};

use super::Port;
use crate::{sabotage::Sabotage, world::State};

/// The hooks, and what is known of them where that is sabotaged.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) alive: BTreeMap<HookId, EventHook>,
    shelves: BTreeMap<ShelfKey, u64>,
    first_looks: BTreeMap<ShelfKey, Shelf>,
    first_lives: BTreeMap<HookId, EventHook>,
}

fn shelf_of(hook: &EventHook) -> ShelfKey {
    ShelfKey { workspace: hook.workspace.clone(), source: hook.draft.source.clone() }
}

impl Hooks {
    fn touch(&mut self, shelf: ShelfKey) {
        *self.shelves.entry(shelf).or_default() += 1;
    }

    fn version(&self, key: &ShelfKey) -> u64 {
        self.shelves.get(key).copied().unwrap_or(0)
    }

    fn shelf(&self, key: &ShelfKey) -> Shelf {
        let hooks = self.alive.values().filter(|it| shelf_of(it) == *key).cloned().collect();
        Shelf { version: self.version(key), hooks }
    }

    /// Is this still what stands there?
    fn is_as_seen(&self, hook: &EventHook, version: u64) -> bool {
        let found = self.alive.get(&hook.id);
        found.is_some_and(|it| it.generation == hook.generation && it.version == version)
    }
}

impl Port {
    async fn store_call<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut State) -> PortResult<T> + Send,
    ) -> PortResult<T> {
        self.world.call(self.process, what, work).await
    }
}

impl State {
    /// A change of a hook takes effect.
    fn hook_changed(&mut self, before: Option<ShelfKey>, hook: &EventHook, is_gone: bool) {
        let step = self.tick();
        self.tally.changes += 1;
        let to = shelf_of(hook);
        if let Some(from) = before.filter(|from| *from != to) {
            self.hooks.touch(from);
        }
        self.hooks.touch(to);
        self.hooks.first_lives.entry(hook.id).or_insert_with(|| hook.clone());
        self.facts.hook_changed(hook, is_gone, step);
        self.note(|state| {
            let what = match (is_gone, hook.is_enabled()) {
                (true, _) => "removed".to_owned(),
                (false, true) => format!("in version {}", hook.version),
                (false, false) => format!("in version {}, disabled", hook.version),
            };
            let rules = hook.rules();
            let name = state.facts.names().hook(hook.id);
            let event = hook.draft.event.as_ref().map_or("any", EventName::as_str);
            format!(
                "{name} ({}/{event}, on_change {}, snooze {:?}) {what}",
                hook.draft.source, rules.on_change, rules.snooze
            )
        });
    }
}

#[async_trait]
impl HookStore for Port {
    async fn hook(&self, id: HookId) -> PortResult<Option<EventHook>> {
        let is_confused = self.world.suffers(Sabotage::GenerationIgnored);
        self.store_call("read hook", |state| {
            let hook = state.hooks.alive.get(&id).cloned();
            let first = state.hooks.first_lives.get(&id).filter(|_| is_confused);
            Ok(hook.map(|hook| match first {
                Some(first) => EventHook { generation: first.generation, ..hook },
                None => hook,
            }))
        })
        .await
    }

    async fn hooks(
        &self,
        scope: &Scope,
        page: PageRequest<HookId>,
    ) -> PortResult<Page<EventHook, HookId>> {
        self.store_call("list hooks", |state| {
            let after = |id: &HookId| page.after.is_none_or(|it| it < *id);
            let in_scope = |hook: &&EventHook| scope.includes(&hook.workspace) && after(&hook.id);
            let mut items: Vec<_> =
                state.hooks.alive.values().filter(in_scope).take(page.size + 1).cloned().collect();
            let is_more = items.len() > page.size;
            items.truncate(page.size);
            let next = items.last().filter(|_| is_more).map(|it| it.id);
            Ok(Page { items, next })
        })
        .await
    }

    async fn insert(&self, hook: &EventHook) -> PortResult<()> {
        self.store_call("insert hook", |state| {
            if state.hooks.alive.contains_key(&hook.id) {
                state.tally.conflicts += 1;
                return Err(PortError::Conflict);
            }
            state.hooks.alive.insert(hook.id, hook.clone());
            state.hook_changed(None, hook, false);
            Ok(())
        })
        .await
    }

    async fn replace(&self, hook: &EventHook, seen: u64) -> PortResult<()> {
        self.store_call("replace hook", |state| {
            if !state.hooks.is_as_seen(hook, seen) {
                state.tally.conflicts += 1;
                return Err(PortError::Conflict);
            }
            let before = state.hooks.alive.insert(hook.id, hook.clone());
            state.hook_changed(before.as_ref().map(shelf_of), hook, false);
            Ok(())
        })
        .await
    }

    async fn remove(&self, hook: &EventHook) -> PortResult<()> {
        self.store_call("remove hook", |state| {
            if !state.hooks.is_as_seen(hook, hook.version) {
                state.tally.conflicts += 1;
                return Err(PortError::Conflict);
            }
            state.hooks.alive.remove(&hook.id);
            state.rows.forget(hook.id);
            state.hook_changed(None, hook, true);
            Ok(())
        })
        .await
    }

    async fn versions(&self, shelves: &[ShelfKey]) -> PortResult<Vec<u64>> {
        let is_stale = self.world.suffers(Sabotage::StaleHooks);
        self.store_call("read versions", |state| {
            let seen = |key: &ShelfKey| {
                let first = state.hooks.first_looks.get(key).filter(|_| is_stale);
                first.map_or_else(|| state.hooks.version(key), |it| it.version)
            };
            Ok(shelves.iter().map(seen).collect())
        })
        .await
    }

    async fn shelf(&self, key: &ShelfKey) -> PortResult<Shelf> {
        let is_stale = self.world.suffers(Sabotage::StaleHooks);
        self.store_call("read shelf", |state| {
            let shelf = state.hooks.shelf(key);
            if is_stale && !shelf.hooks.is_empty() {
                return Ok(state.hooks.first_looks.entry(key.clone()).or_insert(shelf).clone());
            }
            Ok(shelf)
        })
        .await
    }
}

#[async_trait]
impl CatalogStore for Port {
    async fn published(&self) -> PortResult<Vec<Published>> {
        self.store_call("read catalog", |_| Ok(Vec::new())).await
    }

    async fn publish(&self, _entry: &Published) -> PortResult<()> {
        Ok(())
    }

    async fn withdraw(&self, _source: &SourceName, _event: &EventName) -> PortResult<bool> {
        Ok(false)
    }
}
