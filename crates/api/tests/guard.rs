//! How long is a token trusted, and what becomes of those who guess?

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::{ClientAddress, FirstToken};
use async_trait::async_trait;
use axum::body::Body;
use hooks::{
    access::{Token, TokenHash},
    ports::{PortError, PortResult, TokenStore as _},
};
use http::Method;
use serde_json::json;
use testkit::builders::token;

use crate::doors::{Answer, Doors, request};

const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";

async fn show(doors: &Doors, token: &str, from: &str) -> Answer {
    let mut asked =
        request(Method::GET, "/event-hooks", &[("kong-admin-token", token)], Body::empty());
    let address: IpAddr = from.parse().unwrap();
    asked.extensions_mut().insert(ClientAddress(address));
    doors.send(asked).await
}

async fn add(doors: &Doors, name: &str) -> Token {
    let token = token(name);
    doors.store.add_token(&token).await.unwrap();
    token
}

/// Shows so many wrong tokens.
async fn guess(doors: &Doors, from: &str, times: usize) {
    for number in 0..times {
        show(doors, &format!("guess {number}"), from).await.expect(401);
    }
}

#[tokio::test]
async fn a_token_that_was_taken_back_elsewhere_dies_within_ten_seconds() {
    let doors = Doors::guarded("first");
    let token = add(&doors, "one").await;
    show(&doors, "one", HERE).await.expect(200);
    doors.store.remove_token(token.id).await.unwrap();
    doors.clock.advance(Duration::from_millis(9_999));
    show(&doors, "one", HERE).await.expect(200);
    doors.clock.advance(Duration::from_millis(1));
    show(&doors, "one", HERE).await.expect(401);
}

#[tokio::test]
async fn use_does_not_keep_a_dead_token_alive() {
    let doors = Doors::guarded("first");
    let token = add(&doors, "one").await;
    show(&doors, "one", HERE).await.expect(200);
    doors.store.remove_token(token.id).await.unwrap();
    for second in 1..10 {
        doors.clock.advance(Duration::from_secs(1));
        let answer = show(&doors, "one", HERE).await;
        assert_eq!(answer.status, 200, "{second}");
    }
    doors.clock.advance(Duration::from_secs(1));
    show(&doors, "one", HERE).await.expect(401);
}

#[tokio::test]
async fn what_is_known_is_not_asked_for_and_a_new_token_is_good_at_once() {
    let doors = Doors::guarded("first");
    show(&doors, "one", HERE).await.expect(401);
    add(&doors, "one").await;
    show(&doors, "one", HERE).await.expect(200);
    // A list of hooks asks the store once; whoever asks for the token before that gets the fault.
    doors.store.fail_next();
    let unauthorised = show(&doors, "unknown", HERE).await;
    assert_eq!(unauthorised.status, 503, "it cannot be told");
    show(&doors, "one", HERE).await.expect(200);
}

#[tokio::test]
async fn who_guesses_is_not_looked_at_for_a_while() {
    let doors = Doors::guarded("first");
    add(&doors, "known").await;
    show(&doors, "known", HERE).await.expect(200);
    guess(&doors, HERE, 10).await;

    doors.store.fail_next();
    let refused = show(&doors, "guess", HERE).await;
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(refused.expect(429), json!({"message": "too many wrong tokens, try again later"}));
    let first = show(&doors, "first", HERE).await;
    assert_eq!(first.status, 429, "a right guess is one too");
    assert_eq!(show(&doors, "x", HERE).await.status, 429);
    show(&doors, "x", ELSEWHERE).await.expect(503);

    doors.clock.advance(Duration::from_millis(59_001));
    assert_eq!(show(&doors, "x", HERE).await.header("retry-after"), Some("1"));
    doors.clock.advance(Duration::from_millis(999));
    show(&doors, "first", HERE).await.expect(200);
    guess(&doors, HERE, 10).await;
    show(&doors, "first", HERE).await.expect(200);
}

#[tokio::test]
async fn who_is_known_does_not_suffer_from_a_neighbour_who_guesses() {
    let doors = Doors::guarded("first");
    add(&doors, "known").await;
    show(&doors, "known", HERE).await.expect(200);
    guess(&doors, HERE, 10).await;
    show(&doors, "known", HERE).await.expect(200);
    doors.clock.advance(Duration::from_secs(30));
    show(&doors, "known", HERE).await.expect(200);
    let new = show(&doors, "known", HERE).await;
    assert_eq!(new.status, 200, "it was looked up again");
}

