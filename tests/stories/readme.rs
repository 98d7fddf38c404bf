//! The tour of README.md, as a newcomer types it.

use std::time::Duration;

use crate::{
    console::{self, Listener, without_chance},
    repository,
    world::World,
};

/// How long the receiver keeps quiet once it has printed everything.
const QUIET: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_is_what_a_newcomer_sees() {
    if !console::has_curl() {
        println!("skipped: README.md, for there is no curl");
        return;
    }
    let page = repository::read("README.md");
    let (world, listener) = (World::new().await, Listener::start(&["--secret", "s3cr3t"]).await);
    let banner = without_chance(&listener.banner);
    assert!(without_chance(&page).contains(&banner), "the listener says: {banner}");

    let receivers = [("localhost:9000", listener.address())];
    let commands = console::follow(&page, &world, &receivers).await;
    assert!(commands >= 8, "only {commands} commands found");

    let mut received = String::new();
    while let Ok(line) = listener.process.said.recv_timeout(QUIET) {
        received.push_str(&(line + "\n"));
    }
    let received = without_chance(&received);
    for shown in repository::code_blocks(&page).iter().filter(|it| it.language == "text") {
        let shown = without_chance(&shown.lines.join("\n"));
        assert!(received.contains(&shown), "not as shown:\n{shown}\nbut:\n{received}");
    }
    assert!(
        received.contains("#4 ") && !received.contains("#5 "),
        "ping, two that passed of three, and one for Slack: {received}"
    );
}
