//! Deliveries: looked at, followed, and sent again.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::world::{PATIENCE, Process, World, client};

const ID: &str = "6b1f3c5e-9d2a-4f7b-8a34-5c2f1e0d9b76";

fn follow(world: &World, words: &str) -> Command {
    let mut command = client(&words.split_whitespace().collect::<Vec<_>>());
    command.env("EVENT_HOOKS_URL", &world.url).stdout(Stdio::piped());
    command
}

#[test]
fn deliveries_are_listed_and_shown_with_their_attempts() {
    let world = World::new();
    assert_eq!(
        world.run(&format!("deliveries list {ID}")).err,
        format!("error: there is no hook {ID}\n")
    );
    world.well(&format!("hooks create id={ID} source=crud handler=log"));
    assert_eq!(world.well(&format!("deliveries list {ID}")), "there are no deliveries\n");
    world.well("events send --source crud --event routes");
    world.well("events send --source crud --event services");
    let listed =
        world.eventually(&format!("deliveries list {ID}"), |it| it.as_array().unwrap().len() == 2);
    let delivery = listed[0]["id"].as_str().unwrap();

    for (words, expected) in [
        ("", 2),
        ("--limit 1", 1),
        ("--status delivered --since 1h", 2),
        ("--status parked", 0),
        ("--until 1h", 0),
    ] {
        let found = world.json(&format!("deliveries list {ID} {words}"));
        assert_eq!(found.as_array().unwrap().len(), expected, "{words}");
    }
    let shown = world.well(&format!("deliveries get {ID} {delivery}"));
    assert!(shown.contains("status       delivered\n") && shown.contains("\nAT "), "{shown}");
    let gone = world.run(&format!("deliveries get {ID} {ID}"));
    assert_eq!(
        (gone.code, gone.err),
        (3, format!("error: there is no delivery {ID} of hook {ID}\n"))
    );
}

#[test]
fn a_delivery_is_sent_again() {
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud handler=log"));
    world.well("events send --source crud --event routes");
    let path = format!("deliveries list {ID}");
    let listed = world.eventually(&path, |it| it.as_array().unwrap().len() == 1);
    let delivery = listed[0]["id"].as_str().unwrap();
    assert_eq!(
        world.well(&format!("deliveries redeliver {ID} {delivery}")),
        format!("{delivery} is sent again, run 1\n")
    );
    world.eventually(&path, |it| it[0]["run"] == 1 && it[0]["status"] == "delivered");
    assert_eq!(world.run(&format!("deliveries redeliver {ID} {ID}")).code, 3);
}

#[test]
fn what_a_hook_missed_is_recovered() {
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud handler=log enabled=false"));
    for _ in 0..60 {
        world.well("events send --source crud --event routes");
    }
    let parked = format!("deliveries list {ID} --status parked");
    world.eventually(&parked, |it| it.as_array().unwrap().len() == 60);
    let refused = world.run(&format!("recover {ID} --since 1h"));
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("is disabled: enable it first"), "{refused:?}");

    world.well(&format!("hooks update {ID} enabled=true"));
    let recovered = world.run(&format!("recover {ID} --since 1h"));
    assert_eq!(
        (recovered.code, recovered.out.as_str()),
        (0, "60 of 60 sent again\n"),
        "{recovered:?}"
    );
    assert_eq!(recovered.err, "", "no bar where there is no terminal");
    world.eventually(&format!("deliveries list {ID} --status delivered"), |it| {
        it.as_array().unwrap().len() == 60
    });
    let begun = world.json(&format!("recover {ID} --since 1h --status delivered --no-wait"));
    assert_eq!(begun["accepted"], 60);
    assert_eq!(world.run("recover 10000000-0000-4000-8000-000000000000 --since 1h").code, 3);
}

#[test]
fn deliveries_are_followed_as_they_are_made() {
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud event=routes handler=log"));
    world.well("events send --source crud --event routes");
    world.eventually(&format!("deliveries list {ID}"), |it| it.as_array().unwrap().len() == 1);

    let words = format!("deliveries tail {ID} --last 1 --interval 0.1 -o json");
    let mut tail = Process::start(follow(&world, &words));
    let first: Value = serde_json::from_str(&tail.banner).unwrap();
    assert_eq!((&first["event"], &first["hook_id"]), (&"routes".into(), &ID.into()));
    assert_eq!(tail.interrupt(), Some(0), "Ctrl-C is no failure");

    // Of all hooks, those that come later too; what is past is not shown.
    let mut tail =
        follow(&world, "deliveries tail --count 2 --interval 0.1 -o json").spawn().unwrap();
    let began = Instant::now();
    while tail.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            tail.kill().unwrap();
        }
        world.run("hooks create source=balancer event=health handler=log id=10000000-0000-4000-8000-000000000000");
        world.well("events send --source balancer --event health");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let tail = tail.wait_with_output().unwrap();
    assert!(tail.status.success(), "{tail:?}");
    let lines = String::from_utf8(tail.stdout).unwrap();
    let sources =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["source"].clone());
    assert_eq!(sources.collect::<Vec<_>>(), ["balancer", "balancer"], "{lines}");
    assert_eq!(world.run("deliveries tail 20000000-0000-4000-8000-000000000000").code, 3);
}

#[test]
fn a_line_for_people_says_what_became_of_an_event() {
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud event=routes handler=lambda config.functions=return(error)"));
    world.well("events send --source crud --event routes");
    world.eventually(&format!("deliveries list {ID}"), |it| it.as_array().unwrap().len() == 1);
    let line = world.well("deliveries tail --last 5 --count 1");
    assert!(
        line.contains("  exhausted (script-error)  crud/routes  attempt 1  delivery "),
        "{line}"
    );
    assert!(!line.contains('\u{1b}'), "no colours where there is no terminal: {line}");
}
