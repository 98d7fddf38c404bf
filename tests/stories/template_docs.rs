//! docs/templates.md, as somebody reads it who tries everything, and then takes a hook from it.

use serde_json::Value;
use testkit::receiver::{Received, Receiver};

use crate::{
    console::{self, Listener},
    repository::{self, CodeBlock},
    world::World,
};

const PAGE: &str = "docs/templates.md";

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_what_the_page_says() {
    if !console::has_curl() {
        println!("skipped: the commands of {PAGE}, for there is no curl");
        return;
    }
    let (world, listener) = (World::new().await, Listener::start(&[]).await);
    let receivers = [("localhost:9000", listener.address())];
    let commands = console::follow(&repository::read(PAGE), &world, &receivers).await;
    assert!(commands >= 4, "only {commands} commands found");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hook_on_the_page_sends_what_stands_below_it() {
    if !console::has_curl() {
        println!("skipped: the hooks of {PAGE}, for there is no curl");
        return;
    }
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let page = repository::read(PAGE);
    let blocks = repository::code_blocks(&page);
    let events: Vec<_> = blocks.iter().filter(|it| posts_to(it, "/events")).collect();
    let mut hosts = Vec::new();
    let mut rest = blocks.iter();
    while let Some(block) = rest.find(|it| posts_to(it, "/event-hooks")) {
        let hook = body_of(block);
        let url = hook["config"]["url"].as_str().unwrap();
        let (host, path) = url["https://".len()..].split_once('/').unwrap();
        let here = format!("{}{path}", receiver.url());
        let id = made_by(block, &world, (url, &here))["id"].as_str().unwrap().to_owned();

        let is_its = |it: &CodeBlock<'_>| ["source", "event"].map(|name| body_of(it)[name].clone());
        let wanted = ["source", "event"].map(|name| hook[name].clone());
        let event = events.iter().find(|it| is_its(it) == wanted).expect("an event for the hook");
        assert_eq!(made_by(event, &world, ("", ""))["accepted"], 1);

        let expected = rest.next().expect("a request below the hook");
        assert_eq!(expected.language, "http");
        assert_is(&receiver.next().await, &expected.lines);
        world.send("DELETE", &format!("/event-hooks/{id}"), &Value::Null).await;
        hosts.push(host.to_owned());
    }
    let promised = [
        "hooks.slack.com",
        "hooks.slack.com",
        "prod-00.westeurope.logic.azure.com",
        "discord.com",
        "events.pagerduty.com",
        "api.opsgenie.com",
        "example.com",
        "example.com",
    ];
    assert_eq!(hosts, promised);
}

/// Is this a command that posts to this path of the server?
fn posts_to(block: &CodeBlock<'_>, path: &str) -> bool {
    let begins = format!("curl -s localhost:8001{path} ");
    block.language == "sh" && block.lines[0].starts_with(&begins)
}

/// What such a command sends: what stands between its first and last line.
fn body_of(block: &CodeBlock<'_>) -> Value {
    let body = &block.lines[1..block.lines.len() - 1];
    serde_json::from_str(&body.join("\n")).unwrap()
}

/// What the server answers to such a command.
fn made_by(block: &CodeBlock<'_>, world: &World, here: (&str, &str)) -> Value {
    let server = ("localhost:8001", world.url().trim_start_matches("http://"));
    let here = [server, here].into_iter().filter(|(on_page, _)| !on_page.is_empty());
    let (command, printed) = console::typed(&block.lines.join("\n"), here);
    serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{command}: {printed}"))
}

/// Asserts that this is the request that the page shows. There, JSON may be spread over lines.
fn assert_is(request: &Received, lines: &[&str]) {
    let end = lines.iter().position(|line| line.is_empty()).expect("an empty line");
    let (first, headers) = lines[..end].split_first().expect("a first line");
    assert_eq!(format!("{} {}", request.method, request.path), *first);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        assert_eq!(request.header(name), Some(value), "{first}");
    }
    let shown = lines[end + 1..].join("\n");
    if shown != request.text() {
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(request.text(), shown.to_string(), "{first}");
    }
}
