//! Tokens as an administrator handles them.

use std::sync::Arc;

use hooks::{
    access::{By, Role, TokenHash},
    id::TokenId,
    ports::{PageRequest, PortError, TokenStore as _},
    tokens::{NewToken, Tokens},
};
use testkit::builders::{START, workspace};
use uuid::Uuid;

use crate::world::World;

fn tokens(world: &World) -> Tokens {
    Tokens::new(Arc::new(world.store.clone()), Arc::new(world.clock.clone()))
}

fn for_a_gateway() -> NewToken {
    NewToken {
        name: "gateway".to_owned(),
        role: Role::Emitter,
        workspaces: vec![workspace("team")],
    }
}

#[tokio::test]
async fn what_is_kept_of_a_token_is_its_hash() {
    let world = World::new();
    let (token, text) = tokens(&world).add(&By::default(), for_a_gateway()).await.unwrap();
    assert_eq!(token.hash, TokenHash::of(text.expose()));
    assert_eq!((token.name.as_str(), token.role), ("gateway", Role::Emitter));
    assert_eq!((token.workspaces.as_slice(), token.created_at), (&[workspace("team")][..], START));

    let kept = world.store.token(&token.hash).await.unwrap();
    let shown = format!("{kept:?}{}", serde_json::to_string(&kept).unwrap());
    assert!(!shown.contains(text.expose()) && !format!("{text:?}").contains(text.expose()));
    assert_eq!(kept, Some(token));
}

#[tokio::test]
async fn a_token_is_taken_back_once_and_no_other_with_it() {
    let world = World::new();
    let tokens = tokens(&world);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(tokens.add(&By::default(), for_a_gateway()).await.unwrap().0);
    }
    let gone = made.remove(2);
    for (name, id, was_there) in [
        ("one", gone.id, true),
        ("the same again", gone.id, false),
        ("nobody's", TokenId::random(), false),
        ("the first that can be", Uuid::nil().into(), false),
        ("the last that can be", Uuid::max().into(), false),
    ] {
        assert_eq!(tokens.remove(&By::default(), id).await.unwrap(), was_there, "{name}");
    }
    let left = tokens.list(PageRequest { size: 10, after: None }).await.unwrap().items;
    made.sort_by_key(|it| it.id);
    assert_eq!(left, made);
}

#[tokio::test]
async fn a_token_that_could_not_be_kept_is_not_shown() {
    let world = World::new();
    world.store.fail_next();
    let refused = tokens(&world).add(&By::default(), for_a_gateway()).await;
    assert!(matches!(refused, Err(PortError::Unavailable { .. })));
}
