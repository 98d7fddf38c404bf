//! Every path, asked by everybody there is.
//!
//! The rows are what docs/api.md promises. A route that is served and has no row fails the test,
//! and so does a row without a route.

use std::collections::BTreeSet;

use hooks::{
    access::{Role, Token},
    id::PoisonId,
    ports::{Poison, TokenStore as _},
    task::Queue,
};
use http::Method;
use serde_json::json;
use testkit::builders::{at, token, workspace};
use uuid::Uuid;

use crate::doors::{Doors, JSON, request};

/// A hook of the workspace `team`, and something else of no kind.
const HOOK: &str = "5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10";
const NOBODY: &str = "00000000-0000-0000-0000-000000000009";

const HOOK_BODY: &str =
    r#"{"source":"crud","handler":"webhook","config":{"url":"https://a.example/"}}"#;
const EVENT: &str = r#"{"source":"crud","event":"consumers"}"#;

/// Who asks: what they show, and the prefix that they use.
const CALLERS: [(&str, &str, &str); 13] = [
    ("the first token", "first", "/team"),
    ("an admin", "admin", "/team"),
    ("a reader", "reader", "/team"),
    ("an emitter", "emitter", "/team"),
    ("the team's admin", "team-admin", "/team"),
    ("the team's reader", "team-reader", "/team"),
    ("the team's emitter", "team-emitter", "/team"),
    ("the team's admin, elsewhere", "team-admin", "/other"),
    ("the team's admin, everywhere", "team-admin", ""),
    ("the team's reader, everywhere", "team-reader", "/default"),
    ("the team's emitter, everywhere", "team-emitter", ""),
    ("a wrong token", "wrong", "/team"),
    ("no token", "", "/team"),
];

/// Who gets what they ask for.
#[derive(Clone, Copy)]
enum For {
    /// Admins, in their workspaces.
    Admins,
    /// Admins whose token is not tied.
    AdminsOfEverything,
    /// Whoever may look.
    Readers,
    /// Who posts events.
    Emitters,
    /// Everybody, without a token too.
    Everybody,
}
use For::{Admins, AdminsOfEverything, Emitters, Everybody, Readers};

impl For {
    /// How many of [`CALLERS`] in front are let in, by their order: yes or no for each.
    fn lets_in(self) -> [bool; 7] {
        match self {
            //         first  admin reader emitter team: admin reader emitter
            Admins => [true, true, false, false, true, false, false],
            AdminsOfEverything => [true, true, false, false, false, false, false],
            Readers => [true, true, true, false, true, true, false],
            Emitters => [true, true, false, true, true, false, true],
            Everybody => [true; 7],
        }
    }

    fn status(self, caller: usize, granted: u16) -> u16 {
        let (_, token, _) = CALLERS[caller];
        match self.lets_in().get(caller) {
            _ if matches!(self, Everybody) => granted,
            _ if ["", "wrong"].contains(&token) => 401,
            Some(true) => granted,
            Some(false) | None => 403,
        }
    }
}

