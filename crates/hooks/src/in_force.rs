//! Which hooks are in force, for these events, now?
//!
//! Hooks are kept in memory by shelf (workspace and source), each under the version that it was
//! read at. The versions are read consistently once a batch, so that a change to hooks is in force
//! for every event accepted after the change was answered, on every instance, without a restart.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;

use crate::{
    event::Event,
    hook::EventHook,
    matching,
    name::{EventName, Workspace},
    ports::{HookStore, PortResult, ShelfKey},
};

/// The hooks of a store, remembered between batches.
pub struct InForce {
    store: Arc<dyn HookStore>,
    shelves: Mutex<LruCache<ShelfKey, Arc<Indexed>>>,
}

/// A shelf, by the event that its hooks listen to.
#[derive(Debug, Default)]
struct Indexed {
    version: u64,
    by_event: HashMap<Option<EventName>, Vec<Arc<EventHook>>>,
}

/// The hooks that a batch of events may concern, as of one moment.
#[derive(Debug, Default)]
pub struct Roster(HashMap<ShelfKey, Arc<Indexed>>);

/// How many shelves an instance remembers; those not used for longest are dropped.
const MOST_SHELVES: NonZeroUsize = NonZeroUsize::new(1_000).expect("not zero");

impl InForce {
    /// The hooks of this store.
    pub fn new(store: Arc<dyn HookStore>) -> Self {
        Self { store, shelves: Mutex::new(LruCache::new(MOST_SHELVES)) }
    }

    /// The hooks that these events may concern.
    pub async fn roster(&self, events: impl Iterator<Item = &Event>) -> PortResult<Roster> {
        let keys: BTreeSet<_> = events.flat_map(shelves).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let versions = self.store.versions(&keys).await?;
        let mut roster = HashMap::with_capacity(keys.len());
        for (key, version) in keys.into_iter().zip(versions) {
            let shelf = match self.remembered(&key, version) {
                Some(shelf) => shelf,
                None => self.load(&key).await?,
            };
            roster.insert(key, shelf);
        }
        Ok(Roster(roster))
    }

    fn remembered(&self, key: &ShelfKey, version: u64) -> Option<Arc<Indexed>> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.get(key).filter(|shelf| shelf.version == version).cloned()
    }

    async fn load(&self, key: &ShelfKey) -> PortResult<Arc<Indexed>> {
        let shelf = self.store.shelf(key).await?;
        let mut indexed = Indexed { version: shelf.version, ..Indexed::default() };
        for hook in shelf.hooks {
            indexed.by_event.entry(hook.draft.event.clone()).or_default().push(Arc::new(hook));
        }
        let indexed = Arc::new(indexed);
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.put(key.clone(), Arc::clone(&indexed));
        Ok(indexed)
    }
}

impl Roster {
    /// The hooks that listen to this event, each once, with the name that it sees.
    pub fn listening(&self, event: &Event) -> Vec<(Arc<EventHook>, EventName)> {
        let names = matching::names(event);
        let mut met = HashSet::new();
        let mut listening = Vec::new();
        for shelf in shelves(event).iter().filter_map(|key| self.0.get(key)) {
            let wanted = names.iter().map(|(_, name)| Some(name.clone())).chain([None]);
            for hook in wanted.filter_map(|name| shelf.by_event.get(&name)).flatten() {
                if let Ok(name) = matching::seen(hook, event)
                    && met.insert(hook.id)
                {
                    listening.push((Arc::clone(hook), name));
                }
            }
        }
        listening
    }
}

/// Where the hooks of an event are: on the shelves of its workspace and of the default one, of
/// every source that it is known under.
pub(crate) fn shelves(event: &Event) -> Vec<ShelfKey> {
    let own = (!event.workspace.is_default()).then(|| event.workspace.clone());
    let workspaces: Vec<_> = own.into_iter().chain([Workspace::default_workspace()]).collect();
    matching::sources(event)
        .into_iter()
        .flat_map(|source| {
            workspaces.iter().map(move |workspace| ShelfKey {
                workspace: workspace.clone(),
                source: source.clone(),
            })
        })
        .collect()
}
