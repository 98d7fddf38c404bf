//! What this process knows of how hooks' receivers are doing.
//!
//! Read at most once a second for each hook, so that a healthy hook costs next to nothing; written
//! when an attempt failed, and when one succeeds again. What is known is advice: where the ledger
//! does not answer, attempts are made as if nothing were known.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

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
    known: Mutex<LruCache<(HookId, Generation), Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    kept: Option<KeptHealth>,
    read: Timestamp,
}

impl Vitals {
    /// How long what was read is good enough.
    const TRUSTED: Duration = Duration::from_secs(1);
    /// How many hooks are known.
    const MOST_KNOWN: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");
    /// How often a writing is tried when others are faster. It is advice: the last of many failures
    /// at once may be missing from the count.
    const MOST_TRIES: usize = 8;

    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, known: Mutex::new(LruCache::new(Self::MOST_KNOWN)) }
    }

    /// May a first attempt be made?
    pub(crate) async fn admits_first(&self, hook: &EventHook, now: Timestamp) -> bool {
        let kept = self.trusted(hook, now).await;
        health::admit_first(about(kept, hook)) == Admission::Go
    }

    /// May an attempt be made that waited before? The answer to one is that it is the probe.
    pub(crate) async fn admits_waiting(&self, hook: &EventHook, now: Timestamp) -> bool {
        let kept = self.trusted(hook, now).await;
        match health::admit_waiting(about(kept, hook), now) {
            Admission::Go => true,
            Admission::Wait => false,
            // What is trusted may be a second old: the writing finds that out.
            Admission::Probe(probe) => match self.write(hook, probe, kept, now).await {
                Ok(()) => true,
                Err(PortError::Conflict) => {
                    self.forget(hook);
                    false
                }
                Err(error) => {
                    tracing::warn!(hook.id = %hook.id, %error, "health not written");
                    true
                }
            },
        }
    }

    /// Notes how an attempt went, and answers what turn that is.
    pub(crate) async fn note(&self, hook: &EventHook, sign: Sign, at: Timestamp) -> Option<Turn> {
        let mut kept = self.trusted(hook, at).await;
        for _ in 0..Self::MOST_TRIES {
            let Change { health, turn } = health::after(about(kept, hook), sign, at)?;
            match self.write(hook, health, kept, at).await {
                Ok(()) => return turn,
                Err(PortError::Conflict) => {
                    self.forget(hook);
                    kept = self.trusted(hook, at).await;
                }
                Err(error) => {
                    tracing::warn!(hook.id = %hook.id, %error, "health not written");
                    return None;
                }
            }
        }
        None
    }

    /// What is kept of a hook's health, as of a second ago at most.
    async fn trusted(&self, hook: &EventHook, now: Timestamp) -> Option<KeptHealth> {
        let known = self.lock().get(&key(hook)).copied();
        if let Some(known) = known.filter(|it| it.read.distance(now) < Self::TRUSTED) {
            return known.kept;
        }
        match self.ledger.health(hook.id, hook.generation, now).await {
            Ok(kept) => {
                self.know(hook, kept, now);
                kept
            }
            Err(error) => {
                tracing::warn!(hook.id = %hook.id, %error, "health not read");
                known.and_then(|it| it.kept)
            }
        }
    }

    async fn write(
        &self,
        hook: &EventHook,
        health: Health,
        kept: Option<KeptHealth>,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let seen = kept.map_or(0, |it| it.version);
        let expires = now + health::KEPT;
        self.ledger.keep_health(hook.id, hook.generation, &health, seen, expires).await?;
        self.know(hook, Some(KeptHealth { health, version: seen + 1 }), now);
        Ok(())
    }

    fn know(&self, hook: &EventHook, kept: Option<KeptHealth>, read: Timestamp) {
        self.lock().put(key(hook), Known { kept, read });
    }

    fn forget(&self, hook: &EventHook) {
        if let Some(known) = self.lock().get_mut(&key(hook)) {
            known.read = Timestamp::from_millis(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<(HookId, Generation), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(hook: &EventHook) -> (HookId, Generation) {
    (hook.id, hook.generation)
}

fn about(kept: Option<KeptHealth>, hook: &EventHook) -> Health {
    let health = kept.map_or_else(|| Health::unknown(hook.version), |it| it.health);
    health.of_version(hook.version)
}