#[tokio::test]
async fn a_token_that_is_good_elsewhere_is_a_guess_here() {
    let doors = Doors::guarded("first");
    add(&doors, "known").await;
    show(&doors, "known", ELSEWHERE).await.expect(200);
    show(&doors, "first", ELSEWHERE).await.expect(200);
    guess(&doors, HERE, 10).await;
    for token in ["known", "first"] {
        assert_eq!(show(&doors, token, HERE).await.status, 429, "{token}");
        show(&doors, token, ELSEWHERE).await.expect(200);
    }
}

#[tokio::test]
async fn a_missing_token_is_no_guess_and_headers_do_not_say_where_one_is() {
    let doors = Doors::guarded("first");
    for _ in 0..20 {
        doors.get("/event-hooks").await.expect(401);
    }
    for number in 0..10 {
        let address = format!("192.0.2.{number}");
        let headers = [("kong-admin-token", "guess"), ("x-forwarded-for", address.as_str())];
        let asked = request(Method::GET, "/event-hooks", &headers, Body::empty());
        doors.send(asked).await.expect(401);
    }
    let headers = [("kong-admin-token", "guess"), ("x-forwarded-for", "192.0.2.99")];
    let asked = request(Method::GET, "/event-hooks", &headers, Body::empty());
    doors.send(asked).await.expect(429);
    show(&doors, "guess", HERE).await.expect(401);
}

#[tokio::test]
async fn guesses_at_once_are_counted_one_by_one() {
    let doors = Arc::new(Doors::guarded("first"));
    let asked = (0..50).map(|number| {
        let doors = Arc::clone(&doors);
        tokio::spawn(async move { show(&doors, &format!("guess {number}"), HERE).await.status })
    });
    let mut wrong = 0;
    for asked in asked.collect::<Vec<_>>() {
        wrong += usize::from(asked.await.unwrap() == 401);
    }
    assert_eq!(wrong, 10);
}

/// A first token that is kept elsewhere.
#[derive(Default)]
struct Vault {
    hash: Mutex<Option<TokenHash>>,
    asked: AtomicUsize,
    is_out_of_reach: Mutex<bool>,
}

impl Vault {
    fn keep(&self, token: Option<&str>) {
        *self.hash.lock().unwrap() = token.map(TokenHash::of);
    }
}

#[async_trait]
impl FirstToken for Vault {
    async fn hash(&self) -> PortResult<Option<TokenHash>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if *self.is_out_of_reach.lock().unwrap() {
            let source = "a test wants it to fail".into();
            return Err(PortError::Corrupt { what: "the vault", source });
        }
        Ok(self.hash.lock().unwrap().clone())
    }
}

#[tokio::test]
async fn the_first_token_is_what_its_keeper_says_now() {
    let vault = Arc::new(Vault::default());
    let doors = Doors::guarded_by(vault.clone());
    for token in ["", "old", "first"] {
        let answer = show(&doors, token, HERE).await;
        assert_eq!(answer.status, 401, "there is none, and that opens nothing");
    }
    vault.keep(Some("old"));
    show(&doors, "old", HERE).await.expect(200);
    vault.keep(Some("new"));
    show(&doors, "old", HERE).await.expect(401);
    show(&doors, "new", HERE).await.expect(200);
}

#[tokio::test]
async fn while_the_keeper_does_not_answer_only_the_others_come_in() {
    let vault = Arc::new(Vault::default());
    let doors = Doors::guarded_by(vault.clone());
    vault.keep(Some("first"));
    add(&doors, "other").await;
    show(&doors, "first", HERE).await.expect(200);
    *vault.is_out_of_reach.lock().unwrap() = true;
    for (name, token, status) in [
        ("the first", "first", 503),
        ("who may hold it", "new", 503),
        ("another", "other", 200),
        ("another, again", "other", 200),
    ] {
        assert_eq!(show(&doors, token, HERE).await.status, status, "{name}");
    }
    for _ in 0..20 {
        show(&doors, "new", HERE).await.expect(503);
    }
    *vault.is_out_of_reach.lock().unwrap() = false;
    vault.keep(Some("new"));
    let answer = show(&doors, "new", HERE).await;
    assert_eq!(answer.status, 200, "nobody was called wrong meanwhile");
    let asked = vault.asked.load(Ordering::Relaxed);
    show(&doors, "other", HERE).await.expect(200);
    assert_eq!(vault.asked.load(Ordering::Relaxed), asked, "others are known without it");
}
