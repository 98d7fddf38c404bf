//! What this process knows of how hooks' receivers are doing.
//!
//! Read at most once a second for each hook, so that a healthy hook costs next to nothing; written
//! when an attempt failed, and when one succeeds again. What is known is advice: where the ledger
//! does not answer, what it said last counts, and probes are made without its leave.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::lock::Mutex as AsyncMutex;
use lru::LruCache;

use crate::{
    health::{self, Admission, Change, Health, Sign, Turn},
    hook::EventHook,
    id::{Generation, HookId},
    ports::{KeptHealth, Ledger, PortError},
    time::Timestamp,
};

/// Receivers, as they are doing.
pub(crate) struct Vitals {
    ledger: Arc<dyn Ledger>,
    known: Mutex<LruCache<Life, Arc<AsyncMutex<Known>>>>,
}

/// A hook, in one of its lives.
type Life = (HookId, Generation);

/// What is known of one receiver. Whoever has to ask the ledger or to tell it holds the lock: of
/// many attempts at once one reads, and they count one after the other.
#[derive(Default)]
struct Known {
    kept: Option<KeptHealth>,
    /// When that was read; `None` before the first time, and when others have written since.
    read: Option<Timestamp>,
}

impl Vitals {
    /// How long what was read is good enough.
    const TRUSTED: Duration = Duration::from_secs(1);
    /// How many hooks are known.
    const MOST_KNOWN: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");
    /// How often a writing is tried when other instances are faster. It is advice: the last of many
    /// failures at once may be missing from the count.
    const MOST_TRIES: usize = 8;

    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, known: Mutex::new(LruCache::new(Self::MOST_KNOWN)) }
    }

    /// May a first attempt be made?
    pub(crate) async fn admits_first(&self, hook: &EventHook, now: Timestamp) -> bool {
        health::admit_first(self.look(hook, now).await) == Admission::Go
    }

    /// Might an attempt be made that waited before? Promises nothing.
    pub(crate) async fn might_admit(&self, hook: &EventHook, now: Timestamp) -> bool {
        health::admit_waiting(self.look(hook, now).await, now) != Admission::Wait
    }

    /// May an attempt be made that waited before? The answer to one is that it is the probe.
    pub(crate) async fn admits_waiting(&self, hook: &EventHook, now: Timestamp) -> bool {
        let known = self.of(hook);
        let mut known = known.lock().await;
        let health = self.trusted(&mut known, hook, now).await;
        match health::admit_waiting(health, now) {
            Admission::Go => true,
            Admission::Wait => false,
            // What is trusted may be a second old: the writing finds that out.
            Admission::Probe(probe) => match self.write(&mut known, hook, probe, now).await {
                Ok(()) => true,
                Err(PortError::Conflict) => false,
                Err(error) => {
                    tracing::warn!(hook.id = %hook.id, %error, "health not written");
                    true
                }
            },
        }
    }

    /// Notes how an attempt went, and answers what turn that is.
    pub(crate) async fn note(&self, hook: &EventHook, sign: Sign, at: Timestamp) -> Option<Turn> {
        let known = self.of(hook);
        let mut known = known.lock().await;
        for _ in 0..Self::MOST_TRIES {
            let health = self.trusted(&mut known, hook, at).await;
            if known.kept.is_some_and(|it| it.health.hook_version > hook.version) {
                // The hook was changed while this attempt ran, and the next version has a history.
                return None;
            }
            let Change { health, turn } = health::after(health, sign, at)?;
            match self.write(&mut known, hook, health, at).await {
                Ok(()) => return turn,
                Err(PortError::Conflict) => {}
                Err(error) => {
                    tracing::warn!(hook.id = %hook.id, %error, "health not written");
                    return None;
                }
            }
        }
        None
    }

    async fn look(&self, hook: &EventHook, now: Timestamp) -> Health {
        let known = self.of(hook);
        let mut known = known.lock().await;
        self.trusted(&mut known, hook, now).await
    }

    /// The health of this version of a hook, as of a second ago at most.
    async fn trusted(&self, known: &mut Known, hook: &EventHook, now: Timestamp) -> Health {
        if known.read.is_none_or(|read| read.distance(now) >= Self::TRUSTED) {
            match self.ledger.health(hook.id, hook.generation, now).await {
                Ok(kept) => *known = Known { kept, read: Some(now) },
                Err(error) => tracing::warn!(hook.id = %hook.id, %error, "health not read"),
            }
        }
        let health = known.kept.map_or_else(|| Health::unknown(hook.version), |it| it.health);
        health.of_version(hook.version)
    }

    async fn write(
        &self,
        known: &mut Known,
        hook: &EventHook,
        health: Health,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let seen = known.kept.map_or(0, |it| it.version);
        let expires = now + health::KEPT;
        // Whatever becomes of it, and of who asked: what was known is no longer known to be so.
        known.read = None;
        self.ledger.keep_health(hook.id, hook.generation, &health, seen, expires).await?;
        *known = Known { kept: Some(KeptHealth { health, version: seen + 1 }), read: Some(now) };
        Ok(())
    }

    fn of(&self, hook: &EventHook) -> Arc<AsyncMutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get_or_insert((hook.id, hook.generation), Arc::default))
    }
}
