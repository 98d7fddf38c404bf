//! Tokens: those that are shown to a deployment, and those that it hands out.

use serde_json::json;

use crate::{
    canned::Canned,
    world::{Ran, World, client, run},
};

const TOKEN: &str = "t0k3n-of-the-admin";

#[test]
fn a_token_is_shown_from_the_environment_and_never_printed() {
    let world = World::with(&[("EVENT_HOOKS_ADMIN_TOKEN", TOKEN)]);
    let list = |token: Option<&str>| {
        let mut command = client(&["hooks", "list"]);
        command.env("EVENT_HOOKS_URL", &world.url);
        token.map(|token| command.env("EVENT_HOOKS_TOKEN", token));
        run(command, "")
    };
    assert_eq!(list(Some(TOKEN)).out, "there are no hooks\n");
    assert_eq!(world.run(&format!("hooks list --token {TOKEN}")).code, 0);

    let without = list(None);
    assert_eq!((without.code, without.out.as_str()), (4, ""));
    assert_eq!(
        without.err,
        "error: a token is needed here\nhint: set EVENT_HOOKS_TOKEN, or say --token\n"
    );
    let wrong = list(Some("wr0ng"));
    assert_eq!(wrong.code, 4);
    assert_eq!(
        wrong.err,
        "error: the token is not known here\nhint: --token or EVENT_HOOKS_TOKEN says which\n"
    );
    let odd = list(Some("wr0ng\n"));
    assert_eq!(
        (odd.code, odd.err.as_str()),
        (2, "error: the token has characters that no token has\n")
    );

    for words in [
        &["--help"][..],
        &["hooks", "list", "--help"],
        &["hooks", "nonsense"],
        &["--url", "x", "hooks", "list"],
    ] {
        let mut command = client(words);
        command.env("EVENT_HOOKS_TOKEN", TOKEN);
        let Ran { out, err, .. } = run(command, "");
        assert!(!out.contains(TOKEN) && !err.contains(TOKEN), "{words:?}: {out}{err}");
    }
}

fn ask(server: &Canned, words: &[&str]) -> Ran {
    let mut command = client(words);
    command.env("EVENT_HOOKS_URL", &server.url).env("EVENT_HOOKS_TOKEN", TOKEN);
    run(command, "")
}

#[test]
fn a_token_is_made_and_printed_for_a_script_to_take() {
    let made = json!({"id": "t-1", "name": "till", "role": "emitter", "workspaces": ["a"], "token": "n3w", "created_at": 1});
    let server = Canned::new(&[("201 Created", "", &made.to_string())]);
    let ran = ask(&server, &["tokens", "create", "till", "--role", "emitter", "--for", "a"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "n3w\n"), "{ran:?}");
    assert!(ran.err.contains("t-1") && !ran.err.contains("n3w"), "{ran:?}");
    let asked = &server.asked()[0];
    assert!(asked.starts_with("POST /tokens HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("kong-admin-token: {TOKEN}\r\n")), "{asked}");
    assert!(asked.ends_with(r#"{"name":"till","role":"emitter","workspaces":["a"]}"#), "{asked}");
}

#[test]
fn a_token_is_not_made_twice() {
    let server = Canned::new(&[(
        "503 Service Unavailable",
        "retry-after: 0\r\n",
        r#"{"message": "later"}"#,
    )]);
    let ran = ask(&server, &["tokens", "create", "till", "--role", "emitter"]);
    assert_eq!((ran.code, server.asked().len()), (1, 1), "{ran:?}");
}

#[test]
fn tokens_are_listed_and_revoked() {
    let listed = json!({"data": [{"id": "t-1", "name": "till", "role": "emitter", "workspaces": ["a", "b"], "created_at": 1}], "next": null});
    let server = Canned::new(&[
        ("200 OK", "", &listed.to_string()),
        ("204 No Content", "", ""),
        ("404 Not Found", "", r#"{"message": "Not found"}"#),
    ]);
    let ran = ask(&server, &["tokens", "list"]);
    assert_eq!(
        ran.out, "ID   NAME  ROLE     WORKSPACES  CREATED\nt-1  till  emitter  a, b        1\n",
        "{ran:?}"
    );
    assert_eq!(ask(&server, &["tokens", "delete", "t-1"]).code, 2, "nobody can be asked");
    assert_eq!(ask(&server, &["tokens", "delete", "t-1", "--yes"]).out, "revoked t-1\n");
    let gone = ask(&server, &["tokens", "delete", "t-1", "--yes"]);
    assert_eq!((gone.code, gone.err.as_str()), (3, "error: there is no token t-1\n"));
}

#[test]
fn who_may_not_is_told_so() {
    let server = Canned::new(&[(
        "403 Forbidden",
        "",
        r#"{"message": "till, you do not have permissions to read this resource"}"#,
    )]);
    let ran = ask(&server, &["hooks", "list"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.err.starts_with("error: till, you do not have permissions to read this resource\n"),
        "{ran:?}"
    );
}
