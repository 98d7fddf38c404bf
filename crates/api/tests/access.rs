//! Does everybody get what their token allows, and nothing else?

use axum::body::Body;
use hooks::{
    access::{Role, Token},
    ports::TokenStore as _,
};
use http::Method;
use testkit::builders::{token, workspace};

use crate::doors::{Answer, Doors, JSON, id, request, webhook};

/// Doors with a first token and one for each role, called as the role.
async fn doors() -> Doors {
    let doors = Doors::guarded("first");
    for (name, role) in
        [("admin", Role::Admin), ("reader", Role::ReadOnly), ("emitter", Role::Emitter)]
    {
        add(&doors, Token { name: name.into(), role, ..token(name) }).await;
    }
    let team = Token { name: "team".into(), workspaces: vec![workspace("team")], ..token("team") };
    add(&doors, team).await;
    doors
}

async fn add(doors: &Doors, token: Token) {
    doors.store.add_token(&token).await.unwrap();
}

async fn as_holder(doors: &Doors, token: &str, method: Method, path: &str, body: &str) -> Answer {
    let headers = [("kong-admin-token", token), JSON];
    doors.send(request(method, path, &headers, body.to_owned())).await
}

#[tokio::test]
async fn the_first_token_is_taken_in_either_header() {
    let doors = doors().await;
    for (name, headers, status) in [
        ("the gateway's header", &[("kong-admin-token", "first")][..], 200),
        ("the usual header", &[("authorization", "Bearer first")], 200),
        ("another one's token", &[("authorization", "Bearer admin")], 200),
        ("part of the token", &[("kong-admin-token", "firs")], 401),
        ("more than the token", &[("kong-admin-token", "firstt")], 401),
        ("nothing", &[("kong-admin-token", "")], 401),
        ("no text", &[("kong-admin-token", "\u{e9}")], 401),
    ] {
        let asked = request(Method::GET, "/event-hooks", headers, Body::empty());
        assert_eq!(doors.send(asked).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn a_tied_token_opens_its_workspace_only() {
    let doors = doors().await;
    let log = r#"{"source":"crud","handler":"log"}"#;
    let made = as_holder(&doors, "team", Method::POST, "/team/event-hooks", log).await;
    let hook = id(&made.expect(201));
    for (path, status) in [
        ("/team/event-hooks".to_owned(), 200),
        (format!("/team/event-hooks/{hook}"), 200),
        ("/event-hooks".to_owned(), 403),
        ("/default/event-hooks".to_owned(), 403),
        (format!("/other/event-hooks/{hook}"), 403),
    ] {
        assert_eq!(
            as_holder(&doors, "team", Method::GET, &path, "").await.status,
            status,
            "{path}"
        );
    }
    for (path, status) in [
        (format!("/event-hooks/{hook}"), 200),
        (format!("/team/event-hooks/{hook}"), 200),
        (format!("/other/event-hooks/{hook}"), 404),
    ] {
        let answer = as_holder(&doors, "first", Method::GET, &path, "").await;
        assert_eq!(answer.status, status, "{path}");
    }
    let elsewhere = format!("/other/event-hooks/{hook}");
    let put = as_holder(&doors, "first", Method::PUT, &elsewhere, log).await.expect(400);
    assert_eq!(put["name"], "primary key violation", "it is in another one");
    for (path, count) in [("/event-hooks", 1), ("/team/event-hooks", 1), ("/other/event-hooks", 0)]
    {
        let page = as_holder(&doors, "first", Method::GET, path, "").await.expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{path}");
    }
}

#[tokio::test]
async fn a_tied_token_is_not_explained_what_others_hooks_do() {
    let doors = doors().await;
    let log = r#"{"source":"crud","handler":"log"}"#;
    let of_all = as_holder(&doors, "first", Method::POST, "/event-hooks", log).await.expect(201);
    let own = as_holder(&doors, "first", Method::POST, "/team/event-hooks", log).await;
    let own = own.expect(201);
    let event = r#"{"source":"crud","event":"consumers"}"#;
    for (token, expected) in [("team", vec![id(&own)]), ("reader", vec![id(&of_all), id(&own)])] {
        let path = "/team/events?explain=true";
        let explained = as_holder(&doors, token, Method::POST, path, event).await.expect(200);
        let hooks = explained["data"][0]["hooks"].as_array().unwrap();
        let mut shown: Vec<_> = hooks.iter().map(|it| it["hook"].as_str().unwrap()).collect();
        let mut expected: Vec<_> = expected.iter().map(String::as_str).collect();
        shown.sort_unstable();
        expected.sort_unstable();
        assert_eq!(shown, expected, "{token}");
    }
}

#[tokio::test]
async fn secrets_are_for_admins() {
    let doors = doors().await;
    let mut hook = webhook();
    hook["config"]["secret"] = "canary".into();
    let made = as_holder(&doors, "admin", Method::POST, "/event-hooks", &hook.to_string()).await;
    let made = made.expect(201);
    assert_eq!(made["config"]["secret"], "canary");

    let path = format!("/event-hooks/{}", id(&made));
    let shown = as_holder(&doors, "first", Method::GET, &path, "").await.expect(200);
    assert_eq!(shown["config"]["secret"], "canary");
    for path in [path.as_str(), "/event-hooks"] {
        let answer = as_holder(&doors, "reader", Method::GET, path, "").await;
        assert!(!answer.text.contains("canary"), "{path}");
        assert!(answer.text.contains("\"secret\":null"), "{path}");
    }
}

#[tokio::test]
async fn without_a_token_any_token_is_ignored_and_web_pages_are_not_let_in() {
    let doors = Doors::open();
    let ask = |headers: &[(&str, &str)]| {
        doors.send(request(Method::GET, "/event-hooks", headers, Body::empty()))
    };
    ask(&[("kong-admin-token", "any"), ("host", "127.0.0.1:8001")]).await.expect(200);
    for (name, headers) in [
        ("another site", &[("host", "localhost"), ("origin", "https://evil.example")][..]),
        ("a name of theirs", &[("host", "evil.example")]),
        ("a navigation", &[("host", "localhost"), ("sec-fetch-site", "cross-site")]),
    ] {
        let answer = ask(headers).await;
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.json()["message"].as_str().unwrap().starts_with("without a token"));
    }

    let guarded = Doors::guarded("first");
    let headers = [
        ("kong-admin-token", "first"),
        ("host", "hooks.example"),
        ("origin", "https://ui.example"),
    ];
    let asked = request(Method::GET, "/event-hooks", &headers, Body::empty());
    guarded.send(asked).await.expect(200);
}
