//! Tokens: those that are shown to a deployment, and those that it hands out.

use serde_json::{Value, json};

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

fn ask(url: &str, token: &str, words: &str) -> Ran {
    let mut command = client(&words.split_whitespace().collect::<Vec<_>>());
    command.env("EVENT_HOOKS_URL", url).env("EVENT_HOOKS_TOKEN", token);
    run(command, "")
}

/// Makes a token, and answers its id and its text.
fn made(world: &World, words: &str) -> (String, String) {
    let ran = ask(&world.url, TOKEN, &format!("tokens create {words}"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let id = ran.err.split_whitespace().nth(1).unwrap().to_owned();
    assert_eq!(ran.err, format!("token {id} is shown this once; it cannot be looked up\n"));
    (id, ran.out.trim_end().to_owned())
}

#[test]
fn a_token_is_made_for_a_script_to_take_and_is_good_for_what_it_says() {
    let world = World::with(&[("EVENT_HOOKS_ADMIN_TOKEN", TOKEN)]);
    assert_eq!(
        ask(&world.url, TOKEN, "tokens list").out,
        "there are no tokens but the first one\n"
    );
    let (_, admin) = made(&world, "ci --role admin");
    let (_, looker) = made(&world, "looker --role read-only");
    let (_, emitter) = made(&world, "till --role emitter --for blue --for green");
    assert!(admin.starts_with("eh_"), "{admin}");

    for (token, words, code) in [
        (&admin, "hooks create source=crud handler=log", 0),
        (&admin, "tokens list", 0),
        (&looker, "hooks list", 0),
        (&looker, "hooks create source=crud handler=log", 4),
        (&looker, "tokens list", 4),
        (&looker, "poison list", 4),
        (&emitter, "--workspace blue events send --source crud --event routes", 0),
        (&emitter, "--workspace red events send --source crud --event routes", 4),
        (&emitter, "events send --source crud --event routes", 4),
        (&emitter, "--workspace blue hooks list", 4),
    ] {
        let ran = ask(&world.url, token, words);
        assert_eq!(ran.code, code, "{words}: {ran:?}");
        assert!(!ran.out.contains(token.as_str()) && !ran.err.contains(token.as_str()), "{ran:?}");
    }
    let refused = ask(&world.url, &emitter, "--workspace red hooks list");
    assert!(refused.err.starts_with("error: till, you do not have permissions"), "{refused:?}");
}

#[test]
fn tokens_are_listed_and_revoked() {
    let world = World::with(&[("EVENT_HOOKS_ADMIN_TOKEN", TOKEN)]);
    let (id, text) = made(&world, "till --role emitter --for a --for b");
    let (other, _) = made(&world, "other --role admin");

    let listed = ask(&world.url, TOKEN, "tokens list").out;
    let line = listed.lines().find(|it| it.contains(&id)).unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[1..5], ["till", "emitter", "a,", "b"], "{listed}");
    assert!(!listed.contains(&text), "{listed}");
    let as_json = ask(&world.url, TOKEN, "tokens list -o json").out;
    let as_json: Value = serde_json::from_str(&as_json).unwrap();
    let till = as_json.as_array().unwrap().iter().find(|it| it["id"] == *id).unwrap();
    assert_eq!((&till["role"], &till["workspaces"]), (&json!("emitter"), &json!(["a", "b"])));

    let unasked = ask(&world.url, TOKEN, &format!("tokens delete {id}"));
    assert_eq!(unasked.code, 2, "nobody can be asked: {unasked:?}");
    let revoked = ask(&world.url, TOKEN, &format!("tokens delete {id} {id} {other} --yes"));
    assert_eq!(revoked.out, format!("revoked {id}\nrevoked {other}\n"));
    assert_eq!((revoked.code, revoked.err), (3, format!("error: there is no token {id}\n")));
    let late = ask(&world.url, &text, "--workspace a events send --source crud --event routes");
    assert_eq!(late.code, 4, "{late:?}");
}

#[test]
fn a_token_that_cannot_be_is_refused_with_what_is_wrong() {
    let world = World::with(&[("EVENT_HOOKS_ADMIN_TOKEN", TOKEN)]);
    for (words, expected) in [
        ("x --role admin --for default", "workspaces.1: 'default' is every workspace"),
        ("x --role admin --for events", "workspaces.1: 'events' cannot be a workspace"),
    ] {
        let refused = ask(&world.url, TOKEN, &format!("tokens create {words}"));
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{words}: {refused:?}");
        assert!(refused.err.contains(expected), "{words}: {refused:?}");
    }
    let empty = client(&["tokens", "create", "x", "--role", "admin", "--for", ""]);
    let mut empty = empty;
    empty.env("EVENT_HOOKS_URL", &world.url).env("EVENT_HOOKS_TOKEN", TOKEN);
    let empty = run(empty, "");
    assert_eq!(empty.code, 1, "somebody's variable was empty: {empty:?}");
}

#[test]
fn a_token_is_not_made_twice() {
    let later = ("503 Service Unavailable", "retry-after: 0\r\n", r#"{"message": "later"}"#);
    let server = Canned::new(&[later]);
    let ran = ask(&server.url, TOKEN, "tokens create till --role emitter");
    assert_eq!((ran.code, server.asked().len()), (1, 1), "{ran:?}");
    assert!(ran.err.contains("it may have been done all the same"), "{ran:?}");
}
