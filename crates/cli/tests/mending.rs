//! Messages that could not be processed at all. The real server has none on demand.

use crate::{
    canned::Canned,
    world::{Ran, World, client, run},
};

const ID: &str = "10000000-0000-4000-8000-000000000000";
const OTHER: &str = "20000000-0000-4000-8000-000000000000";

fn ask(server: &Canned, words: &[&str]) -> Ran {
    run(client(&[&["--url", &server.url], words].concat()), "")
}

#[test]
fn there_is_no_poison_in_a_new_deployment() {
    let world = World::new();
    assert_eq!(world.well("poison list"), "there is no poison\n");
    for words in ["poison get", "poison redeliver", "poison drop --yes"] {
        let ran = world.run(&format!("{words} {ID}"));
        assert_eq!(
            (ran.code, ran.err),
            (3, format!("error: there is no poison {ID}\n")),
            "{words}"
        );
    }
    assert_eq!(world.run(&format!("poison drop {ID}")).code, 2, "nobody can be asked");
}

#[test]
fn poison_is_listed_and_shown_and_steers_no_terminal() {
    let message = format!(
        r#"{{"id": "{ID}", "queue": "events", "reason": "no task \u001b[2J", "receives": 50,
            "sent_at": "2026-11-21T08:00:00Z", "buried_at": "2026-11-21T09:00:00Z", "body": "a\u009bb\u202ec"}}"#
    );
    let list = format!(r#"{{"data": [{message}], "next": null}}"#);
    let server = Canned::new(&[("200 OK", "", &list), ("200 OK", "", &message)]);
    let listed = ask(&server, &["poison", "list"]).out;
    assert!(listed.contains(&format!("{ID}  events  2026-11-21T09:00:00Z  50")), "{listed}");
    assert!(server.asked()[0].starts_with("GET /poison?size=1000 "));
    for format in ["table", "json", "yaml"] {
        let shown = ask(&server, &["poison", "get", ID, "-o", format]).out;
        assert!(shown.contains("no task"), "{format}: {shown}");
        // In YAML, what turns the direction is a letter like others.
        let steers =
            |it: char| it.is_control() && it != '\n' || it == '\u{202e}' && format != "yaml";
        assert!(!shown.contains(steers), "{format}: {shown:?}");
    }
}

#[test]
fn nothing_that_a_deployment_answers_steers_a_terminal() {
    let bad = r"\u001b[2J\u009b\u202e";
    let of = |name: &str| format!(r#"{{"id": "{bad}", "{name}": "{bad}"}}"#);
    let list = |name: &str| format!(r#"{{"data": [{}], "next": null}}"#, of(name));
    for (words, answer) in [
        (
            &["events", "send", "--source", "a", "--event", "b"][..],
            format!(r#"{{"ids": ["{bad}"]}}"#),
        ),
        (&["recover", ID, "--since", "1h"], of("done")),
        (&["recover", ID, "--since", "1h", "--no-wait"], of("done")),
        (&["deliveries", "redeliver", ID, ID], of("run")),
        (&["deliveries", "tail", ID, "--last", "1", "--count", "1"], list("attempt")),
        (&["deliveries", "list", ID], list("attempt")),
        (&["hooks", "list"], list("source")),
        (
            &["sources", "list"],
            format!(r#"{{"data": {{"{bad}": {{"{bad}": {}}}}}}}"#, of("unique")),
        ),
    ] {
        let server = Canned::new(&[("200 OK", "", &answer)]);
        let ran = ask(&server, words);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        let steers = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
        let shown = ran.out + &ran.err;
        assert!(shown.contains("[2J") && !shown.contains(steers), "{words:?}: {shown:?}");
    }
}

#[test]
fn each_message_is_seen_to_whatever_becomes_of_the_others() {
    let server = Canned::new(&[
        ("404 Not Found", "", r#"{"message": "Not found"}"#),
        ("202 Accepted", "", &format!(r#"{{"id": "{OTHER}"}}"#)),
        ("503 Service Unavailable", "retry-after: 0\r\n", r#"{"message": "later"}"#),
        ("409 Conflict", "", r#"{"message": "no task of this release"}"#),
    ]);
    let ran = ask(&server, &["poison", "redeliver", ID, OTHER, ID, OTHER, "-o", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.out, format!("[\n  {{\n    \"id\": \"{OTHER}\"\n  }}\n]\n"));
    for line in [
        &*format!("error: there is no poison {ID}\n"),
        "error: later\n",
        "error: no task of this release\n",
    ] {
        assert!(ran.err.contains(line), "{ran:?}");
    }
    assert_eq!(server.asked().len(), 4, "none is asked for twice");
}
