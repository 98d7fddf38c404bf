//! [`TokenStore`]: a token is found by its hash until it is removed.

use std::sync::Arc;

use hooks::{
    access::{Role, Token},
    id::TokenId,
    ports::{PortResult, TokenStore},
};

use super::{check_each, pages, races};
use crate::builders::{token, workspace};

type Store = Arc<dyn TokenStore>;

/// Holds a token store to its promise. `fresh` makes an empty one.
pub async fn run(fresh: impl AsyncFn() -> Store) {
    check_each!(fresh().await =>
        a_token_is_found_by_its_hash_alone,
        an_id_or_hash_that_is_taken_is_a_conflict,
        a_removed_token_is_found_by_nobody,
        tokens_are_listed_by_id_whatever_the_page,
        of_two_tokens_with_one_hash_exactly_one_is_added,
    );
}

async fn listed(store: &Store, size: usize) -> PortResult<Vec<Token>> {
    pages::all(size, async |page| store.tokens(page).await, pages::quietly).await
}

async fn a_token_is_found_by_its_hash_alone(store: &Store) -> PortResult<()> {
    let tied = Token {
        name: "für Ü".into(),
        role: Role::Emitter,
        workspaces: vec![workspace("a"), workspace("b")],
        ..token("one")
    };
    let other = token("other");
    store.add_token(&tied).await?;
    store.add_token(&other).await?;
    assert_eq!(store.token(&tied.hash).await?, Some(tied));
    assert_eq!(store.token(&other.hash).await?, Some(other));
    assert_eq!(store.token(&token("unknown").hash).await?, None);
    Ok(())
}

async fn an_id_or_hash_that_is_taken_is_a_conflict(store: &Store) -> PortResult<()> {
    let first = token("one");
    store.add_token(&first).await?;
    let same_id = Token { id: first.id, ..token("two") };
    let same_hash = Token { id: TokenId::random(), ..first.clone() };
    assert!(races::is_conflict(&store.add_token(&same_id).await), "its id is taken");
    assert!(races::is_conflict(&store.add_token(&same_hash).await), "its hash is taken");
    assert_eq!(store.token(&same_id.hash).await?, None, "nothing was added");
    assert_eq!(listed(store, 10).await?, [first], "nothing was changed");
    Ok(())
}

async fn a_removed_token_is_found_by_nobody(store: &Store) -> PortResult<()> {
    let (gone, kept) = (token("gone"), token("kept"));
    store.add_token(&gone).await?;
    store.add_token(&kept).await?;
    assert!(store.remove_token(gone.id).await?, "it was there");
    assert!(!store.remove_token(gone.id).await?, "it was there once");
    assert_eq!(store.token(&gone.hash).await?, None);
    assert_eq!(listed(store, 10).await?, [kept]);
    store.add_token(&gone).await?;
    assert_eq!(store.token(&gone.hash).await?, Some(gone), "its id and hash are free again");
    Ok(())
}

async fn tokens_are_listed_by_id_whatever_the_page(store: &Store) -> PortResult<()> {
    assert_eq!(listed(store, 1).await?, []);
    let mut tokens: Vec<_> = (0..7).map(|number| token(&number.to_string())).collect();
    for token in &tokens {
        store.add_token(token).await?;
    }
    tokens.sort_by_key(|it| it.id);
    for size in [1, 3, 7, 8, 1_000] {
        assert_eq!(listed(store, size).await?, tokens, "in pages of {size}");
    }
    Ok(())
}

async fn of_two_tokens_with_one_hash_exactly_one_is_added(store: &Store) -> PortResult<()> {
    let tokens: Vec<_> = (0..8).map(|_| token("the same")).collect();
    let racers = tokens.clone().into_iter().map(|token| {
        let store = Arc::clone(store);
        async move { store.add_token(&token).await }
    });
    let winner = races::only_winner(&races::run(racers).await);
    assert_eq!(listed(store, 10).await?, [tokens[winner].clone()]);
    Ok(())
}
