//! Hooks whose texts were compiled, kept while they are used.
//!
//! By id and version, so that a change is in force with the next event. What is kept is bounded by
//! the length of its texts, for these are the administrators' own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hooks::{
    hook::EventHook,
    id::{Generation, HookId},
};
use lru::LruCache;

/// How many bytes of texts are kept.
const MOST_BYTES: usize = 16 << 20;

/// What a hook takes that has no texts.
const LEAST_BYTES: usize = 1 << 10;

/// Compiled hooks.
pub(crate) struct Prepared<T>(Mutex<Kept<T>>);

struct Kept<T> {
    hooks: LruCache<HookId, Entry<T>>,
    bytes: usize,
}

struct Entry<T> {
    generation: Generation,
    version: u64,
    compiled: Arc<T>,
    bytes: usize,
}

impl<T> Prepared<T> {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Kept { hooks: LruCache::unbounded(), bytes: 0 }))
    }

    /// The compiled texts of this hook; `compile` makes them and tells their length in bytes.
    pub(crate) fn of(&self, hook: &EventHook, compile: impl FnOnce() -> (T, usize)) -> Arc<T> {
        if let Some(compiled) = self.lock().known(hook) {
            return compiled;
        }
        // Not under the lock: two who do it at once have done it twice, and that is all.
        let (compiled, bytes) = compile();
        let compiled = Arc::new(compiled);
        self.lock().keep(hook, bytes + LEAST_BYTES, Arc::clone(&compiled));
        compiled
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Kept<T> {
    fn known(&mut self, hook: &EventHook) -> Option<Arc<T>> {
        let entry = self.hooks.get(&hook.id)?;
        let is_same = (entry.generation, entry.version) == (hook.generation, hook.version);
        is_same.then(|| Arc::clone(&entry.compiled))
    }

    fn keep(&mut self, hook: &EventHook, bytes: usize, compiled: Arc<T>) {
        let entry = Entry { generation: hook.generation, version: hook.version, compiled, bytes };
        self.bytes += bytes;
        if let Some(replaced) = self.hooks.put(hook.id, entry) {
            self.bytes -= replaced.bytes;
        }
        while self.bytes > MOST_BYTES {
            let Some((_, dropped)) = self.hooks.pop_lru() else { break };
            self.bytes -= dropped.bytes;
        }
    }
}
