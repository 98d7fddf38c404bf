//! Hooks and sources, one at a time.

use serde_json::json;

use crate::world::{Process, World};

const ID: &str = "6b1f3c5e-9d2a-4f7b-8a34-5c2f1e0d9b76";

#[test]
fn a_hook_is_made_shown_changed_and_removed() {
    let world = World::new();
    assert_eq!(world.well("hooks list"), "there are no hooks\n");

    let made = world.json(&format!(
        "hooks create id={ID} source=crud event=consumers handler=webhook snooze=60 config.url=http://localhost:9000/ \
         config.headers.x-team=blue"
    ));
    assert_eq!((&made["id"], &made["snooze"]), (&json!(ID), &json!(60)));
    let again = world.run(&format!("hooks create id={ID} source=crud handler=log"));
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("primary key violation"), "{again:?}");

    let table = world.well("hooks list");
    let lines: Vec<_> = table.lines().map(|it| it.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0], ["ID", "SOURCE", "EVENT", "HANDLER", "URL", "ENABLED"]);
    assert_eq!(lines[1], [ID, "crud", "consumers", "webhook", "http://localhost:9000/"]);

    let changed = world.json(&format!("hooks update {ID} snooze=5 event="));
    assert_eq!((&changed["snooze"], &changed["event"]), (&json!(5), &json!(null)));
    assert!(world.well(&format!("hooks get {ID}")).contains("x-team: blue"), "the rest stays");

    assert_eq!(world.well(&format!("hooks delete {ID} --yes")), format!("deleted {ID}\n"));
    let gone = world.run(&format!("hooks get {ID}"));
    assert_eq!((gone.code, gone.err.as_str()), (3, &*format!("error: there is no hook {ID}\n")));
}

#[test]
fn a_hook_that_nobody_named_is_made_once() {
    let world = World::new();
    world.well("hooks create source=crud handler=log");
    world.well("hooks create source=crud handler=log");
    assert_eq!(world.json("hooks list").as_array().unwrap().len(), 2);
}

#[test]
fn secrets_come_from_files_and_are_shown_only_to_who_asks() {
    let world = World::new();
    world.write("secret", "s3cr3t\n");
    world.well(&format!(
        "hooks create id={ID} source=crud handler=webhook config.url=http://localhost:9000/ config.secret=@secret"
    ));
    let input =
        world.feed(&format!("hooks update {ID} config.headers.a=@-"), "from standard input\n");
    assert!(input.out.contains("a: from standard input"), "{input:?}");
    for (words, is_shown) in [
        ("hooks list -o json", false),
        ("hooks list -o json --secrets", true),
        (&format!("hooks get {ID}"), false),
        (&format!("hooks get {ID} --secrets"), true),
        (&format!("hooks update {ID} snooze=1"), false),
        ("export", false),
        ("export --secrets", true),
    ] {
        assert_eq!(world.well(words).contains("s3cr3t"), is_shown, "{words}");
    }
}

#[test]
fn a_hook_is_tried() {
    let world = World::new();
    let (_receiver, url) = Process::receiver(&[]);
    world.well(&format!(
        "hooks create id={ID} source=crud event=consumers handler=webhook config.url={url}"
    ));
    assert_eq!(world.well(&format!("hooks ping {ID}")), "the receiver took the ping\n");
    let ran = world.json(&format!("hooks test {ID} entity.username=Ada"));
    assert_eq!(
        ran["data"],
        json!({"source": "crud", "event": "consumers", "entity": {"username": "Ada"}})
    );
    assert_eq!(ran["result"]["status"], 200);
    let ran = world.run_all(&["hooks", "test", ID, "--data", r#"{"number": 1}"#], "");
    assert!(ran.code == 0 && ran.out.contains("  number: 1\n"), "{ran:?}");

    let (_receiver, url) = Process::receiver(&["--status", "503"]);
    world.well(&format!("hooks update {ID} config.url={url}"));
    let ping = world.run(&format!("hooks ping {ID}"));
    assert_eq!(ping.code, 1, "{ping:?}");
    assert!(
        ping.err.contains("the receiver did not take the ping: receiver answered 503"),
        "{ping:?}"
    );
    let test = world.run(&format!("hooks test {ID} a=b"));
    assert_eq!(test.code, 1, "{test:?}");
    assert!(test.err.contains("the handler failed: receiver answered 503"), "{test:?}");
}

#[test]
fn an_event_is_published_listed_and_withdrawn() {
    let world = World::new();
    let words = [
        "sources",
        "publish",
        "shop:till",
        "sale",
        "--field",
        "sum",
        "--field",
        "till",
        "--unique",
        "till",
    ];
    let published =
        world.run_all(&[&words[..], &["--description", "Something was sold"]].concat(), "");
    assert_eq!(published.out, "published shop:till/sale\n", "{published:?}");
    assert_eq!(
        world.well("sources list shop:till"),
        "SOURCE     EVENT  UNIQUE  FIELDS     DESCRIPTION\n\
         shop:till  sale   till    sum, till  Something was sold\n"
    );
    let all = world.well("sources list");
    let is_built_in = |line: &str| {
        line.starts_with("service-protection ") && line.contains(" rate-limit-exceeded ")
    };
    assert!(all.lines().any(is_built_in), "{all}");
    assert_eq!(world.well("sources withdraw shop:till sale"), "withdrew shop:till/sale\n");
    let gone = world.run("sources withdraw shop:till sale");
    assert_eq!(
        (gone.code, gone.err.as_str()),
        (3, "error: there is no event 'sale' of source 'shop:till'\n")
    );
    let built_in = world.run("sources withdraw balancer health");
    assert_eq!(built_in.code, 1, "{built_in:?}");
    assert!(built_in.err.contains("is built in and cannot be removed"), "{built_in:?}");
    assert_eq!(world.run("sources list nothing").code, 3);
}
