//! Gives tokens out, and takes them back.
//!
//! A token is shown once, to whoever asked for it. What is kept is its hash: nobody can read it
//! from the store, and one that is lost is replaced.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::{
    access::{By, Role, Token, TokenHash},
    audit::{self, Change},
    id::TokenId,
    name::Workspace,
    ports::{Clock, Page, PageRequest, PortError, PortResult, TokenStore},
    secret::Secret,
};

/// A token as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its name for people.
    pub name: String,
    /// What it is to allow.
    pub role: Role,
    /// Where; everywhere, when empty.
    pub workspaces: Vec<Workspace>,
}

/// The tokens, as an administrator handles them.
pub struct Tokens {
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
}

/// What every token begins with, so that it is known for what it is where it should not be.
pub const PREFIX: &str = "eh_";

/// How much of a token is chance.
const BYTES: usize = 32;

impl Tokens {
    /// The tokens in `store`.
    pub fn new(store: Arc<dyn TokenStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// A part of the tokens, by id.
    pub async fn list(&self, page: PageRequest<TokenId>) -> PortResult<Page<Token, TokenId>> {
        self.store.tokens(page).await
    }

    /// Makes a token. Its text is in this answer, and nowhere else.
    pub async fn add(&self, by: &By, wanted: NewToken) -> PortResult<(Token, Secret)> {
        let NewToken { name, role, workspaces } = wanted;
        let text = random()?;
        let token = Token {
            id: TokenId::random(),
            name,
            hash: TokenHash::of(text.expose()),
            role,
            workspaces,
            created_at: self.clock.now(),
        };
        let added = self.store.add_token(&token).await;
        audit::note(by, &Change::added(&token), &added);
        added.map(|()| (token, text))
    }

    /// Takes a token back; `false` when there is none. It opens nothing any more, within the ten
    /// seconds for which others may still trust what they have read.
    pub async fn remove(&self, by: &By, id: TokenId) -> PortResult<bool> {
        let Some(token) = self.get(id).await? else { return Ok(false) };
        let removed = self.store.remove_token(id).await;
        if !matches!(removed, Ok(false)) {
            audit::note(by, &Change::removed(&token), &removed);
        }
        removed
    }

    /// The token of this id. Lists are by id: it is what follows the id before it.
    async fn get(&self, id: TokenId) -> PortResult<Option<Token>> {
        let before = id.as_uuid().as_u128().checked_sub(1);
        let after = before.map(|it| TokenId::from(Uuid::from_u128(it)));
        let page = self.store.tokens(PageRequest { size: 1, after }).await?;
        Ok(page.items.into_iter().next().filter(|it| it.id == id))
    }
}

/// A text that nobody can guess, from the operating system's source of chance.
fn random() -> PortResult<Secret> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| PortError::Unavailable {
        what: "the source of random numbers",
        source: error.to_string().into(),
    })?;
    Ok(Secret::new(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_token_is_long_and_no_other_is_like_it() {
        let tokens: HashSet<_> = (0..100).map(|_| random().unwrap().expose().to_owned()).collect();
        assert_eq!(tokens.len(), 100);
        for token in tokens {
            let chance = token.strip_prefix("eh_").unwrap();
            assert_eq!(chance.len(), 43);
            assert!(chance.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)));
        }
    }
}
