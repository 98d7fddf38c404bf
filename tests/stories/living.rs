//! The process: how it starts, refuses to, stops, dies and comes back.

use std::{net::TcpListener, time::Duration};

use testkit::receiver::{Answer, Receiver};

use crate::world::{Process, World, a_change, a_webhook};

/// Starts the binary where it must refuse, and answers what it said.
fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut process = Process::start(arguments, environment);
    let status = process.ended();
    assert!(!status.success(), "{arguments:?} was accepted");
    process.logged.lock().unwrap().clone()
}

#[test]
fn what_cannot_work_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let free = folder.path().join("free").display().to_string();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below_a_file = file.join("data").display().to_string();
    let no_database = folder.path().join("other");
    std::fs::create_dir(&no_database).unwrap();
    std::fs::write(no_database.join("event-hooks.db"), "a text, and no short one: ".repeat(100))
        .unwrap();
    let no_database = no_database.display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let any = "127.0.0.1:0";

    let data = "EVENT_HOOKS_DATA";
    for (name, arguments, environment, expected) in [
        (
            "a port in use",
            &["--listen", &taken][..],
            &[(data, free.as_str())][..],
            &["--listen", "in use"][..],
        ),
        ("a folder below a file", &["--listen", any], &[(data, &below_a_file)], &[&below_a_file]),
        (
            "a database that is none",
            &["--listen", any],
            &[(data, &no_database)],
            &["event-hooks.db", "not a database"],
        ),
        (
            "open to all without a token",
            &["--listen", "0.0.0.0:0"],
            &[(data, &free)],
            &["EVENT_HOOKS_ADMIN_TOKEN"],
        ),
        (
            "a token that says nothing",
            &["--listen", any],
            &[(data, &free), ("EVENT_HOOKS_ADMIN_TOKEN", "")],
            &["EVENT_HOOKS_ADMIN_TOKEN is empty", "set it", "unset it"],
        ),
        (
            "a wrong flag's value",
            &["--signature", "md5"],
            &[],
            &["--signature", "md5", "sha1, sha256"],
        ),
        (
            "a wrong variable's value",
            &[],
            &[("EVENT_HOOKS_TIMEOUT", "long")],
            &["EVENT_HOOKS_TIMEOUT", "long"],
        ),
        (
            "a network that is none",
            &["--egress-allow", "here"],
            &[],
            &["--egress-allow", "10.0.0.0/8"],
        ),
        ("an unknown flag", &["--frob"], &[], &["--frob"]),
    ] {
        let said = refused(arguments, environment);
        for part in expected {
            assert!(said.contains(part), "{name}: no '{part}' in: {said}");
        }
        assert!(!said.contains("panicked"), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused() {
    let world = World::new().await;
    let data = world.data().display().to_string();
    let said = refused(&["--listen", "127.0.0.1:0"], &[("EVENT_HOOKS_DATA", &data)]);
    assert!(said.contains(&data) && said.contains("another"), "{said}");
    assert_eq!(world.get("/status").await.status, 200, "the first one goes on");
}

#[tokio::test]
async fn everything_is_remembered_over_a_restart() {
    let world = World::new().await;
    let receiver = Receiver::http().await;
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    world
        .send("PUT", "/event-hooks/sources/plugin/log", &serde_json::json!({"fields": ["x"]}))
        .await;
    world.deliveries(&hook, |all| all.iter().any(|it| it["status"] == "delivered")).await;

    let world = world.restarted().await;

    assert_eq!(world.get(&format!("/event-hooks/{hook}")).await.status, 200);
    assert_eq!(world.get("/event-hooks/sources/plugin/log").await.status, 200);
    world.deliveries(&hook, |all| all.len() == 1).await;
    world.publish(&a_change()).await;
    receiver.next().await;
}

#[tokio::test]
async fn what_was_in_flight_when_it_was_killed_is_taken_up_again() {
    let mut world = World::new().await;
    let receiver = Receiver::http().await;
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    world.deliveries(&hook, |all| all.iter().any(|it| it["status"] == "delivered")).await;

    receiver.script([Answer::status(200).after(Duration::from_mins(1))]);
    world.publish(&a_change()).await;
    let first = receiver.next().await;
    world.process_mut().kill();
    let began = std::time::Instant::now();
    let world = world.restarted().await;

    let again = receiver.next().await;
    assert!(began.elapsed() < Duration::from_secs(5), "took {:?}", began.elapsed());
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.body, first.body);
    world
        .deliveries(&hook, |all| all.len() == 2 && all.iter().all(|it| it["status"] == "delivered"))
        .await;
}

/// On threads of their own, for the receiver must answer while the story waits.
#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_ends_what_is_running_and_keeps_the_rest() {
    let mut world = World::new().await;
    let receiver = Receiver::http().await;
    let hook = world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;
    world.deliveries(&hook, |all| all.iter().any(|it| it["status"] == "delivered")).await;
    receiver.script([Answer::status(200).after(Duration::from_secs(2))]);
    world.publish(&a_change()).await;
    receiver.next().await;

    world.process().terminate();
    let status = world.process_mut().ended();
    assert!(status.success(), "{status}");

    let world = world.restarted().await;
    world
        .deliveries(&hook, |all| all.len() == 2 && all.iter().all(|it| it["status"] == "delivered"))
        .await;
    assert_eq!(receiver.requests().len(), 2, "the running attempt ended, and was not made again");
}
