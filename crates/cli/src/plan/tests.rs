use std::fs;

use serde_json::json;

use super::*;
use crate::hook_file::{self, Others};

const A: &str = "aaaaaaaa-0000-4000-8000-000000000000";
const B: &str = "bbbbbbbb-0000-4000-8000-000000000000";

/// The hooks of a file with this text.
fn wanted(text: &str) -> Vec<Wanted> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hooks.yaml");
    fs::write(&path, text).unwrap();
    hook_file::read(&[path], None, Others::Kept).unwrap()
}

fn existing(id: &str, event: &str, snooze: u32) -> Hook {
    let hook = json!({
        "id": id, "source": "crud", "event": event, "handler": "log",
        "on_change": null, "snooze": snooze, "config": {},
    });
    hook.as_object().unwrap().clone()
}

/// The steps in a word each, with the hook's id where it has one.
fn in_short(steps: &[Step]) -> Vec<String> {
    let words = steps.iter().map(|step| match step {
        Step::Create { wanted } => format!("create #{wanted}"),
        Step::Change { before, changes, .. } => {
            let names = changes.keys().map(String::as_str).collect::<Vec<_>>().join(",");
            format!("change {} {names}", &id(before).unwrap().to_string()[..1])
        }
        Step::Keep { hook } => format!("keep {}", &id(hook).unwrap().to_string()[..1]),
        Step::Delete { hook } => format!("delete {}", &id(hook).unwrap().to_string()[..1]),
    });
    words.collect()
}

#[test]
fn what_must_be_done() {
    let there = [existing(A, "consumers", 60), existing(B, "routes", 60)];
    let by_id = |id: &str, event: &str, snooze: u32| {
        format!("- {{id: {id}, source: crud, event: {event}, handler: log, snooze: {snooze}}}\n")
    };
    let alike = |event: &str, snooze: u32| {
        format!("- {{source: crud, event: {event}, handler: log, snooze: {snooze}}}\n")
    };
    for (name, text, prune, expected) in [
        ("nothing is wanted", "[]".to_owned(), false, &[][..]),
        ("nothing is wanted, and nothing else", "[]".to_owned(), true, &["delete a", "delete b"]),
        ("as it is", by_id(A, "consumers", 60), false, &["keep a"]),
        ("as it is, and nothing else", by_id(A, "consumers", 60), true, &["keep a", "delete b"]),
        ("another snooze", by_id(A, "consumers", 5), false, &["change a snooze"]),
        ("another event, by its id", by_id(A, "plugins", 60), false, &["change a event"]),
        ("an id in capital letters", by_id(&A.to_uppercase(), "consumers", 60), false, &["keep a"]),
        ("an id that is new", by_id(&A.replace('a', "c"), "consumers", 60), false, &["create #0"]),
        ("alike", alike("routes", 60), false, &["keep b"]),
        ("alike, with another snooze", alike("routes", 5), false, &["change b snooze"]),
        ("unlike all", alike("plugins", 60), true, &["create #0", "delete a", "delete b"]),
        (
            "alike, but named by an id elsewhere",
            by_id(B, "routes", 60) + &alike("routes", 60),
            false,
            &["keep b", "create #1"],
        ),
    ] {
        assert_eq!(in_short(&plan(&wanted(&text), &there, prune).unwrap()), expected, "{name}");
    }
}

#[test]
fn what_only_an_id_can_tell_is_not_guessed() {
    let there = [existing(A, "routes", 60), existing(B, "routes", 5)];
    for (name, text, line, why) in [
        (
            "two of the deployment",
            "- {source: crud, event: routes, handler: log}\n".to_owned(),
            1,
            format!("there are several crud/routes log: say an id, one of {A}, {B}"),
        ),
        (
            "two of the file",
            "- {source: a, handler: log}\n- {source: a, handler: log, snooze: 1}\n".to_owned(),
            2,
            "only an id tells this hook from that of ".to_owned(),
        ),
        (
            "one id twice",
            format!(
                "- {{id: {A}, source: a, handler: log}}\n- {{id: {A}, source: b, handler: log}}\n"
            ),
            2,
            "id: is that of ".to_owned(),
        ),
    ] {
        let mistakes = plan(&wanted(&text), &there, false).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{name}: {mistakes:?}");
        assert!(mistakes[0].contains(&format!("hooks.yaml:{line}: {why}")), "{name}: {mistakes:?}");
    }
}

#[test]
fn once_done_there_is_nothing_to_do() {
    let text = format!(
        "- {{id: {A}, source: crud, event: plugins, handler: log}}\n- {{source: new, handler: log}}\n"
    );
    let wanted = wanted(&text);
    let there = [existing(A, "consumers", 60), existing(B, "routes", 60)];
    let mut after = Vec::new();
    for step in plan(&wanted, &there, true).unwrap() {
        match step {
            Step::Create { wanted: index } => {
                let mut hook = existing(&A.replace('a', "c"), "", 0);
                hook.extend([
                    ("event".to_owned(), Value::Null),
                    ("snooze".to_owned(), Value::Null),
                ]);
                hook.extend(wanted[index].hook.clone());
                after.push(hook);
            }
            Step::Change { before, changes, .. } => after.push(hook::changed(&before, &changes)),
            Step::Keep { hook } => after.push(hook),
            Step::Delete { .. } => {}
        }
    }
    assert_eq!(in_short(&plan(&wanted, &after, true).unwrap()), ["keep a", "keep c"]);
}
