//! Which tokens were good a moment ago, and where?

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hooks::{
    access::{Token, TokenHash},
    id::TokenId,
    time::Timestamp,
};
use lru::LruCache;

use super::place::Place;

/// How long what was read of a token is trusted.
const TRUSTED: Duration = Duration::from_secs(10);
/// How many are remembered: some 2 MB.
const MOST: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// Who shows something: a token, somewhere.
pub(super) type Shown = (TokenHash, Place);

/// What was found for a token.
#[derive(Debug, Clone)]
pub(super) enum Good {
    /// It is the first one. This is not trusted, but asked each time.
    First,
    /// It is one of those that were given out.
    Token(Arc<Token>),
}

/// The tokens that were good when they were looked up, with when that was.
pub(super) struct Known(Mutex<LruCache<Shown, (Good, Timestamp)>>);

impl Default for Known {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl Known {
    /// What was read of this token, if that can still be trusted.
    pub(super) fn fresh(&self, shown: &Shown, now: Timestamp) -> Option<Good> {
        let mut known = self.locked();
        let (good, read) = known.get(shown)?;
        let is_fresh = matches!(good, Good::Token(_)) && read.distance(now) < TRUSTED;
        is_fresh.then(|| good.clone())
    }

    /// Was this the first token?
    pub(super) fn is_first(&self, shown: &Shown) -> bool {
        matches!(self.locked().get(shown), Some((Good::First, _)))
    }

    /// Was this token good, however long ago?
    pub(super) fn knows(&self, shown: &Shown) -> bool {
        self.locked().contains(shown)
    }

    /// It is good, and was looked up from then on.
    pub(super) fn keep(&self, shown: Shown, good: Good, read: Timestamp) {
        self.locked().put(shown, (good, read));
    }

    /// It is not good any more.
    pub(super) fn forget(&self, shown: &Shown) {
        self.locked().pop(shown);
    }

    /// This token is not good any more, wherever it is shown.
    pub(super) fn forget_token(&self, id: TokenId) {
        let mut known = self.locked();
        let is_it = |good: &Good| matches!(good, Good::Token(token) if token.id == id);
        let gone: Vec<_> =
            known.iter().filter(|(_, (good, _))| is_it(good)).map(|(it, _)| it.clone()).collect();
        for shown in &gone {
            known.pop(shown);
        }
    }

    fn locked(&self) -> MutexGuard<'_, LruCache<Shown, (Good, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