/// A method and a path as it is served, who gets what they ask for, what they send, and the status
/// that they get then.
const ROWS: &[(&str, &str, For, &str, u16)] = &[
    ("GET", "/event-hooks", Readers, "", 200),
    ("POST", "/event-hooks", Admins, HOOK_BODY, 201),
    ("GET", "/event-hooks/{id}", Readers, "", 200),
    ("PATCH", "/event-hooks/{id}", Admins, "{}", 200),
    ("PUT", "/event-hooks/{id}", Admins, HOOK_BODY, 200),
    ("DELETE", "/event-hooks/{id}", Admins, "", 204),
    ("GET", "/event-hooks/{id}/ping", Admins, "", 200),
    ("POST", "/event-hooks/{id}/test", Admins, "{}", 200),
    ("GET", "/event-hooks/{id}/deliveries", Readers, "", 200),
    ("GET", "/event-hooks/{id}/deliveries/{delivery}", Readers, "", 404),
    ("POST", "/event-hooks/{id}/deliveries/{delivery}/redeliver", Admins, "", 404),
    ("POST", "/event-hooks/{id}/recover", Admins, r#"{"since":0}"#, 202),
    ("GET", "/event-hooks/{id}/recover/{recovery}", Readers, "", 404),
    ("GET", "/event-hooks/sources", Readers, "", 200),
    ("GET", "/event-hooks/sources/{source}", Readers, "", 200),
    ("GET", "/event-hooks/sources/{source}/{event}", Readers, "", 200),
    ("PUT", "/event-hooks/sources/{source}/{event}", Emitters, "{}", 200),
    ("DELETE", "/event-hooks/sources/{source}/{event}", Emitters, "", 400),
    ("GET", "/event-hooks/source", Readers, "", 200),
    ("GET", "/event-hooks/source/{source}", Readers, "", 200),
    ("GET", "/event-hooks/source/{source}/{event}", Readers, "", 200),
    ("PUT", "/event-hooks/source/{source}/{event}", Emitters, "{}", 200),
    ("DELETE", "/event-hooks/source/{source}/{event}", Emitters, "", 400),
    ("GET", "/poison", AdminsOfEverything, "", 200),
    ("GET", "/poison/{id}", AdminsOfEverything, "", 200),
    ("DELETE", "/poison/{id}", AdminsOfEverything, "", 204),
    ("POST", "/poison/{id}/redeliver", AdminsOfEverything, "", 409),
    ("GET", "/tokens", AdminsOfEverything, "", 200),
    ("POST", "/tokens", AdminsOfEverything, r#"{"name":"x","role":"admin"}"#, 201),
    ("DELETE", "/tokens/{id}", AdminsOfEverything, "", 404),
    ("POST", "/events", Emitters, EVENT, 202),
    ("POST", "/events/explain", Readers, EVENT, 200),
    ("GET", "/status", Everybody, "", 200),
    ("GET", "/metrics", Readers, "", 200),
    ("GET", "/openapi.json", Everybody, "", 200),
];

/// Questions that are another one than their path says.
const MORE: &[(&str, &str, For, &str, u16)] = &[
    ("POST", "/events?explain=true", Readers, EVENT, 200),
    ("POST", "/events?explain=false", Emitters, EVENT, 202),
    ("POST", "/events?explain=zzz", Emitters, EVENT, 400),
];

/// Doors with a hook, a message that could not be processed, and a token for each caller.
async fn doors() -> Doors {
    let doors = Doors::guarded("first");
    for (name, role) in
        [("admin", Role::Admin), ("reader", Role::ReadOnly), ("emitter", Role::Emitter)]
    {
        let free = Token { name: name.into(), role, ..token(name) };
        let name = format!("team-{name}");
        let workspaces = vec![workspace("team")];
        let tied = Token { name: name.clone(), role, workspaces, ..token(&name) };
        for token in [free, tied] {
            doors.store.add_token(&token).await.unwrap();
        }
    }
    let headers = [("kong-admin-token", "first"), JSON];
    let path = format!("/team/event-hooks/{HOOK}");
    let put = doors.send(request(Method::PUT, &path, &headers, HOOK_BODY)).await;
    put.expect(200);
    let id: PoisonId = HOOK.parse::<Uuid>().unwrap().into();
    let (sent, buried, reason, body) = (at(0), at(60), "no task".into(), "?".into());
    let queue = Queue::Events;
    doors.ledger.put_aside(Poison { id, queue, receives: 3, sent, buried, reason, body });
    doors
}

fn verb(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "PUT" | "PATCH" => "update",
        "DELETE" => "delete",
        _ => "read",
    }
}

fn asked_for(path: &str) -> String {
    let path = if path.starts_with("/tokens") { path.replace("{id}", NOBODY) } else { path.into() };
    path.replace("{id}", HOOK)
        .replace("{delivery}", NOBODY)
        .replace("{recovery}", NOBODY)
        .replace("{source}", "crud")
        .replace("{event}", "consumers")
}

#[tokio::test]
async fn everybody_gets_what_their_token_allows_and_nothing_else() {
    for (method, path, allowed, body, granted) in ROWS.iter().chain(MORE) {
        for (number, (caller, token, prefix)) in CALLERS.iter().enumerate() {
            // What one of them does must not be there for the next one.
            let doors = doors().await;
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let path = format!("{prefix}{}", asked_for(path));
            let mut headers = vec![JSON];
            if !token.is_empty() {
                headers.push(("kong-admin-token", *token));
            }
            let expected = allowed.status(number, *granted);
            // Who may not do it is told so before anything else is looked at.
            let body = if [401, 403].contains(&expected) { "{" } else { *body };
            let answer =
                doors.send(request(method.clone(), &path, &headers, body.to_owned())).await;
            assert_eq!(answer.status, expected, "{caller}: {method} {path}: {}", answer.text);
            match expected {
                401 => assert_eq!(answer.json(), json!({"message": "Invalid RBAC credentials"})),
                403 => {
                    let verb = verb(&method);
                    let message =
                        format!("{token}, you do not have permissions to {verb} this resource");
                    assert_eq!(answer.json(), json!({"message": message}));
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn every_route_has_a_row_and_every_row_a_route() {
    let served = doors().await.served();
    let served: BTreeSet<_> = served
        .iter()
        .flat_map(|route| route.methods.iter().map(|method| (*method, route.path)))
        // HEAD is a GET without its body, and what can be asked is no secret.
        .filter(|(method, _)| !["HEAD", "OPTIONS"].contains(method))
        .collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|(method, path, ..)| (*method, *path)).collect();
    assert_eq!(rows, served);
    assert_eq!(rows.len(), ROWS.len(), "each once");
}

#[tokio::test]
async fn the_document_says_who_may() {
    let document = doors().await.get("/openapi.json").await.expect(200);
    for (method, path, allowed, ..) in ROWS {
        let said = &document["paths"][*path][method.to_lowercase()]["security"];
        let [_, admin, reader, emitter, tied, ..] = allowed.lets_in();
        let roles = [("admin", admin), ("read-only", reader), ("emitter", emitter)];
        let roles = || roles.into_iter().filter(|it| it.1).map(|it| it.0);
        let schemes = ["gatewayToken", "bearerToken"].into_iter();
        let expected: Vec<_> = match allowed {
            Everybody => vec![],
            _ => schemes.flat_map(|it| roles().map(move |role| json!({it: [role]}))).collect(),
        };
        assert_eq!(*said, json!(expected), "{method} {path}");
        let about = document["paths"][*path][method.to_lowercase()]["description"].as_str();
        let is_everywhere = about.is_some_and(|it| it.contains("good in every workspace"));
        assert_eq!(is_everywhere, !tied, "{method} {path}");
    }
}

#[tokio::test]
async fn a_head_is_asked_for_the_same_permission() {
    let doors = doors().await;
    for route in doors.served().iter().filter(|it| it.methods.contains(&"HEAD")) {
        let path = asked_for(route.path);
        let is_open = ["/status", "/openapi.json"].contains(&route.path);
        let expected = if is_open { 200 } else { 401 };
        let answer = doors.ask(Method::HEAD, &path).await;
        assert_eq!(answer.status, expected, "{path}");
    }
}
