//! Hooks, catalog and tokens in memory.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use hooks::{
    access::{Token, TokenHash},
    catalog::{EventSpec, Published},
    hook::EventHook,
    id::{HookId, TokenId},
    name::{EventName, Scope, SourceName},
    ports::{
        CatalogStore, HookStore, Page, PageRequest, PortError, PortResult, Shelf, ShelfKey,
        TokenStore,
    },
};

use super::{MemoryLedger, faults::Faults, locked};

/// [`HookStore`], [`CatalogStore`] and [`TokenStore`] in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
    faults: Arc<Faults<()>>,
    ledger: MemoryLedger,
}

#[derive(Debug, Default)]
struct Kept {
    hooks: BTreeMap<HookId, EventHook>,
    shelves: HashMap<ShelfKey, u64>,
    published: BTreeMap<(SourceName, EventName), EventSpec>,
    tokens: BTreeMap<TokenId, Token>,
}

impl MemoryStore {
    /// A store beside this ledger, whose gate memories it drops with their hooks.
    pub fn beside(ledger: &MemoryLedger) -> Self {
        Self { ledger: ledger.clone(), ..Self::default() }
    }

    /// The next call is unavailable.
    pub fn fail_next(&self) {
        self.faults.add(());
    }

    fn asked(&self) -> PortResult<std::sync::MutexGuard<'_, Kept>> {
        self.faults.strike(&(), "the store")?;
        Ok(locked(&self.kept))
    }
}

/// Where a hook is kept.
fn shelf_of(hook: &EventHook) -> ShelfKey {
    ShelfKey { workspace: hook.workspace.clone(), source: hook.draft.source.clone() }
}

impl Kept {
    fn touch(&mut self, shelf: ShelfKey) {
        *self.shelves.entry(shelf).or_default() += 1;
    }

    /// The hook in whose place `hook` may be put, or which it may take away.
    fn seen(&self, hook: &EventHook, version: u64) -> PortResult<&EventHook> {
        self.hooks
            .get(&hook.id)
            .filter(|it| it.generation == hook.generation && it.version == version)
            .ok_or(PortError::Conflict)
    }
}

/// Cuts a page out of all that comes after the last one.
fn page<K: Copy, T>(rest: impl Iterator<Item = (K, T)>, size: usize) -> Page<T, K> {
    let mut rest = rest.peekable();
    let mut page = Page { items: Vec::new(), next: None };
    while let Some((key, item)) = rest.next() {
        page.items.push(item);
        if page.items.len() == size {
            page.next = rest.peek().map(|_| key);
            break;
        }
    }
    page
}

fn after<C>(cursor: Option<C>) -> (Bound<C>, Bound<C>) {
    (cursor.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

#[async_trait]
impl HookStore for MemoryStore {
    async fn hook(&self, id: HookId) -> PortResult<Option<EventHook>> {
        Ok(self.asked()?.hooks.get(&id).cloned())
    }

    async fn hooks(
        &self,
        scope: &Scope,
        wanted: PageRequest<HookId>,
    ) -> PortResult<Page<EventHook, HookId>> {
        let kept = self.asked()?;
        let rest = kept.hooks.range(after(wanted.after));
        let in_scope = rest.filter(|(_, hook)| scope.includes(&hook.workspace));
        Ok(page(in_scope.map(|(id, hook)| (*id, hook.clone())), wanted.size))
    }

    async fn insert(&self, hook: &EventHook) -> PortResult<()> {
        let mut kept = self.asked()?;
        if kept.hooks.contains_key(&hook.id) {
            return Err(PortError::Conflict);
        }
        kept.hooks.insert(hook.id, hook.clone());
        kept.touch(shelf_of(hook));
        Ok(())
    }

    async fn replace(&self, hook: &EventHook, seen: u64) -> PortResult<()> {
        let mut kept = self.asked()?;
        let (from, to) = (shelf_of(kept.seen(hook, seen)?), shelf_of(hook));
        kept.hooks.insert(hook.id, hook.clone());
        if from != to {
            kept.touch(from);
        }
        kept.touch(to);
        Ok(())
    }

    async fn remove(&self, hook: &EventHook) -> PortResult<()> {
        let mut kept = self.asked()?;
        let shelf = shelf_of(kept.seen(hook, hook.version)?);
        kept.hooks.remove(&hook.id);
        kept.touch(shelf);
        self.ledger.forget(hook.id);
        Ok(())
    }

    async fn versions(&self, shelves: &[ShelfKey]) -> PortResult<Vec<u64>> {
        let kept = self.asked()?;
        Ok(shelves.iter().map(|it| kept.shelves.get(it).copied().unwrap_or(0)).collect())
    }

    async fn shelf(&self, key: &ShelfKey) -> PortResult<Shelf> {
        let kept = self.asked()?;
        let version = kept.shelves.get(key).copied().unwrap_or(0);
        let hooks = kept.hooks.values().filter(|it| shelf_of(it) == *key).cloned().collect();
        Ok(Shelf { version, hooks })
    }
}

#[async_trait]
impl CatalogStore for MemoryStore {
    async fn published(&self) -> PortResult<Vec<Published>> {
        let kept = self.asked()?;
        let entry = |((source, event), spec): (&(SourceName, EventName), &EventSpec)| Published {
            source: source.clone(),
            event: event.clone(),
            spec: spec.clone(),
        };
        Ok(kept.published.iter().map(entry).collect())
    }

    async fn publish(&self, entry: &Published) -> PortResult<()> {
        let names = (entry.source.clone(), entry.event.clone());
        self.asked()?.published.insert(names, entry.spec.clone());
        Ok(())
    }

    async fn withdraw(&self, source: &SourceName, event: &EventName) -> PortResult<bool> {
        let names = (source.clone(), event.clone());
        Ok(self.asked()?.published.remove(&names).is_some())
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn token(&self, hash: &TokenHash) -> PortResult<Option<Token>> {
        Ok(self.asked()?.tokens.values().find(|it| it.hash == *hash).cloned())
    }

    async fn tokens(&self, wanted: PageRequest<TokenId>) -> PortResult<Page<Token, TokenId>> {
        let kept = self.asked()?;
        let rest = kept.tokens.range(after(wanted.after));
        Ok(page(rest.map(|(id, token)| (*id, token.clone())), wanted.size))
    }

    async fn add_token(&self, token: &Token) -> PortResult<()> {
        let mut kept = self.asked()?;
        let taken = |it: &Token| it.id == token.id || it.hash == token.hash;
        if kept.tokens.values().any(taken) {
            return Err(PortError::Conflict);
        }
        kept.tokens.insert(token.id, token.clone());
        Ok(())
    }

    async fn remove_token(&self, id: TokenId) -> PortResult<bool> {
        Ok(self.asked()?.tokens.remove(&id).is_some())
    }
}
