//! Whose token is this?
//!
//! What was read of a token is trusted for ten seconds, so that one that was taken back dies within
//! these. That a token is unknown is not remembered: a new one is good at once. Instead, who shows
//! wrong ones is slowed down. A token that was good at this place before is no guess, and is looked
//! up again whatever others at the place do.

use std::sync::Arc;

use hooks::{
    access::{Caller, FirstToken, Token, TokenHash, Who},
    id::TokenId,
    ports::{Clock, TokenStore},
};
use subtle::ConstantTimeEq as _;

use super::{
    Holder,
    known::{Good, Known},
    place::{Place, Places},
};
use crate::error::Refusal;

/// Stands at the door.
pub(super) struct Guard {
    first: Arc<dyn FirstToken>,
    tokens: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    known: Known,
    places: Places,
}

impl Guard {
    /// Lets in the holder of `first`, and those of `tokens`.
    pub(super) fn new(
        first: Arc<dyn FirstToken>,
        tokens: Arc<dyn TokenStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { first, tokens, clock, known: Known::default(), places: Places::default() }
    }

    /// Who shows this token, here?
    pub(super) async fn admit(&self, token: &str, place: Place) -> Result<Holder, Refusal> {
        let shown = (TokenHash::of(token), place);
        if let Some(good) = self.known.fresh(&shown, self.clock.now()) {
            return Ok(holder(&good));
        }
        if self.known.is_first(&shown) && self.is_first(&shown.0).await? {
            return Ok(holder(&Good::First));
        }
        // One at a time of each place, so that no more guesses are made at once than may be made.
        let turn = self.places.turn(place);
        let mut guesses = turn.lock().await;
        let now = self.clock.now();
        if let Some(good) = self.known.fresh(&shown, now) {
            return Ok(holder(&good));
        }
        if !self.known.knows(&shown)
            && let Some(wait) = guesses.wait(now)
        {
            return Err(Refusal::TooManyGuesses { wait });
        }
        let Some(good) = self.look_up(&shown.0).await? else {
            self.known.forget(&shown);
            guesses.add(now);
            return Err(Refusal::Unauthenticated);
        };
        let holder = holder(&good);
        self.known.keep(shown, good, now);
        Ok(holder)
    }

    /// A token was taken back. Who looked it up just before may still come in for a while.
    pub(super) fn forget(&self, token: TokenId) {
        self.known.forget_token(token);
    }

    /// Where it cannot be told who holds the first token, it may be this one: who holds none of the
    /// others is not let in, and not called wrong.
    async fn look_up(&self, hash: &TokenHash) -> Result<Option<Good>, Refusal> {
        let is_first = self.is_first(hash).await;
        if matches!(is_first, Ok(true)) {
            return Ok(Some(Good::First));
        }
        let token = self.tokens.token(hash).await?.filter(|it| is_same(&it.hash, hash));
        match token {
            Some(token) => Ok(Some(Good::Token(Arc::new(token)))),
            None => is_first.map(|_| None),
        }
    }

    async fn is_first(&self, hash: &TokenHash) -> Result<bool, Refusal> {
        match self.first.hash().await {
            Ok(first) => Ok(first.is_some_and(|it| is_same(&it, hash))),
            Err(error) => {
                tracing::warn!(%error, "it cannot be told who holds the first token");
                Err(Refusal::Unavailable)
            }
        }
    }
}

fn is_same(one: &TokenHash, other: &TokenHash) -> bool {
    one.as_str().as_bytes().ct_eq(other.as_str().as_bytes()).into()
}

fn holder(good: &Good) -> Holder {
    match good {
        Good::First => Holder { who: Who::First, caller: Caller::admin() },
        Good::Token(token) => {
            let Token { id, name, role, workspaces, .. } = &**token;
            Holder {
                who: Who::Holder { id: *id, name: name.clone() },
                caller: Caller { role: *role, workspaces: workspaces.clone() },
            }
        }
    }
}
