//! Who sees what: tokens go to the deployment and nowhere else, and secrets that are hidden are not
//! taken for none.

use serde_json::{Value, json};

use crate::{
    canned::Canned,
    world::{Ran, World, client, run},
};

const TOKEN: &str = "t0k3n-of-the-admin";
const ID: &str = "10000000-0000-4000-8000-000000000000";
const EMPTY: (&str, &str, &str) = ("200 OK", "", r#"{"data": [], "next": null}"#);

#[test]
fn a_redirect_takes_no_token_along() {
    for status in
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let elsewhere = Canned::new(&[EMPTY]);
        let location = format!("location: {}/\r\n", elsewhere.url);
        let server = Canned::new(&[(status, &location, "")]);
        let mut command = client(&["--url", &server.url, "hooks", "list"]);
        command.env("EVENT_HOOKS_TOKEN", TOKEN);
        let ran = run(command, "");
        assert_eq!(ran.code, 1, "{status}: {ran:?}");
        let asked = server.asked();
        assert!(asked[0].contains(&format!("kong-admin-token: {TOKEN}\r\n")), "{asked:?}");
        assert_eq!(elsewhere.asked(), Vec::<String>::new(), "{status}");
    }
}

#[test]
fn no_proxy_stands_between_this_machine_and_itself() {
    let (proxy, server) = (Canned::new(&[EMPTY]), Canned::new(&[EMPTY]));
    let mut command = client(&["--url", &server.url, "hooks", "list"]);
    command.env("http_proxy", &proxy.url).env("EVENT_HOOKS_TOKEN", TOKEN);
    assert_eq!(run(command, "").code, 0);
    assert_eq!((proxy.asked().len(), server.asked().len()), (0, 1));
}

#[test]
fn a_token_may_be_in_a_file() {
    let server = Canned::new(&[EMPTY]);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("token"), format!("{TOKEN}\n")).unwrap();
    std::fs::write(path("empty"), "\n").unwrap();

    let by_flag =
        run(client(&["--url", &server.url, "--token-file", &path("token"), "hooks", "list"]), "");
    assert_eq!(by_flag.code, 0, "{by_flag:?}");
    let mut by_variable = client(&["--url", &server.url, "hooks", "list"]);
    by_variable.env("EVENT_HOOKS_TOKEN_FILE", path("token"));
    assert_eq!(run(by_variable, "").code, 0);
    for asked in server.asked() {
        assert!(asked.contains(&format!("kong-admin-token: {TOKEN}\r\n")), "{asked}");
    }
    for (name, words) in [
        ("nothing in it", &["--token-file", &path("empty")][..]),
        ("not there", &["--token-file", &path("none")]),
        ("two tokens", &["--token-file", &path("token"), "--token", TOKEN]),
    ] {
        let ran = run(client(&[&["--url", &server.url, "hooks", "list"], words].concat()), "");
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(!ran.err.contains(TOKEN), "{name}: {ran:?}");
    }
    assert_eq!(server.asked().len(), 2);
}

/// A deployment with a hook that has a secret, and the token of somebody who is not shown it.
fn looked_at() -> (World, String) {
    let world = World::with(&[("EVENT_HOOKS_ADMIN_TOKEN", TOKEN)]);
    let hook = format!(
        "hooks create id={ID} source=crud handler=webhook config.url=http://localhost:9000/ config.secret=s3cr3t"
    );
    assert_eq!(ask(&world, TOKEN, &hook).code, 0);
    let looker = ask(&world, TOKEN, "tokens create looker --role read-only").out;
    (world, looker.trim_end().to_owned())
}

fn ask(world: &World, token: &str, words: &str) -> Ran {
    let mut command = client(&words.split_whitespace().collect::<Vec<_>>());
    command.env("EVENT_HOOKS_URL", &world.url).env("EVENT_HOOKS_TOKEN", token);
    run(
        {
            command.current_dir(world.folder.path());
            command
        },
        "",
    )
}

#[test]
fn secrets_that_are_hidden_are_not_taken_for_none() {
    let (world, looker) = looked_at();
    for words in
        ["export --secrets", "hooks list --secrets -o json", &format!("hooks get {ID} --secrets")]
    {
        let ran = ask(&world, &looker, words);
        assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{words}: {ran:?}");
        assert!(ran.err.starts_with("error: this token is shown no secrets\n"), "{words}: {ran:?}");
        assert!(ask(&world, TOKEN, words).out.contains("s3cr3t"), "{words}: an admin's is");
    }

    let exported = ask(&world, &looker, "export");
    assert_eq!(exported.code, 0, "{exported:?}");
    world.write("exported.yaml", &exported.out);
    let applied = ask(&world, TOKEN, "apply -f exported.yaml");
    assert!(applied.out.ends_with("0 changed, 0 deleted, 1 as they were\n"), "{applied:?}");
    let hook: Value =
        serde_json::from_str(&ask(&world, TOKEN, "hooks list --secrets -o json").out).unwrap();
    assert_eq!(hook[0]["config"]["secret"], json!("s3cr3t"), "it is still there");
}

#[test]
fn a_dry_run_does_not_guess_whether_hidden_secrets_differ() {
    let (world, looker) = looked_at();
    let file = |secret: &str| {
        format!(
            "id: {ID}\nsource: crud\nhandler: webhook\nconfig: {{url: 'http://localhost:9000/', secret: {secret}}}\n"
        )
    };
    for secret in ["s3cr3t", "an0ther", "null"] {
        world.write("hook.yaml", &file(secret));
        let dry = ask(&world, &looker, "apply -f hook.yaml --dry-run --exit-code");
        assert_eq!(dry.code, 0, "{dry:?}");
        assert_eq!(dry.err, "this token is shown no secrets: whether they differ is not known\n");
        let known = ask(&world, TOKEN, "apply -f hook.yaml --dry-run --exit-code");
        assert_eq!(
            (known.code == 6, known.err.as_str()),
            (secret != "s3cr3t", ""),
            "{secret}: {known:?}"
        );
    }
    for secret in ["null", "an0ther"] {
        world.write("hook.yaml", &file(secret));
        let refused = ask(&world, &looker, "apply -f hook.yaml");
        assert_eq!((refused.code, refused.out.as_str()), (4, ""), "{secret}: {refused:?}");
    }
}
