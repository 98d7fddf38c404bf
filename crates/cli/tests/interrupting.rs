//! What is cut short: by Ctrl-C, by who stops reading, by a deployment that goes away. What was done
//! is said, and the same command goes on from there.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
    time::Instant,
};

use crate::{
    canned::Canned,
    world::{PATIENCE, World, client, run, unheard},
};

const NONE: (&str, &str, &str) = ("200 OK", "", r#"{"data": [], "next": null}"#);
const MADE: (&str, &str, &str) =
    ("200 OK", "", r#"{"id": "10000000-0000-4000-8000-000000000000", "source": "a"}"#);

fn three_hooks(world: &World) {
    world.write("hooks.yaml", "- {source: balancer, handler: log}\n- {source: crud, handler: log}\n- {source: oas-validation, handler: log}\n");
}

#[test]
fn a_deployment_that_goes_away_is_said_with_what_is_left() {
    let world = World::new();
    three_hooks(&world);
    let later = ("503 Service Unavailable", "retry-after: 0\r\n", r#"{"message": "later"}"#);
    for (name, answer, code, said) in [
        (
            "it has no time",
            later,
            5,
            "error: later\nhint: 2 hooks were not seen to, the first of them perhaps; the same",
        ),
        (
            "the token was revoked",
            ("401 Unauthorized", "", r#"{"message": "no"}"#),
            4,
            "error: a token is needed here\nhint: 2 hooks were not seen to; the same command goes on from there\n",
        ),
    ] {
        let server = Canned::new(&[NONE, MADE, answer]);
        let mut command = client(&["apply", "-f", "hooks.yaml", "--url", &server.url]);
        command.current_dir(world.folder.path());
        let ran = run(command, "");
        assert_eq!(ran.code, code, "{name}: {ran:?}");
        assert!(
            ran.out.ends_with("\n1 created, 0 changed, 0 deleted, 0 as they were\n"),
            "{name}: {ran:?}"
        );
        assert!(ran.err.starts_with(said), "{name}: {ran:?}");
    }
    world.well("hooks create source=balancer handler=log");
    assert!(
        world
            .well("apply -f hooks.yaml")
            .ends_with("2 created, 0 changed, 0 deleted, 1 as they were\n")
    );
}

/// Presses Ctrl-C as soon as the server was asked so often.
fn interrupted(mut command: Command, server: &Canned, asked: usize) -> (Output, String) {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let began = Instant::now();
    while server.asked().len() < asked {
        assert!(began.elapsed() < PATIENCE, "{:?}", server.asked());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success()
    );
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr.clone()).unwrap();
    (output, err)
}

#[test]
fn ctrl_c_stops_apply_and_says_what_is_left() {
    let world = World::new();
    three_hooks(&world);
    let server = Canned::new(&[NONE, MADE, ("", "", "")]);
    let mut command = client(&["apply", "-f", "hooks.yaml", "--url", &server.url, "-o", "json"]);
    command.current_dir(world.folder.path());
    let (output, err) = interrupted(command, &server, 3);
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(err.starts_with("error: stopped by Ctrl-C\nhint: 2 hooks were not seen to"), "{err}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["created"], told["steps"].as_array().unwrap().len()), (&1.into(), 1));
}

#[test]
fn ctrl_c_stops_sending_and_says_the_key() {
    let event = ["events", "send", "--source", "a", "--event", "b", "--key", "k"];
    let server = Canned::new(&[("", "", "")]);
    let command = client(&[&["--url", &server.url], &event[..]].concat());
    let (output, err) = interrupted(command, &server, 1);
    let hint = "what was sent may have been accepted; with the same input and --key k, no event runs twice";
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert_eq!(err, format!("error: stopped by Ctrl-C\nhint: {hint}\n"));

    // What waits for more input hears it too.
    let (reader, mut writer) = std::io::pipe().unwrap();
    let event = br#"{"source": "a", "event": "b"}"#;
    (0..1_000).for_each(|_| writer.write_all(event).unwrap());
    let server = Canned::new(&[("202 Accepted", "", r#"{"ids": ["an-id"]}"#)]);
    let mut command = client(&["events", "send", "-f", "-", "--key", "k", "--url", &server.url]);
    command.stdin(reader);
    let (output, err) = interrupted(command, &server, 1);
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(err.contains("and --key k, no event runs twice"), "{err}");
    drop(writer);
}

#[test]
fn who_stops_reading_changes_no_verdict() {
    const ID: &str = "10000000-0000-4000-8000-000000000000";
    let world = World::new();
    three_hooks(&world);
    let recovery = format!(r#"{{"id": "{ID}", "state": "stopped"}}"#);
    for (words, answer, code) in [
        (&["apply", "-f", "hooks.yaml", "--dry-run", "--exit-code"][..], NONE, 6),
        (&["status"], ("503 Service Unavailable", "", r#"{"status": "unavailable"}"#), 1),
        (&["hooks", "test", ID], ("200 OK", "", r#"{"data": {}, "error": "no"}"#), 1),
        (&["recover", ID, "--since", "1h"], ("200 OK", "", &*recovery), 1),
        (&["hooks", "list"], NONE, 0),
    ] {
        let server = Canned::new(&[answer]);
        let mut command = client(&[words, &["--url", &server.url]].concat());
        command.current_dir(world.folder.path());
        assert_eq!(unheard(command).0, Some(code), "{words:?}");
    }
}

#[test]
fn what_cannot_be_deleted_keeps_nothing_else() {
    let world = World::new();
    world.write("none.yaml", "hooks: []\n");
    let id = |digit: u8| format!("{digit}0000000-0000-4000-8000-000000000000");
    let hook = |digit| format!(r#"{{"id": "{}", "source": "a", "handler": "log"}}"#, id(digit));
    let there = format!(r#"{{"data": [{}, {}, {}], "next": null}}"#, hook(1), hook(2), hook(3));
    let defect = ("500 Internal Server Error", "", r#"{"message": "a defect"}"#);
    let gone = ("204 No Content", "", "");
    let server = Canned::new(&[("200 OK", "", &there), gone, defect, gone]);
    let words = ["apply", "-f", "none.yaml", "--prune", "--all-workspaces", "--yes", "--url"];
    let mut command = client(&[&words[..], &[&server.url]].concat());
    command.current_dir(world.folder.path());
    let ran = run(command, "");
    assert_eq!(
        (ran.code, ran.err),
        (1, format!("error: hook {}: a defect\n", id(2))),
        "{}",
        ran.out
    );
    assert!(ran.out.ends_with("0 created, 0 changed, 2 deleted, 0 as they were\n"), "{}", ran.out);
}

#[test]
fn who_stops_reading_stops_nothing() {
    let world = World::new();
    three_hooks(&world);
    let mut command = client(&["apply", "-f", "hooks.yaml", "--url", &world.url]);
    command.current_dir(world.folder.path());
    assert_eq!(unheard(command), (Some(0), String::new()));
    let hooks = world.json("hooks list");
    let ids: Vec<_> =
        hooks.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3, "all of it was done");

    let command = client(&[&["hooks", "delete", "--yes", "--url", &world.url], &ids[..]].concat());
    assert_eq!(unheard(command).0, Some(0));
    assert_eq!(world.well("hooks list"), "there are no hooks\n");
}

#[test]
fn a_hook_that_goes_away_meanwhile_is_a_mistake_of_its_own() {
    let world = World::new();
    world.write("hooks.yaml", "- {id: 10000000-0000-4000-8000-000000000000, source: a, handler: log}\n- {source: b, handler: log}\n");
    let there = r#"{"data": [{"id": "10000000-0000-4000-8000-000000000000", "source": "z", "handler": "log"}], "next": null}"#;
    let gone = ("404 Not Found", "", r#"{"code": 6, "name": "not found", "message": "gone"}"#);
    let server = Canned::new(&[("200 OK", "", there), gone, MADE]);
    let mut command = client(&["apply", "-f", "hooks.yaml", "--url", &server.url]);
    command.current_dir(world.folder.path());
    let ran = run(command, "");
    assert_eq!((ran.code, ran.err.as_str()), (1, "error: hooks.yaml:1: gone\n"), "{ran:?}");
    assert!(ran.out.ends_with("1 created, 0 changed, 0 deleted, 0 as they were\n"), "{ran:?}");
}
