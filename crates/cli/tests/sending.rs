//! Events, one or many.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    canned::Canned,
    world::{World, client, run},
};

const ID: &str = "6b1f3c5e-9d2a-4f7b-8a34-5c2f1e0d9b76";

fn lines(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        writeln!(text, r#"{{"source": "crud", "event": "routes", "n": {number}}}"#).unwrap();
        text
    })
}

/// How many deliveries there are but that of a last event, once all events were dispatched.
fn delivered(world: &World) -> usize {
    world.well("events send --source crud --event services");
    world.eventually("status", |it| it["queue_depth"]["events"] == 0);
    let listed = world.json(&format!("deliveries list {ID} --limit 100000"));
    let listed = listed.as_array().unwrap();
    assert!(listed.iter().any(|it| it["event"] == "services"), "{listed:?}");
    listed.len() - 1
}

#[test]
fn one_event_is_sent_from_the_command_line() {
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud handler=log"));
    let words = [
        "events",
        "send",
        "--source",
        "crud",
        "--event",
        "routes",
        "--data",
        r#"{"a": 1}"#,
        "--id",
        "x",
    ];
    let sent = world.run_all(&words, "");
    assert!(sent.out.starts_with("accepted 1 event: "), "{sent:?}");
    assert_eq!(world.run_all(&words, "").code, 0, "the same event again");
    assert_eq!(delivered(&world), 1, "is delivered once");
    let delivery = &world.json(&format!("deliveries list {ID}"))[1];
    let delivery = delivery["id"].as_str().unwrap();
    assert_eq!(world.json(&format!("deliveries get {ID} {delivery}"))["data"], json!({"a": 1}));
}

#[test]
fn many_events_are_sent_in_as_many_requests_as_it_takes() {
    let world = World::new();
    world.write("events.ndjson", &lines(2_001));
    assert_eq!(world.well("events send -f events.ndjson"), "accepted 2001 events in 3 requests\n");
    let array: Vec<Value> = lines(3).lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let sent = world.feed("events send -f - -o json", &format!("{:#}", Value::from(array)));
    let sent: Value = serde_json::from_str(&sent.out).unwrap();
    assert_eq!((&sent["accepted"], sent["ids"].as_array().unwrap().len()), (&json!(3), 3));
}

#[test]
fn what_is_sent_again_with_its_key_is_delivered_once() {
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud handler=log"));
    for _ in 0..2 {
        assert_eq!(world.feed("events send -f - --key k", &lines(1_001)).code, 0);
    }
    assert_eq!(delivered(&world), 1_001);
    assert_eq!(world.feed("events send -f -", &lines(1)).code, 0, "without a key");
    assert_eq!(world.feed("events send -f -", &lines(1)).code, 0, "each time is another time");
    world.eventually(&format!("deliveries list {ID} --limit 100000"), |it| {
        it.as_array().unwrap().len() == 1_004
    });
}

#[test]
fn events_that_are_refused_are_named_by_their_place() {
    let world = World::new();
    let input = lines(1_001) + "{\"source\": \"crud\", \"event\": \"consumer\"}\n";
    let refused = world.feed("events send -f - --key mine", &input);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused
            .err
            .contains("error: event 1002: event 'consumer' of source 'crud' is not in the catalog"),
        "{refused:?}"
    );
    assert!(
        refused.err.contains("1000 were accepted before; with the same input and --key mine"),
        "{refused:?}"
    );

    for (input, expected) in [
        ("", "error: there is no event in the input\n"),
        ("{}\n{\n", "error: event 2 is not JSON: EOF while parsing an object at line 3 column 0\n"),
    ] {
        let refused = world.feed("events send -f -", input);
        assert_eq!((refused.code, refused.err.as_str()), (1, expected), "{input:?}");
    }
}

#[test]
fn a_run_says_its_key_unless_nothing_of_it_can_have_been_accepted() {
    let message = r#"{"message": "no"}"#;
    for (name, status, body, says_key) in [
        ("a defect", "500 Internal Server Error", message, true),
        ("a gateway that lost the answer", "502 Bad Gateway", "<html>", true),
        ("one that waited too long", "504 Gateway Timeout", "", true),
        ("an answer that cannot be read", "202 Accepted", "{\"ids\": [", true),
        ("no time, for long", "503 Service Unavailable", message, true),
        ("a refusal", "400 Bad Request", message, false),
        (
            "a refusal with its events",
            "400 Bad Request",
            r#"{"message": "one", "errors": [{"index": 0, "message": "no"}]}"#,
            false,
        ),
        ("a wrong token", "401 Unauthorized", message, false),
        ("too large", "413 Payload Too Large", message, false),
    ] {
        let server = Canned::new(&[(status, "retry-after: 0\r\n", body)]);
        let words = ["events", "send", "--source", "a", "--event", "b", "--key", "k"];
        let ran = run(client(&[&["--url", &server.url], &words[..]].concat()), "");
        assert_ne!(ran.code, 0, "{name}: {ran:?}");
        let hint = "hint: what was sent may have been accepted; with the same input and --key k, \
                    no event runs twice\n";
        assert_eq!(ran.err.ends_with(hint), says_key, "{name}: {ran:?}");
        assert_eq!(ran.err.contains("--key"), says_key, "{name}: {ran:?}");
    }
}

#[test]
fn what_hooks_would_make_of_an_event_is_explained() {
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud handler=log"));
    assert_eq!(
        world.well("events explain --source crud --event routes"),
        format!(
            "EVENT        HOOK                                  OUTCOME     REASON    NEAREST  UNTIL\n\
                 crud/routes  {ID}  would_fire  no_rules\n"
        )
    );
    assert_eq!(delivered(&world), 0, "nothing was posted");
}

#[test]
fn who_has_no_time_is_asked_again_when_they_say() {
    let server = Canned::new(&[
        ("503 Service Unavailable", "retry-after: 1\r\n", r#"{"message": "later"}"#),
        ("429 Too Many Requests", "retry-after: 0\r\n", r#"{"message": "slowly"}"#),
        ("202 Accepted", "", r#"{"accepted": 1, "ids": ["an-id"]}"#),
    ]);
    let mut command = client(&["events", "send", "--source", "a", "--event", "b", "--key", "k"]);
    let began = std::time::Instant::now();
    let ran = run(
        {
            command.env("EVENT_HOOKS_URL", &server.url);
            command
        },
        "",
    );
    assert_eq!((ran.code, ran.out.as_str()), (0, "accepted 1 event: an-id\n"), "{ran:?}");
    assert!(began.elapsed().as_secs_f32() >= 1.0, "it waited");
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for request in asked {
        assert!(request.contains("idempotency-key: k:0\r\n"), "the same each time: {request}");
        assert!(request.ends_with("{\"source\":\"a\",\"event\":\"b\",\"data\":{}}\n"), "{request}");
    }
}
