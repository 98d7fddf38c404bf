//! `event-hooks listen`: the receiver for those who have none.

use serde_json::json;

use crate::world::{PATIENCE, Process, World, a_change, a_webhook};

/// A listener, and where it listens.
fn listener(arguments: &[&str]) -> (Process, String) {
    let arguments = ["listen", "--listen", "127.0.0.1:0"].iter().chain(arguments);
    let process = Process::start(arguments, []);
    let banner = process.said.recv_timeout(PATIENCE).expect("it says where it listens");
    let url = banner.trim_start_matches("listening on ").split(',').next().unwrap().to_owned();
    (process, url)
}

/// What it prints of one request, up to the end of the body.
fn shown(process: &Process) -> String {
    let mut text = String::new();
    while !text.ends_with("\n}\n") {
        let line = process.said.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("only: {text}"));
        text.push_str(&(line + "\n"));
    }
    text
}

#[tokio::test]
async fn it_says_whether_signatures_hold() {
    for (name, secret, of_hook, expected) in [
        ("the right secret", "s3cr3t", json!("s3cr3t"), "valid"),
        ("another secret", "s3cr3t", json!("another"), "INVALID: the signature does not match"),
        ("an unsigned hook", "s3cr3t", json!(null), "absent"),
    ] {
        let (process, url) = listener(&["--secret", secret]);
        let world = World::new().await;
        let mut hook = a_webhook(&url);
        hook["config"]["secret"] = of_hook;
        world.hook(&hook).await;
        let ping = shown(&process);
        assert!(ping.contains("kong:event_hooks"), "{ping}");
        world.publish(&a_change()).await;
        let event = shown(&process);
        for signature in ["x-kong-signature", "webhook-signature"] {
            let line = event.lines().find(|line| line.trim_start().starts_with(signature)).unwrap();
            assert!(line.contains(expected), "{name}: {line}");
        }
        assert!(event.contains("\"username\": \"Ada Lovelace\""), "{event}");
    }
}

#[tokio::test]
async fn it_answers_as_it_is_told() {
    let (process, url) = listener(&["--status", "503"]);
    let world = World::new().await;
    let hook = world.hook(&a_webhook(&url)).await;
    shown(&process);
    let deliveries =
        world.deliveries(&hook, |all| all.iter().any(|it| it["status"] == "pending")).await;
    let delivery = world.delivery(&hook, &deliveries[0]["id"]).await;
    assert_eq!(delivery["attempts"][0]["status"], 503);
}
